/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of tokens: none is let in where another one is expected. */
#include "unit/keys/fixture.h"

static const struct token_kind *const kinds[] = {&token_kind_claim, &token_kind_receipt};

/* A payload that every kind would take but for what it says of audience and end. */
static json_t *payload_of(const struct token_kind *kind)
{
    json_t *payload = fixture_payload();

    if (kind == &token_kind_receipt) {
        json_object_del(payload, "aud");
        json_object_del(payload, "exp");
    }
    return payload;
}

static struct span signed_as(struct fixture *fixture, const struct token_kind *kind,
                             json_t *payload)
{
    struct span text = json_text(payload, &fixture->arena), token;
    struct err err = ERR_NONE;

    json_decref(payload);
    assert_true(
        token_sign(fixture->ring, kind, text, fixture_now_ms, &fixture->arena, &token, &err));
    return token;
}

static void a_kind_is_taken_only_for_itself(void **state)
{
    struct fixture *fixture = *state;

    for (size_t made = 0; made < ARRAY_LEN(kinds); made++)
        for (size_t wanted = 0; wanted < ARRAY_LEN(kinds); wanted++) {
            struct span token = signed_as(fixture, kinds[made], payload_of(kinds[made]));

            fixture->expectation.kind = kinds[wanted];
            if (made == wanted)
                assert_refused(fixture, token, NONE);
            else
                assert_refused(fixture, token, TYPE);
        }
}

/* Also when everything else is as the other kind has it. */
static void a_payload_of_another_kind_does_not_help(void **state)
{
    struct fixture *fixture = *state;

    assert_refused(fixture, signed_as(fixture, &token_kind_receipt, payload_of(&token_kind_claim)),
                   TYPE);
    assert_refused(fixture, signed_as(fixture, &token_kind_claim, payload_of(&token_kind_receipt)),
                   CLAIM_MISSING);
}

static struct span receipt_with(struct fixture *fixture, const char *name, json_t *value)
{
    json_t *payload = payload_of(&token_kind_receipt);

    fixture->expectation.kind = &token_kind_receipt;
    if (value)
        json_object_set_new(payload, name, value);
    else
        json_object_del(payload, name);
    return signed_as(fixture, &token_kind_receipt, payload);
}

static void a_receipt_has_no_audience_and_no_end(void **state)
{
    struct fixture *fixture = *state;
    json_int_t now = fixture_now_ms / 1000;

    fixture->expectation.audience = span_of(NULL, 0);
    assert_refused(fixture, receipt_with(fixture, "exp", json_integer(now + 300)), LIFETIME);
    assert_refused(fixture, receipt_with(fixture, "exp", json_integer(now)), LIFETIME);
    assert_refused(fixture, receipt_with(fixture, "aud", json_string("somebody")), AUDIENCE);
}

static void a_receipt_is_good_for_ever_and_not_before(void **state)
{
    struct fixture *fixture = *state;
    json_int_t now = fixture_now_ms / 1000;

    assert_refused(fixture, receipt_with(fixture, "iat", json_integer(now - 157680000)), NONE);
    assert_refused(fixture, receipt_with(fixture, "iat", json_integer(now + 1)), ISSUED_AHEAD);
    assert_refused(fixture, receipt_with(fixture, "iat", NULL), CLAIM_MISSING);
    assert_refused(fixture, receipt_with(fixture, "sub", NULL), CLAIM_MISSING);
}

static void whose_keys_they_are_may_be_issuer_enough(void **state)
{
    struct fixture *fixture = *state;

    fixture->expectation.issuer = span_text("https://another.test");
    assert_refused(fixture, receipt_with(fixture, "x", json_true()), ISSUER);
    fixture->expectation.is_any_issuer = true;
    assert_refused(fixture, receipt_with(fixture, "x", json_true()), NONE);
    assert_refused(fixture, receipt_with(fixture, "iss", NULL), CLAIM_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_kind_is_taken_only_for_itself, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_payload_of_another_kind_does_not_help, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_receipt_has_no_audience_and_no_end, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_receipt_is_good_for_ever_and_not_before, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(whose_keys_they_are_may_be_issuer_enough, fixture_set_up,
                                        fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
