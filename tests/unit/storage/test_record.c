/* SPDX-License-Identifier: Apache-2.0 */
/* A record: everything comes back, and damaged or foreign bytes are refused. */
#include "storage/record.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct hash128 alice = {.low = 0x0102030405060708, .high = 0x1112131415161718};

static struct evidence passport = {
    .class = EVIDENCE_PASSPORT,
    .proof = PROOF_CHIP,
    .assurance = ASSURANCE_IAL2,
    .issued_day = 18000,
    .expires_day = 22000,
    .verified_at_ms = 1781299260000,
    .accepted_at_ms = 1781299261000,
    .acquired = {.precision = DATE_BEFORE, .day = -3650},
    .us_endorsement = US_ENDORSEMENT_NATIONAL,
    .i551_category = "CR6",
    .resident_since_day = 0, /* 1970-01-01 is a day like any other */
    .ead_category = "A05",
    .i94_class = I94_ASYLEE,
    .i797_type = I797_OTHER,
    .statement = STATEMENT_ACCREDITED_TO,
    .as_of_day = -719162, /* 0001-01-01 */
    .source = FACT_SOURCE_EMPLOYER,
    .review_by_day = 2932896, /* 9999-12-31 */
    .document_hash = {1, 2, 3},
    .person_hash = {[15] = 9},
    .has_photo_id = true,
    .is_revoked = true,
};

static struct evidence bare = {
    .class = EVIDENCE_STATEMENT,
    .issued_day = DAY_NONE,
    .expires_day = DAY_NONE,
    .acquired.day = DAY_NONE,
    .resident_since_day = DAY_NONE,
    .as_of_day = DAY_NONE,
    .review_by_day = DAY_NONE,
};

/* A record in which every field is set. */
static void fill(struct record *record, struct evidence evidence[static 2],
                 struct affiliation affiliations[static 2], struct span principals[static 2])
{
    evidence[0] = passport;
    evidence[0].id = span_text("ev-1");
    evidence[0].vendor = span_text("veriff");
    evidence[0].check_id = span_text("Pr\xc3\xbc"
                                     "fung 1");
    evidence[0].issuer = country_from_alpha3(span_text("DEU"));
    evidence[0].nationality = country_from_alpha3(span_text("GBN"));
    evidence[0].accredited_to = country_from_alpha3(span_text("USA"));
    evidence[0].birth_country = country_from_alpha3(span_text("RKS"));
    evidence[0].country = country_from_alpha3(span_text("XXA"));
    evidence[1] = bare;
    evidence[1].id = span_text("ev-2");
    affiliations[0] = (struct affiliation){
        .organization = span_text("org/partner-a"),
        .as = AFFILIATION_EMPLOYEE | AFFILIATION_AGENT,
        .is_complete = true,
        .until_day = 21000,
        .review_by_day = 20900,
        .attested_at_ms = 1781299262000,
    };
    affiliations[1] = (struct affiliation){
        .organization = span_text("org/self"),
        .until_day = DAY_NONE,
        .review_by_day = DAY_NONE,
    };
    principals[0] = span_text("alice");
    principals[1] = span_text("bob");
    *record = (struct record){
        .subject = span_text("svc:build|1"),
        .hash = alice,
        .kind = SUBJECT_SERVICE,
        .is_minor = true,
        .evidence = evidence,
        .evidence_count = 2,
        .affiliations = affiliations,
        .affiliation_count = 2,
        .principals = principals,
        .principal_count = 2,
        .created_at_ms = 1781299000000,
        .changed_at_ms = 1781299262000,
    };
}

struct subject {
    struct record record;
    struct evidence evidence[2];
    struct affiliation affiliations[2];
    struct span principals[2];
    struct arena arena;
};

static int set_up(void **state)
{
    struct subject *subject = memory_new(struct subject);

    fill(&subject->record, subject->evidence, subject->affiliations, subject->principals);
    arena_init(&subject->arena, 4096);
    *state = subject;
    return 0;
}

