/* SPDX-License-Identifier: Apache-2.0 */
/* The document about a change: what it says, and how long it gets. */
#include "verification/change_document.h"

#include "base/json.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* 2026-06-12T21:21:00Z */
static const int64_t now_ms = INT64_C(1781299260000);

static country_id country(const char *code)
{
    return country_from_alpha3(span_text(code));
}

static int set_up(void **state)
{
    struct arena *arena = memory_new(struct arena);

    arena_init(arena, 64 * 1024);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(*state);
    memory_free(*state);
    return 0;
}

static struct evidence passport(const char *id, const char *nationality)
{
    struct evidence evidence = EVIDENCE_EMPTY;

    evidence.id = span_text(id);
    evidence.vendor = span_text("veriff");
    evidence.check_id = span_text("a check that is not told");
    evidence.class = EVIDENCE_PASSPORT;
    evidence.proof = PROOF_CHIP;
    evidence.issuer = evidence.nationality = country(nationality);
    evidence.source = FACT_SOURCE_DOCUMENT;
    evidence.verified_at_ms = now_ms - 1000;
    evidence.accepted_at_ms = now_ms;
    return evidence;
}

static struct record record_of(struct evidence *evidence, size_t count)
{
    return (struct record){
        .subject = span_text("alice"),
        .kind = SUBJECT_USER,
        .evidence = evidence,
        .evidence_count = count,
    };
}

static const struct circumstance circumstances[] = {{"purpose", {(const uint8_t *)"kyc", 3}},
                                                    {"reviewer", {(const uint8_t *)"", 0}}};

static json_t *read_document(struct span text)
{
    json_t *document = NULL;
    struct err err = ERR_NONE;

    if (!json_read(text, &document, &err))
        fail_msg("%s: %.*s", err.detail, SPAN_FORMAT(text));
    return document;
}

static void a_first_document_says_what_is_known_now(void **state)
{
    struct arena *arena = *state;
    struct evidence evidence[] = {passport("ev_1", "DEU")};
    const struct record record = record_of(evidence, 1);
    struct span text = change_document_write(
        &(struct change_document){
            .after = &record,
            .circumstances = circumstances,
            .circumstance_count = ARRAY_LEN(circumstances),
            .now_ms = now_ms,
        },
        CHANGE_DOCUMENT_BYTES_MAX, arena);

    assert_string_equal(
        arena_text(arena, text),
        "{\"format\":1,\"subject\":\"alice\",\"at\":\"2026-06-12T21:21:00Z\",\"rules\":2,"
        "\"circumstances\":{\"purpose\":\"kyc\"},\"after\":{\"kind\":\"user\",\"us_status\":[],"
        "\"citizenships\":[{\"country\":\"DEU\",\"proof\":\"chip\",\"source\":\"document\"}],"
        "\"residencies\":[],\"assurance\":0,\"flags\":[\"has_evidence\"],\"affiliations\":[]},"
        "\"evidence\":[{\"id\":\"ev_1\",\"in\":\"after\",\"class\":\"passport\","
        "\"vendor\":\"veriff\",\"proof\":\"chip\",\"assurance\":0,\"issuer\":\"DEU\","
        "\"nationality\":\"DEU\",\"source\":\"document\","
        "\"verified_at\":\"2026-06-12T21:20:59Z\",\"accepted_at\":\"2026-06-12T21:21:00Z\"}]}");
}

/* The value of "in" of each piece, in order. */
static const char *list_of_in(const json_t *document, struct arena *arena)
{
    const json_t *evidence = json_object_get(document, "evidence");
    const char *text = "";

    for (size_t i = 0; i < json_array_size(evidence); i++) {
        const json_t *piece = json_array_get(evidence, i);

        text =
            arena_printf(arena, "%s%s:%s%s ", text, json_string_value(json_object_get(piece, "id")),
                         json_string_value(json_object_get(piece, "in")),
                         json_object_get(piece, "revoked") ? "!" : "");
    }
    return text;
}

