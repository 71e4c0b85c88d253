/* SPDX-License-Identifier: Apache-2.0 */
/* What is tried beside the directives in force: on record and counted, and in no answer. */
#include "domain/directive/shadow.h"

#include "base/memory.h"
#include "telemetry/audit_reader.h"
#include "unit/entitlement/runs.h"

struct tried {
    struct runs *runs;
    struct snapshot shadow;
};

#define AN_AMERICAN_SAYS "{location: {in: [USA]}}"

static const char *rule(struct runs *runs, const char *resources, const char *require)
{
    return arena_printf(&runs->arena,
                        "directive: rule\nlanguage: 1\ntitle: T\nauthority: {text: a letter}\n"
                        "effective: {from: 2026-01-01T00:00:00Z}\nresources: %s\nrequire: %s\n",
                        resources, require);
}

/* This rule is in force for model/a, as set 7. */
static void enforce(struct tried *tried, const char *require)
{
    struct runs *runs = tried->runs;
    struct directive_set *set;

    runs->directives->environment.keeps_files = true;
    set =
        fixture_compile(runs->directives, (const char *[]){fixture_resources,
                                                           rule(runs, "[model/a]", require), NULL});
    assert_non_null(set);
    directive_set_assign(set, 7);
    snapshot_replace(&runs->set, set);
}

/* In its place this one is tried. */
static void try(struct tried *tried, const char *resources, const char *require)
{
    struct runs *runs = tried->runs;
    const struct directive_file file = {"shadow.yaml", span_text(rule(runs, resources, require))};
    struct directive_set *base = snapshot_get(&runs->set);
    struct directive_set *shadow = directive_set_compile_shadow(
        base, &file, 1, &runs->directives->environment, &runs->directives->diagnostics);

    assert_non_null(shadow);
    directive_set_unref(base);
    snapshot_replace(&tried->shadow, shadow);
}

static int set_up(void **state)
{
    struct tried *tried = memory_new(struct tried);
    struct entitlement_options options;

    if (runs_set_up((void **)&tried->runs) != 0)
        return -1;
    directive_set_snapshot_init(&tried->shadow, NULL);
    options = *entitlement_options(tried->runs->entitlement);
    options.shadow = &tried->shadow;
    entitlement_free(tried->runs->entitlement);
    tried->runs->entitlement = entitlement_new(&options);
    *state = tried;
    return 0;
}

static int tear_down(void **state)
{
    struct tried *tried = *state;
    int status;

    snapshot_release(&tried->shadow);
    status = runs_tear_down((void **)&tried->runs);
    memory_free(tried);
    return status;
}

/* The last record of the log, once it is on disk; the log is closed for that. */
static struct audit_record last_record(struct tried *tried, struct audit_item *ret_items)
{
    struct runs *runs = tried->runs;
    const struct audit_entry *entry;
    struct audit_record last = {.kind = AUDIT_OPAQUE};
    struct audit_reader *reader;
    struct audit_state state;
    struct err err;

    do
        audit_get_state(runs->audit, &state);
    while (state.durable_sequence + 1 < state.next_sequence);
    assert_true(
        audit_reader_open(arena_printf(&runs->arena, "%s/audit", runs->folder), &reader, &err));
    while (audit_reader_next(reader, &entry, &err) && entry) {
        last = entry->record;
        last.shadow_set = arena_copy(&runs->arena, entry->record.shadow_set);
        for (size_t i = 0; i < last.item_count && i < RUNS_INPUTS_MAX; i++) {
            ret_items[i] = entry->record.items[i];
            ret_items[i].shadow.directive =
                arena_copy(&runs->arena, entry->record.items[i].shadow.directive);
        }
    }
    audit_reader_close(reader);
    return last;
}

static uint64_t counted(struct tried *tried, enum shadow_difference difference)
{
    return metrics_slot(tried->runs->metrics,
                        metric_rows[METRIC_SHADOW_DECISIONS].first_slot + difference);
}