static int tear_down(void **state)
{
    struct subject *subject = *state;

    arena_release(&subject->arena);
    memory_free(subject);
    return 0;
}

static void assert_same_evidence(const struct evidence *a, const struct evidence *b)
{
    struct evidence left = *a, right = *b;

    assert_true(span_equal(a->id, b->id));
    assert_true(span_equal(a->vendor, b->vendor));
    assert_true(span_equal(a->check_id, b->check_id));
    left.id = left.vendor = left.check_id = span_of(NULL, 0);
    right.id = right.vendor = right.check_id = span_of(NULL, 0);
    assert_int_equal(left.class, right.class);
    assert_int_equal(left.proof, right.proof);
    assert_int_equal(left.assurance, right.assurance);
    assert_int_equal(left.issuer, right.issuer);
    assert_int_equal(left.nationality, right.nationality);
    assert_int_equal(left.issued_day, right.issued_day);
    assert_int_equal(left.expires_day, right.expires_day);
    assert_int_equal(left.verified_at_ms, right.verified_at_ms);
    assert_int_equal(left.accepted_at_ms, right.accepted_at_ms);
    assert_int_equal(left.acquired.precision, right.acquired.precision);
    assert_int_equal(left.acquired.day, right.acquired.day);
    assert_int_equal(left.us_endorsement, right.us_endorsement);
    assert_string_equal(left.i551_category, right.i551_category);
    assert_int_equal(left.resident_since_day, right.resident_since_day);
    assert_string_equal(left.ead_category, right.ead_category);
    assert_int_equal(left.i94_class, right.i94_class);
    assert_int_equal(left.i797_type, right.i797_type);
    assert_int_equal(left.accredited_to, right.accredited_to);
    assert_int_equal(left.birth_country, right.birth_country);
    assert_int_equal(left.statement, right.statement);
    assert_int_equal(left.country, right.country);
    assert_int_equal(left.as_of_day, right.as_of_day);
    assert_int_equal(left.source, right.source);
    assert_int_equal(left.review_by_day, right.review_by_day);
    assert_memory_equal(left.document_hash, right.document_hash, EVIDENCE_HASH_BYTES);
    assert_memory_equal(left.person_hash, right.person_hash, EVIDENCE_HASH_BYTES);
    assert_int_equal(left.has_photo_id, right.has_photo_id);
    assert_int_equal(left.is_revoked, right.is_revoked);
}

