/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller of an HTTP request: whose API key it carries, as `Authorization: Bearer pgk_…`.
 *
 * Without a key it is `local` where that is on, while no binding is by API key, and only for a
 * request that does not look as if somebody else's: none that a proxy has marked as handed on, and
 * none to a host name that is not this machine's (a page in a browser here may come from anywhere
 * and have its name point here).  No header makes anybody a caller; some make sure that he is none.
 */
#ifndef INTERCEPTORS_HTTP_CALLER_H
#define INTERCEPTORS_HTTP_CALLER_H

#include "http/http.h"
#include "interceptors/caller.h"

struct http_callers_options {
    const struct caller_options *caller; /* must outlive them */
    bool has_local; /* plaintext on loopback, and the configuration does not forbid it */
};

struct http_callers;

struct http_callers *http_callers_new(const struct http_callers_options *options);
/* NULL is allowed. */
void http_callers_free(struct http_callers *callers);

/*
 * Find the caller, who lives as long as the arena, and check that it has one of `roles`:
 * UNAUTHENTICATED, CALLER_DENIED, ROLE_MISSING.  *ret_caller is set in any case: NULL while nobody
 * is known.  Only in the handler.
 */
MUST_CHECK bool http_callers_find(const struct http_callers *callers,
                                  struct http_exchange *exchange, uint32_t roles,
                                  struct arena *arena, const struct caller **ret_caller,
                                  struct err *err);

/* The key is overwritten where the request has it: once nobody looks for its caller any more. */
void http_callers_wipe(struct http_exchange *exchange);

/*
 * Record and count a refusal.  Anybody can make them who reaches the port: of those of nobody's
 * only HTTP_CALLERS_STRANGERS_PER_SECOND go on record, so that the log stays there for the others.
 * False: this one did not.  Any thread.
 */
enum { HTTP_CALLERS_STRANGERS_PER_SECOND = 10 };
bool http_callers_note(struct http_callers *callers, const struct caller_refusal *refusal);

#endif
