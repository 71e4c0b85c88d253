/* SPDX-License-Identifier: Apache-2.0 */
/* Watches: one list under one mutex, which is never held across anything that waits. */
#include "entitlement/watches.h"

#include "base/mailbox.h"
#include "base/memory.h"
#include "base/thread.h"
#include "storage/facts_cache.h"

#include <assert.h>
#include <time.h>

enum {
    /* Between rounds, however fast changes come.  A message costs about 10 µs: no more than a fifth
     * of one CPU goes into them, and with the last watch there is a round every 56 ms. */
    ROUND_US = 5000,
    ROUND_US_PER_WATCH = 50,
    ASK_MS = 1000, /* the store, once more when it did not answer */
    NS_PER_US = 1000,
};

struct watches {
    struct watches_options options;
    pthread_t thread;
    struct mailbox mailbox; /* of the thread */
    atomic_bool is_rung;    /* the thread will look */
    atomic_bool is_stopping;
    bool is_stopped;
    bool is_asking; /* the thread's, as the next two */
    int64_t ask_ns;
    uint64_t question;
    pthread_mutex_t mutex; /* of everything below */
    struct watch *first;
    size_t count;
};

const struct watches_options *watches_options(const struct watches *watches)
{
    return &watches->options;
}

bool watches_are_sure(const struct watches *watches)
{
    return store_feed_age_ms(watches->options.store) <= FACTS_CACHE_FEED_SILENT_MS;
}

/* The list. */

static void run_round(struct task *task)
{
    struct watch *watch = CONTAINER_OF(task, struct watch, round);

    if (watch->has_left) {
        watch->on_left(watch);
        return;
    }
    pthread_mutex_lock(&watch->watches->mutex);
    watch->is_posted = false;
    pthread_mutex_unlock(&watch->watches->mutex);
    watch->on_round(watch);
}

bool watches_join(struct watches *watches, struct watch *watch, struct err *err)
{
    bool has_room;

    watch->watches = watches;
    watch->round.run = run_round;
    pthread_mutex_lock(&watches->mutex);
    has_room = watches->count < WATCHES_MAX;
    if (has_room) {
        watches->count++;
        watch->next = watches->first;
        watch->link = &watches->first;
        if (watch->next)
            watch->next->link = &watch->next;
        watches->first = watch;
    }
    pthread_mutex_unlock(&watches->mutex);
    return has_room || err_set(err, ERR_OVERLOADED, "%d watches", WATCHES_MAX);
}

void watches_leave(struct watch *watch)
{
    struct watches *watches = watch->watches;
    bool is_posted;

    watch->has_left = true;
    pthread_mutex_lock(&watches->mutex);
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
    watches->count--;
    is_posted = watch->is_posted;
    pthread_mutex_unlock(&watches->mutex);
    if (!is_posted)
        watch->on_left(watch);
}

/* Returns for how many. */
static size_t post_rounds(struct watches *watches)
{
    size_t count;

    pthread_mutex_lock(&watches->mutex);
    for (struct watch *watch = watches->first; watch; watch = watch->next) {
        if (watch->is_posted)
            continue;
        watch->is_posted = true;
        inbox_post(watch->inbox, &watch->round);
    }
    count = watches->count;
    pthread_mutex_unlock(&watches->mutex);
    return count;
}

/* The thread. */

static void on_number(struct store_request *request)
{
    struct watches *watches = request->owner;

    if (request->is_ok)
        change_log_tell_number(watches->options.changes, watches->question, request->number);
    watches->is_asking = false;
    store_request_free(request);
}

/* A log that was told of no change knows no number to resume from: the store's own is one. */
static void ask_for_number(struct watches *watches)
{
    const struct watches_options *options = &watches->options;
    int64_t now_ns = clock_now_ns();
    struct store_request *request;

    if (watches->is_asking || now_ns < watches->ask_ns ||
        !change_log_wants_number(options->changes, &watches->question))
        return;
    watches->is_asking = true;
    watches->ask_ns = now_ns + ASK_MS * INT64_C(1000000);
    request = store_request_new(STORE_READ, 0, &watches->mailbox.inbox, on_number, watches);
    request->deadline_ms = clock_monotonic_ms(options->clock) + ASK_MS;
    store_request_key(request, names_realm(options->names, span_text("directives")));
    store_submit(options->store, request);
}

static void sleep_until(int64_t due_ns)
{
    int64_t left_ns = due_ns - clock_now_ns();
    const struct timespec left = {0, left_ns};

    if (left_ns > 0)
        nanosleep(&left, NULL);
}

static void *run(void *argument)
{
    struct watches *watches = argument;

    while (!atomic_load(&watches->is_stopping)) {
        int64_t began_ns = clock_now_ns(), pause_us;

        ask_for_number(watches);
        atomic_store(&watches->is_rung, false); /* what rings from here on is another round's */
        pause_us = ROUND_US + ROUND_US_PER_WATCH * (int64_t)post_rounds(watches);
        if (!atomic_load(&watches->is_stopping))
            mailbox_wait(&watches->mailbox, watches->options.heartbeat_ms / 2);
        sleep_until(began_ns + pause_us * NS_PER_US);
    }
    while (watches->is_asking)
        mailbox_wait(&watches->mailbox, ASK_MS);
    return NULL;
}

void watches_wake(struct watches *watches)
{
    if (!atomic_exchange(&watches->is_rung, true))
        mailbox_wake(&watches->mailbox);
}

static void ring(void *owner)
{
    watches_wake(owner);
}

/* Life. */

struct watches *watches_new(const struct watches_options *options)
{
    struct watches *watches = memory_new(struct watches);

    watches->options = *options;
    pthread_mutex_init(&watches->mutex, NULL);
    mailbox_init(&watches->mailbox);
    change_log_follow(options->changes, ring, watches);
    thread_start(&watches->thread, "watches", run, watches);
    return watches;
}

void watches_stop(struct watches *watches)
{
    if (!watches || watches->is_stopped)
        return;
    change_log_follow(watches->options.changes, NULL, NULL);
    atomic_store(&watches->is_stopping, true);
    mailbox_wake(&watches->mailbox);
    pthread_join(watches->thread, NULL);
    watches->is_stopped = true;
}

void watches_free(struct watches *watches)
{
    if (!watches)
        return;
    assert(watches->is_stopped && !watches->first);
    mailbox_release(&watches->mailbox);
    pthread_mutex_destroy(&watches->mutex);
    memory_free(watches);
}