static void every_field_comes_back(void **state)
{
    struct subject *subject = *state;
    const struct record *record = &subject->record;
    struct record back;
    struct err err;

    assert_true(
        record_decode(record_encode(record, &subject->arena), alice, &subject->arena, &back, &err));
    assert_true(span_equal(back.subject, record->subject));
    assert_true(hash128_equal(back.hash, alice));
    assert_int_equal(back.kind, record->kind);
    assert_int_equal(back.is_minor, record->is_minor);
    assert_int_equal(back.created_at_ms, record->created_at_ms);
    assert_int_equal(back.changed_at_ms, record->changed_at_ms);
    assert_int_equal(back.evidence_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_same_evidence(&back.evidence[i], &record->evidence[i]);
    assert_int_equal(back.affiliation_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct affiliation *a = &back.affiliations[i], *b = &record->affiliations[i];

        assert_true(span_equal(a->organization, b->organization));
        assert_int_equal(a->as, b->as);
        assert_int_equal(a->is_complete, b->is_complete);
        assert_int_equal(a->until_day, b->until_day);
        assert_int_equal(a->review_by_day, b->review_by_day);
        assert_int_equal(a->attested_at_ms, b->attested_at_ms);
    }
    assert_int_equal(back.principal_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(span_equal(back.principals[i], record->principals[i]));
    assert_null(back.unknown);
}

static void assert_corrupt(struct subject *subject, struct span value)
{
    struct record record;
    struct err err;

    assert_false(record_decode(value, alice, &subject->arena, &record, &err));
    assert_int_equal(err.code, ERR_STORE_CORRUPT);
}

static void somebody_elses_record_is_refused(void **state)
{
    struct subject *subject = *state;

    subject->record.hash.high ^= 1;
    assert_corrupt(subject, record_encode(&subject->record, &subject->arena));
}

static void what_is_cut_off_is_refused(void **state)
{
    struct subject *subject = *state;
    struct span value = record_encode(&subject->record, &subject->arena);
    size_t accepted = 0;

    for (size_t length = 0; length < value.length; length++) {
        /* A block of its own, so that a sanitizer sees whoever reads behind its end. */
        uint8_t *copy = memory_alloc(length);
        struct record record;
        struct err err;

        if (length > 0)
            memcpy(copy, value.data, length);
        accepted += record_decode(span_of(copy, length), alice, &subject->arena, &record, &err);
        memory_free(copy);
    }
    /* Protobuf cannot see the end: cuts between two fields of the record itself look whole.  They
     * come after hash and subject: one for each of the two pieces of evidence, the affiliations and
     * the principals, the kind, the minor and the time. */
    assert_true(accepted <= 10);
}

static void changed_bytes_never_get_past_the_bounds(void **state)
{
    struct subject *subject = *state;
    struct span value = record_encode(&subject->record, &subject->arena);
    uint8_t *copy = memory_alloc(value.length);

    for (size_t i = 0; i < value.length; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct record record;
            struct arena arena;
            struct err err;

            memcpy(copy, value.data, value.length);
            copy[i] = (uint8_t)(copy[i] ^ 1 << bit);
            arena_init(&arena, 4096);
            if (record_decode(span_of(copy, value.length), alice, &arena, &record, &err)) {
                assert_true(record.evidence_count <= FACTS_EVIDENCE_MAX);
                assert_true(record.subject.length <= RECORD_ID_BYTES_MAX);
                for (size_t k = 0; k < record.evidence_count; k++)
                    assert_true(record.evidence[k].class <= EVIDENCE_STATEMENT);
            } else {
                assert_int_equal(err.code, ERR_STORE_CORRUPT);
            }
            arena_release(&arena);
        }
    memory_free(copy);
}

static void formats_one_apart_are_read_and_others_are_not(void **state)
{
    struct subject *subject = *state;
    struct span value = record_encode(&subject->record, &subject->arena);
    uint8_t *bytes = arena_alloc(&subject->arena, value.length);
    struct record record;
    struct err err;

    memcpy(bytes, value.data, value.length);
    assert_int_equal(bytes[0], 1);
    bytes[0] = 2;
    assert_true(record_decode(span_of(bytes, value.length), alice, &subject->arena, &record, &err));
    bytes[0] = 3;
    assert_corrupt(subject, span_of(bytes, value.length));
    bytes[0] = 0;
    assert_corrupt(subject, span_of(bytes, value.length));
}

static void text_with_bytes_that_no_id_has_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } ids[] = {
        {"", 0}, {"a\0b", 3}, {"a\nb", 3}, {"\x7f", 1}, {"\xff", 1}, {"\xc0\x80", 2},
    };
    struct subject *subject = *state;
    char long_id[RECORD_ID_BYTES_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct span *const places[] = {
            &subject->record.subject,
            &subject->evidence[0].id,
            &subject->affiliations[1].organization,
            &subject->principals[1],
        };

        for (size_t k = 0; k < ARRAY_LEN(places); k++) {
            struct span before = *places[k];

            *places[k] = span_of(ids[i].bytes, ids[i].length);
            assert_corrupt(subject, record_encode(&subject->record, &subject->arena));
            *places[k] = before;
        }
    }
    memset(long_id, 'a', sizeof(long_id));
    subject->record.subject = span_of(long_id, sizeof(long_id));
    assert_corrupt(subject, record_encode(&subject->record, &subject->arena));
}

