/* SPDX-License-Identifier: Apache-2.0 */
/* Unary calls: answers, errors, what is refused before a handler runs. */
#include "base/memory.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MANY = 3000 };

static const char *const doors[] = {ECHO_PATH "Echo", ECHO_PATH "EchoCold"};

static void a_request_is_answered_through_both_doors(void **state)
{
    struct echo_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        struct core_call *call = echo_start(fixture->client, doors[i], 4711, ECHO_WAIT_MS);

        assert_ended(call, GRPC_STATUS_OK);
        assert_int_equal(echo_number(call), 4711);
        assert_string_equal(core_call_text(call), "");
        core_call_free(call);
    }
}

static void thousands_at_once_each_get_their_own_answer(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_call *calls[MANY];

    for (size_t i = 0; i < MANY; i++)
        calls[i] = echo_start(fixture->client, doors[i % 2], i + 1, 2 * ECHO_WAIT_MS);
    for (size_t i = 0; i < MANY; i++) {
        assert_ended(calls[i], GRPC_STATUS_OK);
        assert_int_equal(echo_number(calls[i]), i + 1);
        core_call_free(calls[i]);
    }
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
}

static void an_empty_message_is_a_message(void **state)
{
    struct echo_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        struct core_start request = {.path = doors[i], .deadline_ms = ECHO_WAIT_MS};

        assert_end(core_call_start(fixture->client, &request), GRPC_STATUS_OK);
    }
}

static void an_error_carries_its_reason_and_its_field(void **state)
{
    struct echo_fixture *fixture = *state;
    static const struct {
        enum err_code code;
        const char *field, *reason, *text;
        grpc_status_code status;
    } rows[] = {
        {ERR_FIELD_REQUIRED, "checks[3].subject", "FIELD_REQUIRED",
         "checks[3].subject: a required field is missing", GRPC_STATUS_INVALID_ARGUMENT},
        {ERR_NOT_FOUND, "", "NOT_FOUND", "not found", GRPC_STATUS_NOT_FOUND},
        {ERR_STORE_UNAVAILABLE, "", "STORE_UNAVAILABLE",
         "the store does not answer, try again later", GRPC_STATUS_UNAVAILABLE},
        /* The client has not cancelled: it must hear even this. */
        {ERR_CANCELLED, "", "CANCELLED", "the caller cancelled", GRPC_STATUS_CANCELLED},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(doors); i++) {
        Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;
        struct core_call *call;
        size_t row = i / 2;

        request.fail_code = rows[row].code;
        request.fail_field = (char *)rows[row].field;
        call = core_call(fixture->client, doors[i % 2], &request.base, ECHO_WAIT_MS);
        assert_ended(call, rows[row].status);
        assert_string_equal(core_call_text(call), rows[row].text);
        assert_string_equal(core_call_reason(call), rows[row].reason);
        assert_string_equal(core_call_field(call), rows[row].field);
        core_call_free(call);
    }
}

static void what_does_not_exist_is_unimplemented_at_once(void **state)
{
    struct echo_fixture *fixture = *state;
    static const char *const paths[] = {
        ECHO_PATH "Nope", "/passgate.testing.NoService/Echo", "/", "x", ECHO_PATH, "/a/b/c",
    };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int64_t from_ns = clock_now_ns();
        struct core_call *call = echo_start(fixture->client, paths[i], 1, 2 * ECHO_WAIT_MS);

        assert_ended(call, GRPC_STATUS_UNIMPLEMENTED);
        assert_string_equal(core_call_reason(call), "METHOD_UNKNOWN");
        assert_true(clock_now_ns() - from_ns < INT64_C(2000000000));
        core_call_free(call);
    }
    assert_int_equal(echo_stats(fixture->echo).unknown_methods, ARRAY_LEN(paths));
}

static void an_empty_path_ends_too(void **state)
{
    struct echo_fixture *fixture = *state;
    grpc_status_code status = echo_status(fixture->client, "");

    assert_true(status != GRPC_STATUS_OK && status != GRPC_STATUS_DEADLINE_EXCEEDED);
    assert_echo(fixture->client, doors[0], GRPC_STATUS_OK);
}

static void a_message_above_its_bound_is_refused(void **state)
{
    struct echo_fixture *fixture = *state;
    static const struct {
        size_t bytes;
        const char *reason; /* "" where core itself refuses */
    } rows[] = {
        {ECHO_REQUEST_BYTES_MAX + 1, "MESSAGE_TOO_LARGE"},
        {512 * 1024 + 1, ""},
        {4 * 1024 * 1024, ""},
    };
    uint8_t *bytes = memory_zalloc(4 * 1024 * 1024);

    for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(doors); i++) {
        struct core_start request = {
            .path = doors[i % 2],
            .bytes = span_of(bytes, rows[i / 2].bytes),
            .deadline_ms = ECHO_WAIT_MS,
        };
        struct core_call *call = core_call_start(fixture->client, &request);

        assert_ended(call, GRPC_STATUS_RESOURCE_EXHAUSTED);
        assert_string_equal(core_call_reason(call), rows[i / 2].reason);
        core_call_free(call);
        assert_echo(fixture->client, doors[i % 2], GRPC_STATUS_OK);
    }
    memory_free(bytes);
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
}

static void a_message_of_exactly_its_bound_is_taken(void **state)
{
    struct echo_fixture *fixture = *state;
    static char text[ECHO_REQUEST_BYTES_MAX];
    Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;

    memset(text, 'x', sizeof(text) - 3); /* without its tag and its length */
    request.text = text;
    assert_int_equal(passgate__testing__echo_request__get_packed_size(&request),
                     ECHO_REQUEST_BYTES_MAX);
    assert_end(core_call(fixture->client, doors[0], &request.base, ECHO_WAIT_MS), GRPC_STATUS_OK);
}

