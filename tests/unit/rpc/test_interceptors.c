/* SPDX-License-Identifier: Apache-2.0 */
/* Interceptors: in order, refused by any, told of every end exactly once; and what they may know.
 */
#include "rpc/call.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* What one interceptor has seen.  One worker: the chain's log needs no lock while calls are awaited
 * one by one. */
struct witness {
    char name;
    bool refuses;
    atomic_uint before, after;
    _Atomic(enum err_code) outcome;
};

static struct witness witnesses[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};
static char order[64];
static _Atomic(int64_t) deadline_ms, started_ms;
static char path[128];

static void note(char what, char name)
{
    size_t length = strlen(order);

    if (length + 2 < sizeof(order)) {
        order[length] = what;
        order[length + 1] = name;
        order[length + 2] = '\0';
    }
}

static bool before(struct rpc_call *call, void *context, struct err *err)
{
    struct witness *witness = context;

    note('+', witness->name);
    atomic_fetch_add(&witness->before, 1);
    if (witness->name == 'a')
        rpc_call_attach(call, &witnesses[0], witness);
    else if (rpc_call_attached(call, &witnesses[0]) != &witnesses[0] ||
             rpc_call_attached(call, &witnesses[1]))
        return err_set(err, ERR_INTERNAL, "what was attached is lost");
    deadline_ms = rpc_call_deadline_ms(call);
    started_ms = rpc_call_started_ns(call) / 1000000;
    snprintf(path, sizeof(path), "%s", rpc_call_path(call));
    if (witness->refuses)
        return err_set(err, ERR_ROLE_MISSING, "refused by %c", witness->name);
    return true;
}

static void after(struct rpc_call *call, void *context, const struct err *outcome)
{
    struct witness *witness = context;

    note('-', witness->name);
    if (rpc_call_attached(call, &witnesses[0]) == &witnesses[0])
        atomic_fetch_add(&witness->after, 1);
    witness->outcome = outcome->code;
}

static int start(void **state)
{
    static struct rpc_interceptor chain[ARRAY_LEN(witnesses)];
    static const struct rpc_interceptor *pointers[ARRAY_LEN(witnesses)];
    struct rpc_options options = echo_options();

    for (size_t i = 0; i < ARRAY_LEN(witnesses); i++) {
        witnesses[i] = (struct witness){.name = (char)('a' + i)};
        chain[i] = (struct rpc_interceptor){
            .name = "witness", .before = before, .after = after, .context = &witnesses[i]};
        pointers[i] = &chain[i];
    }
    order[0] = '\0';
    options.interceptors = pointers;
    options.interceptor_count = ARRAY_LEN(pointers);
    options.worker_count = 1;
    return echo_set_up_with(state, &options, 4);
}

static int stop(void **state)
{
    echo_tear_down(state);
    for (size_t i = 0; i < ARRAY_LEN(witnesses); i++)
        if (witnesses[i].before != witnesses[i].after)
            return -1; /* somebody was told never, or twice */
    return 0;
}

static void they_run_in_order_and_back(void **state)
{
    struct echo_fixture *fixture = *state;

    assert_echo(fixture->client, ECHO_PATH "Echo", GRPC_STATUS_OK);
    assert_string_equal(order, "+a+b+c-c-b-a");
    assert_string_equal(path, ECHO_PATH "Echo");
    assert_int_equal(witnesses[0].outcome, ERR_OK);
}

static void one_that_refuses_ends_the_chain(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call;

    witnesses[1].refuses = true;
    call = echo_start(fixture->client, ECHO_PATH "EchoCold", 1, ECHO_WAIT_MS);
    assert_ended(call, GRPC_STATUS_PERMISSION_DENIED);
    assert_string_equal(core_call_reason(call), "ROLE_MISSING");
    assert_string_equal(core_call_text(call), "the caller may not do this");
    assert_string_equal(order, "+a+b-b-a");
    assert_int_equal(witnesses[0].outcome, ERR_ROLE_MISSING);
    core_call_free(call);
}

static void a_refused_stream_never_opens(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *call;

    witnesses[2].refuses = true;
    call = echo_count(fixture->client, ECHO_PATH "Count", 0, 0, ECHO_WAIT_MS);
    assert_end(call, GRPC_STATUS_PERMISSION_DENIED);
    call = core_stream_start(fixture->client, &(struct core_start){.path = ECHO_PATH "Chat",
                                                                   .deadline_ms = ECHO_WAIT_MS});
    assert_end(call, GRPC_STATUS_PERMISSION_DENIED);
    assert_int_equal(echo_stats(fixture->echo).streams, 0);
}