static void numbers_that_this_release_does_not_know_are_refused(void **state)
{
    struct subject *subject = *state;
    struct evidence good = subject->evidence[0];

#define ASSERT_REFUSED(field, value)                                               \
    do {                                                                           \
        subject->evidence[0].field = (value);                                      \
        assert_corrupt(subject, record_encode(&subject->record, &subject->arena)); \
        subject->evidence[0] = good;                                               \
    } while (0)
    ASSERT_REFUSED(class, (enum evidence_class)20);
    ASSERT_REFUSED(proof, (enum proof)6);
    ASSERT_REFUSED(acquired.precision, (enum date_precision)3);
    ASSERT_REFUSED(us_endorsement, (enum us_endorsement)3);
    ASSERT_REFUSED(i94_class, (enum i94_class)4);
    ASSERT_REFUSED(i797_type, (enum i797_type)7);
    ASSERT_REFUSED(statement, (enum statement_kind)10);
    ASSERT_REFUSED(source, (enum fact_source)6);
    ASSERT_REFUSED(assurance, 4);
    ASSERT_REFUSED(expires_day, 2932897);
    ASSERT_REFUSED(verified_at_ms, INT64_MAX);
    ASSERT_REFUSED(accepted_at_ms, INT64_MIN);
    ASSERT_REFUSED(id, subject->evidence[1].id);
#undef ASSERT_REFUSED
    subject->affiliations[0].as = 8;
    assert_corrupt(subject, record_encode(&subject->record, &subject->arena));
    subject->affiliations[0].as = 1;
    subject->record.kind = (enum subject_kind)5;
    assert_corrupt(subject, record_encode(&subject->record, &subject->arena));
}

static void a_country_that_this_release_does_not_know_is_refused(void **state)
{
    struct subject *subject = *state;
    struct span value = record_encode(&subject->record, &subject->arena);
    uint8_t *bytes = arena_alloc(&subject->arena, value.length), *code;

    memcpy(bytes, value.data, value.length);
    code = memmem(bytes, value.length, "DEU", 3);
    assert_non_null(code);
    memcpy(code, "QQQ", 3);
    assert_corrupt(subject, span_of(bytes, value.length));
    memcpy(code, "D\0U", 3);
    assert_corrupt(subject, span_of(bytes, value.length));
}

static void lists_that_are_too_long_are_refused(void **state)
{
    struct subject *subject = *state;
    struct evidence *many = arena_new_array(&subject->arena, struct evidence, 65);
    struct record record;
    struct err err;

    for (size_t i = 0; i < 65; i++) {
        many[i] = bare;
        many[i].id = span_text(arena_printf(&subject->arena, "ev-%zu", i));
    }
    subject->record.evidence = many;
    subject->record.evidence_count = 64;
    assert_true(record_decode(record_encode(&subject->record, &subject->arena), alice,
                              &subject->arena, &record, &err));
    subject->record.evidence_count = 65;
    assert_corrupt(subject, record_encode(&subject->record, &subject->arena));
}

static void a_flood_of_tiny_messages_is_refused_before_it_takes_memory(void **state)
{
    enum { LENGTH = STORE_VALUE_BYTES_MAX };
    struct subject *subject = *state;
    uint8_t *bytes = arena_alloc(&subject->arena, LENGTH);
    size_t held;

    bytes[0] = 1;
    for (size_t i = 1; i + 1 < LENGTH; i += 2) {
        bytes[i] = 5 << 3 | 2; /* evidence = 5, length-delimited, empty */
        bytes[i + 1] = 0;
    }
    held = arena_held_bytes(&subject->arena);
    assert_corrupt(subject, span_of(bytes, LENGTH - 1));
    assert_true(arena_held_bytes(&subject->arena) - held < 2 * 1024 * 1024);
}

/* The tag of field 100, length-delimited, as protobuf writes it. */
enum {
    UNKNOWN_TAG = 100 << 3 | 2,
    UNKNOWN_TAG_LOW = (UNKNOWN_TAG & 0x7f) | 0x80,
    UNKNOWN_TAG_HIGH = UNKNOWN_TAG >> 7
};

