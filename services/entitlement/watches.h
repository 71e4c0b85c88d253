/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches: the streams that tell what changes, and the thread that has them look.
 *
 * The store's thread only notes a change and rings.  A thread of the watches' own then posts one
 * round to the worker of every stream, at most every few milliseconds, so that a burst costs a
 * round and not a message a change; and without a change every half heartbeat.  In its round a
 * stream reads from the change log what it has not told yet: what a slow client has not been sent
 * stays there, and costs nothing of its own.
 */
#ifndef ENTITLEMENT_WATCHES_H
#define ENTITLEMENT_WATCHES_H

#include "base/clock.h"
#include "base/snapshot.h"
#include "storage/change_log.h"
#include "storage/names.h"

struct watches;

enum {
    WATCHES_MAX = 1024, /* of the whole server */
    WATCHES_HEARTBEAT_MS = 5000,
};

struct watches_options {
    struct change_log *changes;
    struct store *store;
    const struct names *names;
    struct snapshot *directives; /* of struct directive_set */
    const struct clock *clock;
    int64_t heartbeat_ms; /* a message at least so often */
};

/* Starts the thread. */
struct watches *watches_new(const struct watches_options *options);
/* Ends it; before store_free().  NULL is allowed. */
void watches_stop(struct watches *watches);
/* After rpc_server_free(), when every watch has left.  NULL is allowed. */
void watches_free(struct watches *watches);
const struct watches_options *watches_options(const struct watches *watches);

/* Any thread: the directive set in force may be another one. */
void watches_wake(struct watches *watches);

/* False while the store's feed is silent: changes may have happened that this replica does not know
 * of. */
bool watches_are_sure(const struct watches *watches);

/* One stream; its owner has it as a member. */
struct watch {
    void (*on_round)(struct watch *watch); /* look whether there is something to tell */
    void (*on_left)(struct watch *watch); /* after watches_leave(): nothing is under way any more */
    struct inbox *inbox;                  /* of the worker that both are called on */

    /* The watches'. */
    struct task round;
    struct watches *watches;
    bool has_left;  /* the worker's */
    bool is_posted; /* of the mutex, as the links: `round` is on its way */
    struct watch *next;
    struct watch **link;
};

/* On the worker.  OVERLOADED when there are WATCHES_MAX already. */
MUST_CHECK bool watches_join(struct watches *watches, struct watch *watch, struct err *err);
void watches_leave(struct watch *watch);

#endif