static void a_piece_that_stays_is_told_once_and_one_that_changes_twice(void **state)
{
    struct arena *arena = *state;
    struct evidence old[] = {passport("ev_1", "DEU"), passport("ev_2", "FRA"),
                             passport("ev_3", "IRN")};
    struct evidence new[] = {old[0], old[1], passport("ev_4", "USA")};
    struct record before = record_of(old, ARRAY_LEN(old)), after = record_of(new, ARRAY_LEN(new));
    struct affiliation affiliation = {
        .organization = span_text("org/lab"),
        .as = AFFILIATION_EMPLOYEE | AFFILIATION_AGENT,
        .is_complete = true,
        .until_day = DAY_NONE,
        .review_by_day = day_of_ms(now_ms),
        .attested_at_ms = now_ms,
    };
    json_t *document;

    new[1].is_revoked = true;
    after.affiliations = &affiliation;
    after.affiliation_count = 1;
    document = read_document(change_document_write(&(struct change_document){.before = &before,
                                                                             .before_number = 7,
                                                                             .partition = 3,
                                                                             .after = &after,
                                                                             .now_ms = now_ms},
                                                   CHANGE_DOCUMENT_BYTES_MAX, arena));
    assert_string_equal(list_of_in(document, arena),
                        "ev_4:after ev_1:both ev_2:after! ev_3:before ev_2:before ");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(document, "before"), "number")), 7);
    assert_string_equal(
        (const char *)json_text(json_object_get(json_object_get(document, "after"), "affiliations"),
                                arena)
            .data,
        "[{\"organization\":\"org/lab\",\"as\":[\"employee\",\"agent\"],\"complete\":true,"
        "\"review_by\":\"2026-06-12\",\"attested_at\":\"2026-06-12T21:21:00Z\"}]");
    assert_null(json_object_get(document, "left_out"));
    json_decref(document);
}

static void of_documents_and_persons_is_told_which_are_the_same(void **state)
{
    struct arena *arena = *state;
    struct evidence evidence[] = {passport("ev_1", "DEU"), passport("ev_2", "DEU"),
                                  passport("ev_3", "DEU")};
    const struct record record = record_of(evidence, ARRAY_LEN(evidence));
    static const int expected[][2] = {{0, 3}, {1, 2}, {1, 0}}; /* newest first */
    json_t *document;

    memset(evidence[0].document_hash, 0x5A, EVIDENCE_HASH_BYTES);
    memset(evidence[1].document_hash, 0x5A, EVIDENCE_HASH_BYTES);
    memset(evidence[1].person_hash, 0x6B, EVIDENCE_HASH_BYTES);
    memset(evidence[2].person_hash, 0x7C, EVIDENCE_HASH_BYTES);
    document = read_document(
        change_document_write(&(struct change_document){.after = &record, .now_ms = now_ms},
                              CHANGE_DOCUMENT_BYTES_MAX, arena));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const json_t *piece = json_array_get(json_object_get(document, "evidence"), i);

        assert_int_equal(json_integer_value(json_object_get(piece, "document")), expected[i][0]);
        assert_int_equal(json_integer_value(json_object_get(piece, "person")), expected[i][1]);
    }
    json_decref(document);
}

/* Everything set that a piece can have, as long as it may be. */
static struct evidence longest(struct arena *arena, int number)
{
    struct evidence evidence =
        passport(arena_printf(arena, "%0*d", RECORD_ID_BYTES_MAX, number), "DEU");

    evidence.vendor = span_text(arena_printf(arena, "%0*d", 64, number));
    evidence.class = EVIDENCE_NATURALIZATION_CERTIFICATE;
    evidence.proof = PROOF_DOCUMENT_AUTHENTICATED;
    evidence.issued_day = evidence.expires_day = evidence.resident_since_day = 20000;
    evidence.as_of_day = evidence.review_by_day = evidence.acquired.day = 20000;
    evidence.acquired.precision = DATE_BEFORE;
    evidence.us_endorsement = US_ENDORSEMENT_NATIONAL;
    memcpy(evidence.i551_category, "CR6", 4);
    memcpy(evidence.ead_category, "A05", 4);
    evidence.i94_class = I94_REFUGEE;
    evidence.i797_type = I797_I751_RECEIPT;
    evidence.statement = STATEMENT_PERMANENT_RESIDENT_OF;
    evidence.country = evidence.birth_country = evidence.accredited_to = country("USA");
    evidence.source = FACT_SOURCE_DECLARATION;
    evidence.has_photo_id = true;
    evidence.verified_at_ms = now_ms + 1;
    memset(evidence.document_hash, number + 1, EVIDENCE_HASH_BYTES);
    memset(evidence.person_hash, number + 1, EVIDENCE_HASH_BYTES);
    return evidence;
}

