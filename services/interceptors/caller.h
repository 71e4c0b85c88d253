/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller: the authenticated service that asks, and what its binding allows.
 *
 * On TLS the caller is the SPIFFE id of its certificate (exactly one URI SAN), or a DNS name of the
 * certificate that a binding names; never the CN, a header or the peer string.  On plaintext
 * loopback there is one caller, `local`, with every role.  Who has no binding may ask who he is,
 * and nothing else; who is on the deny list not even that.  Over HTTP the caller is whose API key
 * was sent: interceptors/http_caller.h.
 *
 * Refusals by identity, role and limit go on record here, and are counted by their reason.
 */
#ifndef INTERCEPTORS_CALLER_H
#define INTERCEPTORS_CALLER_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "base/span.h"
#include "domain/field/limits.h"
#include "interceptors/budget.h"
#include "rpc/call.h"
#include "rpc/interceptor.h"
#include "telemetry/audit.h"
#include "telemetry/metrics.h"

enum role {
    ROLE_SUBMITTER = 1 << 0,   /* submits verification results */
    ROLE_ATTESTER = 1 << 1,    /* says who is affiliated with an organization */
    ROLE_ISSUER = 1 << 2,      /* has claims issued */
    ROLE_CHECKER = 1 << 3,     /* asks for entitlements */
    ROLE_PROPOSER = 1 << 4,    /* proposes directives */
    ROLE_APPROVER = 1 << 5,    /* approves them */
    ROLE_AUDITOR = 1 << 6,     /* reads what was decided and why */
    ROLE_OPERATOR = 1 << 7,    /* runs the service */
    ROLE_BOUND = (1 << 8) - 1, /* whoever has a binding */
    ROLE_ANYONE = 1 << 8,      /* whoever the transport let in */
};

/* What a caller is told, each level with all before it. */
enum disclose {
    DISCLOSE_DECISION,  /* allowed or not; every refusal looks the same */
    DISCLOSE_NEXT_STEP, /* … the reason, the obligations, another resource */
    DISCLOSE_REASONS,   /* … the directives */
    DISCLOSE_FACTS,     /* … nationality and the like */
};

struct caller {
    struct span id;
    uint32_t roles; /* ROLE_* bits */
    enum disclose disclose;
    enum rpc_authentication authentication;
    bool is_local;               /* plaintext loopback: attests for all */
    bool is_by_api_key;          /* known by a key over HTTP, and by no certificate */
    const struct limits *limits; /* NULL: none */
    const struct budget *budget; /* NULL: none; see interceptors/admission.h */
};

struct caller_options {
    struct snapshot *callers; /* of struct caller_set: who may do what over TLS */
    struct audit_log *audit;  /* for refusals; NULL: they go on no record */
    struct metrics *metrics;  /* or NULL */
    const struct clock *clock;
};

/* Finds the caller, checks the method's roles: UNAUTHENTICATED, CALLER_DENIED, or ROLE_MISSING,
 * which tells nothing about what was asked for.  `options` must outlive the server. */
struct rpc_interceptor caller_interceptor(const struct caller_options *options);

/* Plaintext loopback. */
extern const struct caller caller_local;

/* A request that was refused because of who asked.  `caller` is empty while nobody is known. */
struct caller_refusal {
    struct span caller;
    struct span method;
    int64_t started_ns;
    enum err_code code;
    bool goes_unrecorded; /* it is counted, and there are too many of its kind to record */
};

/* Put it on record and count it, as happens by itself to a call; other codes are left alone.  Any
 * thread. */
void caller_note_refusal(const struct caller_options *options,
                         const struct caller_refusal *refusal);

/* The caller of a call that got past the interceptor. */
const struct caller *caller_of(const struct rpc_call *call);

/* May it ask about this subject?  OUTSIDE_LIMITS, the same whether there is such a subject or not:
 * to be asked before anything is looked up. */
MUST_CHECK bool caller_reaches(const struct caller *caller, struct span subject, struct err *err);

/* May it have what is about all subjects at once?  OUTSIDE_LIMITS. */
MUST_CHECK bool caller_reaches_all(const struct caller *caller, struct err *err);

/* For an item of a bidirectional stream, whose error ends no call: put a refusal by limit on record
 * and count it, as happens by itself to a call that ends with one.  Other errors are left alone. */
void caller_note_item(struct rpc_call *call, const struct err *err);

const char *role_name(enum role role);
const char *disclose_name(enum disclose disclose);

#endif
