/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with one entry of the store, and what is not. */
#include "storage/entry_check.h"

#include "base/timestamp.h"
#include "storage/claim_record.h"
#include "storage/record.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1781299260000)

static const struct names names = {.key = {{1, 2, 3}}, .partition_count = 4};

struct fixture {
    struct arena arena;
    struct hash128 alice;
    struct entry_check check;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    arena_init(&fixture.arena, 4096);
    fixture.alice = names_subject_hash(&names, span_text("alice"));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(&((struct fixture *)*state)->arena);
    return 0;
}

static struct evidence evidence_of(const char *vendor, const char *check_id)
{
    return (struct evidence){
        .id = span_text(check_id),
        .vendor = span_text(vendor),
        .check_id = span_text(check_id),
        .class = EVIDENCE_PASSPORT,
        .issued_day = DAY_NONE,
        .expires_day = DAY_NONE,
        .acquired.day = DAY_NONE,
        .resident_since_day = DAY_NONE,
        .as_of_day = DAY_NONE,
        .review_by_day = DAY_NONE,
    };
}

/* Alice's record with two pieces of evidence. */
static struct span record_value(struct fixture *fixture, struct hash128 owner)
{
    struct evidence evidence[] = {evidence_of("veriff", "one"), evidence_of("desk", "two")};
    const struct record record = {
        .subject = span_text("alice"),
        .hash = owner,
        .kind = SUBJECT_USER,
        .evidence = evidence,
        .evidence_count = ARRAY_LEN(evidence),
        .created_at_ms = 1,
        .changed_at_ms = 1,
    };

    return record_encode(&record, &fixture->arena);
}

static struct span check_value(struct fixture *fixture, struct hash128 subject)
{
    uint8_t *value = arena_zalloc(&fixture->arena, HASH128_BYTES + sizeof(int64_t));

    hash128_store(subject, value);
    return span_of(value, HASH128_BYTES + sizeof(int64_t));
}

static struct span claim_value(struct fixture *fixture, const char *jti)
{
    const struct claim_record record = {.jti = span_text(jti), .subject = fixture->alice};

    return claim_record_encode(&record, &fixture->arena);
}

static struct store_entry entry_of(struct store_key key, struct span data, int64_t expires_at_ms)
{
    return (struct store_entry){
        .key = key,
        .value = {.version = 1, .expires_at_ms = expires_at_ms, .data = data},
    };
}

static const struct entry_check *examine(struct fixture *fixture, const struct store_entry *entry,
                                         uint16_t partition)
{
    entry_check(&names, partition, entry, NOW_MS, &fixture->arena, &fixture->check);
    return &fixture->check;
}

static void assert_finds(struct fixture *fixture, const struct store_entry *entry,
                         enum entry_problem problem)
{
    const struct entry_check *check =
        examine(fixture, entry, names_partition(&names, entry->key.id));

    assert_int_equal(check->finding_count, 1);
    assert_int_equal(check->findings[0].problem, problem);
    assert_true(check->findings[0].detail[0] != '\0');
}

static void a_sound_record_asks_for_its_checks(void **state)
{
    struct fixture *fixture = *state;
    const struct store_entry entry = entry_of(
        names_subject(fixture->alice), record_value(fixture, fixture->alice), TIMESTAMP_NEVER_MS);
    const struct entry_check *check =
        examine(fixture, &entry, names_partition(&names, fixture->alice));

    assert_int_equal(check->finding_count, 0);
    assert_int_equal(check->question_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(check->questions[i].space, STORE_CHECK);
    assert_true(hash128_equal(check->questions[0].id,
                              names_check(&names, span_text("veriff"), span_text("one")).id));
}

static void what_is_no_value_is_named_and_nothing_of_it_is_read(void **state)
{
    static const struct {
        enum store_entry_state state;
        enum entry_problem problem;
    } rows[] = {
        {STORE_ENTRY_FOREIGN, ENTRY_VALUE_FOREIGN},
        {STORE_ENTRY_MALFORMED, ENTRY_VALUE_MALFORMED},
        {STORE_ENTRY_TOO_LARGE, ENTRY_VALUE_TOO_LARGE},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct store_entry entry = {.key = names_subject(fixture->alice),
                                          .state = rows[i].state};

        assert_finds(fixture, &entry, rows[i].problem);
        assert_int_equal(fixture->check.question_count, 0);
    }
}

static void a_space_that_is_not_known_is_named(void **state)
{
    static const unsigned spaces[] = {0, STORE_REALM + 1, 255};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
        const struct store_entry entry =
            entry_of((struct store_key){(enum store_space)spaces[i], fixture->alice},
                     span_text("x"), TIMESTAMP_NEVER_MS);

        assert_finds(fixture, &entry, ENTRY_SPACE_UNKNOWN);
    }
}

