/* SPDX-License-Identifier: Apache-2.0 */
/* passgate receipt verify and passgate_receipt_verify(), with keys and receipts made here. */
#include "base/clock.h"
#include "base/file.h"
#include "client/cli/command.h"
#include "domain/claim/receipt.h"
#include "keys/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { HOUR_MS = 3600000 };

#define TEXT(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static struct world {
    char folder[64];
    char jwks[128], file[128];
    const char *jwks_json, *other_jwks_json;
    struct arena arena;
    int64_t decided_at_ms; /* ten years ago */
    const char *told, *terse, *claim;
} world;

static const char *signed_with(const struct key_ring *ring, const struct token_kind *kind,
                               struct span payload)
{
    struct err err = ERR_NONE;
    struct span token;

    if (!token_sign(ring, kind, payload, clock_wall_ms(&clock_system), &world.arena, &token, &err))
        fail_msg("%s", err.detail);
    return arena_text(&world.arena, token);
}

static const char *receipt_with(const struct key_ring *ring, bool is_told)
{
    struct receipt receipt = {
        .issuer = TEXT("https://i"),
        .id = TEXT("00112233445566ff-17"),
        .caller = TEXT("local"),
        .subject = TEXT("somebody"),
        .issued_at_ms = world.decided_at_ms,
        .resource_type = TEXT("model"),
        .resource_id = TEXT("mythos-5"),
        .action = TEXT("use"),
        .is_allowed = !is_told,
        .max_age_ms = 5000,
    };
    struct err err = ERR_NONE;
    struct span payload;

    if (is_told) {
        receipt.reason = span_text("NOT_PERMITTED");
        receipt.evaluated_at_ms = world.decided_at_ms + 125;
        receipt.revision = span_text("7.0.42");
        receipt.directive_set = 7;
        receipt.directive_set_digest = span_text("5e7d16e57");
        receipt.directive = span_text("us-persons-only");
        receipt.directive_version = 3;
        receipt.directive_digest = span_text("d16e57");
    }
    if (!receipt_write(&receipt, &world.arena, &payload, &err))
        fail_msg("%s", err.detail);
    return signed_with(ring, &token_kind_receipt, payload);
}

static struct key_ring *make_keys(const char *name)
{
    const char *folder = arena_printf(&world.arena, "%s/%s", world.folder, name);
    struct err err = ERR_NONE;
    struct key_ring *ring;

    if (!key_ring_load_or_make(folder, HOUR_MS, clock_wall_ms(&clock_system), &ring, &err))
        fail_msg("%s", err.detail);
    return ring;
}

static const char *jwks_of(const struct key_ring *ring)
{
    return arena_text(&world.arena,
                      key_ring_jwks(ring, clock_wall_ms(&clock_system), &world.arena));
}

static int make_world(void **state)
{
    int64_t now_ms = clock_wall_ms(&clock_system) / 1000 * 1000;
    struct key_ring *ring, *other;
    struct err err = ERR_NONE;

    (void)state;
    arena_init(&world.arena, 4096);
    snprintf(world.folder, sizeof(world.folder), "/tmp/passgate-receipt-XXXXXX");
    if (!mkdtemp(world.folder))
        return -1;
    snprintf(world.jwks, sizeof(world.jwks), "%s/jwks.json", world.folder);
    snprintf(world.file, sizeof(world.file), "%s/receipt", world.folder);
    world.decided_at_ms = now_ms - INT64_C(10) * 365 * 24 * HOUR_MS;
    ring = make_keys("keys");
    other = make_keys("other");
    world.jwks_json = jwks_of(ring);
    world.other_jwks_json = jwks_of(other);
    if (!file_write_durably(world.jwks, span_text(world.jwks_json), 0600, &err))
        fail_msg("%s", err.detail);
    world.told = receipt_with(ring, true);
    world.terse = receipt_with(ring, false);
    world.claim = signed_with(
        ring, &token_kind_claim,
        span_text(arena_printf(
            &world.arena,
            "{\"iss\":\"https://i\",\"sub\":\"s\",\"aud\":\"a\",\"azp\":\"local\","
            "\"jti\":\"j\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld}",
            (long long)now_ms / 1000, (long long)now_ms / 1000, (long long)now_ms / 1000 + 300)));
    key_ring_unref(ring);
    key_ring_unref(other);
    return 0;
}

static void remove_folder(const char *folder)
{
    const char *const *names;
    struct err err;
    size_t count;

    if (file_list(folder, "", &world.arena, &names, &count, &err))
        for (size_t i = 0; i < count; i++)
            unlink(arena_printf(&world.arena, "%s/%s", folder, names[i]));
    rmdir(folder);
}

static int end_world(void **state)
{
    (void)state;
    remove_folder(arena_printf(&world.arena, "%s/keys", world.folder));
    remove_folder(arena_printf(&world.arena, "%s/other", world.folder));
    remove_folder(world.folder);
    arena_release(&world.arena);
    return 0;
}

/* ---- the library ---- */

static void a_receipt_proves_what_was_decided_years_ago(void **state)
{
    struct passgate_receipt *receipt =
        passgate_receipt_verify(world.told, world.jwks_json, "https://i", NULL);

    (void)state;
    assert_non_null(receipt);
    assert_string_equal(receipt->issuer, "https://i");
    assert_string_equal(receipt->decision_id, "00112233445566ff-17");
    assert_string_equal(receipt->caller, "local");
    assert_string_equal(receipt->subject, "somebody");
    assert_false(receipt->was_allowed);
    assert_string_equal(receipt->resource->type, "model");
    assert_string_equal(receipt->resource->id, "mythos-5");
    assert_string_equal(receipt->action, "use");
    assert_string_equal(receipt->on_behalf_of, "");
    assert_int_equal(receipt->reason, PASSGATE_REASON_NOT_PERMITTED);
    assert_int_equal(receipt->issued_at_ms, world.decided_at_ms);
    assert_int_equal(receipt->evaluated_at_ms, world.decided_at_ms + 125);
    assert_int_equal(receipt->usable_until_ms, world.decided_at_ms + 5125);
    assert_int_equal(receipt->directive_set, 7);
    assert_string_equal(receipt->directive, "us-persons-only");
    assert_int_equal(receipt->directive_version, 3);
    assert_non_null(strstr(world.jwks_json, receipt->key_id));
    assert_non_null(strstr(passgate_json(receipt), "\"passgate_decision\""));
    passgate_free(receipt);
}