static void what_would_be_answered_is_on_record(void **state)
{
    struct tried *tried = *state;
    struct check_input input = runs_about("alice");
    struct audit_item items[RUNS_INPUTS_MAX];
    struct audit_record record;
    struct asked asked;
    struct span id, digest;

    enforce(tried, RUNS_NOT_FOREIGN);
    try(tried, "[model/a]", "{all: [" RUNS_NOT_FOREIGN ", " AN_AMERICAN_SAYS "]}");
    runs_keep(tried->runs, person_american(&tried->runs->arena, "alice"));
    runs_ask(tried->runs, &input, 1, &asked);
    assert_true(asked.results[0].is_allowed);
    record = last_record(tried, items);
    assert_int_equal(record.kind, AUDIT_DECISION);
    assert_int_equal(items[0].truth, TRUTH_TRUE);
    assert_int_equal(items[0].shadow.truth, TRUTH_UNKNOWN);
    assert_int_equal(items[0].shadow.reason, DECISION_REASON_CONTEXT_REQUIRED);
    audit_shadow_directive(&items[0].shadow, &id, &digest);
    assert_true(span_is(id, "rule") && digest.length == 64);
    assert_true(span_is(record.shadow_set, directive_set_digest(tried->shadow.current)));
    assert_int_equal(counted(tried, SHADOW_NARROWS), 1);
}

static void the_answer_is_the_same_whatever_is_tried(void **state)
{
    static const char *const tests[] = {RUNS_NOT_FOREIGN, AN_AMERICAN_SAYS,
                                        "{context: {key: purpose, in: [x]}}"};
    struct tried *tried = *state;
    struct check_input inputs[] = {runs_about("alice"), runs_about("ivan"), runs_about("nobody")};
    struct asked before, after;

    enforce(tried, RUNS_NOT_FOREIGN);
    runs_keep(tried->runs, person_american(&tried->runs->arena, "alice"));
    runs_keep(tried->runs, person_foreigner(&tried->runs->arena, "ivan", "RUS"));
    runs_ask(tried->runs, inputs, ARRAY_LEN(inputs), &before);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        try(tried, "[model/a]", tests[i]);
        runs_ask(tried->runs, inputs, ARRAY_LEN(inputs), &after);
        for (size_t k = 0; k < ARRAY_LEN(inputs); k++) {
            assert_int_equal(after.results[k].is_allowed, before.results[k].is_allowed);
            assert_int_equal(after.results[k].reason, before.results[k].reason);
            assert_int_equal(after.results[k].max_age_ms, before.results[k].max_age_ms);
            assert_int_equal(after.results[k].vary_context, before.results[k].vary_context);
            assert_int_equal(after.results[k].answer.obligation_count,
                             before.results[k].answer.obligation_count);
            assert_ptr_equal(after.results[k].answer.decisive, before.results[k].answer.decisive);
        }
    }
}

/* Of a batch some questions have to do with what is tried, and some have not. */
static void questions_that_it_does_not_concern_have_no_shadow(void **state)
{
    struct tried *tried = *state;
    struct check_input inputs[] = {runs_about("alice"), runs_about("alice"), runs_about("ivan")};
    struct audit_item items[RUNS_INPUTS_MAX];
    struct audit_record record;
    struct asked asked;

    enforce(tried, RUNS_NOT_FOREIGN);
    try(tried, "[model/a]", "{subject_kind: {any: [user]}}");
    inputs[1].resource_id = span_text("b");
    runs_keep(tried->runs, person_american(&tried->runs->arena, "alice"));
    runs_keep(tried->runs, person_foreigner(&tried->runs->arena, "ivan", "RUS"));
    runs_ask(tried->runs, inputs, ARRAY_LEN(inputs), &asked);
    record = last_record(tried, items);
    assert_int_equal(record.item_count, 3);
    assert_int_equal(items[0].shadow.truth, TRUTH_TRUE);
    assert_int_equal(items[1].shadow.reason, 0);
    assert_int_equal(items[2].shadow.truth, TRUTH_TRUE);
    assert_int_equal(items[2].truth, TRUTH_FALSE);
    assert_int_equal(counted(tried, SHADOW_AGREES), 1);
    assert_int_equal(counted(tried, SHADOW_LOOSENS), 1);
    runs_ask(tried->runs, &inputs[1], 1, &asked);
    assert_int_equal(last_record(tried, items).shadow_set.length, 0);
}