static void a_record_that_is_cut_anywhere_is_unreadable_or_foreign(void **state)
{
    struct fixture *fixture = *state;
    struct span value = record_value(fixture, fixture->alice);
    size_t refused = 0;

    for (size_t length = 1; length < value.length; length++) {
        const struct store_entry entry = entry_of(names_subject(fixture->alice),
                                                  span_of(value.data, length), TIMESTAMP_NEVER_MS);

        refused += examine(fixture, &entry, names_partition(&names, fixture->alice))->finding_count;
        arena_reset(&fixture->arena);
        value = record_value(fixture, fixture->alice);
    }
    assert_true(refused > value.length * 3 / 4); /* a cut between fields leaves a smaller record */
}

static void a_format_that_is_not_known_is_unreadable(void **state)
{
    struct fixture *fixture = *state;
    struct span value = record_value(fixture, fixture->alice);
    const struct store_entry entry =
        entry_of(names_subject(fixture->alice), value, TIMESTAMP_NEVER_MS);

    *(uint8_t *)(uintptr_t)value.data = 99;
    assert_finds(fixture, &entry, ENTRY_DATA_UNREADABLE);
}

static void the_record_of_another_is_foreign(void **state)
{
    struct fixture *fixture = *state;
    struct hash128 bob = names_subject_hash(&names, span_text("bob"));
    const struct store_entry entry =
        entry_of(names_subject(fixture->alice), record_value(fixture, bob), TIMESTAMP_NEVER_MS);

    assert_finds(fixture, &entry, ENTRY_DATA_FOREIGN);
    assert_int_equal(fixture->check.question_count, 0);
}

static void what_lies_where_nobody_looks_is_named(void **state)
{
    struct fixture *fixture = *state;
    const struct store_entry record = entry_of(
        names_subject(fixture->alice), record_value(fixture, fixture->alice), TIMESTAMP_NEVER_MS);
    const struct store_entry check =
        entry_of(names_check(&names, span_text("veriff"), span_text("one")),
                 check_value(fixture, fixture->alice), TIMESTAMP_NEVER_MS);
    uint16_t wrong = (uint16_t)((names_partition(&names, fixture->alice) + 1) % 4);

    assert_int_equal(examine(fixture, &record, wrong)->findings[0].problem, ENTRY_PARTITION_WRONG);
    assert_int_equal(examine(fixture, &check, wrong)->findings[0].problem, ENTRY_PARTITION_WRONG);
    assert_int_equal(
        examine(fixture, &check, names_partition(&names, fixture->alice))->finding_count, 0);
}

static void claims_and_requests_have_to_expire(void **state)
{
    struct fixture *fixture = *state;
    const struct store_entry entries[] = {
        entry_of(names_claim(&names, span_text("jti")), claim_value(fixture, "jti"),
                 TIMESTAMP_NEVER_MS),
        entry_of(names_request(&names, span_text("a"), span_text("b"), span_text("c")),
                 span_text("0123456789abcdefnote"), TIMESTAMP_NEVER_MS),
        entry_of((struct store_key){STORE_CLAIM_CACHE, fixture->alice}, claim_value(fixture, "jti"),
                 TIMESTAMP_NEVER_MS),
    };

    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        struct store_entry sound = entries[i];

        assert_finds(fixture, &entries[i], ENTRY_EXPIRY_MISSING);
        sound.value.expires_at_ms = NOW_MS + 1;
        assert_int_equal(
            examine(fixture, &sound, names_partition(&names, sound.key.id))->finding_count, 0);
    }
}

static void the_claim_of_another_jti_is_foreign(void **state)
{
    struct fixture *fixture = *state;
    const struct store_entry entry = entry_of(names_claim(&names, span_text("jti")),
                                              claim_value(fixture, "other"), NOW_MS + 1000);

    assert_finds(fixture, &entry, ENTRY_DATA_FOREIGN);
}

