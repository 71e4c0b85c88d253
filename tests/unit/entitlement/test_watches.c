/* SPDX-License-Identifier: Apache-2.0 */
/* Watches over a store whose feed is the test's: gaps, silence, and clients that do not read. */
#include "entitlement/watches.h"

#include "base/memory.h"
#include "contract/test_clock.h"
#include "entitlement/service.h"
#include "interceptors/caller.h"
#include "passgate/v1/entitlement.pb-c.h"
#include "rpc/server.h"
#include "unit/rpc/core_client.h"
#include "unit/storage/fake_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, QUIET_MS = 100, HEARTBEAT_MS = 200, STOP_MS = 2000 };

struct fixture {
    struct fake_store *fake;
    struct test_clock clock;
    struct change_log *log;
    struct snapshot directives;
    struct watches *watches;
    struct entitlement *entitlement;
    struct rpc_interceptor caller;
    struct rpc_server *rpc;
    struct core_client *client;
    uint64_t told; /* subject N is told of with the number N */
};

static void *no_ref(void *version)
{
    return version;
}

static void no_unref(void *version)
{
    (void)version;
}

static void serve(struct fixture *fixture)
{
    static const struct caller_options nobody; /* in plaintext nobody is looked for */
    const struct rpc_service service = entitlement_service(fixture->entitlement);
    const struct rpc_interceptor *chain[] = {&fixture->caller};
    const struct rpc_listener listener = {.address = "127.0.0.1:0"};
    const struct rpc_options options = {
        .listeners = &listener,
        .listener_count = 1,
        .services = &service,
        .service_count = 1,
        .interceptors = chain,
        .interceptor_count = 1,
        .worker_count = 1,
        .in_flight_max = 100,
    };
    char target[32];
    struct err err;

    fixture->caller = caller_interceptor(&nobody);
    if (!rpc_server_start(&options, &fixture->rpc, &err))
        fail_msg("%s", err.detail);
    snprintf(target, sizeof(target), "127.0.0.1:%d", rpc_server_port(fixture->rpc, 0));
    fixture->client = core_client_new(target);
}

static void tell(struct fixture *fixture, unsigned count)
{
    while (count-- > 0) {
        uint64_t number = ++fixture->told;

        fake_store_tell(fixture->fake, (unsigned)number, number);
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);

    test_clock_init(&fixture->clock);
    fixture->fake = fake_store_new();
    fixture->log = change_log_new(fake_store_as_store(fixture->fake), CHANGE_LOG_ENTRIES);
    tell(fixture, 1); /* a number is known: the store is not asked for one */
    snapshot_init(&fixture->directives, NULL, no_ref, no_unref);
    fixture->watches = watches_new(&(struct watches_options){
        .changes = fixture->log,
        .store = fake_store_as_store(fixture->fake),
        .names = &fake_names,
        .directives = &fixture->directives,
        .clock = &fixture->clock.clock,
        .heartbeat_ms = HEARTBEAT_MS,
    });
    fixture->entitlement = entitlement_new(
        &(struct entitlement_options){.names = &fake_names, .watches = fixture->watches});
    serve(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    core_client_free(fixture->client);
    rpc_server_stop(fixture->rpc, STOP_MS);
    while (fake_store_read(fixture->fake))
        fake_store_answer(fixture->fake);
    watches_stop(fixture->watches);
    fake_store_free(fixture->fake);
    rpc_server_free(fixture->rpc);
    watches_free(fixture->watches);
    change_log_free(fixture->log);
    entitlement_free(fixture->entitlement);
    snapshot_release(&fixture->directives);
    memory_free(fixture);
    return 0;
}

static struct core_call *watch(struct fixture *fixture)
{
    Passgate__V1__WatchRevisionsRequest request = PASSGATE__V1__WATCH_REVISIONS_REQUEST__INIT;
    struct core_call *call = core_stream_start(
        fixture->client,
        &(struct core_start){.path = "/passgate.v1.EntitlementService/WatchRevisions"});

    core_stream_send(call, &request.base);
    core_stream_half_close(call);
    return call;
}

static const Passgate__V1__WatchRevisionsResponse *next(struct core_call *call, int64_t wait_ms)
{
    return (const Passgate__V1__WatchRevisionsResponse *)core_stream_read(
        call, &passgate__v1__watch_revisions_response__descriptor, wait_ms);
}

/* How many subjects the next message names; it comes, and it is no reset. */
static size_t next_count(struct core_call *call)
{
    const Passgate__V1__WatchRevisionsResponse *message = next(call, WAIT_MS);

    if (!message)
        fail_msg("no message: %s", core_call_describe(call));
    assert_false(message->reset);
    return message->n_subjects;
}

static void end(struct core_call *call)
{
    core_call_cancel(call);
    assert_end(call, GRPC_STATUS_CANCELLED);
}

static void a_gap_in_the_feed_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct core_call *call = watch(fixture);
    const Passgate__V1__WatchRevisionsResponse *message;

    assert_non_null(next(call, WAIT_MS));
    tell(fixture, 1);
    assert_int_equal(next_count(call), 1);
    fake_store_tell_reset(fixture->fake);
    tell(fixture, 1);
    message = next(call, WAIT_MS);
    assert_true(message->reset);
    assert_int_equal(message->n_subjects, 0);
    end(call);
}