static void everybody_must_pass_what_is_tried_too(void **state)
{
    struct tried *tried = *state;
    struct check_input input = runs_about("alice");
    struct audit_item items[RUNS_INPUTS_MAX];
    struct asked asked;

    enforce(tried, "{subject_kind: {any: [user]}}");
    try(tried, "[model/a]", RUNS_NOT_FOREIGN);
    runs_keep(tried->runs, person_american(&tried->runs->arena, "alice"));
    runs_keep(tried->runs, person_foreigner(&tried->runs->arena, "ivan", "RUS"));
    input.also_subjects[input.also_subject_count++] = span_text("ivan");
    runs_ask(tried->runs, &input, 1, &asked);
    assert_true(asked.results[0].is_allowed);
    assert_int_equal(last_record(tried, items).item_count, 2);
    assert_int_equal(items[0].shadow.reason, DECISION_REASON_NOT_PERMITTED);
}

/* Facts of a batch are read when the decisions need them, and never for what is tried. */
static void nothing_is_read_for_it(void **state)
{
    struct tried *tried = *state;
    struct check_input input = runs_about("alice");
    struct check_order order = runs_order(tried->runs, &input, 1);
    struct asked asked;
    struct err err;
    bool is_ok;

    enforce(tried, RUNS_NOT_FOREIGN);
    runs_keep(tried->runs, person_american(&tried->runs->arena, "alice"));
    runs_ask(tried->runs, &input, 1, &asked);
    try(tried, "[model/a]", "{affiliated_with: {organizations: [org/partner-a], as: [employee]}}");
    assert_true(check_try(&order, &tried->runs->arena, &is_ok, &err));
    assert_true(is_ok && order.results[0].is_allowed);
    assert_int_equal(order.results[0].shadow.truth, TRUTH_UNKNOWN);
    check_order_release(&order);
    assert_int_equal(fake_store_submitted(tried->runs->fake), 1);
}

static void what_belongs_to_another_set_is_not_asked(void **state)
{
    struct tried *tried = *state;
    struct check_input input = runs_about("alice");
    struct audit_item items[RUNS_INPUTS_MAX];
    struct asked asked;

    enforce(tried, RUNS_NOT_FOREIGN);
    try(tried, "[model/a]", AN_AMERICAN_SAYS);
    runs_enforce(tried->runs, RUNS_NOT_FOREIGN, "");
    directive_set_assign(tried->runs->set.current, 8);
    runs_keep(tried->runs, person_american(&tried->runs->arena, "alice"));
    runs_ask(tried->runs, &input, 1, &asked);
    assert_int_equal(last_record(tried, items).shadow_set.length, 0);
    assert_int_equal(items[0].shadow.reason, 0);
}

static void a_question_without_a_decision_has_no_shadow(void **state)
{
    struct tried *tried = *state;
    struct check_input inputs[] = {runs_about("alice"), runs_about("alice")};
    struct audit_item items[RUNS_INPUTS_MAX];
    struct asked asked;

    enforce(tried, RUNS_NOT_FOREIGN);
    try(tried, "[model/a]", AN_AMERICAN_SAYS);
    inputs[1].on_behalf_of = span_text("org/unheard-of");
    runs_keep(tried->runs, person_american(&tried->runs->arena, "alice"));
    runs_ask(tried->runs, inputs, ARRAY_LEN(inputs), &asked);
    assert_true(asked.results[1].is_failed);
    (void)last_record(tried, items);
    assert_int_not_equal(items[0].shadow.reason, 0);
    assert_int_equal(items[1].shadow.reason, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_would_be_answered_is_on_record),
        TEST(the_answer_is_the_same_whatever_is_tried),
        TEST(questions_that_it_does_not_concern_have_no_shadow),
        TEST(everybody_must_pass_what_is_tried_too),
        TEST(nothing_is_read_for_it),
        TEST(what_belongs_to_another_set_is_not_asked),
        TEST(a_question_without_a_decision_has_no_shadow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
