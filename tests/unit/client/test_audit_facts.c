/* SPDX-License-Identifier: Apache-2.0 */
/* What was known at the moment of a decision: which document says it, and what is said when none
 * does. */
#include "base/memory.h"
#include "client/cli/audit_report.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Nobody's. */
static const char private_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfVs/Gd20Kt4S26Gt\n"
    "RiDlEXik6YPPAwv7OdrCwFkIpY+hRANCAAQpRqH1YnUcWinISs1cKuntvx9JuvsJ\n"
    "SWK+FvC4By1z8T9KOR+t2q01Y70GdmTL8i5TV8dOjgKg4rQIJNwoj4pd\n"
    "-----END PRIVATE KEY-----\n";

static const struct hash_key hash_key = {{7}};

/* A decision on number 10 of partition 0, at 1,000 s. */
struct world {
    struct arena arena;
    struct seal_key *key;
    struct audit_case found;
    struct audit_person person;
    struct audit_report_options options;
    json_t *facts;
};

static int set_up(void **state)
{
    struct world *world = memory_new(struct world);
    struct err err = ERR_NONE;

    arena_init(&world->arena, 16 * 1024);
    if (!seal_key_from_pem(span_text(private_pem), SEAL_PRIVATE, &world->key, &err))
        fail_msg("%s", err.detail);
    world->found = (struct audit_case){
        .arena = &world->arena,
        .record = {.kind = AUDIT_DECISION, .time_ms = 1000 * 1000, .number = 10},
    };
    world->person.subject = keyed_hash(&hash_key, span_text("alice"));
    world->options =
        (struct audit_report_options){.keys = &world->key, .key_count = 1, .hash_key = &hash_key};
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    json_decref(world->facts);
    seal_key_unref(world->key);
    arena_release(&world->arena);
    memory_free(world);
    return 0;
}

static struct audit_change change(struct world *world, uint64_t number, const char *document)
{
    struct audit_change change = {
        .is_there = true,
        .log_id = 1,
        .sequence = number,
        .kind = AUDIT_VERIFICATION_SUBMITTED,
        .time_ms = (int64_t)number * 100 * 1000,
        .number = number,
    };
    struct err err = ERR_NONE;

    if (document && !sealed_make(world->key, SEALED_FACTS_TYPE, span_text(document), &world->arena,
                                 &change.sealed, &err))
        fail_msg("%s", err.detail);
    return change;
}

static const char *text_of(const struct world *world, const char *name)
{
    const char *text = json_string_value(json_object_get(world->facts, name));

    return text ? text : "";
}

static const char *marker(const struct world *world)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(world->facts, "known"), "marker"));

    return text ? text : "";
}

static const char *first_note(const struct world *world)
{
    const char *text = json_string_value(json_array_get(json_object_get(world->facts, "notes"), 0));

    return text ? text : "";
}

static void look(struct world *world)
{
    json_decref(world->facts);
    world->facts = audit_facts(&world->found, &world->person, &world->options);
    assert_non_null(world->facts);
}

#define DOCUMENT(before, after) \
    "{\"subject\":\"alice\",\"rules\":1,\"after\":{\"marker\":\"" after "\"}" before "}"
#define BEFORE(number, name) \
    ",\"before\":{\"partition\":0,\"number\":" #number ",\"marker\":\"" name "\"}"

static void the_last_change_says_what_held_after_it(void **state)
{
    struct world *world = *state;

    world->person.last = change(world, 9, DOCUMENT("", "nine"));
    world->person.next = change(world, 12, DOCUMENT(BEFORE(9, "nine too"), "twelve"));
    look(world);
    assert_string_equal(marker(world), "nine");
    assert_string_equal(text_of(world, "state"), "after");
    assert_string_equal(text_of(world, "record"), "0000000000000001-9");
    assert_string_equal(first_note(world), "");
}

static void without_it_the_next_one_says_what_held_before(void **state)
{
    struct world *world = *state;

    world->person.next = change(world, 12, DOCUMENT(BEFORE(9, "nine"), "twelve"));
    look(world);
    assert_string_equal(marker(world), "nine");
    world->person.last = change(world, 9, NULL); /* before there was a key */
    look(world);
    assert_string_equal(marker(world), "nine");
    assert_string_equal(text_of(world, "state"), "before");
}