/* A message with one more field that holds a text. */
static struct span with_unknown_field(struct subject *subject, struct span value, const char *text)
{
    size_t length = strlen(text);
    uint8_t *bytes = arena_alloc(&subject->arena, value.length + 3 + length);

    memcpy(bytes, value.data, value.length);
    bytes[value.length] = UNKNOWN_TAG_LOW;
    bytes[value.length + 1] = UNKNOWN_TAG_HIGH;
    bytes[value.length + 2] = (uint8_t)length;
    memcpy(bytes + value.length + 3, text, length);
    return span_of(bytes, value.length + 3 + length);
}

static void fields_of_a_newer_format_are_kept(void **state)
{
    struct subject *subject = *state;
    struct span value;
    struct record record;
    struct err err;

    value = with_unknown_field(subject, record_encode(&subject->record, &subject->arena),
                               "from the future");
    assert_true(record_decode(value, alice, &subject->arena, &record, &err));
    assert_non_null(record.unknown);
    record.evidence_count = 1;
    value = record_encode(&record, &subject->arena);
    assert_non_null(memmem(value.data, value.length, "from the future", 15));
}

static void fields_of_a_newer_format_stay_with_their_evidence(void **state)
{
    struct subject *subject = *state;
    struct record record;
    struct span value;
    struct err err;
    uint8_t *bytes;
    uint8_t *second;
    uint8_t message[64], field[] = {UNKNOWN_TAG_LOW, UNKNOWN_TAG_HIGH, 3, 'n', 'e', 'w'};
    size_t length;

    /* Lengthen the second piece of evidence, the shortest message, by one field. */
    value = record_encode(&subject->record, &subject->arena);
    second = memmem(value.data, value.length,
                    "\x0a\x04"
                    "ev-2",
                    6);
    assert_non_null(second);
    length = second[-1];
    assert_true(length < sizeof(message));
    bytes = arena_alloc(&subject->arena, value.length + sizeof(field));
    memcpy(bytes, value.data, value.length);
    second = bytes + (second - value.data);
    second[-1] = (uint8_t)(length + sizeof(field));
    memmove(second + length + sizeof(field), second + length,
            value.length - (size_t)(second - bytes) - length);
    memcpy(second + length, field, sizeof(field));
    assert_true(record_decode(span_of(bytes, value.length + sizeof(field)), alice, &subject->arena,
                              &record, &err));

    /* Without the first, and then without the second. */
    record.evidence++;
    record.evidence_count = 1;
    value = record_encode(&record, &subject->arena);
    assert_non_null(memmem(value.data, value.length, field, sizeof(field)));
    record.evidence--;
    value = record_encode(&record, &subject->arena);
    assert_null(memmem(value.data, value.length, field, sizeof(field)));
}

static void the_derivation_sees_the_whole_record(void **state)
{
    struct subject *subject = *state;
    struct facts_input input = record_facts_input(&subject->record);

    assert_int_equal(input.kind, SUBJECT_SERVICE);
    assert_ptr_equal(input.evidence, subject->evidence);
    assert_int_equal(input.evidence_count, 2);
    assert_ptr_equal(input.affiliations, subject->affiliations);
    assert_int_equal(input.affiliation_count, 2);
    assert_true(input.is_minor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_comes_back),
        TEST(somebody_elses_record_is_refused),
        TEST(what_is_cut_off_is_refused),
        TEST(changed_bytes_never_get_past_the_bounds),
        TEST(formats_one_apart_are_read_and_others_are_not),
        TEST(text_with_bytes_that_no_id_has_is_refused),
        TEST(numbers_that_this_release_does_not_know_are_refused),
        TEST(a_country_that_this_release_does_not_know_is_refused),
        TEST(lists_that_are_too_long_are_refused),
        TEST(a_flood_of_tiny_messages_is_refused_before_it_takes_memory),
        TEST(fields_of_a_newer_format_are_kept),
        TEST(fields_of_a_newer_format_stay_with_their_evidence),
        TEST(the_derivation_sees_the_whole_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