/* It reads again when far more has happened than the server and the network keep for it. */
static void a_client_that_does_not_read_is_told_to_drop_everything(void **state)
{
    enum { BATCHES = 600, CHANGES = 2000 };
    struct fixture *fixture = *state;
    struct core_call *call = watch(fixture);
    const Passgate__V1__WatchRevisionsResponse *message = next(call, WAIT_MS);
    uint64_t told = 0;

    for (int i = 0; i < BATCHES; i++) {
        tell(fixture, CHANGES);
        usleep(3000);
    }
    while (message && !message->reset) {
        told += message->n_subjects;
        message = next(call, WAIT_MS);
    }
    assert_non_null(message);
    assert_true(told < (uint64_t)BATCHES * CHANGES);
    while (next(call, QUIET_MS))
        continue;
    tell(fixture, 1);
    assert_int_equal(next_count(call), 1);
    end(call);
}

/* A round for every change would be as many messages. */
static void a_burst_is_told_in_few_messages(void **state)
{
    enum { CHANGES = 5000 };
    struct fixture *fixture = *state;
    struct core_call *call = watch(fixture);
    unsigned messages = 0, told = 0;

    assert_non_null(next(call, WAIT_MS));
    tell(fixture, CHANGES);
    while (told < CHANGES) {
        told += (unsigned)next_count(call);
        messages++;
    }
    assert_in_range(messages, CHANGES / 1000, CHANGES / 10);
    end(call);
}

static void while_the_feed_is_silent_no_heartbeat_says_that_all_is_well(void **state)
{
    struct fixture *fixture = *state;
    struct core_call *call = watch(fixture);

    assert_non_null(next(call, WAIT_MS));
    fake_store_set_feed_age(fixture->fake, 3000);
    test_clock_advance(&fixture->clock, 10 * HEARTBEAT_MS);
    assert_null(next(call, 2 * HEARTBEAT_MS));
    tell(fixture, 1); /* but what is known is told */
    assert_int_equal(next_count(call), 1);
    test_clock_advance(&fixture->clock, 10 * HEARTBEAT_MS);
    assert_null(next(call, 2 * HEARTBEAT_MS));
    fake_store_set_feed_age(fixture->fake, 0);
    assert_int_equal(next_count(call), 0);
    end(call);
}

static void without_any_change_the_store_says_where_it_is(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number = fake_store_write_untold(fixture->fake, 1, 1);
    struct revision revision;
    struct core_call *call;
    struct err err;

    fake_store_tell_reset(fixture->fake);
    while (!fake_store_read(fixture->fake))
        usleep(1000);
    assert_true(fake_store_answer(fixture->fake));
    while (change_log_end(fixture->log).number == 0)
        usleep(1000);
    call = watch(fixture);
    assert_true(revision_parse(span_text(next(call, WAIT_MS)->revision), "", &revision, &err));
    assert_int_equal(revision.number, number);
    end(call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_gap_in_the_feed_is_told),
        TEST(a_client_that_does_not_read_is_told_to_drop_everything),
        TEST(a_burst_is_told_in_few_messages),
        TEST(while_the_feed_is_silent_no_heartbeat_says_that_all_is_well),
        TEST(without_any_change_the_store_says_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
