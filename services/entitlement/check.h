/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check as a use case that knows no transport: who is asked about, what is known of them, what
 * the directives say, what goes on record.
 *
 * A run is one question or a batch of them, decided at one moment under one directive set and
 * recorded once.  It is resolved (facts from the cache, else from the store), decided (pure),
 * recorded, and then answered.  When everything is at hand that happens at once, on the caller's
 * thread and in the caller's arena.
 */
#ifndef ENTITLEMENT_CHECK_H
#define ENTITLEMENT_CHECK_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "domain/directive/evaluate.h"
#include "domain/field/limits.h"
#include "entitlement/lease.h"
#include "interceptors/budget.h"
#include "storage/facts_cache.h"
#include "storage/revision.h"
#include "telemetry/audit.h"
#include "telemetry/metrics.h"

enum {
    CHECK_BATCH_MAX = 1000,
    CHECK_ALSO_SUBJECTS_MAX = 8,
    /* Of one question: its subjects, the persons behind them, and an organization. */
    CHECK_PARTIES_MAX = (1 + CHECK_ALSO_SUBJECTS_MAX) * (1 + RECORD_PRINCIPALS_MAX) + 1,
    CHECK_TOKEN_BYTES_MAX = 8 * 1024,
};

struct watches;

struct entitlement_options {
    struct snapshot *directives; /* of struct directive_set */
    struct snapshot *shadow;     /* the same: of the set that is tried beside it; or NULL */
    struct snapshot *keys;       /* of struct key_ring, for claim tokens and receipts */
    struct facts_cache *cache;
    struct store *store;
    const struct names *names;
    const struct organizations *organizations;
    struct audit_log *audit;
    bool is_every_answer_durable; /* audit mode `durable` */
    struct metrics *metrics;
    const struct clock *clock;
    struct span issuer;         /* of claim tokens and receipts */
    struct span realm_audience; /* their aud when they are used here */
    int64_t max_age_ms;         /* how long an answer may be reused at most */
    int64_t lease_ms;           /* of restricted resources, where directives ask for no shorter one
                                 */
    int64_t store_timeout_ms;
    struct watches *watches; /* of WatchRevisions */
};

struct entitlement;

struct entitlement *entitlement_new(const struct entitlement_options *options);
void entitlement_free(struct entitlement *entitlement);
const struct entitlement_options *entitlement_options(const struct entitlement *entitlement);
/* The registered organization whose id has this hash, or NULL. */
const struct organization *entitlement_organization(const struct entitlement *entitlement,
                                                    struct hash128 subject);

/* One question, as it came in.  The texts belong to the run's arena. */
struct check_input {
    struct span subject;     /* this, or … */
    struct span claim_token; /* … this */
    struct span on_behalf_of;
    struct span also_subjects[CHECK_ALSO_SUBJECTS_MAX];
    size_t also_subject_count;
    struct span resource_type;
    struct span resource_id;
    struct span action;
    const struct directive_context *context;
    size_t context_count;
    bool wants_handles;
    bool wants_receipt; /* the answer waits for its record, to which the receipt refers */
};

/* Bounds and characters of every field; errors name the field ("resource.type"). */
MUST_CHECK bool check_validate(const struct check_input *input, struct err *err);

/*
 * Does the question stay within the limits of who asks?  OUTSIDE_LIMITS, whatever there is and
 * whatever is known: the subject, every further one, the resource and the purpose (`purpose` of the
 * context).  A claim token names nobody that could be looked at here: it is good only for the
 * caller that it was issued to, within its limits.  NULL: there are none.
 */
MUST_CHECK bool check_limits(const struct limits *limits, const struct check_input *input,
                             struct err *err);

enum party_role { PARTY_SUBJECT, PARTY_PRINCIPAL, PARTY_ALSO_SUBJECT, PARTY_ORGANIZATION };

/* One whom the decision is about; all must pass. */
struct check_party {
    enum party_role role;
    struct hash128 subject; /* zero for an organization */
    const struct facts *facts;
    uint64_t number; /* of the partition, at which the facts were true */
    int64_t read_at_ms;
    bool is_stale;
};

