/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the Redis store.  Everything belongs to its one thread, but for what is atomic, what
 * stands under the mutex, and what never changes after redis_open().
 */
#ifndef STORAGE_REDIS_STORE_H
#define STORAGE_REDIS_STORE_H

#include "storage/ledger.h"
#include "storage/redis.h"
#include "storage/redis_connection.h"
#include "storage/redis_names.h"
#include "storage/redis_script.h"
#include "storage/redis_sentinel.h"

#include <pthread.h>

enum { REDIS_DURABILITY_MAX = 96, REDIS_FOREIGN_MAX = 1024 };

struct redis_partition {
    uint64_t epoch;
    char epoch_text[REDIS_EPOCH_TEXT_MAX];
    uint64_t newest; /* number that was ever seen */
    uint64_t fed;    /* listeners have been told of everything up to this number */
};

/* What stood under a key and was written under another one, as some connection said. */
struct redis_foreign {
    uint16_t partition;
    struct store_key key;
    uint8_t subject[REDIS_SUBJECT_BYTES];
};

struct redis_store {
    struct store store;
    struct redis_options options; /* texts of its own */
    struct arena option_texts;
    struct redis_names names;
    struct span *feed_names; /* by partition */
    struct span beat_name;
    uint64_t origin; /* of this replica's heartbeats */
    char durability[REDIS_DURABILITY_MAX];

    uv_loop_t loop;
    uv_async_t bell;
    uv_timer_t timer;
    int64_t timer_due_ms;
    struct inbox inbox;
    pthread_t thread;
    atomic_bool is_stopping;
    int64_t stop_due_ms; /* 0: it goes on */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_open;        /* under the mutex */
    bool is_refused;     /* under the mutex: `open_err` will not go away by itself */
    struct err open_err; /* under the mutex */

    struct arena scratch;
    struct redis_connection connections[REDIS_ROLES];
    struct redis_address primary; /* where they lead; of the options, or as the sentinels said */
    struct redis_sentinel sentinels[REDIS_SENTINELS_MAX];
    struct redis_answer answers[REDIS_SENTINELS_MAX]; /* the last ones of each */
    size_t sentinel_count;
    char life[REDIS_LIFE_MAX]; /* of the server whose epochs have been begun */
    char shas[REDIS_SCRIPTS][REDIS_SHA_MAX];
    struct redis_partition *partitions;
    size_t begin_left;                               /* partitions that have not answered */
    struct redis_foreign foreign[REDIS_FOREIGN_MAX]; /* the newest */
    size_t foreign_count;                            /* that there ever were */

    struct ledger *ledger;
    size_t again_left;        /* writes on their way there once more */
    uint64_t again_told;      /* of put_again, in the log */
    size_t again_found_newer; /* values that were not put again: somebody had written on without
                                 them */

    struct redis_queue unconfirmed; /* written, and not acknowledged by enough replicas yet */
    bool is_wait_due;

    bool is_gathered;      /* nobody is waited for who may have lost writes to put again */
    long long missing;     /* as the last heartbeat was told */
    int64_t gather_due_ms; /* how long at most; 0: it has not begun */
    int64_t look_due_ms;
    int64_t beat_due_ms;
    int64_t beat_read_ms; /* when one was last read back */
    bool is_beating;
    char beat_id[REDIS_ID_MAX];

    atomic_size_t pending;
    _Atomic uint64_t epoch;
    atomic_size_t doubted; /* keys, as the ledger has them */
    _Atomic uint64_t put_again;
    _Atomic int64_t beat_sent_ms; /* by options.clock: when the last one read back was sent */
    _Atomic(struct store_listener *) listeners;
};

/* Have the timer run at that time, or before. */
void redis_wake_at(struct redis_store *store, int64_t due_ms);

/* The store is open, or this is why not yet.  CONFIG_INVALID ends the waiting. */
void redis_note_open(struct redis_store *store);
void redis_note_refused(struct redis_store *store, const struct err *err);

/* redis_request.c: requests, on their way there and back. */
void redis_queue_init(struct redis_queue *queue);
void redis_queue_push(struct redis_queue *queue, struct store_request *request);
struct store_request *redis_queue_pop(struct redis_queue *queue);
/* On the store's thread: send it, let it wait, or answer it. */
void redis_request_take(struct redis_store *store, struct store_request *request);
void redis_request_answer(struct redis_store *store, struct store_request *request, bool is_ok);
void redis_request_fail(struct redis_store *store, struct store_request *request,
                        const struct err *err);
