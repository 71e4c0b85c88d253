/* SPDX-License-Identifier: Apache-2.0 */
/* The change log: one ring under one mutex, which is never held across anything that waits. */
#include "storage/change_log.h"

#include "base/memory.h"

#include <assert.h>
#include <pthread.h>

struct change_log {
    struct store_listener listener;
    bool has_one_partition;
    size_t entries_max;
    pthread_mutex_t mutex; /* of everything below */
    struct store_change *entries;
    uint64_t begin; /* positions of the oldest entry and behind the newest */
    uint64_t end;
    uint64_t floor; /* all changes from this number on are here; 0: not known */
    uint64_t newest;
    uint16_t newest_partition;
    uint64_t resets;
    void (*ring)(void *owner);
    void *owner;
};

static struct store_change *entry_at(const struct change_log *log, uint64_t position)
{
    return &log->entries[position % log->entries_max];
}

/* What the store tells. */

static void ring(const struct change_log *log)
{
    if (log->ring)
        log->ring(log->owner);
}

static void on_change(struct store_listener *listener, const struct store_change *change)
{
    struct change_log *log = CONTAINER_OF(listener, struct change_log, listener);

    if (change->is_ahead)
        return;
    pthread_mutex_lock(&log->mutex);
    if (log->end - log->begin == log->entries_max)
        log->floor = entry_at(log, log->begin++)->number + 1;
    if (log->floor == 0)
        log->floor = change->number;
    *entry_at(log, log->end++) = *change;
    if (change->number > log->newest || !log->has_one_partition) {
        log->newest = change->number;
        log->newest_partition = change->partition;
    }
    ring(log);
    pthread_mutex_unlock(&log->mutex);
}

/* A position is left out, so that also a reader who had read everything stands before the hole. */
static void on_reset(struct store_listener *listener, uint16_t partition)
{
    struct change_log *log = CONTAINER_OF(listener, struct change_log, listener);

    (void)partition;
    pthread_mutex_lock(&log->mutex);
    log->begin = ++log->end;
    log->floor = 0;
    log->newest = 0;
    log->resets++;
    ring(log);
    pthread_mutex_unlock(&log->mutex);
}

/* Life. */

struct change_log *change_log_new(struct store *store, size_t entries_max)
{
    struct change_log *log = memory_new(struct change_log);

    log->has_one_partition = store->partition_count == 1;
    log->entries_max = entries_max;
    log->entries = memory_new_array(struct store_change, entries_max);
    pthread_mutex_init(&log->mutex, NULL);
    log->listener = (struct store_listener){.on_change = on_change, .on_reset = on_reset};
    store_listen(store, &log->listener);
    return log;
}

void change_log_free(struct change_log *log)
{
    if (!log)
        return;
    assert(!log->ring);
    pthread_mutex_destroy(&log->mutex);
    memory_free(log->entries);
    memory_free(log);
}

void change_log_follow(struct change_log *log, void (*ring_it)(void *owner), void *owner)
{
    pthread_mutex_lock(&log->mutex);
    assert(!ring_it || !log->ring);
    log->ring = ring_it;
    log->owner = owner;
    pthread_mutex_unlock(&log->mutex);
}

/* Reading, with the mutex held. */

static struct change_point point_at(const struct change_log *log, uint64_t position)
{
    const struct store_change *last;

    if (position == log->end)
        return (struct change_point){position, log->newest, log->newest_partition};
    last = entry_at(log, position - 1);
    return (struct change_point){position, last->number, last->partition};
}

/* The first entry that has this number or a greater one; numbers of one partition only grow. */
static uint64_t position_of(const struct change_log *log, uint64_t number)
{
    uint64_t low = log->begin, high = log->end;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (entry_at(log, middle)->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Reading. */

struct change_point change_log_end(struct change_log *log)
{
    struct change_point point;

    pthread_mutex_lock(&log->mutex);
    point = point_at(log, log->end);
    pthread_mutex_unlock(&log->mutex);
    return point;
}

bool change_log_find(struct change_log *log, uint16_t partition, uint64_t number,
                     struct change_point *ret_point)
{
    bool is_here;

    if (!log->has_one_partition || partition != 0)
        return false;
    pthread_mutex_lock(&log->mutex);
    is_here = log->floor != 0 && number >= log->floor;
    if (is_here)
        *ret_point = (struct change_point){position_of(log, number), number, partition};
    pthread_mutex_unlock(&log->mutex);
    return is_here;
}

bool change_log_read(struct change_log *log, struct change_point *point,
                     struct store_change *changes, size_t most, size_t *ret_count)
{
    size_t count = 0;
    bool is_here;

    assert(most > 0);
    pthread_mutex_lock(&log->mutex);
    is_here = point->position >= log->begin;
    if (is_here) {
        uint64_t position = point->position;

        while (count < most && position < log->end)
            changes[count++] = *entry_at(log, position++);
        *point = point_at(log, position);
        *ret_count = count;
    } else {
        *point = point_at(log, log->end);
    }
    pthread_mutex_unlock(&log->mutex);
    return is_here;
}

/* Numbers from elsewhere. */

bool change_log_wants_number(struct change_log *log, uint64_t *ret_question)
{
    bool wants;

    pthread_mutex_lock(&log->mutex);
    wants = log->has_one_partition && log->floor == 0;
    if (wants)
        *ret_question = log->resets;
    pthread_mutex_unlock(&log->mutex);
    return wants;
}

void change_log_tell_number(struct change_log *log, uint64_t question, uint64_t number)
{
    pthread_mutex_lock(&log->mutex);
    if (log->floor == 0 && log->resets == question)
        log->floor = log->newest = number;
    pthread_mutex_unlock(&log->mutex);
}
