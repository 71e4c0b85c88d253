/* SPDX-License-Identifier: Apache-2.0 */
/* What sentinels may answer, and when they agree. */
#include "storage/redis_primary.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SENTINELS = 3 };

/* A reply as it comes over the wire, read as an answer. */
static bool read_wire(const char *wire, struct redis_answer *ret_answer, struct err *err)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    bool is_read;

    assert_int_equal(redisReaderFeed(reader, wire, strlen(wire)), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    is_read = redis_answer_read(reply, ret_answer, err);
    freeReplyObject(reply);
    redisReaderFree(reader);
    return is_read;
}

static const struct {
    const char *wire;
    const char *host;
    uint16_t port;
} addresses[] = {
    {"*2\r\n$8\r\n10.0.0.7\r\n$4\r\n6379\r\n", "10.0.0.7", 6379},
    {"*2\r\n$7\r\nfe80::1\r\n$5\r\n65535\r\n", "fe80::1", 65535},
    {"*2\r\n$12\r\nredis-0.db_1\r\n$1\r\n1\r\n", "redis-0.db_1", 1},
};

static void a_primary_has_a_host_and_a_port(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct redis_answer answer;
        struct err err;

        assert_true(read_wire(addresses[i].wire, &answer, &err));
        assert_int_equal(answer.kind, REDIS_ANSWER_PRIMARY);
        assert_string_equal(answer.primary.host, addresses[i].host);
        assert_int_equal(answer.primary.port, addresses[i].port);
    }
}

static void nothing_is_the_answer_about_a_name_that_is_not_known(void **state)
{
    struct redis_answer answer;
    struct err err;

    (void)state;
    assert_true(read_wire("*-1\r\n", &answer, &err));
    assert_int_equal(answer.kind, REDIS_ANSWER_NO_SUCH_NAME);
}

static const char *const strange[] = {
    "+OK\r\n",
    ":6379\r\n",
    "$4\r\n6379\r\n",
    "*0\r\n",
    "*1\r\n$1\r\na\r\n",
    "*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\n1\r\n",
    "*2\r\n$1\r\na\r\n:6379\r\n",
    "*2\r\n$-1\r\n$1\r\n1\r\n",
    "*2\r\n*0\r\n$1\r\n1\r\n",
    "*2\r\n$0\r\n\r\n$1\r\n1\r\n",
    "*2\r\n$1\r\na\r\n$1\r\n0\r\n",
    "*2\r\n$1\r\na\r\n$5\r\n65536\r\n",
    "*2\r\n$1\r\na\r\n$2\r\n-1\r\n",
    "*2\r\n$1\r\na\r\n$0\r\n\r\n",
    "*2\r\n$3\r\na b\r\n$1\r\n1\r\n",
    "*2\r\n$4\r\n/a/b\r\n$1\r\n1\r\n",
};

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        struct redis_answer answer;
        struct err err;

        if (read_wire(strange[i], &answer, &err))
            fail_msg("%s", strange[i]);
        assert_int_equal(err.code, ERR_STORE_CORRUPT);
    }
}

static void a_host_has_an_end_and_no_nul(void **state)
{
    struct redis_address address;
    char host[REDIS_HOST_MAX + 1];

    (void)state;
    memset(host, 'a', sizeof(host));
    assert_true(redis_address_make(span_of(host, REDIS_HOST_MAX), 1, &address));
    assert_int_equal(strlen(address.host), REDIS_HOST_MAX);
    assert_false(redis_address_make(span_of(host, REDIS_HOST_MAX + 1), 1, &address));
    assert_false(redis_address_make(span_of("a\0b", 3), 1, &address));
    assert_false(redis_address_make(span_text("a"), 0, &address));
}

/* Agreement. */

static struct redis_answer says(const char *host, int64_t asked_ms)
{
    return (struct redis_answer){
        .kind = REDIS_ANSWER_PRIMARY,
        .asked_ms = asked_ms,
        .primary = redis_address_of(host, 6379),
    };
}

static void more_than_half_of_all_must_say_the_same(void **state)
{
    struct redis_answer answers[SENTINELS] = {{.kind = REDIS_ANSWER_NONE}};

    (void)state;
    assert_null(redis_answers_agree(answers, SENTINELS, 0));
    answers[2] = says("a", 10);
    assert_null(redis_answers_agree(answers, SENTINELS, 0));
    answers[0] = says("b", 10);
    assert_null(redis_answers_agree(answers, SENTINELS, 0));
    answers[1] = (struct redis_answer){.kind = REDIS_ANSWER_NO_SUCH_NAME, .asked_ms = 10};
    assert_null(redis_answers_agree(answers, SENTINELS, 0));
    answers[1] = says("b", 10);
    assert_string_equal(redis_answers_agree(answers, SENTINELS, 0)->host, "b");
    answers[1].primary.port = 6380;
    assert_null(redis_answers_agree(answers, SENTINELS, 0));
}

static void who_was_asked_before_does_not_count(void **state)
{
    struct redis_answer answers[SENTINELS] = {says("a", 10), says("a", 20), says("a", 30)};

    (void)state;
    assert_non_null(redis_answers_agree(answers, SENTINELS, 20));
    assert_null(redis_answers_agree(answers, SENTINELS, 21));
    assert_int_equal(redis_answers_count(answers, SENTINELS, &answers[0].primary, 21), 1);
}

static void half_is_not_enough_and_two_are_both(void **state)
{
    static const size_t needed[] = {[2] = 2, [3] = 2, [4] = 3, [5] = 3, [9] = 5};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (needed[i] > 0)
            assert_int_equal(redis_answers_needed(i), needed[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_primary_has_a_host_and_a_port),
        cmocka_unit_test(nothing_is_the_answer_about_a_name_that_is_not_known),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_host_has_an_end_and_no_nul),
        cmocka_unit_test(more_than_half_of_all_must_say_the_same),
        cmocka_unit_test(who_was_asked_before_does_not_count),
        cmocka_unit_test(half_is_not_enough_and_two_are_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
