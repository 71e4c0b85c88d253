/* SPDX-License-Identifier: Apache-2.0 */
/* The outboxes of several replicas on one store: every record gets into one log, whoever stops. */
#include "audit/outbox.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "storage/blocking.h"
#include "storage/sqlite.h"
#include "unit/telemetry/audit_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    REPLICAS = 3,
    WRITES = 60,
    RECORDS_OF_A_WRITE = 2,
    CLAIM_MS = 5000,
    DEAD_MS = 400,
    SOON_MS = 20000
};

struct replica {
    char *folder;
    struct audit_log *log;
    struct outbox *outbox;
};

/* A store that can be made to fail. */
struct flaky_store {
    struct store store;
    struct store *inner;
    atomic_bool fails;
    atomic_size_t failed;
};

struct world {
    char *folder;
    struct store *store;
    struct flaky_store flaky;
    struct outbox *flaky_outbox; /* NULL: no test wanted it */
    struct mailbox mailbox;
    struct replica replicas[REPLICAS];
    uint64_t written; /* writes so far */
};

static int set_up(void **state)
{
    struct world *world = memory_new(struct world);
    struct sqlite_options options = {.clock = &clock_system, .pending_max = 1000};
    struct err err = ERR_NONE;
    char path[256];

    world->folder = folder_new();
    mailbox_init(&world->mailbox);
    snprintf(path, sizeof(path), "%s/store.db", world->folder);
    options.path = path;
    if (!sqlite_open(&options, &world->store, &err))
        fail_msg("%s", err.detail);
    for (size_t i = 0; i < REPLICAS; i++) {
        struct replica *replica = &world->replicas[i];
        struct audit_options log_options = {.clock = &clock_system};

        replica->folder = folder_new();
        log_options.folder = replica->folder;
        if (!audit_open(&log_options, &replica->log, &err))
            fail_msg("%s", err.detail);
        replica->outbox = outbox_new(&(struct outbox_options){.store = world->store,
                                                              .audit = replica->log,
                                                              .clock = &clock_system,
                                                              .claim_ms = CLAIM_MS});
    }
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < REPLICAS; i++)
        outbox_stop(world->replicas[i].outbox);
    outbox_stop(world->flaky_outbox);
    store_free(world->store);
    outbox_free(world->flaky_outbox);
    for (size_t i = 0; i < REPLICAS; i++) {
        outbox_free(world->replicas[i].outbox);
        audit_close(world->replicas[i].log);
        folder_free(world->replicas[i].folder);
    }
    mailbox_release(&world->mailbox);
    folder_free(world->folder);
    memory_free(world);
    return 0;
}

/* So many writes with two records each; the subject of a record says which it is. */
static void write_some(struct world *world, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++, world->written++) {
        struct store_request *request = store_request_new_blocking(STORE_WRITE, 0, &world->mailbox);
        struct err err = ERR_NONE;

        for (uint64_t part = 0; part < RECORDS_OF_A_WRITE; part++) {
            struct decision decision;
            struct span bytes;

            decision_init(&decision, world->written * RECORDS_OF_A_WRITE + part);
            assert_true(audit_record_encode(&decision.record, &request->arena, &bytes, &err));
            store_request_outbox(request, bytes);
        }
        store_request_change(request, STORE_CHANGE_SUBJECT, (struct hash128){1, i});
        if (!store_call(world->store, request, &world->mailbox, &err))
            fail_msg("%s", err.detail);
        store_request_free(request);
    }
}

/* How often each record is in the logs. */
static void count_records(struct world *world, unsigned counts[static WRITES * RECORDS_OF_A_WRITE],
                          size_t *ret_logs)
{
    memset(counts, 0, WRITES * RECORDS_OF_A_WRITE * sizeof(counts[0]));
    *ret_logs = 0;
    for (size_t i = 0; i < REPLICAS; i++) {
        struct written written;
        struct err err = ERR_NONE;

        if (!written_read(world->replicas[i].folder, &written, &err))
            fail_msg("%s", err.detail);
        *ret_logs += written.count > 0;
        for (size_t j = 0; j < written.count; j++) {
            assert_true(written.subjects[j] < WRITES * RECORDS_OF_A_WRITE);
            counts[written.subjects[j]]++;
        }
        written_release(&written);
    }
}

static bool is_everything_there(struct world *world)
{
    unsigned counts[WRITES * RECORDS_OF_A_WRITE];
    size_t logs;

    count_records(world, counts, &logs);
    for (size_t i = 0; i < world->written * RECORDS_OF_A_WRITE; i++)
        if (counts[i] == 0)
            return false;
    return true;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static void wait_until_everything_is_there(struct world *world)
{
    int64_t until_ms = clock_monotonic_ms(&clock_system) + SOON_MS;

    while (!is_everything_there(world)) {
        assert_true(clock_monotonic_ms(&clock_system) < until_ms);
        pause_ms(20);
    }
}

/* Returns how many logs have some. */
static size_t assert_nothing_is_there_twice(struct world *world)
{
    unsigned counts[WRITES * RECORDS_OF_A_WRITE];
    size_t logs;

    count_records(world, counts, &logs);
    for (size_t i = 0; i < world->written * RECORDS_OF_A_WRITE; i++)
        assert_int_equal(counts[i], 1);
    return logs;
}

static void of_several_replicas_one_takes_each_record(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < REPLICAS; i++)
        outbox_start(world->replicas[i].outbox);
    for (int i = 0; i < 3; i++) {
        write_some(world, WRITES / 3);
        pause_ms(i == 0 ? CLAIM_MS / 2 + 100 : 0); /* so that a claim has to be renewed */
    }
    wait_until_everything_is_there(world);
    pause_ms(100);
    for (size_t i = 0; i < REPLICAS; i++)
        outbox_stop(world->replicas[i].outbox);
    assert_nothing_is_there_twice(world); /* in whichever: a claim may have lapsed between writes */
}

