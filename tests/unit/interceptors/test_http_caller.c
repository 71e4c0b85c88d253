/* SPDX-License-Identifier: Apache-2.0 */
/* The caller of an HTTP request: whose key makes whom, and who is local. */
#include "interceptors/http_caller.h"

#include "base/timestamp.h"
#include "contract/test_clock.h"
#include "interceptors/caller_set.h"
#include "keys/api_key.h"
#include "unit/http/http_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SPAN(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

enum { SOON_MS = 60 * 1000, REQUEST_MAX = 512 };

/* The clock stands at the moment in the name of test_clock_init(). */
#define NOW_MS INT64_C(1781299260000)

static const struct caller rows[] = {
    {.id = SPAN("apikey:gateway"), .roles = ROLE_CHECKER, .is_by_api_key = true},
    {.id = SPAN("apikey:auditor"), .roles = ROLE_AUDITOR, .is_by_api_key = true},
    {.id = SPAN("apikey:denied"), .roles = ROLE_CHECKER, .is_by_api_key = true},
    {.id = SPAN("spiffe://corp/gateway"), .roles = ROLE_CHECKER},
};
static const struct span denied[] = {SPAN("apikey:denied")};

enum key { OLD, NEW, EXPIRED, AUDITOR, DENIED, KEY_COUNT, UNKNOWN = KEY_COUNT };
static const struct {
    size_t row;
    int64_t expires_at_ms;
} key_rows[KEY_COUNT] = {
    [OLD] = {0, NOW_MS + SOON_MS},
    [NEW] = {0, TIMESTAMP_NEVER_MS},
    [EXPIRED] = {0, NOW_MS},
    [AUDITOR] = {1, TIMESTAMP_NEVER_MS},
    [DENIED] = {2, TIMESTAMP_NEVER_MS},
};

struct world {
    struct test_clock clock;
    struct snapshot set;
    struct caller_options options;
    struct metrics *metrics;
    struct http_callers *callers;
    struct server_fixture fixture; /* for its client */
    char keys[KEY_COUNT + 1][API_KEY_MAX];
};

static void who(struct http_exchange *exchange, void *owner)
{
    struct world *world = owner;
    const struct caller *caller;
    struct err err = ERR_NONE;
    struct arena arena;
    char text[128];

    arena_init(&arena, 1024);
    if (http_callers_find(world->callers, exchange, ROLE_CHECKER, &arena, &caller, &err))
        snprintf(text, sizeof(text), "%.*s", SPAN_FORMAT(caller->id));
    else
        snprintf(text, sizeof(text), "%s %.*s", err_reason(err.code),
                 SPAN_FORMAT(caller ? caller->id : span_text("nobody")));
    assert_null(strstr(err.detail, "pgk_"));
    http_callers_wipe(exchange);
    http_answer(exchange, &(struct http_response){.status = 200,
                                                  .content_type = "text/plain",
                                                  .body = span_text(text)});
    arena_release(&arena);
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .path = "/who", .handle = who},
};

static struct caller_set *make_set(struct world *world, bool has_keys)
{
    struct caller_api_key keys[KEY_COUNT];

    for (size_t i = 0; i <= KEY_COUNT; i++)
        api_key_make(world->keys[i]);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        keys[i].row = key_rows[i].row;
        keys[i].expires_at_ms = key_rows[i].expires_at_ms;
        assert_true(api_key_hash(span_text(world->keys[i]), keys[i].hash));
    }
    return caller_set_new(&(struct caller_bindings){.rows = has_keys ? rows : &rows[3],
                                                    .count = has_keys ? ARRAY_LEN(rows) : 1,
                                                    .denied = denied,
                                                    .denied_count = ARRAY_LEN(denied),
                                                    .api_keys = keys,
                                                    .api_key_count = has_keys ? KEY_COUNT : 0},
                          NULL);
}

