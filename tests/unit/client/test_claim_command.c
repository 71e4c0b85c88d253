/* SPDX-License-Identifier: Apache-2.0 */
/* passgate claim verify, with keys and tokens that are made here. */
#include "base/clock.h"
#include "base/file.h"
#include "client/cli/command.h"
#include "keys/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { HOUR_MS = 3600000 };

static struct world {
    char folder[64];
    char jwks[128];
    struct arena arena;
    const char *good, *expired;
} world;

static const char *token_of(const struct key_ring *ring, int64_t issued_at_ms)
{
    int64_t issued_at = issued_at_ms / 1000;
    struct span payload = span_text(
        arena_printf(&world.arena,
                     "{\"iss\":\"https://i\",\"sub\":\"s\",\"aud\":\"https://"
                     "a\",\"azp\":\"local\",\"jti\":\"j\","
                     "\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld}",
                     (long long)issued_at, (long long)issued_at, (long long)issued_at + 300));
    struct err err = ERR_NONE;
    struct span token;

    if (!token_sign(ring, &token_kind_claim, payload, clock_wall_ms(&clock_system), &world.arena,
                    &token, &err))
        fail_msg("%s", err.detail);
    return arena_text(&world.arena, token);
}

static int make_world(void **state)
{
    int64_t now_ms = clock_wall_ms(&clock_system);
    struct key_ring *ring;
    struct err err = ERR_NONE;

    (void)state;
    arena_init(&world.arena, 4096);
    snprintf(world.folder, sizeof(world.folder), "/tmp/passgate-claim-XXXXXX");
    if (!mkdtemp(world.folder))
        return -1;
    snprintf(world.jwks, sizeof(world.jwks), "%s/jwks.json", world.folder);
    if (!key_ring_load_or_make(arena_printf(&world.arena, "%s/keys", world.folder), HOUR_MS, now_ms,
                               &ring, &err) ||
        !file_write_durably(world.jwks, key_ring_jwks(ring, now_ms, &world.arena), 0600, &err))
        fail_msg("%s", err.detail);
    world.good = token_of(ring, now_ms);
    world.expired = token_of(ring, now_ms - HOUR_MS);
    key_ring_unref(ring);
    return 0;
}

static int end_world(void **state)
{
    const char *keys = arena_printf(&world.arena, "%s/keys", world.folder);
    const char *const *names;
    struct err err;
    size_t count;

    (void)state;
    if (file_list(keys, ".pem", &world.arena, &names, &count, &err))
        for (size_t i = 0; i < count; i++)
            unlink(arena_printf(&world.arena, "%s/%s", keys, names[i]));
    unlink(world.jwks);
    rmdir(keys);
    rmdir(world.folder);
    arena_release(&world.arena);
    return 0;
}

static int verify(const char *token, struct flags flags, bool is_json, char **ret_text)
{
    struct cli cli = {
        .operands = &token, .operand_count = 1, .flags = flags, .arena = &world.arena};
    size_t length;
    int status;

    cli.output = (struct output){open_memstream(ret_text, &length), is_json, false};
    cli.flags.jwks = world.jwks;
    status = run_claim_verify(&cli);
    fclose(cli.output.stream);
    return status;
}

static void a_token_is_valid_only_as_it_was_issued(void **state)
{
    const char *damaged =
        arena_printf(&world.arena, "%.*sAAAA", (int)strlen(world.good) - 4, world.good);
    const struct {
        const char *token;
        struct flags flags;
        int status;
        const char *text;
    } rows[] = {
        {world.good, {.issuer = "https://i", .audience = "https://a"}, EXIT_ALLOW, "VALID\n"},
        {world.good, {.issuer = "https://i"}, EXIT_ALLOW, "not compared: the audience"},
        {world.good, {0}, EXIT_ALLOW, "the issuer (--issuer) and the audience (--audience)"},
        {world.good, {.issuer = "https://x"}, EXIT_DENY, "(ISSUER)"},
        {world.good, {.audience = "https://x"}, EXIT_DENY, "(AUDIENCE)"},
        {world.expired, {.issuer = "https://i"}, EXIT_DENY, "(EXPIRED)"},
        {damaged, {.issuer = "https://i"}, EXIT_DENY, "NOT VALID"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text;

        assert_int_equal(verify(rows[i].token, rows[i].flags, false, &text), rows[i].status);
        if (!strstr(text, rows[i].text))
            fail_msg("%s", text);
        free(text);
    }
}

static void the_verdict_is_json_as_well(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(verify(world.good, (struct flags){0}, true, &text), EXIT_ALLOW);
    assert_non_null(strstr(text, "\"verified\": true"));
    free(text);
    assert_int_equal(verify(world.expired, (struct flags){0}, true, &text), EXIT_DENY);
    assert_non_null(strstr(text, "\"reason\": \"EXPIRED\""));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_valid_only_as_it_was_issued),
        cmocka_unit_test(the_verdict_is_json_as_well),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