static void bytes_that_are_no_message_are_refused_with_the_field(void **state)
{
    struct echo_fixture *fixture = *state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *reason, *field;
    } rows[] = {
        {"\x12\x03"
         "a\0b",
         5, "FIELD_NUL", "text"},
        {"\x12\x02\xC3(", 4, "FIELD_UTF8", "text"},
        {"\x12\x05"
         "abc",
         5, "MESSAGE_MALFORMED", "text"},
        {"\xFF", 1, "MESSAGE_MALFORMED", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(doors); i++) {
        struct core_start request = {
            .path = doors[i % 2],
            .bytes = span_of(rows[i / 2].bytes, rows[i / 2].length),
            .deadline_ms = ECHO_WAIT_MS,
        };
        struct core_call *call = core_call_start(fixture->client, &request);

        assert_ended(call, GRPC_STATUS_INVALID_ARGUMENT);
        assert_string_equal(core_call_reason(call), rows[i / 2].reason);
        assert_string_equal(core_call_field(call), rows[i / 2].field);
        core_call_free(call);
    }
}

static void headers_are_read_and_trailers_are_sent(void **state)
{
    struct echo_fixture *fixture = *state;
    struct core_header headers[] = {{"x-first", "one"}, {"x-wanted", "two"}, {"x-wanted", "three"}};

    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;
        struct core_start call_start = {
            .path = doors[i],
            .message = &request.base,
            .deadline_ms = ECHO_WAIT_MS,
            .headers = headers,
            .header_count = ARRAY_LEN(headers),
        };
        const Passgate__Testing__EchoResponse *reply;
        struct core_call *call;
        struct span value;

        request.want_header = (char *)"x-wanted";
        call = core_call_start(fixture->client, &call_start);
        assert_ended(call, GRPC_STATUS_OK);
        reply = (const Passgate__Testing__EchoResponse *)core_call_reply(
            call, &passgate__testing__echo_response__descriptor);
        assert_string_equal(reply->text, "two");
        assert_true(core_call_trailer(call, "x-seen", &value) && span_is(value, "two"));
        assert_true(core_call_trailer(call, "x-seen-bin", &value) &&
                    span_equal(value, span_of("\0\1", 2)));
        assert_false(core_call_trailer(call, "x-bad", &value)); /* no header can carry it */
        core_call_free(call);
    }
}

static void a_compressed_request_is_unimplemented(void **state)
{
    struct echo_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;
        struct core_start call_start = {
            .path = doors[i],
            .message = &request.base,
            .is_gzipped = true,
            .deadline_ms = ECHO_WAIT_MS,
        };
        static char text[4096];

        memset(text, 'a', sizeof(text) - 1);
        request.text = text;
        assert_end(core_call_start(fixture->client, &call_start), GRPC_STATUS_UNIMPLEMENTED);
        assert_echo(fixture->client, doors[i], GRPC_STATUS_OK);
    }
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
}

/* Through the hot door core itself waits for the message: there the client's deadline ends it. */
static void headers_without_a_message_end_at_the_deadline(void **state)
{
    struct echo_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        struct core_start request = {
            .path = doors[i], .is_without_message = true, .deadline_ms = 200};
        int64_t from_ns = clock_now_ns();

        assert_end(core_call_start(fixture->client, &request), GRPC_STATUS_DEADLINE_EXCEEDED);
        assert_true(clock_now_ns() - from_ns < INT64_C(5000000000));
    }
    WAIT_FOR(fixture->client, echo_stats(fixture->echo).in_flight == 0);
}

static void an_end_without_a_message_is_refused(void **state)
{
    struct echo_fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        struct core_call *call = core_stream_start(
            fixture->client, &(struct core_start){.path = doors[i], .deadline_ms = ECHO_WAIT_MS});

        core_stream_half_close(call);
        assert_ended(call, GRPC_STATUS_INVALID_ARGUMENT);
        assert_string_equal(core_call_reason(call), "MESSAGE_MALFORMED");
        core_call_free(call);
    }
}

static void a_large_answer_arrives_whole(void **state)
{
    struct echo_fixture *fixture = *state;
    Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;
    const Passgate__Testing__EchoResponse *reply;
    struct core_call *call;

    request.pad_bytes = 3 * 1024 * 1024;
    call = core_call(fixture->client, doors[0], &request.base, 2 * ECHO_WAIT_MS);
    assert_ended(call, GRPC_STATUS_OK);
    reply = (const Passgate__Testing__EchoResponse *)core_call_reply(
        call, &passgate__testing__echo_response__descriptor);
    assert_int_equal(reply->padding.len, request.pad_bytes);
    core_call_free(call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, echo_set_up, echo_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_through_both_doors),
        TEST(thousands_at_once_each_get_their_own_answer),
        TEST(an_empty_message_is_a_message),
        TEST(an_error_carries_its_reason_and_its_field),
        TEST(what_does_not_exist_is_unimplemented_at_once),
        TEST(an_empty_path_ends_too),
        TEST(a_message_above_its_bound_is_refused),
        TEST(a_message_of_exactly_its_bound_is_taken),
        TEST(bytes_that_are_no_message_are_refused_with_the_field),
        TEST(headers_are_read_and_trailers_are_sent),
        TEST(a_compressed_request_is_unimplemented),
        TEST(headers_without_a_message_end_at_the_deadline),
        TEST(an_end_without_a_message_is_refused),
        TEST(a_large_answer_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
