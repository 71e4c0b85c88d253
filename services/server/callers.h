/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers: from the configuration into a set that the interceptor asks, and again whenever the
 * file has changed.
 *
 * `callers`, `denied` and `persons` are all that is taken from a changed file; the rest waits for a
 * restart. A file with any error changes nothing.
 */
#ifndef SERVER_CALLERS_H
#define SERVER_CALLERS_H

#include "config/config.h"
#include "interceptors/caller_set.h"

struct callers {
    const struct config *config; /* that the server started with */
    struct metrics *metrics;
    struct snapshot set; /* of struct caller_set */
    uint64_t signature;  /* of the file when it was last read */
};

/* What the server started with.  `config` and `metrics` must outlive it. */
void callers_init(struct callers *callers, const struct config *config, struct metrics *metrics);
void callers_release(struct callers *callers);

/* Read the file again if it has changed, or in any case.  On one thread. */
void callers_look(struct callers *callers, bool is_kicked);

#endif
