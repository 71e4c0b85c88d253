/* SPDX-License-Identifier: Apache-2.0 */
/* Reads that are given up, on a server that stands still again and again. */
#include "contract/redis_fixture.h"

#include "base/random.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { KEYS = 64, BURST = 500 };

/* So many reads come too late, or more. */
static size_t late_wanted;

struct storm {
    struct redis_fixture *fixture;
    size_t answered;
    size_t read;
    size_t late;
    size_t foreign;
};

/* `limit`, which a read has no use for, is the number of its key. */
static void on_storm_done(struct store_request *request)
{
    struct storm *storm = request->owner;
    uint32_t number = (uint32_t)request->limit;

    storm->answered++;
    if (request->is_ok) {
        storm->read++;
        storm->foreign += !span_equal(request->values[0].data, span_of(&number, sizeof(number)));
    } else if (request->err.code == ERR_DEADLINE) {
        storm->late++;
    }
    store_request_free(request);
}

static void given_up_commands_keep_their_place_and_nobody_gets_the_answer_of_another(void **state)
{
    struct storm storm = {.fixture = *state};
    struct redis_fixture *fixture = storm.fixture;
    struct redis_options options;
    size_t submitted = 0;

    options = redis_fixture_options(fixture);
    redis_fixture_open(fixture, 0, &options);
    for (uint32_t i = 0; i < KEYS; i++) {
        struct store_request *request = redis_fixture_request(fixture, STORE_WRITE);

        store_request_put(request, redis_fixture_key(i), TIMESTAMP_NEVER_MS,
                          span_of(&i, sizeof(i)));
        store_request_free(redis_fixture_run(fixture, 0, request));
    }
    while (storm.late < late_wanted) {
        redis_server_pause(&fixture->server, submitted / BURST % 2 == 1);
        for (size_t i = 0; i < BURST; i++, submitted++) {
            struct store_request *request =
                store_request_new(STORE_READ, 0, &fixture->mailbox.inbox, on_storm_done, &storm);

            request->limit = (size_t)random_u64() % KEYS;
            request->deadline_ms =
                clock_monotonic_ms(&clock_system) + 1 + (int64_t)(random_u64() % 10);
            store_request_key(request, redis_fixture_key((unsigned)request->limit));
            store_submit(fixture->replicas[0].store, request);
        }
        mailbox_wait_for(&fixture->mailbox, &storm.answered, submitted);
    }
    print_message("%zu reads: %zu answered, %zu too late, %zu answers of another key\n", submitted,
                  storm.read, storm.late, storm.foreign);
    assert_true(storm.read > KEYS);
    assert_int_equal(storm.foreign, 0);
}

int redis_run_late_tests(size_t wanted)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            given_up_commands_keep_their_place_and_nobody_gets_the_answer_of_another,
            redis_fixture_set_up, redis_fixture_tear_down),
    };

    late_wanted = wanted;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
