/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A storm on the facts cache: many threads ask for random subjects, one call in three is cancelled,
 * the store answers late and in any order, everything changes all the time.
 *
 * Nobody may get another subject's facts, nobody facts older than what was acknowledged before it
 * asked, and everybody exactly one answer.
 */
#include "contract/mailbox.h"
#include "unit/storage/fake_store.h"

#include "base/memory.h"
#include "base/random.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

#include <cmocka.h>

enum {
    SUBJECTS = 300,
    WORKERS = 4,
    CALLS_OF_A_WORKER = 25000, /* 100,000 in all */
    IN_FLIGHT_MAX = 200,
    CACHE_BYTES = 64 * 1024, /* too small for everybody */
};

struct storm {
    struct fake_store *fake;
    struct facts_cache *cache;
    atomic_bool is_over;
    _Atomic int32_t acknowledged[SUBJECTS]; /* the version that a writer has been told is kept */
};

struct worker {
    struct storm *storm;
    pthread_t thread;
    struct mailbox mailbox;
    struct arena arena;
    uint64_t random;
    size_t answered;
    size_t begun; /* calls that had to wait */
    size_t hits;
    size_t wrong; /* another subject's facts */
    size_t old;   /* facts from before something acknowledged */
    size_t failed;
};

/* A parked call.  When it is cancelled it is gone, and the waiter, alone, is freed at its answer.
 */
struct call {
    struct worker *worker;
    unsigned subject;
    int32_t least_version;
};

struct parked {
    struct facts_waiter waiter;
    struct worker *worker;
};

/* xorshift: fast, and every thread has its own. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void check(struct worker *worker, const struct facts_view *view, unsigned subject,
                  int32_t least_version)
{
    if (!hash128_equal(view->subject, fake_subject(subject)) ||
        !fake_facts_are_of(view->facts, subject))
        worker->wrong++;
    else if (fake_facts_version(view->facts) < least_version)
        worker->old++;
}

static void on_done(struct facts_waiter *waiter)
{
    struct parked *parked = CONTAINER_OF(waiter, struct parked, waiter);
    struct call *call = waiter->owner;

    parked->worker->answered++;
    if (call) {
        if (waiter->is_ok)
            check(call->worker, &waiter->view, call->subject, call->least_version);
        else
            call->worker->failed++;
        memory_free(call);
    }
    facts_waiter_release(waiter);
    memory_free(parked);
}

static void begin_call(struct worker *worker)
{
    struct storm *storm = worker->storm;
    unsigned subject = (unsigned)(next_random(&worker->random) % SUBJECTS);
    int32_t acknowledged = atomic_load(&storm->acknowledged[subject]);
    struct facts_view view;
    struct parked *parked;
    struct call *call;

    arena_reset(&worker->arena);
    if (facts_cache_get(storm->cache, fake_subject(subject), 0, clock_wall_ms(&clock_system),
                        &worker->arena, &view)) {
        check(worker, &view, subject, acknowledged);
        worker->hits++;
        return;
    }
    call = memory_new(struct call);
    *call = (struct call){worker, subject, acknowledged};
    parked = memory_new(struct parked);
    parked->worker = worker;
    facts_waiter_init(&parked->waiter, &worker->mailbox.inbox, on_done, call);
    worker->begun++;
    facts_cache_load(storm->cache, fake_subject(subject), 0, &parked->waiter);
    if (next_random(&worker->random) % 3 == 0) {
        parked->waiter.owner = NULL;
        memory_free(call);
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    arena_init(&worker->arena, 1024);
    for (size_t i = 0; i < CALLS_OF_A_WORKER; i++) {
        begin_call(worker);
        if (worker->begun - worker->answered >= IN_FLIGHT_MAX)
            mailbox_wait_for(&worker->mailbox, &worker->answered, worker->answered + 1);
        else
            inbox_run(&worker->mailbox.inbox);
    }
    mailbox_wait_for(&worker->mailbox, &worker->answered, worker->begun);
    arena_release(&worker->arena);
    return NULL;
}

/* The store's reading side: any request, answered after others. */
static void *serve(void *argument)
{
    struct storm *storm = argument;
    uint64_t random = 88172645463325252;
    size_t behind = 0;

    while (!atomic_load(&storm->is_over)) {
        if (fake_store_read_any(storm->fake, next_random(&random)))
            behind++;
        else
            sched_yield();
        while (behind > 0 &&
               (next_random(&random) % 4 == 0 || fake_store_waiting(storm->fake) == 0))
            behind -= fake_store_answer(storm->fake);
    }
    return NULL;
}

/* The store's writing side: written, told, acknowledged, in this order. */
static void *change(void *argument)
{
    struct storm *storm = argument;
    struct timespec pause = {.tv_nsec = 20000};
    uint64_t random = 362436069;
    int32_t version = 1;

    while (!atomic_load(&storm->is_over)) {
        unsigned subject = (unsigned)(next_random(&random) % SUBJECTS);

        fake_store_write(storm->fake, subject, ++version);
        atomic_store(&storm->acknowledged[subject], version);
        if (version % 1000 == 0)
            fake_store_tell_reset(storm->fake);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void open_storm(struct storm *storm)
{
    struct facts_cache_options options = {
        .names = &fake_names,
        .clock = &clock_system,
        .bytes_max = CACHE_BYTES,
        .fresh_ms = 50,
        .grace_ms = 0,
        .read_timeout_ms = 60000,
    };

    storm->fake = fake_store_new();
    options.store = fake_store_as_store(storm->fake);
    storm->cache = facts_cache_new(&options);
    for (unsigned i = 0; i < SUBJECTS; i++) {
        fake_store_write(storm->fake, i, 1);
        atomic_init(&storm->acknowledged[i], 1);
    }
}

static void nobody_gets_the_facts_of_another_subject_or_old_ones(void **state)
{
    static struct storm storm;
    struct worker workers[WORKERS] = {0};
    struct facts_cache_stats stats;
    pthread_t server, writer;
    size_t hits = 0;

    (void)state;
    open_storm(&storm);
    assert_int_equal(pthread_create(&server, NULL, serve, &storm), 0);
    assert_int_equal(pthread_create(&writer, NULL, change, &storm), 0);
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i].storm = &storm;
        workers[i].random = random_u64() | 1;
        mailbox_init(&workers[i].mailbox);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&storm.is_over, true);
    pthread_join(server, NULL);
    pthread_join(writer, NULL);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(workers[i].old, 0);
        assert_int_equal(workers[i].failed, 0);
        assert_int_equal(workers[i].answered, workers[i].begun);
        hits += workers[i].hits;
        mailbox_release(&workers[i].mailbox);
    }
    facts_cache_get_stats(storm.cache, &stats);
    assert_int_equal(stats.hits, hits);
    assert_true(stats.shared_loads > 0);
    assert_true(stats.invalidations > 0);
    assert_true(stats.evictions > 0);
    facts_cache_stop(storm.cache);
    fake_store_free(storm.fake);
    facts_cache_free(storm.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_gets_the_facts_of_another_subject_or_old_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