static void before_the_first_change_nothing_was_known(void **state)
{
    struct world *world = *state;

    world->person.next = change(world, 12, DOCUMENT("", "twelve"));
    look(world);
    assert_string_equal(marker(world), "");
    assert_string_equal(first_note(world), "nothing was known of the subject");
}

static void a_change_that_is_in_no_log_is_noticed(void **state)
{
    struct world *world = *state;

    world->person.next = change(world, 15, DOCUMENT(BEFORE(12, "twelve"), "fifteen"));
    look(world); /* what held at 10 was gone with 12 */
    assert_non_null(strstr(text_of(world, "missing"), "in none of these logs"));
    world->person.last = change(world, 5, DOCUMENT("", "five"));
    look(world);
    assert_string_equal(marker(world), "five");
    assert_non_null(strstr(first_note(world), "in none of these logs"));
    world->person.next = change(world, 15, DOCUMENT(BEFORE(8, "eight"), "fifteen"));
    look(world); /* 8 is missing, and what it left is known all the same */
    assert_string_equal(marker(world), "eight");
    assert_non_null(strstr(first_note(world), "in none of these logs"));
}

static void a_document_about_somebody_else_is_not_believed(void **state)
{
    struct world *world = *state;

    world->person.last = change(world, 9, "{\"subject\":\"bob\",\"after\":{\"marker\":\"bob\"}}");
    look(world);
    assert_non_null(strstr(text_of(world, "missing"), "about somebody else"));
    world->options.hash_key = NULL; /* then nobody can tell */
    look(world);
    assert_string_equal(marker(world), "bob");
}

static void what_does_not_open_says_why(void **state)
{
    static const char *const broken[] = {"{", "not json"};
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        world->person.last = change(world, 9, broken[i]);
        look(world);
        assert_non_null(strstr(text_of(world, "missing"), "does not open"));
    }
    world->person.last = change(world, 9, NULL);
    look(world);
    assert_non_null(strstr(text_of(world, "missing"), "no retention key"));
    world->person.last.sealed = span_text("a.b.c");
    look(world);
    assert_non_null(strstr(text_of(world, "missing"), "no sealed document"));
    world->person.last = change(world, 9, DOCUMENT("", "nine"));
    world->options.key_count = 0;
    look(world);
    assert_non_null(strstr(text_of(world, "missing"), "its private half opens it"));
    assert_string_equal(text_of(world, "keyId"), seal_key_id(world->key));
}

static void facts_that_have_changed_by_themselves_are_marked(void **state)
{
    struct world *world = *state;

    world->person.last = change(
        world, 9, "{\"subject\":\"alice\",\"after\":{\"valid_until\":\"1970-01-01T00:16:40Z\"}}");
    look(world);
    assert_non_null(strstr(first_note(world), "from 1970-01-01T00:16:40Z on"));
    world->found.record.time_ms--;
    look(world);
    assert_string_equal(first_note(world), "");
}

static void no_change_at_all_is_said(void **state)
{
    struct world *world = *state;

    look(world);
    assert_non_null(strstr(text_of(world, "missing"), "no change of the subject"));
}

static void a_pattern_names_every_resource_of_its_type(void **state)
{
    json_t *directive = json_pack("{s:[s, s]}", "resources", "model/a", "tool/*");

    (void)state;
    assert_true(audit_case_names(directive, span_text("model/a")));
    assert_false(audit_case_names(directive, span_text("model/ab")));
    assert_true(audit_case_names(directive, span_text("tool/x")));
    assert_false(audit_case_names(directive, span_text("tools/x")));
    json_decref(directive);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_last_change_says_what_held_after_it),
        TEST(without_it_the_next_one_says_what_held_before),
        TEST(before_the_first_change_nothing_was_known),
        TEST(a_change_that_is_in_no_log_is_noticed),
        TEST(a_document_about_somebody_else_is_not_believed),
        TEST(what_does_not_open_says_why),
        TEST(facts_that_have_changed_by_themselves_are_marked),
        TEST(no_change_at_all_is_said),
        TEST(a_pattern_names_every_resource_of_its_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