static struct record fullest(struct arena *arena, bool is_revoked)
{
    struct evidence *evidence = arena_new_array(arena, struct evidence, FACTS_EVIDENCE_MAX);
    struct affiliation *affiliations =
        arena_new_array(arena, struct affiliation, FACTS_AFFILIATIONS_MAX);
    struct span *principals = arena_new_array(arena, struct span, RECORD_PRINCIPALS_MAX);
    struct record record = record_of(evidence, FACTS_EVIDENCE_MAX);

    for (int i = 0; i < FACTS_EVIDENCE_MAX; i++) {
        evidence[i] = longest(arena, i);
        evidence[i].is_revoked = is_revoked || i % 2;
    }
    for (int i = 0; i < FACTS_AFFILIATIONS_MAX; i++)
        affiliations[i] = (struct affiliation){
            .organization = span_text(arena_printf(arena, "%0*d", RECORD_ID_BYTES_MAX, i)),
            .as = AFFILIATION_EMPLOYEE | AFFILIATION_CONTRACTOR | AFFILIATION_AGENT,
            .is_complete = true,
            .until_day = 20000,
            .review_by_day = 20000,
            .attested_at_ms = now_ms + 1,
        };
    for (int i = 0; i < RECORD_PRINCIPALS_MAX; i++)
        principals[i] = span_text(arena_printf(arena, "%0*d", RECORD_ID_BYTES_MAX, i));
    record.subject = principals[0];
    record.affiliations = affiliations;
    record.affiliation_count = FACTS_AFFILIATIONS_MAX;
    record.principals = principals;
    record.principal_count = RECORD_PRINCIPALS_MAX;
    return record;
}

static size_t count_of(const json_t *document, const char *state, const char *list)
{
    const json_t *owner = state ? json_object_get(document, state) : document;

    return json_array_size(json_object_get(owner, list));
}

static void the_fullest_record_keeps_the_bound_and_says_what_was_left_out(void **state)
{
    struct arena *arena = *state;
    static const size_t bounds[] = {CHANGE_DOCUMENT_BYTES_MIN, 24 * 1024,
                                    CHANGE_DOCUMENT_BYTES_MAX};
    char *text = arena_printf(arena, "%0256d", 0);
    struct circumstance all[12];

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i] =
            (struct circumstance){arena_printf(arena, "circumstance_%zu", i), span_of(text, 128)};
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        /* Before all of them counted; now every piece is another one. */
        const struct record before = fullest(arena, false), after = fullest(arena, true);
        struct span written =
            change_document_write(&(struct change_document){.before = &before,
                                                            .before_number = UINT64_MAX / 2,
                                                            .after = &after,
                                                            .circumstances = all,
                                                            .circumstance_count = 1 + i * 4,
                                                            .now_ms = now_ms},
                                  bounds[i], arena);
        json_t *document = read_document(written);
        size_t listed = count_of(document, NULL, "evidence"), left_out;

        left_out = (size_t)json_integer_value(json_object_get(document, "left_out"));
        assert_true(written.length <= bounds[i]);
        assert_int_equal(listed + left_out + count_of(document, "before", "affiliations") +
                             count_of(document, "after", "affiliations") +
                             count_of(document, "before", "principals") +
                             count_of(document, "after", "principals"),
                         96 + 2 * FACTS_AFFILIATIONS_MAX + 2 * RECORD_PRINCIPALS_MAX);
        if (i > 0)
            assert_true(written.length > bounds[i] - 2048); /* no more than had to be */
        json_decref(document);
    }
}

static void what_counts_now_is_left_out_last(void **state)
{
    struct arena *arena = *state;
    const struct record record = fullest(arena, false);
    json_t *document = read_document(change_document_write(
        &(struct change_document){
            .before = &record, .before_number = 1, .after = &record, .now_ms = now_ms},
        CHANGE_DOCUMENT_BYTES_MAX, arena));
    const json_t *evidence = json_object_get(document, "evidence");
    bool is_revoked_seen = false;

    assert_true(json_array_size(evidence) > 0);
    assert_true(json_integer_value(json_object_get(document, "left_out")) > 0);
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        bool is_revoked = json_object_get(json_array_get(evidence, i), "revoked") != NULL;

        assert_false(is_revoked_seen && !is_revoked);
        is_revoked_seen |= is_revoked;
    }
    json_decref(document);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_first_document_says_what_is_known_now),
        TEST(a_piece_that_stays_is_told_once_and_one_that_changes_twice),
        TEST(of_documents_and_persons_is_told_which_are_the_same),
        TEST(the_fullest_record_keeps_the_bound_and_says_what_was_left_out),
        TEST(what_counts_now_is_left_out_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
