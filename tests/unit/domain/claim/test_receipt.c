/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: what is written, and what is no receipt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/claim/receipt.h"

#define TEXT(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static struct arena arena;

static const struct span others[] = {TEXT("second"), TEXT("third")};

/* Every member has a value of its own. */
static const struct receipt full = {
    .issuer = TEXT("https://passgate.test"),
    .id = TEXT("00112233445566ff-17"),
    .caller = TEXT("spiffe://test/gateway"),
    .subject = TEXT("first"),
    .issued_at_ms = INT64_C(1781299260000),
    .resource_type = TEXT("model"),
    .resource_id = TEXT("mythos-5"),
    .action = TEXT("use"),
    .on_behalf_of = TEXT("org/partner"),
    .also_subjects = others,
    .also_subject_count = ARRAY_LEN(others),
    .context_digest = TEXT("c0ffee"),
    .is_allowed = true,
    .max_age_ms = 5000,
    .reason = TEXT("ALLOWED"),
    .evaluated_at_ms = INT64_C(1781299260125),
    .revision = TEXT("7.0.42"),
    .directive_set = 7,
    .directive_set_digest = TEXT("5e7"),
    .is_stale = true,
    .directive = TEXT("us-persons-only"),
    .directive_version = 3,
    .directive_digest = TEXT("d1f"),
};

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 16 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void release_json(void *value)
{
    json_decref(value);
}

static json_t *parsed(struct span text)
{
    struct err err = ERR_NONE;
    json_t *payload;

    if (!json_read(text, &payload, &err))
        fail_msg("%s: %.*s", err.detail, SPAN_FORMAT(text));
    arena_defer(&arena, release_json, payload);
    return payload;
}

static json_t *written(const struct receipt *receipt)
{
    struct err err = ERR_NONE;
    struct span payload;

    if (!receipt_write(receipt, &arena, &payload, &err))
        fail_msg("%s: %s", err.field, err.detail);
    return parsed(payload);
}

static void what_was_written_is_read(void **state)
{
    struct receipt receipt;
    struct err err = ERR_NONE;

    (void)state;
    assert_true(receipt_read(written(&full), &arena, &receipt, &err));
    assert_true(span_equal(receipt.issuer, full.issuer));
    assert_true(span_equal(receipt.id, full.id));
    assert_true(span_equal(receipt.caller, full.caller));
    assert_true(span_equal(receipt.subject, full.subject));
    assert_int_equal(receipt.issued_at_ms, full.issued_at_ms);
    assert_true(span_equal(receipt.resource_type, full.resource_type));
    assert_true(span_equal(receipt.resource_id, full.resource_id));
    assert_true(span_equal(receipt.action, full.action));
    assert_true(span_equal(receipt.on_behalf_of, full.on_behalf_of));
    assert_int_equal(receipt.also_subject_count, 2);
    assert_true(span_equal(receipt.also_subjects[1], others[1]));
    assert_true(span_equal(receipt.context_digest, full.context_digest));
    assert_true(receipt.is_allowed);
    assert_int_equal(receipt.max_age_ms, full.max_age_ms);
    assert_true(span_equal(receipt.reason, full.reason));
    assert_int_equal(receipt.evaluated_at_ms, full.evaluated_at_ms);
    assert_true(span_equal(receipt.revision, full.revision));
    assert_int_equal(receipt.directive_set, 7);
    assert_true(span_equal(receipt.directive_set_digest, full.directive_set_digest));
    assert_true(receipt.is_stale);
    assert_true(span_equal(receipt.directive, full.directive));
    assert_int_equal(receipt.directive_version, 3);
    assert_true(span_equal(receipt.directive_digest, full.directive_digest));
}

/* What a caller is not told leaves no trace, and a receipt has neither audience nor end. */
static void what_is_not_told_is_not_there(void **state)
{
    static const char *const left_out[] = {"reason",       "evaluated_at",  "revision",
                                           "stale",        "directive_set", "directive",
                                           "on_behalf_of", "also_subjects", "context_sha256"};
    const json_t *payload, *decision;
    struct receipt receipt = {
        .issuer = full.issuer,
        .id = full.id,
        .caller = full.caller,
        .subject = full.subject,
        .issued_at_ms = full.issued_at_ms,
        .resource_type = full.resource_type,
        .resource_id = full.resource_id,
        .action = full.action,
    };
    struct err err = ERR_NONE;

    (void)state;
    payload = written(&receipt);
    decision = json_object_get(payload, "passgate_decision");
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
        assert_null(json_object_get(decision, left_out[i]));
    assert_string_equal(json_string_value(json_object_get(decision, "decision")), "DENY");
    assert_null(json_object_get(payload, "exp"));
    assert_null(json_object_get(payload, "aud"));
    assert_int_equal(json_object_size(payload), 6);
    assert_true(receipt_read(payload, &arena, &receipt, &err));
    assert_int_equal(receipt.reason.length, 0);
}