/* What would have come of it if the directives that are tried were in force: for the record and for
 * nobody else. */
struct check_shadow {
    bool is_there; /* something that is tried has to do with the resource */
    enum truth truth;
    enum decision_reason reason;
    const struct directive *decisive;
};

/* What came of one question. */
struct check_result {
    bool is_failed; /* no decision was made: `err` says why */
    struct err err;
    bool is_allowed;
    enum decision_reason reason;
    struct directive_answer answer; /* of the party that decided */
    struct span instead;            /* "model/opus-4"; empty: none */
    uint32_t vary_context;          /* of all parties */
    int64_t max_age_ms;
    int64_t facts_age_ms;
    bool is_stale;
    struct hash128 subject;      /* for the record */
    const struct hash128 *whose; /* whose facts decided; only if the question wants handles */
    size_t whose_count;
    bool is_by_claim;
    struct check_shadow shadow;
};

/* With which answer a batch is over: what follows it is neither told nor recorded.  An error is no
 * permission. */
enum check_end { CHECK_END_NEVER, CHECK_END_REFUSED, CHECK_END_ALLOWED };

struct check_run;

/* What a door gives and gets.  Filled by the door up to `inputs`; the rest is the run's. */
struct check_order {
    struct entitlement *entitlement;
    struct span caller;          /* authenticated id; for the record, and azp of claim tokens */
    struct span method;          /* for the record */
    const struct limits *limits; /* of the caller; NULL: none.  Live as long as the run's arena */
    const struct budget *budget; /* likewise */
    const struct check_input *inputs;
    size_t count; /* 1 to CHECK_BATCH_MAX; once decided, of those that were answered */
    enum check_end ends;
    bool is_batch; /* several questions, or one that came in a batch */
    bool is_terse; /* the caller learns decisions and nothing else: an organization that is
                      not registered is a refusal like any other */
    struct span min_revision; /* empty: none */
    uint32_t worker_index;    /* whose metrics; METRICS_NO_WORKER */
    int64_t started_ns;

    size_t asked_count;           /* as many as the door gave */
    struct directive_set *set;    /* a reference of the order's own */
    struct directive_set *shadow; /* likewise, of `set`; NULL: nothing is tried */
    int64_t asked_ms;             /* wall time of the run */
    int64_t now_ms;     /* the moment that is decided for: the same, but for explanations */
    struct lease lease; /* when it was last tried to decide */
    struct check_result *results; /* as many as inputs; `count` of them hold */
    struct revision least;        /* min_revision, read */
    struct revision revision;     /* of the facts that were used; of a batch the newest */
    uint64_t sequence;            /* of the audit record */
};

/*
 * Try to decide with what is at hand.  True: done; with *ret_is_ok `order` holds the results,
 * without `err` says why there are none.  False: something has to be waited for, and nothing has
 * happened yet.
 */
bool check_try(struct check_order *order, struct arena *arena, bool *ret_is_ok, struct err *err);

/* A run that waits.  Owned by whoever started it; freed by check_run_free() after `on_done`. */
struct check_run {
    struct check_order order;
    struct arena arena; /* holds the inputs and everything found out */
    struct inbox *reply_to;
    void (*on_done)(struct check_run *run);
    void *owner; /* NULL: nobody waits any more, on_done only frees the run */
    bool is_ok;
    struct err err;

    /* The run's own: see run.c. */
    struct check_lookups *lookups;
    size_t pending;
    struct audit_waiter audit_waiter;
    bool is_recorded;
};

/* Takes `arena`, in which the inputs live. */
struct check_run *check_run_new(const struct check_order *order, struct arena arena,
                                struct inbox *reply_to, void (*on_done)(struct check_run *run),
                                void *owner);

/* Decide, waiting for the store and the log as needed.  `on_done` runs once on the thread of
 * `reply_to`, which is this one: possibly before this returns. */
void check_run_go(struct check_run *run);
/* Nobody waits any more: what rpc_call_park() wants to be told with.  `run` is a struct check_run.
 */
void check_run_abandon(void *run);
void check_run_free(struct check_run *run);

/* Release what the order refers to (the directive sets). */
void check_order_release(struct check_order *order);

#endif