static void data_that_is_too_short_is_unreadable(void **state)
{
    struct fixture *fixture = *state;
    const struct store_entry entries[] = {
        entry_of(names_claim(&names, span_text("jti")), span_text("x"), NOW_MS + 1),
        entry_of(names_check(&names, span_text("a"), span_text("b")), span_text("short"),
                 TIMESTAMP_NEVER_MS),
        entry_of(names_request(&names, span_text("a"), span_text("b"), span_text("c")),
                 span_text("short"), NOW_MS + 1),
    };

    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        assert_finds(fixture, &entries[i], ENTRY_DATA_UNREADABLE);
}

static void what_expired_may_stay_for_a_day(void **state)
{
    struct fixture *fixture = *state;
    struct store_entry entry = entry_of(names_claim(&names, span_text("jti")),
                                        span_text("nobody reads it any more"), NOW_MS);

    assert_int_equal(examine(fixture, &entry, 0)->finding_count, 0);
    entry.value.expires_at_ms = NOW_MS - TIMESTAMP_DAY_MS;
    assert_int_equal(examine(fixture, &entry, 0)->finding_count, 0);
    entry.value.expires_at_ms--;
    assert_finds(fixture, &entry, ENTRY_EXPIRED_LONG_AGO);
}

/* Questions. */

static void evidence_is_protected_by_a_check_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct hash128 bob = names_subject_hash(&names, span_text("bob"));
    const struct store_entry entry = entry_of(
        names_subject(fixture->alice), record_value(fixture, fixture->alice), TIMESTAMP_NEVER_MS);
    const struct {
        struct store_value value;
        enum entry_problem problem;
    } rows[] = {
        {{.version = 1, .data = check_value(fixture, fixture->alice)}, ENTRY_FINE},
        {{.version = 1, .data = check_value(fixture, bob)}, ENTRY_CHECK_FOREIGN},
        {{.version = 1, .data = span_text("short")}, ENTRY_CHECK_UNREADABLE},
        {{.version = 0}, ENTRY_CHECK_MISSING},
    };

    examine(fixture, &entry, names_partition(&names, fixture->alice));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(
            entry_check_answer(&names, &fixture->check, 1, &rows[i].value, &fixture->arena),
            rows[i].problem);
    assert_int_equal(entry_check_no_answer(&fixture->check, 1), ENTRY_CHECK_UNREADABLE);
}

static void a_check_without_evidence_is_a_note(void **state)
{
    struct fixture *fixture = *state;
    const struct store_value record = {.version = 1, .data = record_value(fixture, fixture->alice)};
    const struct store_value none = {.version = 0};
    const struct store_value damaged = {.version = 1, .data = span_text("\x63")};
    const struct {
        const char *check_id;
        const struct store_value *value;
        enum entry_problem problem;
    } rows[] = {
        {"one", &record, ENTRY_FINE},
        {"three", &record, ENTRY_WITHOUT_EVIDENCE},
        {"one", &none, ENTRY_WITHOUT_EVIDENCE},
        {"one", &damaged, ENTRY_FINE}, /* the subject's own finding */
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct store_entry entry =
            entry_of(names_check(&names, span_text("veriff"), span_text(rows[i].check_id)),
                     check_value(fixture, fixture->alice), TIMESTAMP_NEVER_MS);

        examine(fixture, &entry, names_partition(&names, fixture->alice));
        assert_int_equal(fixture->check.question_count, 1);
        assert_int_equal(
            entry_check_answer(&names, &fixture->check, 0, rows[i].value, &fixture->arena),
            rows[i].problem);
        assert_int_equal(entry_check_no_answer(&fixture->check, 0), ENTRY_FINE);
    }
    assert_true(entry_problem_is_note(ENTRY_WITHOUT_EVIDENCE));
    assert_false(entry_problem_is_note(ENTRY_CHECK_MISSING));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_record_asks_for_its_checks),
        TEST(what_is_no_value_is_named_and_nothing_of_it_is_read),
        TEST(a_space_that_is_not_known_is_named),
        TEST(a_record_that_is_cut_anywhere_is_unreadable_or_foreign),
        TEST(a_format_that_is_not_known_is_unreadable),
        TEST(the_record_of_another_is_foreign),
        TEST(what_lies_where_nobody_looks_is_named),
        TEST(claims_and_requests_have_to_expire),
        TEST(the_claim_of_another_jti_is_foreign),
        TEST(data_that_is_too_short_is_unreadable),
        TEST(what_expired_may_stay_for_a_day),
        TEST(evidence_is_protected_by_a_check_of_its_own),
        TEST(a_check_without_evidence_is_a_note),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
