/* SPDX-License-Identifier: Apache-2.0 */
/* Runs by a claim: its record names the subject, and current facts decide. */
#include "keys/token.h"
#include "storage/claim_record.h"
#include "unit/entitlement/runs.h"

static struct span sign(struct runs *runs, const char *jti, const char *audience, const char *party)
{
    struct key_ring *ring = snapshot_get(&runs->keys);
    const char *payload = arena_printf(
        &runs->arena,
        "{\"iss\":\"" RUNS_ISSUER "\",\"sub\":\"pair\",\"aud\":\"%s\",\"azp\":\"%s\",\"iat\":%lld,"
        "\"nbf\":%lld,\"exp\":%lld,\"jti\":\"%s\"}",
        audience, party, PERSONS_NOW_MS / 1000LL, PERSONS_NOW_MS / 1000LL,
        PERSONS_NOW_MS / 1000LL + 300, jti);
    struct span token;
    struct err err;

    if (!token_sign(ring, &token_kind_claim, span_text(payload), PERSONS_NOW_MS, &runs->arena,
                    &token, &err))
        fail_msg("%s", err.detail);
    key_ring_unref(ring);
    return token;
}

static void keep_claim(struct runs *runs, const char *stored_under, const char *jti,
                       const char *subject, int64_t revoked_at_ms)
{
    const struct claim_record record = {
        .jti = span_text(jti),
        .subject = names_subject_hash(&fake_names, span_text(subject)),
        .revoked_at_ms = revoked_at_ms,
    };

    fake_store_write_bytes(runs->fake, names_claim(&fake_names, span_text(stored_under)).id,
                           claim_record_encode(&record, &runs->arena));
}

static struct check_input by_claim(struct span token)
{
    struct check_input input = runs_about("");

    input.subject = span_of(NULL, 0);
    input.claim_token = token;
    return input;
}

static void a_claim_names_the_subject_and_current_facts_decide(void **state)
{
    struct runs *runs = *state;
    struct check_input input = by_claim(sign(runs, "jti-1", RUNS_AUDIENCE, RUNS_CALLER));
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    keep_claim(runs, "jti-1", "jti-1", "alice", 0);
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_ask(runs, &input, 1, &asked);
    assert_true(asked.results[0].is_allowed);
    assert_true(asked.results[0].is_by_claim);
    runs_keep(runs, person_foreigner(&runs->arena, "alice", "RUS"));
    facts_cache_drop(runs->cache, names_subject_hash(&fake_names, span_text("alice")));
    runs_ask(runs, &input, 1, &asked);
    assert_false(asked.results[0].is_allowed);
}

static void a_claim_that_does_not_hold_names_nobody(void **state)
{
    struct runs *runs = *state;
    struct {
        const char *what;
        struct span token;
        enum err_code code;
    } rows[] = {
        {"no token", span_text("a.b.c"), ERR_TOKEN_INVALID},
        {"no record", sign(runs, "jti-none", RUNS_AUDIENCE, RUNS_CALLER), ERR_TOKEN_INVALID},
        {"revoked", sign(runs, "jti-revoked", RUNS_AUDIENCE, RUNS_CALLER), ERR_TOKEN_INVALID},
        {"another realm", sign(runs, "jti-1", "https://elsewhere", RUNS_CALLER), ERR_TOKEN_INVALID},
        {"another caller", sign(runs, "jti-1", RUNS_AUDIENCE, "spiffe://test/other"),
         ERR_TOKEN_INVALID},
        {"another claim's record", sign(runs, "jti-swapped", RUNS_AUDIENCE, RUNS_CALLER),
         ERR_STORE_CORRUPT},
    };

    keep_claim(runs, "jti-1", "jti-1", "alice", 0);
    keep_claim(runs, "jti-revoked", "jti-revoked", "alice", PERSONS_NOW_MS - 1);
    keep_claim(runs, "jti-swapped", "jti-1", "alice", 0);
    runs_keep(runs, person_american(&runs->arena, "alice"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct check_input input = by_claim(rows[i].token);
        struct asked asked;

        runs_ask(runs, &input, 1, &asked);
        if (asked.is_ok || asked.err.code != rows[i].code)
            fail_msg("%s: %s", rows[i].what, err_reason(asked.err.code));
        if (asked.err.code == ERR_TOKEN_INVALID)
            assert_string_equal(asked.err.field, "claim_token");
    }
}

static void claims_in_a_batch_end_each_for_itself(void **state)
{
    struct runs *runs = *state;
    struct check_input inputs[] = {
        by_claim(sign(runs, "jti-1", RUNS_AUDIENCE, RUNS_CALLER)),
        by_claim(span_text("a.b.c")),
        runs_about("alice"),
        by_claim(sign(runs, "jti-none", RUNS_AUDIENCE, RUNS_CALLER)),
    };
    struct check_order order = runs_order(runs, inputs, ARRAY_LEN(inputs));
    struct asked asked;

    runs_enforce(runs, RUNS_NOT_FOREIGN, "");
    keep_claim(runs, "jti-1", "jti-1", "alice", 0);
    runs_keep(runs, person_american(&runs->arena, "alice"));
    runs_ask(runs, inputs, ARRAY_LEN(inputs), &asked);
    assert_true(asked.is_ok);
    assert_true(asked.results[0].is_allowed && asked.results[2].is_allowed);
    assert_true(asked.results[1].is_failed && asked.results[3].is_failed);
    runs_begin(runs, &order, &asked);
    runs_let_the_store_fail(runs, ERR_STORE_UNAVAILABLE);
    assert_int_equal(asked.answers, 1);
    assert_int_equal(asked.results[0].err.code, ERR_STORE_UNAVAILABLE);
    assert_int_equal(asked.results[1].err.code, ERR_TOKEN_INVALID);
    runs_begin(runs, &order, &asked);
    check_run_abandon(asked.run);
    runs_let_the_store_answer(runs);
    runs_begin(runs, &order, &asked); /* freed with the store */
    check_run_abandon(asked.run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, runs_set_up, runs_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claim_names_the_subject_and_current_facts_decide),
        TEST(a_claim_that_does_not_hold_names_nobody),
        TEST(claims_in_a_batch_end_each_for_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