static void when_one_stops_in_order_the_next_goes_on(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < REPLICAS; i++) {
        outbox_start(world->replicas[i].outbox);
        write_some(world, WRITES / REPLICAS);
        wait_until_everything_is_there(world);
        outbox_stop(world->replicas[i].outbox);
    }
    assert_int_equal(assert_nothing_is_there_twice(world), REPLICAS);
}

static bool claim_for_somebody_else(struct world *world, int64_t claim_ms)
{
    struct store_request *request =
        store_request_new_blocking(STORE_OUTBOX_CLAIM, 0, &world->mailbox);
    struct err err = ERR_NONE;
    bool is_claimed;

    request->claimant = 1;
    request->claim_ms = claim_ms;
    if (!store_call(world->store, request, &world->mailbox, &err))
        fail_msg("%s", err.detail);
    is_claimed = request->is_claimed;
    store_request_free(request);
    return is_claimed;
}

static void when_one_dies_its_claim_is_waited_out(void **state)
{
    struct world *world = *state;
    int64_t begun_ms = clock_monotonic_ms(&clock_system);

    assert_true(claim_for_somebody_else(world, DEAD_MS)); /* who is never heard of again */
    write_some(world, WRITES);
    for (size_t i = 0; i < REPLICAS; i++)
        outbox_start(world->replicas[i].outbox);
    wait_until_everything_is_there(world);
    assert_true(clock_monotonic_ms(&clock_system) - begun_ms >= DEAD_MS);
    assert_nothing_is_there_twice(world);
}

static void an_outbox_that_is_empty_is_claimed_by_nobody(void **state)
{
    struct world *world = *state;

    for (size_t i = 0; i < REPLICAS; i++)
        outbox_start(world->replicas[i].outbox);
    pause_ms(100);
    assert_true(claim_for_somebody_else(world, 1));
}

static void flaky_submit(struct store *store, struct store_request *request)
{
    struct flaky_store *flaky = CONTAINER_OF(store, struct flaky_store, store);
    struct err err;

    request->store = flaky->inner;
    if (!atomic_load(&flaky->fails)) {
        flaky->inner->ops->submit(flaky->inner, request);
        return;
    }
    atomic_fetch_add(&flaky->failed, 1);
    err_set(&err, ERR_STORE_UNAVAILABLE, "for the test");
    store_fail(request, &err);
}

static void flaky_listen(struct store *store, struct store_listener *listener)
{
    struct flaky_store *flaky = CONTAINER_OF(store, struct flaky_store, store);

    store_listen(flaky->inner, listener);
}

static const struct store_ops flaky_ops = {
    .name = "flaky",
    .submit = flaky_submit,
    .listen = flaky_listen,
};

/* In whatever was written to the file so far. */
static unsigned count_in(const char *path, const char *text)
{
    char bytes[4096];
    size_t length;
    FILE *file = fopen(path, "r");
    unsigned count = 0;

    assert_non_null(file);
    length = fread(bytes, 1, sizeof(bytes) - 1, file);
    fclose(file);
    bytes[length] = '\0';
    for (const char *at = bytes; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void wait_for_failures(struct world *world)
{
    size_t wanted = atomic_load(&world->flaky.failed) + 4;

    atomic_store(&world->flaky.fails, true);
    while (atomic_load(&world->flaky.failed) < wanted)
        pause_ms(20);
    atomic_store(&world->flaky.fails, false);
}

static void a_store_that_does_not_answer_is_logged_once_and_when_it_is_over(void **state)
{
    struct world *world = *state;
    char path[256];
    int log, before = dup(STDERR_FILENO);

    world->flaky.inner = world->store;
    world->flaky.store = *world->store;
    world->flaky.store.ops = &flaky_ops;
    world->flaky_outbox = outbox_new(&(struct outbox_options){.store = &world->flaky.store,
                                                              .audit = world->replicas[0].log,
                                                              .clock = &clock_system,
                                                              .claim_ms = CLAIM_MS});
    snprintf(path, sizeof(path), "%s/log", world->folder);
    log = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    log_configure(ERR_LEVEL_INFO, LOG_FORMAT_TEXT);
    dup2(log, STDERR_FILENO);
    atomic_store(&world->flaky.fails, true);
    outbox_start(world->flaky_outbox);
    for (unsigned outage = 1; outage <= 2; outage++) {
        wait_for_failures(world);
        while (count_in(path, "leave the store again") < outage)
            pause_ms(20);
        assert_int_equal(count_in(path, "stay in the store"), outage);
    }
    write_some(world, 1);
    wait_until_everything_is_there(world);
    dup2(before, STDERR_FILENO);
    log_configure(ERR_LEVEL_ERROR, LOG_FORMAT_TEXT);
    close(before);
    close(log);
    assert_int_equal(count_in(path, "audit.outbox"), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_several_replicas_one_takes_each_record),
        TEST(when_one_stops_in_order_the_next_goes_on),
        TEST(when_one_dies_its_claim_is_waited_out),
        TEST(an_outbox_that_is_empty_is_claimed_by_nobody),
        TEST(a_store_that_does_not_answer_is_logged_once_and_when_it_is_over),
    };

    log_configure(ERR_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
