/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence as it is submitted: evidence_cases.json says what becomes of it, case by case. */
#include "base/attributes.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/src/json_message.h"
#include "verification/evidence_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FILE_BYTES_MAX = 256 * 1024, PATCH_MAX = 256 };

static const struct names names = {.key = {.bytes = {1, 2, 3}}, .partition_count = 1};

struct fixture {
    struct arena arena;
    json_t *file;
    struct evidence_reader reader;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);
    struct span content;
    struct err err;

    arena_init(&fixture->arena, FILE_BYTES_MAX);
    if (!file_read(EVIDENCE_CASES, FILE_BYTES_MAX, &fixture->arena, &content, &err) ||
        !json_read(content, &fixture->file, &err)) {
        print_error("%s\n", err.detail);
        return -1;
    }
    fixture->reader.names = &names;
    if (!timestamp_parse(span_text(json_string_value(json_object_get(fixture->file, "now"))),
                         &fixture->reader.now_ms))
        return -1;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    json_decref(fixture->file);
    arena_release(&fixture->arena);
    memory_free(fixture);
    return 0;
}

/* The base of this name with the patch merged in. */
static const Passgate__V1__Evidence *submission(struct fixture *fixture, const char *base,
                                                const json_t *patch)
{
    json_t *value = json_deep_copy(json_object_get(json_object_get(fixture->file, "bases"), base));
    ProtobufCMessage *message;
    struct err err;

    if (patch)
        assert_int_equal(json_object_update_recursive(value, (json_t *)patch), 0);
    if (!json_message_read(value, &passgate__v1__evidence__descriptor, &fixture->arena, &message,
                           &err))
        fail_msg("%s: %s", err.field, err.detail);
    json_decref(value);
    return (const Passgate__V1__Evidence *)message;
}

/* What evidence_read() makes of it: an error, or why it proves nothing. */
static struct err outcome_of(struct fixture *fixture, const Passgate__V1__Evidence *submitted)
{
    struct err why_not, err;
    struct evidence evidence;

    return evidence_read(&fixture->reader, submitted, &evidence, &why_not, &err) ? why_not : err;
}

static const char *text_at(const json_t *row, size_t index)
{
    return json_string_value(json_array_get(row, index));
}

static void every_case_ends_as_it_says(void **state)
{
    struct fixture *fixture = *state;
    const json_t *cases = json_object_get(fixture->file, "cases");
    size_t wrong = 0;

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *row = json_array_get(cases, i);
        struct err outcome =
            outcome_of(fixture, submission(fixture, text_at(row, 1), json_array_get(row, 2)));

        if (strcmp(err_reason(outcome.code), text_at(row, 3)) == 0 &&
            strcmp(outcome.field, text_at(row, 4)) == 0)
            continue;
        print_error("%s: %s on \"%s\", not %s on \"%s\"\n", text_at(row, 0),
                    err_reason(outcome.code), outcome.field, text_at(row, 3), text_at(row, 4));
        wrong++;
    }
    assert_true(json_array_size(cases) > 0);
    assert_int_equal(wrong, 0);
}

/* As accepted. */
static struct evidence read_good(struct fixture *fixture, const char *base, const char *patch)
{
    struct err err = ERR_NONE, why_not;
    struct evidence evidence;
    json_t *value = NULL;
    bool is_read;

    assert_true(json_read(span_text(patch), &value, &err));
    is_read = evidence_read(&fixture->reader, submission(fixture, base, value), &evidence, &why_not,
                            &err);
    json_decref(value);
    if (!is_read || why_not.code != ERR_OK)
        fail_msg("%s %s", err.field, why_not.field);
    return evidence;
}

static void a_zone_gives_what_the_fields_leave_open(void **state)
{
    struct evidence evidence = read_good(*state, "zone", "{}");
    country_id germany = country_from_alpha3(span_text("DEU"));

    assert_int_equal(evidence.issuer, germany);
    assert_int_equal(evidence.nationality, germany);
    assert_int_equal(evidence.expires_day, day_from_civil((struct civil_date){2027, 2, 28}));
}

/* The base, with these members of its document. */
static struct evidence numbered(void **state, const char *base, const char *document)
{
    char patch[PATCH_MAX];

    assert_in_range(snprintf(patch, sizeof(patch), "{\"document\": {%s}}", document), 1,
                    sizeof(patch) - 1);
    return read_good(*state, base, patch);
}