void redis_queue_fail(struct redis_store *store, struct redis_queue *queue, const struct err *err);
/* Send what waits and can go now; refuse what waits in vain. */
void redis_requests_go_on(struct redis_store *store);
/* Answer what is past its deadline; returns when the next one will be. */
int64_t redis_requests_expire(struct redis_store *store, int64_t now_ms);
bool redis_requests_are_answered(const struct redis_store *store);

/* redis_read.c */
void redis_read_build(struct redis_store *store, struct store_request *request,
                      struct redis_args *args);
MUST_CHECK bool redis_read_take(struct redis_command *command, const redisReply *reply,
                                struct err *err);
void redis_outbox_build(struct redis_store *store, struct store_request *request,
                        struct redis_args *args);
MUST_CHECK bool redis_outbox_take(struct redis_command *command, const redisReply *reply,
                                  struct err *err);

/* The partition's number as it was read, when that is of the epoch that this store is in. */
MUST_CHECK bool redis_read_number(struct redis_command *command, const redisReply *epoch,
                                  const redisReply *counter, uint64_t *ret_number, struct err *err);

/* redis_scan.c: one SCAN for the names, then what they hold, by MGET in several steps. */
/* Before it is sent: FIELD_RANGE for a cursor that is none of ours. */
MUST_CHECK bool redis_scan_begin(struct store_request *request, struct err *err);
void redis_scan_build(struct redis_store *store, struct store_request *request,
                      struct redis_args *args);
MUST_CHECK bool redis_scan_take(struct redis_command *command, const redisReply *reply,
                                struct err *err);
/* Is there another step to send? */
bool redis_scan_goes_on(const struct store_request *request);

/* redis_write.c */
enum { REDIS_WRITE_KEYS = 4 }; /* before those of guards and puts */

void redis_write_add_keys(struct redis_store *store, const struct store_request *request,
                          struct redis_args *args);
void redis_write_add_changes(struct redis_store *store, const struct store_request *request,
                             struct redis_args *args);
void redis_write_add_put(struct redis_store *store, const struct store_put *put, int64_t now_ms,
                         struct redis_args *args);
void redis_write_build(struct redis_store *store, struct store_request *request,
                       struct redis_args *args);
MUST_CHECK bool redis_write_take(struct redis_command *command, const redisReply *reply,
                                 struct err *err);
void redis_remove_build(struct redis_store *store, struct store_request *request,
                        struct redis_args *args);
void redis_claim_build(struct redis_store *store, struct store_request *request,
                       struct redis_args *args);
MUST_CHECK bool redis_claim_take(struct redis_command *command, const redisReply *reply,
                                 struct err *err);
MUST_CHECK bool redis_integer_take(struct redis_command *command, const redisReply *reply,
                                   struct err *err);
/* Once for all writes that were sent together: wait for the replicas, if any are wanted. */
void redis_write_flush(struct redis_store *store);

/* redis_begin.c: the layout and the epochs, at the end of the writer's handshake. */
void redis_begin(struct redis_connection *connection);
/* Somebody has begun another epoch: so must we, before the next write. */
void redis_epoch_changed(struct redis_store *store);

/* redis_again.c: when all partitions have begun. */
void redis_again(struct redis_connection *connection);
/* False for a read that found less than what is known. */
MUST_CHECK bool redis_again_believes(struct redis_store *store, const struct store_request *request,
                                     struct err *err);
void redis_again_note(struct redis_store *store, const struct store_change *change);
void redis_again_count(struct redis_store *store);

/* redis_feed.c */
void redis_tell_changes(struct redis_store *store, const struct store_request *request);
void redis_tell_reset(struct redis_store *store, uint16_t partition);
void redis_feed_start(struct redis_connection *connection);

/* redis_handshake.c: is the server still one that may be used?  Asked on the reader. */
int64_t redis_look_tick(struct redis_store *store, int64_t now_ms);

/* redis_beat.c */
/* Another epoch has begun: wait for those who were alive. */
void redis_gather(struct redis_store *store);
void redis_beat_build(struct redis_store *store, struct store_request *request,
                      struct redis_args *args);
int64_t redis_beat_tick(struct redis_store *store, int64_t now_ms);
void redis_beat_came_back(struct redis_store *store, struct span id, struct span sent_ms);

static inline struct redis_store *redis_store_of(struct store *store)
{
    return CONTAINER_OF(store, struct redis_store, store);
}

#endif
