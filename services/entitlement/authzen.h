/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AuthZEN door to the check (OpenID AuthZEN Authorization API 1.0, HTTPS binding).
 *
 * A request whose facts are at hand is decided and answered on the HTTP thread that read it.  What
 * has to wait for the store or the audit log is parked, and goes on on a thread of the door's own,
 * which answers it.  The same callers' rules, budgets, bound on what is in flight, lease and
 * records hold as for gRPC; docs/authzen.md has the contract.
 */
#ifndef ENTITLEMENT_AUTHZEN_H
#define ENTITLEMENT_AUTHZEN_H

#include "entitlement/check.h"
#include "http/http.h"
#include "interceptors/caller.h"
#include "rpc/server.h"

struct authzen_options {
    struct entitlement *entitlement;
    const struct caller_options *caller;
    bool has_local;         /* who asks without a key may be `local`: interceptors/http_caller.h */
    const char *url;        /* below which clients reach it */
    struct rpc_server *rpc; /* whose bound on what is in flight holds here as well; NULL: none */
    int64_t deadline_ms;    /* of a request that waits */
};

struct authzen;

/* What the options refer to must outlive it.  Starts its thread. */
struct authzen *authzen_new(const struct authzen_options *options);

/* Its routes. */
struct http_group authzen_group(struct authzen *authzen);

/* When the HTTP servers are gone, and the facts cache is still there: ends the thread, and gives up
 * what waits.  NULL is allowed, here and below. */
void authzen_stop(struct authzen *authzen);

/* When store and audit log have answered everything. */
void authzen_free(struct authzen *authzen);

#endif
