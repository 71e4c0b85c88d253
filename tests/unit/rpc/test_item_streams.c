/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of items in both directions: a window, answers in any order, ends of every kind. */
#include "rpc/stream.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CHAT    ECHO_PATH "Chat"
#define NOW     PASSGATE__TESTING__CHAT_REQUEST__ANSWER__NOW
#define LATER   PASSGATE__TESTING__CHAT_REQUEST__ANSWER__LATER
#define FAIL    PASSGATE__TESTING__CHAT_REQUEST__ANSWER__FAIL
#define RELEASE PASSGATE__TESTING__CHAT_REQUEST__ANSWER__RELEASE

static struct core_call *chat;

static int start_with(void **state, int64_t grace_ms)
{
    struct rpc_options options = echo_options();
    const struct echo_fixture *fixture;

    options.connection_grace_ms = grace_ms;
    echo_set_up_with(state, &options, 4);
    fixture = *state;
    chat = core_stream_start(fixture->client,
                             &(struct core_start){.path = CHAT, .deadline_ms = 2 * ECHO_WAIT_MS});
    return 0;
}

static int start(void **state)
{
    return start_with(state, 0);
}

static int start_short_lived(void **state)
{
    return start_with(state, 500);
}

static bool say(uint64_t number, Passgate__Testing__ChatRequest__Answer answer)
{
    Passgate__Testing__ChatRequest request = PASSGATE__TESTING__CHAT_REQUEST__INIT;

    request.number = number;
    request.answer = answer;
    return core_stream_send(chat, &request.base);
}

static void items_are_answered_until_the_client_has_said_all(void **state)
{
    struct echo_fixture *fixture = *state;

    for (uint64_t i = 1; i <= 200; i++) {
        assert_true(say(i, NOW));
        assert_int_equal(echo_next(chat, ECHO_WAIT_MS), i);
    }
    assert_int_equal(echo_stats(fixture->echo).streams, 1);
    core_stream_half_close(chat);
    assert_int_equal(echo_next(chat, ECHO_WAIT_MS), 0);
    assert_end(chat, GRPC_STATUS_OK);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).streams == 0);
}

static void answers_may_come_out_of_order(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++)
        assert_true(say(i, LATER));
    assert_true(say(6, NOW));
    assert_int_equal(echo_next(chat, ECHO_WAIT_MS), 6);
    assert_true(say(7, RELEASE));
    for (uint64_t i = 5; i >= 1; i--)
        assert_int_equal(echo_next(chat, ECHO_WAIT_MS), i);
    assert_int_equal(echo_next(chat, ECHO_WAIT_MS), 7);
    core_stream_half_close(chat);
    assert_end(chat, GRPC_STATUS_OK);
}

/* What is answered after the client's half-close still arrives, and then the end. */
static void a_half_closed_stream_waits_for_its_answers(void **state)
{
    struct echo_fixture *fixture = *state;

    assert_true(say(1, LATER));
    assert_true(say(2, LATER));
    WAIT_FOR(fixture->client, echo_server_kept(fixture->echo) == 2);
    core_stream_half_close(chat);
    assert_int_equal(echo_next(chat, 50), 0);
    assert_false(core_call_is_done(chat));
    echo_server_release(fixture->echo);
    assert_int_equal(echo_next(chat, ECHO_WAIT_MS), 2);
    assert_int_equal(echo_next(chat, ECHO_WAIT_MS), 1);
    assert_end(chat, GRPC_STATUS_OK);
    assert_int_equal(echo_server_items_told(fixture->echo), 0);
}

static void thirty_two_items_are_open_and_no_more(void **state)
{
    struct echo_fixture *fixture = *state;

    for (uint64_t i = 1; i <= RPC_STREAM_WINDOW + 8; i++)
        assert_true(say(i, LATER));
    WAIT_FOR(fixture->client, echo_server_kept(fixture->echo) == RPC_STREAM_WINDOW);
    for (int i = 0; i < 50; i++)
        core_client_pump(fixture->client, 1);
    assert_int_equal(echo_server_kept(fixture->echo), RPC_STREAM_WINDOW);
    echo_server_release(fixture->echo);
    for (uint64_t i = RPC_STREAM_WINDOW; i >= 1; i--)
        assert_int_equal(echo_next(chat, ECHO_WAIT_MS), i);
    WAIT_FOR(fixture->client, echo_server_kept(fixture->echo) == 8); /* reading goes on */
    core_call_cancel(chat);
    assert_end(chat, GRPC_STATUS_CANCELLED);
    WAIT_FOR(fixture->client, echo_server_items_told(fixture->echo) == 8);
}