static void what_was_not_told_is_empty(void **state)
{
    const char *text = arena_printf(&world.arena, " \n%s\r\n", world.terse);
    struct passgate_receipt *receipt = passgate_receipt_verify(text, world.jwks_json, NULL, NULL);

    (void)state;
    assert_non_null(receipt);
    assert_true(receipt->was_allowed);
    assert_int_equal(receipt->reason, PASSGATE_REASON_UNSPECIFIED);
    assert_string_equal(receipt->revision, "");
    assert_string_equal(receipt->directive, "");
    assert_int_equal(receipt->also_subject_count, 0);
    assert_int_equal(receipt->usable_until_ms, world.decided_at_ms + 5000);
    passgate_free(receipt);
}

static void the_library_says_why_it_is_none(void **state)
{
    char *changed = arena_text(&world.arena, span_text(world.told));
    char *payload = strchr(changed, '.') + 8;
    const struct {
        const char *receipt, *jwks, *issuer, *field, *reason;
    } rows[] = {
        {world.told, world.jwks_json, "https://j", "receipt", "ISSUER"},
        {world.told, world.other_jwks_json, NULL, "receipt", "KEY_UNKNOWN"},
        {changed, world.jwks_json, NULL, "receipt", "SIGNATURE"},
        {world.claim, world.jwks_json, NULL, "receipt", "TYPE"},
        {"", world.jwks_json, NULL, "receipt", "LENGTH"},
        {NULL, world.jwks_json, NULL, "receipt", "LENGTH"},
        {"a.b", world.jwks_json, NULL, "receipt", "PARTS"},
        {world.told, "{\"keys\":[]}", NULL, "jwks", "JWKS"},
        {world.told, "", NULL, "jwks", "JWKS"},
        {world.told, NULL, NULL, "jwks", "JWKS"},
    };

    (void)state;
    *payload = *payload == 'A' ? 'B' : 'A';
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct passgate_error error;

        assert_null(passgate_receipt_verify(rows[i].receipt, rows[i].jwks, rows[i].issuer, &error));
        assert_string_equal(error.field, rows[i].field);
        assert_string_equal(error.reason, rows[i].reason);
        assert_int_equal(error.code, PASSGATE_INVALID_ARGUMENT);
    }
}

/* ---- the command ---- */

static int verify(const char *receipt, size_t length, struct flags flags, bool is_json,
                  char **ret_text)
{
    const char *operand = world.file;
    struct cli cli = {
        .operands = &operand, .operand_count = 1, .flags = flags, .arena = &world.arena};
    struct err err = ERR_NONE;
    size_t size;
    int status;

    if (!file_write_durably(world.file, span_of(receipt, length), 0600, &err))
        fail_msg("%s", err.detail);
    cli.output = (struct output){open_memstream(ret_text, &size), is_json, false};
    cli.flags.jwks = world.jwks;
    status = run_receipt_verify(&cli);
    fclose(cli.output.stream);
    return status;
}

static void the_command_tells_what_a_receipt_says(void **state)
{
    const struct {
        const char *receipt;
        struct flags flags;
        bool is_json;
        int status;
        const char *text;
    } rows[] = {
        {world.told, {.issuer = "https://i"}, false, EXIT_ALLOW, "GENUINE\n"},
        {world.told, {.issuer = "https://i"}, false, EXIT_ALLOW, "DENY\n"},
        {world.told, {.issuer = "https://i"}, false, EXIT_ALLOW, "us-persons-only, version 3"},
        {world.terse, {0}, false, EXIT_ALLOW, "not compared: the issuer"},
        {world.terse, {0}, false, EXIT_ALLOW, "usable until:"},
        {world.told, {.issuer = "https://x"}, false, EXIT_DENY, "(ISSUER)"},
        {world.claim, {0}, false, EXIT_DENY, "NOT GENUINE"},
        {world.told, {0}, true, EXIT_ALLOW, "\"verified\": true"},
        {world.told, {0}, true, EXIT_ALLOW, "\"decision\": \"DENY\""},
        {world.claim, {0}, true, EXIT_DENY, "\"reason\": \"TYPE\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text;

        assert_int_equal(
            verify(rows[i].receipt, strlen(rows[i].receipt), rows[i].flags, rows[i].is_json, &text),
            rows[i].status);
        if (!strstr(text, rows[i].text))
            fail_msg("%s", text);
        free(text);
    }
}

static void what_stands_behind_a_nul_is_not_overlooked(void **state)
{
    size_t length = strlen(world.told);
    char *bytes = arena_zalloc(&world.arena, length + 8);
    char *text;

    (void)state;
    memcpy(bytes, world.told, length);
    assert_int_equal(verify(bytes, length + 8, (struct flags){0}, true, &text), EXIT_ERROR);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_proves_what_was_decided_years_ago),
        cmocka_unit_test(what_was_not_told_is_empty),
        cmocka_unit_test(the_library_says_why_it_is_none),
        cmocka_unit_test(the_command_tells_what_a_receipt_says),
        cmocka_unit_test(what_stands_behind_a_nul_is_not_overlooked),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
