/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the embedded store: what its writing and its reading thread have.
 *
 * Each thread owns its connection and what stands behind it; what both touch is atomic.
 */
#ifndef STORAGE_SQLITE_STORE_H
#define STORAGE_SQLITE_STORE_H

#include "storage/sqlite.h"
#include "storage/sqlite_file.h"

#include <pthread.h>
#include <stdatomic.h>

struct sqlite_store;

/* A thread that sleeps until its inbox is rung. */
struct sqlite_thread {
    struct sqlite_store *store;
    struct sqlite_connection connection;
    struct inbox inbox;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    bool is_rung;                /* under the mutex */
    bool is_stopping;            /* under the mutex */
    struct store_request *taken; /* oldest first */
    struct store_request **taken_end;
    atomic_bool is_up;
};

struct sqlite_store {
    struct store store;
    const struct clock *clock;
    struct sqlite_file file;
    size_t pending_max;
    int64_t sweep_interval_ms;
    uint64_t epoch;
    atomic_size_t pending;
    struct store_listener *listeners; /* complete before the first request */
    struct sqlite_thread writer;
    struct sqlite_thread reader;

    /* The writer's. */
    uint64_t counter;         /* of the last write; never goes back, also when its write failed */
    int64_t feed_sequence;    /* of the last entry of the feed that is committed */
    int64_t next_sweep_ms;    /* monotonic, of the system */
    uint64_t claimant;        /* of the outbox; whoever has the file is the only one who can */
    int64_t claimed_until_ms; /* monotonic, of the clock */
};

/* The requests are the thread's, oldest first; both answer every one of them. */
void sqlite_write(struct sqlite_store *store, struct store_request *requests);
void sqlite_read(struct sqlite_store *store, struct store_request *requests);

/* sqlite_scan.c: one page, in the reader's snapshot. */
MUST_CHECK bool sqlite_scan(struct sqlite_store *store, struct store_request *request,
                            struct err *err);

/* What the writer needs to know of the file before its first batch. */
MUST_CHECK bool sqlite_write_begin(struct sqlite_store *store, struct err *err);

/* Remove some expired values when it is time; returns in how many ms it is time again. */
int64_t sqlite_sweep(struct sqlite_store *store);

/* Answer the request as its is_ok and err say. */
void sqlite_answer(struct sqlite_store *store, struct store_request *request);

/* False, and DEADLINE in the request, when there is no use in executing it any more. */
bool sqlite_is_in_time(struct sqlite_store *store, struct store_request *request);

/* Whether the file can be used, as these requests show, or as an error shows: logged when it
 * changes. */
void sqlite_note_requests(struct sqlite_thread *thread, const struct store_request *requests);
void sqlite_note_down(struct sqlite_thread *thread, const struct err *err);

#endif