static void start(struct world *world, bool has_keys, bool has_local)
{
    const struct http_group group = {routes, ARRAY_LEN(routes), world};
    struct err err = ERR_NONE;

    *world = (struct world){.fixture = {.options = {.address = "127.0.0.1:0"}}};
    world->fixture.options.groups = &group;
    world->fixture.options.group_count = 1;
    test_clock_init(&world->clock);
    assert_int_equal(test_clock_wall_ms(&world->clock.clock), NOW_MS);
    world->metrics = metrics_new(1);
    caller_set_snapshot_init(&world->set, make_set(world, has_keys));
    world->options = (struct caller_options){
        .callers = &world->set, .metrics = world->metrics, .clock = &world->clock.clock};
    world->callers = http_callers_new(
        &(struct http_callers_options){.caller = &world->options, .has_local = has_local});
    if (!http_server_new(&world->fixture.options, &world->fixture.server, &err))
        fail_msg("%s", err.detail);
}

static void stop(struct world *world)
{
    http_server_free(world->fixture.server, 1000);
    http_callers_free(world->callers);
    snapshot_release(&world->set);
    metrics_free(world->metrics);
}

/* What is said of a request with these header lines. */
static const char *ask(struct world *world, const char *lines)
{
    static char answer[ANSWER_MAX];
    char request[2 * REQUEST_MAX];
    const char *body;

    snprintf(request, sizeof(request), "GET /who HTTP/1.1\r\n%s\r\n", lines);
    client_ask(&world->fixture, request, answer);
    body = strstr(answer, "\r\n\r\n");
    return body ? body + 4 : answer;
}

static const char *ask_with(struct world *world, const char *scheme, enum key key)
{
    char lines[REQUEST_MAX];

    snprintf(lines, sizeof(lines), HOST "Authorization: %s%s\r\n", scheme, world->keys[key]);
    return ask(world, lines);
}

static void a_key_makes_its_caller_and_no_other(void **state)
{
    struct world world;

    (void)state;
    start(&world, true, true);
    assert_string_equal(ask_with(&world, "Bearer ", NEW), "apikey:gateway");
    assert_string_equal(ask_with(&world, "bearer  ", OLD), "apikey:gateway");
    assert_string_equal(ask_with(&world, "Bearer ", AUDITOR), "ROLE_MISSING apikey:auditor");
    assert_string_equal(ask_with(&world, "Bearer ", DENIED), "CALLER_DENIED apikey:denied");
    stop(&world);
}

static void what_is_no_key_in_force_makes_nobody(void **state)
{
    struct world world;

    (void)state;
    start(&world, true, true);
    assert_string_equal(ask_with(&world, "Bearer ", UNKNOWN), "UNAUTHENTICATED nobody");
    assert_string_equal(ask_with(&world, "Bearer ", EXPIRED), "UNAUTHENTICATED nobody");
    assert_string_equal(ask_with(&world, "Basic ", NEW), "UNAUTHENTICATED nobody");
    assert_string_equal(ask_with(&world, "", NEW), "UNAUTHENTICATED nobody");
    assert_string_equal(ask_with(&world, "Bearer x", NEW), "UNAUTHENTICATED nobody");
    assert_string_equal(ask(&world, HOST "Authorization: Bearer\r\n"), "UNAUTHENTICATED nobody");
    assert_string_equal(ask(&world, HOST "Authorization: Bearer spiffe://corp/gateway\r\n"),
                        "UNAUTHENTICATED nobody");
    assert_string_equal(ask(&world, HOST "X-Spiffe-Id: spiffe://corp/gateway\r\n"),
                        "UNAUTHENTICATED nobody");
    stop(&world);
}

static void a_key_is_good_until_its_end_and_not_at_it(void **state)
{
    struct world world;

    (void)state;
    start(&world, true, true);
    atomic_store(&world.clock.wall_ms, NOW_MS + SOON_MS - 1);
    assert_string_equal(ask_with(&world, "Bearer ", OLD), "apikey:gateway");
    atomic_store(&world.clock.wall_ms, NOW_MS + SOON_MS);
    assert_string_equal(ask_with(&world, "Bearer ", OLD), "UNAUTHENTICATED nobody");
    assert_string_equal(ask_with(&world, "Bearer ", NEW), "apikey:gateway");
    stop(&world);
}

static void keys_change_with_the_set(void **state)
{
    char before[API_KEY_MAX];
    struct world world;

    (void)state;
    start(&world, true, true);
    memcpy(before, world.keys[NEW], sizeof(before));
    snapshot_replace(&world.set, make_set(&world, true));
    assert_string_equal(ask_with(&world, "Bearer ", NEW), "apikey:gateway");
    memcpy(world.keys[NEW], before, sizeof(before));
    assert_string_equal(ask_with(&world, "Bearer ", NEW), "UNAUTHENTICATED nobody");
    stop(&world);
}