static void every_kind_of_end_is_told_once(void **state)
{
    struct echo_fixture *fixture = *state;
    Passgate__Testing__EchoRequest bad = PASSGATE__TESTING__ECHO_REQUEST__INIT;
    struct core_call *call;

    bad.fail_code = ERR_NOT_FOUND;
    bad.fail_field = (char *)"";
    assert_end(core_call(fixture->client, ECHO_PATH "Work", &bad.base, ECHO_WAIT_MS),
               GRPC_STATUS_NOT_FOUND);
    assert_int_equal(witnesses[0].outcome, ERR_NOT_FOUND);
    call = echo_start(fixture->client, ECHO_PATH "Park", 1, 100);
    assert_end(call, GRPC_STATUS_DEADLINE_EXCEEDED);
    WAIT_FOR(fixture->client, witnesses[0].after == 2);
    /* The client's clock began earlier: its cancellation may be here first. */
    assert_true(witnesses[0].outcome == ERR_DEADLINE || witnesses[0].outcome == ERR_CANCELLED);
    call = echo_start(fixture->client, ECHO_PATH "Park", 1, ECHO_WAIT_MS);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).parked == 1);
    core_call_cancel(call);
    assert_end(call, GRPC_STATUS_CANCELLED);
    WAIT_FOR(fixture->client, witnesses[0].after == 3);
    assert_int_equal(witnesses[0].outcome, ERR_CANCELLED);
    call = echo_count(fixture->client, ECHO_PATH "Count", 3, 0, ECHO_WAIT_MS);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(echo_next(call, ECHO_WAIT_MS), i);
    assert_end(call, GRPC_STATUS_OK);
    WAIT_FOR(fixture->client, witnesses[0].after == 4);
    call = echo_count(fixture->client, ECHO_PATH "Count", 0, 10000, ECHO_WAIT_MS);
    assert_int_equal(echo_next(call, ECHO_WAIT_MS), 1);
    core_call_cancel(call);
    assert_end(call, GRPC_STATUS_CANCELLED);
    WAIT_FOR(fixture->client, witnesses[0].after == 5);
    call = core_call_start(fixture->client, &(struct core_start){.path = ECHO_PATH "EchoCold",
                                                                 .bytes = span_of("\xFF", 1),
                                                                 .deadline_ms = ECHO_WAIT_MS});
    assert_end(call, GRPC_STATUS_INVALID_ARGUMENT);
    WAIT_FOR(fixture->client, witnesses[0].after == 6);
    for (size_t i = 0; i < ARRAY_LEN(witnesses); i++)
        assert_int_equal(witnesses[i].before, witnesses[i].after);
}

static void methods_that_do_not_exist_are_not_theirs(void **state)
{
    struct echo_fixture *fixture = *state;

    assert_echo(fixture->client, ECHO_PATH "Nope", GRPC_STATUS_UNIMPLEMENTED);
    assert_string_equal(order, "");
}

/* The client's deadline counts while it is the earlier one. */
static void a_deadline_that_is_missing_or_too_far_is_the_rows(void **state)
{
    static const struct {
        const char *path;
        int64_t asked_ms, expected_ms;
    } rows[] = {
        {ECHO_PATH "Echo", 0, ECHO_DEADLINE_CAP_MS},
        {ECHO_PATH "EchoCold", 0, ECHO_DEADLINE_CAP_MS},
        {ECHO_PATH "Echo", 10 * ECHO_DEADLINE_CAP_MS, ECHO_DEADLINE_CAP_MS},
        {ECHO_PATH "EchoCold", 10 * ECHO_DEADLINE_CAP_MS, ECHO_DEADLINE_CAP_MS},
        {ECHO_PATH "Echo", 20000, 20000},
        {ECHO_PATH "EchoCold", 20000, 20000},
    };
    struct echo_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t left_ms;

        core_call_end(echo_start(fixture->client, rows[i].path, 1, rows[i].asked_ms));
        left_ms = deadline_ms - started_ms;
        if (rows[i].asked_ms == rows[i].expected_ms)
            assert_in_range(left_ms, rows[i].expected_ms - 5000, /* core's header is rounded up */
                            rows[i].expected_ms + 500);
        else
            assert_int_equal(left_ms, rows[i].expected_ms);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_run_in_order_and_back),
        TEST(one_that_refuses_ends_the_chain),
        TEST(a_refused_stream_never_opens),
        TEST(every_kind_of_end_is_told_once),
        TEST(methods_that_do_not_exist_are_not_theirs),
        TEST(a_deadline_that_is_missing_or_too_far_is_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