/* Who sends and never reads: what the server holds for it stays small. */
static void a_client_that_only_talks_is_held_back(void **state)
{
    struct echo_fixture *fixture = *state;
    Passgate__Testing__ChatRequest request = PASSGATE__TESTING__CHAT_REQUEST__INIT;
    unsigned sent = 0;

    request.pad_bytes = 64 * 1024;
    for (int quiet = 0; quiet < 200;) {
        if (core_stream_is_sending(chat)) {
            quiet++;
        } else {
            core_stream_send_start(chat, &request.base);
            quiet = 0;
            sent++;
        }
        if (sent >= 100000)
            break; /* tiny requests fill the windows slowly: enough has been seen */
        core_client_pump(fixture->client, quiet > 0 ? 1 : 0);
    }
    assert_true(echo_stats(fixture->echo).streams == 1);
    assert_true(echo_server_read(fixture->echo) < 16 * 1024 * 1024 / request.pad_bytes);
    core_call_cancel(chat);
    assert_end(chat, GRPC_STATUS_CANCELLED);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
}

static void an_item_that_fails_ends_the_stream(void **state)
{
    struct echo_fixture *fixture = *state;

    assert_true(say(1, LATER));
    assert_true(say(2, NOW));
    assert_true(say(3, FAIL));
    assert_int_equal(echo_next(chat, ECHO_WAIT_MS), 2);
    assert_ended(chat, GRPC_STATUS_INVALID_ARGUMENT);
    assert_string_equal(core_call_reason(chat), "FIELD_RANGE");
    assert_string_equal(core_call_field(chat), "number");
    assert_int_equal(echo_server_items_told(fixture->echo), 1);
    core_call_free(chat);
}

static void an_item_that_is_no_message_ends_the_stream(void **state)
{
    Passgate__Testing__EchoRequest strange = PASSGATE__TESTING__ECHO_REQUEST__INIT;

    (void)state;
    strange.text = (char *)"field 2 is a number in ChatRequest";
    assert_true(core_stream_send(chat, &strange.base));
    assert_ended(chat, GRPC_STATUS_INVALID_ARGUMENT);
    assert_string_equal(core_call_reason(chat), "MESSAGE_MALFORMED");
    assert_string_equal(core_call_field(chat), "answer");
    core_call_free(chat);
}

static void an_item_that_is_too_large_ends_the_stream(void **state)
{
    static char text[ECHO_REQUEST_BYTES_MAX];
    Passgate__Testing__EchoRequest strange = PASSGATE__TESTING__ECHO_REQUEST__INIT;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    strange.text = text;
    assert_true(core_stream_send(chat, &strange.base));
    assert_ended(chat, GRPC_STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(core_call_reason(chat), "MESSAGE_TOO_LARGE");
    core_call_free(chat);
}

static void a_client_that_leaves_abandons_every_item(void **state)
{
    struct echo_fixture *fixture = *state;

    for (uint64_t i = 1; i <= 5; i++)
        assert_true(say(i, LATER));
    WAIT_FOR(fixture->client, echo_server_kept(fixture->echo) == 5);
    core_call_cancel(chat);
    assert_end(chat, GRPC_STATUS_CANCELLED);
    WAIT_FOR(fixture->client, echo_server_items_told(fixture->echo) == 5);
    assert_int_equal(echo_server_kept(fixture->echo), 0);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
}

static void a_stream_ends_with_its_age_and_abandons_its_items(void **state)
{
    struct echo_fixture *fixture = *state;

    assert_true(say(1, LATER));
    assert_ended(chat, GRPC_STATUS_UNAVAILABLE);
    assert_string_equal(core_call_reason(chat), "STREAM_AGE");
    assert_int_equal(echo_server_items_told(fixture->echo), 1);
    core_call_free(chat);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, echo_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(items_are_answered_until_the_client_has_said_all),
        TEST(answers_may_come_out_of_order),
        TEST(a_half_closed_stream_waits_for_its_answers),
        TEST(thirty_two_items_are_open_and_no_more),
        TEST(a_client_that_only_talks_is_held_back),
        TEST(an_item_that_fails_ends_the_stream),
        TEST(an_item_that_is_no_message_ends_the_stream),
        TEST(an_item_that_is_too_large_ends_the_stream),
        TEST(a_client_that_leaves_abandons_every_item),
        cmocka_unit_test_setup_teardown(a_stream_ends_with_its_age_and_abandons_its_items,
                                        start_short_lived, echo_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