static void one_document_has_one_hash_however_its_number_is_written(void **state)
{
    static const struct {
        const char *base, *document;
    } rows[] = {
        {"passport", "\"number\": \"C01X00T47\""},
        {"passport", "\"number\": \"c01x00t47\""},
        {"passport", "\"number\": \"C01X 00T-47<\""},
        {"passport", "\"number\": \"C01X00T47\", \"issuer\": \"DE\""},
        {"zone", "\"number\": \"c01x00t47<<\""},
    };
    struct evidence zone = read_good(*state, "zone", "{}");
    struct evidence other = numbered(state, "passport", "\"number\": \"C01X00T48\"");
    struct evidence none = numbered(state, "passport", "\"number\": \"--- \"");
    struct evidence hkg, chn;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_memory_equal(numbered(state, rows[i].base, rows[i].document).document_hash,
                            zone.document_hash, EVIDENCE_HASH_BYTES);
    assert_memory_not_equal(other.document_hash, zone.document_hash, EVIDENCE_HASH_BYTES);
    assert_memory_equal(none.document_hash, EVIDENCE_EMPTY.document_hash, EVIDENCE_HASH_BYTES);
    hkg = numbered(state, "passport", "\"number\": \"K1\", \"issuer\": \"HKG\"");
    chn = numbered(state, "passport", "\"number\": \"K1\", \"issuer\": \"CHN\"");
    assert_memory_equal(hkg.document_hash, chn.document_hash, EVIDENCE_HASH_BYTES);
}

static bool is_in(const void *memory, size_t size, const char *text)
{
    return memmem(memory, size, text, strlen(text)) != NULL;
}

static void numbers_and_names_leave_only_keyed_hashes(void **state)
{
    struct evidence zone = read_good(*state, "zone", "{}");
    struct evidence field = read_good(*state, "passport",
                                      "{\"document\": {\"number\": \"C01X00T47\"}, \"binding\": "
                                      "{\"same_person_hash\": \"QUJD\"}}");
    struct hash128 expected = names_document_hash(&names, span_text("DEU"), span_text("C01X00T47"));
    uint8_t bytes[EVIDENCE_HASH_BYTES];

    hash128_store(expected, bytes);
    assert_memory_equal(zone.document_hash, bytes, sizeof(bytes));
    assert_memory_equal(field.document_hash, bytes, sizeof(bytes));
    hash128_store(names_person_hash(&names, span_text("veriff"), span_text("ABC")), bytes);
    assert_memory_equal(field.person_hash, bytes, sizeof(bytes));
    assert_false(is_in(&zone, sizeof(zone), "C01X00T47"));
    assert_false(is_in(&zone, sizeof(zone), "MUSTERMANN"));
}

static void the_issuer_never_stands_for_the_nationality(void **state)
{
    struct evidence evidence = read_good(*state, "passport",
                                         "{\"evidence_class\": \"EVIDENCE_CLASS_DRIVING_LICENCE\","
                                         " \"document\": {\"nationality\": \"\"}}");

    assert_int_equal(evidence.nationality, COUNTRY_NONE);
    assert_int_not_equal(evidence.issuer, COUNTRY_NONE);
}

static void a_document_is_confirmed_by_a_reviewer_who_has_seen_it(void **state)
{
    static const struct {
        const char *patch;
        enum fact_source source;
    } rows[] = {
        {"{}", FACT_SOURCE_DOCUMENT},
        {"{\"reviewer\": {\"id\": \"r-7\", \"reason\": \"looked\"}}", FACT_SOURCE_DOCUMENT},
        {"{\"reviewer\": {\"id\": \"r-7\", \"documents_seen\": \"I-94\"}}", FACT_SOURCE_REVIEWER},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(read_good(*state, "passport", rows[i].patch).source, rows[i].source);
}

static void a_result_that_proves_nothing_says_of_which_check_and_when(void **state)
{
    struct fixture *fixture = *state;
    json_t *patch = json_pack("{s:s}", "result", "VENDOR_RESULT_FAILED");
    struct evidence evidence;
    struct err why_not, err;

    assert_true(evidence_read(&fixture->reader, submission(fixture, "passport", patch), &evidence,
                              &why_not, &err));
    json_decref(patch);
    assert_int_equal(why_not.code, ERR_RESULT_NOT_PASSED);
    assert_true(span_is(evidence.check_id, "c-1"));
    assert_int_equal(evidence.nationality, COUNTRY_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_case_ends_as_it_says),
        TEST(a_zone_gives_what_the_fields_leave_open),
        TEST(one_document_has_one_hash_however_its_number_is_written),
        TEST(numbers_and_names_leave_only_keyed_hashes),
        TEST(the_issuer_never_stands_for_the_nationality),
        TEST(a_document_is_confirmed_by_a_reviewer_who_has_seen_it),
        TEST(a_result_that_proves_nothing_says_of_which_check_and_when),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