static void a_member_that_does_not_fit_is_named(void **state)
{
    struct receipt receipt = full;
    struct err err = ERR_NONE;
    struct span payload;

    (void)state;
    receipt.caller = span_of(arena_zalloc(&arena, RECEIPT_TEXT_MAX + 1), RECEIPT_TEXT_MAX + 1);
    assert_false(receipt_write(&receipt, &arena, &payload, &err));
    assert_int_equal(err.code, ERR_FIELD_TOO_LONG);
    assert_string_equal(err.field, "azp");
    receipt.caller = span_of(NULL, 0);
    assert_false(receipt_write(&receipt, &arena, &payload, &err));
    assert_int_equal(err.code, ERR_FIELD_REQUIRED);
}

/* A receipt whose one member is replaced, or missing without a value. */
struct damage {
    const char *object; /* of the decision; "" is the decision, NULL the payload */
    const char *member;
    const char *value; /* JSON; NULL: missing */
};

static json_t *damaged(const struct damage *damage)
{
    json_t *payload = written(&full);
    json_t *decision = json_object_get(payload, "passgate_decision");
    json_t *object = !damage->object     ? payload
                     : damage->object[0] ? json_object_get(decision, damage->object)
                                         : decision;

    if (damage->value)
        json_object_set_new(object, damage->member,
                            json_loads(damage->value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(object, damage->member);
    return payload;
}

static void what_is_damaged_is_no_receipt(void **state)
{
    static const struct damage damages[] = {
        {NULL, "iss", NULL},
        {NULL, "sub", "\"\""},
        {NULL, "azp", "7"},
        {NULL, "jti", NULL},
        {NULL, "iat", "\"now\""},
        {NULL, "iat", "-1"},
        {NULL, "iat", "9007199254740993"},
        {NULL, "passgate_decision", NULL},
        {NULL, "passgate_decision", "[]"},
        {"", "decision", NULL},
        {"", "decision", "\"allow\""},
        {"", "decision", "\"ALLOWED\""},
        {"", "decision", "true"},
        {"", "resource", "\"model/mythos-5\""},
        {"resource", "type", NULL},
        {"resource", "id", "\"\""},
        {"", "action", NULL},
        {"", "on_behalf_of", "null"},
        {"", "also_subjects", "\"second\""},
        {"", "also_subjects", "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]"},
        {"", "also_subjects", "[7]"},
        {"", "max_age_ms", NULL},
        {"", "max_age_ms", "-5"},
        {"", "max_age_ms", "0.5"},
        {"", "evaluated_at", "\"2026-06-12\""},
        {"", "stale", "1"},
        {"", "directive_set", "7"},
        {"directive_set", "number", "-1"},
        {"directive_set", "digest", NULL},
        {"directive", "version", "4294967296"},
        {"directive", "id", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct receipt receipt;
        struct err err = ERR_NONE;

        if (receipt_read(damaged(&damages[i]), &arena, &receipt, &err))
            fail_msg("%s: %s", damages[i].member, damages[i].value);
        assert_int_equal(err.code, ERR_TOKEN_INVALID);
    }
}

static void what_a_later_version_adds_is_left_alone(void **state)
{
    static const struct damage additions[] = {{NULL, "new", "1"}, {"", "new", "{}"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(additions); i++) {
        struct receipt receipt;
        struct err err = ERR_NONE;

        assert_true(receipt_read(damaged(&additions[i]), &arena, &receipt, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(what_is_not_told_is_not_there),
        cmocka_unit_test(a_member_that_does_not_fit_is_named),
        cmocka_unit_test(what_is_damaged_is_no_receipt),
        cmocka_unit_test(what_a_later_version_adds_is_left_alone),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
