/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers: from the configuration into a set that the interceptor asks, and again whenever the
 * file has changed; and with them the legal holds.
 *
 * `callers`, `denied`, `persons` and `legal_holds` are all that is taken from a changed file; the
 * rest waits for a restart. A file with any error changes nothing.
 */
#ifndef SERVER_CALLERS_H
#define SERVER_CALLERS_H

#include "audit/legal_holds.h"
#include "config/config.h"
#include "interceptors/caller_set.h"

struct callers {
    const struct config *config; /* that the server started with */
    struct metrics *metrics;
    struct snapshot set;              /* of struct caller_set */
    struct snapshot holds;            /* of struct legal_holds */
    uint64_t signature;               /* of the file when it was last read */
    void (*on_loaded)(void *context); /* or NULL; another configuration is in force */
    void *context;
};

/* What the server started with.  `config` and `metrics` must outlive it. */
void callers_init(struct callers *callers, const struct config *config, struct metrics *metrics);
void callers_release(struct callers *callers);

/* Read the file again if it has changed, or in any case.  On one thread. */
void callers_look(struct callers *callers, bool is_kicked);

#endif