static void without_keys_who_asks_here_is_local(void **state)
{
    static const char *const here[] = {"Host: localhost\r\n",      "Host: LOCALHOST:8080\r\n",
                                       "Host: 127.0.0.1:8080\r\n", "Host: 127.1.2.3\r\n",
                                       "Host: [::1]\r\n",          "Host: [::1]:8080\r\n"};
    struct world world;

    (void)state;
    start(&world, false, true);
    for (size_t i = 0; i < ARRAY_LEN(here); i++)
        if (strcmp(ask(&world, here[i]), "local") != 0)
            fail_msg("%s", here[i]);
    /* Who sends a key is not asked who else he could be. */
    assert_string_equal(ask(&world, "Host: localhost\r\nAuthorization: Bearer x\r\n"),
                        "UNAUTHENTICATED nobody");
    stop(&world);
}

/* A proxy's request, or that of a page whose name was made to lead here. */
static void what_may_be_somebody_elses_is_not_local(void **state)
{
    static const char *const others[] = {
        HOST,
        "Host: localhost.evil.example\r\n",
        "Host: localhos\r\n",
        "Host: 128.0.0.1\r\n",
        "Host: 127.0.0.1.evil.example\r\n",
        "Host: [::2]\r\n",
        "Host: [::1].evil.example\r\n",
        "Host: \r\n",
        "Host: localhost\r\nForwarded: for=192.0.2.1\r\n",
        "Host: localhost\r\nVia: 1.1 proxy\r\n",
        "Host: localhost\r\nx-forwarded-for: 127.0.0.1\r\n",
        "Host: localhost\r\nX-Forwarded-Proto: https\r\n",
        "Host: localhost\r\nX-Forwarded-Host: a\r\n",
        "Host: localhost\r\nX-Real-IP: 127.0.0.1\r\n",
    };
    struct world world;

    (void)state;
    start(&world, false, true);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (strcmp(ask(&world, others[i]), "UNAUTHENTICATED nobody") != 0)
            fail_msg("%s", others[i]);
    stop(&world);
}

static void nobody_is_local_where_there_are_keys_or_it_is_forbidden(void **state)
{
    struct world world;

    (void)state;
    start(&world, true, true);
    assert_string_equal(ask(&world, "Host: localhost\r\n"), "UNAUTHENTICATED nobody");
    stop(&world);
    start(&world, false, false);
    assert_string_equal(ask(&world, "Host: localhost\r\n"), "UNAUTHENTICATED nobody");
    stop(&world);
}

/* All are counted, a few go on record; those of a caller who is known all do. */
static void strangers_do_not_fill_the_log(void **state)
{
    const struct caller_refusal stranger = {.code = ERR_UNAUTHENTICATED};
    const struct caller_refusal known = {.caller = rows[1].id, .code = ERR_ROLE_MISSING};
    unsigned recorded = 0;
    struct world world;
    struct arena arena;

    (void)state;
    start(&world, true, true);
    for (int i = 0; i < 1000; i++)
        recorded += http_callers_note(world.callers, &stranger);
    assert_in_range(recorded, HTTP_CALLERS_STRANGERS_PER_SECOND,
                    3 * HTTP_CALLERS_STRANGERS_PER_SECOND);
    for (int i = 0; i < 100; i++)
        assert_true(http_callers_note(world.callers, &known));
    arena_init(&arena, 1024);
    assert_non_null(strstr(arena_text(&arena, metrics_render(world.metrics, &arena)),
                           "passgate_caller_refusals_total{reason=\"unauthenticated\"} 1000\n"));
    arena_release(&arena);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_makes_its_caller_and_no_other),
        cmocka_unit_test(what_is_no_key_in_force_makes_nobody),
        cmocka_unit_test(a_key_is_good_until_its_end_and_not_at_it),
        cmocka_unit_test(keys_change_with_the_set),
        cmocka_unit_test(without_keys_who_asks_here_is_local),
        cmocka_unit_test(what_may_be_somebody_elses_is_not_local),
        cmocka_unit_test(nobody_is_local_where_there_are_keys_or_it_is_forbidden),
        cmocka_unit_test(strangers_do_not_fill_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
