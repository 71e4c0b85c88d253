/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a directive is said with its place and with what would be right. */
#include "unit/domain/directive/fixture.h"

#include "base/yaml.h"

#include <stdlib.h>

static void every_key_can_be_given(void **state)
{
    struct fixture *fixture = *state;
    const char *texts[] = {fixture_resources, fixture_full, NULL};
    struct directive_set *set = fixture_compile(fixture, texts);
    const struct directive *directive;

    diagnostics_print(&fixture->diagnostics, stdout);
    assert_non_null(set);
    directive = directive_set_find(set, span_text("full"));
    assert_non_null(directive);
    assert_string_equal(directive->title, "Every key");
    assert_string_equal(directive->authority.text, "a letter");
    assert_int_equal(directive->authority.received_ms, INT64_C(1781299260000));
    assert_int_equal(directive->from_ms, INT64_C(1781299260000));
    assert_string_equal(directive->lifted_authority.text, "another letter");
    assert_string_equal(directive->us_persons_authority.text, "a statute");
    assert_true(directive->is_record_durable);
    assert_true(directive->is_stale_denied);
    assert_int_equal(directive->lease_ms, 10000);
    assert_int_equal(directive->exemption_count, 1);
    assert_string_equal(directive->unverified.type, "verify");
    assert_int_equal(directive->unverified.property_count, 1);
    assert_string_equal(directive->unverified.properties[0].value,
                        "passport,permanent_resident_card");
    assert_string_equal(directive->context.type, "provide_context");
    assert_int_equal(directive->context.property_count, 1);
    assert_string_equal(directive->context.properties[0].name, "keys");
    assert_string_equal(directive->notices[0].language, "en");
    assert_string_equal(directive->notice_url, "https://example.com/notice");
    assert_string_equal(directive->appeal_url, "https://example.com/appeal");
    assert_int_equal(directive->instead_count, 1);
    directive_set_unref(set);
}

/* Writes a tree again, with one value replaced, or left out together with its key. */
struct writer {
    FILE *stream;
    const struct yaml_node *victim;
    const char *replacement; /* NULL leaves it out */
};

static void write_node(const struct writer *writer, const struct yaml_node *node)
{
    bool is_mapping = node->kind == YAML_MAPPING;
    bool is_first = true;

    if (node == writer->victim) {
        fputs(writer->replacement, writer->stream);
        return;
    }
    if (node->kind == YAML_SCALAR) {
        fprintf(writer->stream, "\"%.*s\"", SPAN_FORMAT(node->text));
        return;
    }
    fputc(is_mapping ? '{' : '[', writer->stream);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *value = is_mapping ? node->pairs[i].value : node->items[i];

        if (value == writer->victim && !writer->replacement)
            continue;
        fputs(is_first ? "" : ", ", writer->stream);
        is_first = false;
        if (is_mapping)
            fprintf(writer->stream, "%.*s: ", SPAN_FORMAT(node->pairs[i].key->text));
        if (value->kind == YAML_SCALAR && !value->is_quoted && value != writer->victim)
            fprintf(writer->stream, "%.*s", SPAN_FORMAT(value->text));
        else
            write_node(writer, value);
    }
    fputc(is_mapping ? '}' : ']', writer->stream);
}

/* Every value of a tree, the root and the keys left out. */
struct values {
    const struct yaml_node *nodes[256];
    const char *names[256];
    size_t count;
};

static void collect_values(const struct yaml_node *node, struct values *values)
{
    if (node->kind == YAML_SCALAR)
        return;
    for (size_t i = 0; i < node->count; i++) {
        bool is_mapping = node->kind == YAML_MAPPING;
        const struct yaml_node *value = is_mapping ? node->pairs[i].value : node->items[i];

        assert_true(values->count < ARRAY_LEN(values->nodes));
        values->nodes[values->count] = value;
        values->names[values->count++] =
            is_mapping ? (const char *)node->pairs[i].key->text.data : "-";
        collect_values(value, values);
    }
}

/* The number of errors in fixture_full after the change. */
static size_t errors_with(struct fixture *fixture, const struct yaml_node *root,
                          const struct yaml_node *victim, const char *replacement)
{
    struct writer writer = {.victim = victim, .replacement = replacement};
    struct directive_set *set;
    char *text = NULL;
    size_t size = 0;

    writer.stream = open_memstream(&text, &size);
    write_node(&writer, root);
    fputc('\n', writer.stream);
    fclose(writer.stream);
    set = fixture_compile(fixture, (const char *[]){fixture_resources, text, NULL});
    free(text);
    assert_int_equal(set == NULL, fixture->diagnostics.error_count > 0);
    directive_set_unref(set);
    return fixture->diagnostics.error_count;
}

static void every_field_blanked_in_turn_is_an_error(void **state)
{
    static const char *const blanks[] = {"~", "\"\"", "\"  \"", "[]", "{}", "[[]]", "{x: {}}"};
    struct fixture *fixture = *state;
    const struct yaml_node *root =
        yaml_parse(span_text(fixture_full), "full", &fixture->arena, &fixture->diagnostics);
    struct values values = {.count = 0};

    assert_non_null(root);
    assert_int_equal(errors_with(fixture, root, NULL, NULL), 0);
    collect_values(root, &values);
    assert_true(values.count > 120);
    for (size_t i = 0; i < values.count; i++)
        for (size_t j = 0; j < ARRAY_LEN(blanks); j++)
            if (errors_with(fixture, root, values.nodes[i], blanks[j]) == 0)
                fail_msg("`%s` in line %d as `%s` is taken", values.names[i], values.nodes[i]->line,
                         blanks[j]);
}

static bool is_optional(const char *name)
{
    static const char *const optional[] = {
        "-",         "document_sha256",
        "received",  "until",
        "lifted",    "actions",
        "proof",     "applies_to_us_persons",
        "exempt",    "from",
        "resources", "unverified",
        "stale",     "record",
        "instead",   "notice",
        "url",       "appeal",
        "lease",
    };

    for (size_t i = 0; i < ARRAY_LEN(optional); i++)
        if (strcmp(name, optional[i]) == 0)
            return true;
    return false;
}

/* Lists shrink to nothing, `from` and `resources` are optional for exemptions only: those two
 * kinds are looked at apart. */
static void every_required_key_left_out_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    const struct yaml_node *root =
        yaml_parse(span_text(fixture_full), "full", &fixture->arena, &fixture->diagnostics);
    struct values values = {.count = 0};

    collect_values(root, &values);
    for (size_t i = 0; i < values.count; i++)
        if (!is_optional(values.names[i]) && errors_with(fixture, root, values.nodes[i], NULL) == 0)
            fail_msg("`%s` in line %d can be left out", values.names[i], values.nodes[i]->line);
    assert_true(errors_with(fixture, root, yaml_get(root, "resources"), NULL) > 0);
    assert_true(errors_with(fixture, root, yaml_get(yaml_get(root, "effective"), "from"), NULL) >
                0);
}

static void every_optional_key_can_be_left_out(void **state)
{
    static const char *const optional[] = {
        "lifted",  "actions",    "proof",  "applies_to_us_persons",
        "exempt",  "unverified", "stale",  "record",
        "instead", "notice",     "appeal", "lease",
    };
    struct fixture *fixture = *state;
    const struct yaml_node *root =
        yaml_parse(span_text(fixture_full), "full", &fixture->arena, &fixture->diagnostics);

    for (size_t i = 0; i < ARRAY_LEN(optional); i++) {
        assert_non_null(yaml_get(root, optional[i]));
        assert_int_equal(errors_with(fixture, root, yaml_get(root, optional[i]), NULL), 0);
    }
}

static void a_lease_is_a_duration_and_no_lease_is_none(void **state)
{
    static const struct {
        const char *more;
        int64_t lease_ms;
    } rows[] = {
        {"", DIRECTIVE_LEASE_UNSAID}, {"lease: 0\n", 0},
        {"lease: 0s\n", 0},           {"lease: 500ms\n", 500},
        {"lease: \"30s\"\n", 30000},  {"lease: 2m\n", 120000},
        {"lease: 1h\n", 3600000},     {"lease: 3600000ms\n", 3600000},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct directive_set *set = fixture_rule(*state, "{location: {in: [USA]}}", rows[i].more);

        assert_non_null(set);
        assert_int_equal(directive_set_get(set, 0)->lease_ms, rows[i].lease_ms);
        directive_set_unref(set);
    }
}

static void all_errors_are_told_at_once_with_their_places(void **state)
{
    static const char text[] = "directive: broken\n"                                 /* 1 */
                               "language: 1\n"                                       /* 2 */
                               "titel: Oops\n"                                       /* 3 */
                               "authority: {text: \"\"}\n"                           /* 4 */
                               "effective: {from: 2026-06-12}\n"                     /* 5 */
                               "resources: [model/a, model/nowhere]\n"               /* 6 */
                               "require:\n"                                          /* 7 */
                               "  all:\n"                                            /* 8 */
                               "    - citizen_of: {any: [Germany]}\n"                /* 9 */
                               "    - citizen_of: {any: [\"EAR:D:9\"]}\n"            /* 10 */
                               "    - location: {in: []}\n"                          /* 11 */
                               "    - foreign_person: {regime: ear_772, is: yes}\n"; /* 12 */
    struct fixture *fixture = *state;
    const char *texts[] = {fixture_resources, text, NULL};

    assert_null(fixture_compile(fixture, texts));
#define AT(line, column, words) \
    assert_true(fixture_found(fixture, "1.yaml", line, column, DIAGNOSTIC_ERROR, words))
    AT(3, 1, "did you mean `title`?");
    AT(1, 1, "a directive needs `title`");
    AT(4, 19, "is blank");
    AT(5, 19, "2026-06-12T00:00:00-04:00");
    AT(6, 22, "resource `model/nowhere` is not declared");
    AT(9, 26, "neither an alpha-3 code");
    AT(10, 26, "set `EAR:D:9` is unknown: did you mean");
    AT(11, 22, "empty list");
    AT(12, 32, "did you mean `ear_772_1`?");
    AT(12, 45, "write `true` or `false`");
#undef AT
    assert_int_equal(fixture->diagnostics.error_count, 10);
}

static void what_yaml_allows_and_directives_do_not_hides_no_other_error(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "directive: broken\n"                     /* 1 */
                               "language: 1\n"                           /* 2 */
                               "title: &title Oops\n"                    /* 3 */
                               "title: Again\n"                          /* 4 */
                               "authority: *title\n"                     /* 5 */
                               "effective: {from: 2026-06-12}\n"         /* 6 */
                               "resources: [model/a, !!str model/b]\n"   /* 7 */
                               "require: {location: {in: [Germany]}}\n"; /* 8 */
    struct fixture *fixture = *state;
    const char *texts[] = {fixture_resources, text, NULL};

    assert_null(fixture_compile(fixture, texts));
#define AT(line, column, words) \
    assert_true(fixture_found(fixture, "1.yaml", line, column, DIAGNOSTIC_ERROR, words))
    AT(3, 8, "anchors, aliases and tags");
    AT(4, 1, "a second time");
    AT(5, 12, "anchors, aliases and tags");
    AT(6, 19, "a date alone is refused");
    AT(7, 22, "anchors, aliases and tags");
    AT(8, 27, "neither an alpha-3 code");
#undef AT
    assert_int_equal(fixture->diagnostics.error_count, 6);
}

struct wrong {
    const char *require;
    const char *more;
    const char *words;
};

static const struct wrong wrongs[] = {
    {"{licence: {}}", "", "licences, which this release does not hold"},
    {"{foreign_persons: {}}", "", "did you mean `foreign_person`?"},
    {"{foreign_person: {regime: itar_120_62, is: true}}", "", "regime `itar_120_62` is unknown"},
    {"{us_person: {regime: ear_772_1, is: true}}", "", "itar_120_62, ear_744_6, doj_202_256"},
    {"{us_status: {any: [none]}}", "", "US status `none` is unknown"},
    {"{citizen_of: {any: [US]}}", "", "write USA"},
    {"{citizen_of: {any: [D]}}", "", "write DEU"},
    {"{citizen_of: {any: [GBN]}}", "", "no country"},
    {"{citizen_of: {any: [UTO]}}", "", "no country"},
    {"{citizen_of: {any: [deu]}}", "", "neither an alpha-3 code"},
    {"{citizen_of: {any: [HKG]}}", "", "its people hold that of CHN"},
    {"{citizen_of: {}}", "", "needs one of `any`, `all` and `ever`"},
    {"{citizen_of: {any: [DEU], all: [DEU]}}", "", "at a time"},
    {"{deemed_country: {regime: ear_734_13b}}", "", "needs `in`"},
    {"{affiliated_with: {organizations: [org/unknown], as: [employee]}}", "",
     "organization `org/unknown` is not in the configuration"},
    {"{affiliated_with: {organizations: [self], as: [boss]}}", "", "affiliation `boss` is unknown"},
    {"{foreign_person: {regime: ear_772_1, is: false}}", "", "without a word about the place"},
    {"{us_person: {regime: ear_744_6, is: true}}", "", "without a word about the place"},
    {"{not: {citizen_of: {any: [IRN]}}}", "", "without a word about the place"},
    {"{any: [{location: {in: [USA]}}, {us_status: {any: [lpr]}}]}", "",
     "without a word about the place"},
    {"{all: [{any: [{born_in: {any: [USA]}}, {location: {in: [USA]}}]}, "
     "{not: {all: [{permanent_resident_of: {any: [IRN]}}, {location: {in: [IRN]}}]}}]}",
     "", "without a word about the place"},
    {"{location: any}", "", "needs `location_authority"},
    {"{location: {in: [USA]}, location_authority: {text: x}}", "", "`location: any` only"},
    {"{location: {in: [USA]}, assurance: {least: ial2}}", "", "one test per mapping"},
    {"{location_authority: {text: x}}", "", "stands beside"},
    {"{context: {key: location, in: [USA]}}", "", "has a test of its own"},
    {"{context: {key: \"a b\", in: [x]}}", "", "only letters, digits"},
    {"{all: []}", "", "empty list"},
    {"{all: {}}", "", "must be a list"},
    {"{not: [{location: {in: [USA]}}]}", "", "a test is a mapping"},
    {"[]", "", "a test is a mapping"},
    {"{assurance: {least: ial4}}", "", "assurance `ial4` is unknown"},
    {"{proof: {least: good}}", "", "document_authenticated, chip"},
    {"{evidence_class: {any: [pasport]}}", "", "did you mean `passport`?"},
    {"{location: {in: [USA]}}", "unverified: {obligation: verify, accept: [passport]}\n",
     "one single kind of document"},
    {"{location: {in: [USA]}}", "unverified: {obligation: verify, accept: [visa, visa]}\n",
     "one single kind of document"},
    {"{location: {in: [USA]}}", "unverified: {obligation: verify, accept: passport}\n",
     "`any` or a list"},
    {"{location: {in: [USA]}}", "unverified: {obligation: pay, accept: any}\n",
     "obligation `pay` is unknown"},
    {"{location: {in: [USA]}}", "stale: maybe\n", "`stale` `maybe` is unknown: one of allow, deny"},
    {"{location: {in: [USA]}}", "record: ring\n", "one of bounded, durable"},
    {"{location: {in: [USA]}}", "lease: 10\n", "write it like 10s, 500ms or 0"},
    {"{location: {in: [USA]}}", "lease: s\n", "write it like 10s, 500ms or 0"},
    {"{location: {in: [USA]}}", "lease: -1s\n", "write it like 10s, 500ms or 0"},
    {"{location: {in: [USA]}}", "lease: 1.5s\n", "write it like 10s, 500ms or 0"},
    {"{location: {in: [USA]}}", "lease: 10 s\n", "write it like 10s, 500ms or 0"},
    {"{location: {in: [USA]}}", "lease: 1d\n", "write it like 10s, 500ms or 0"},
    {"{location: {in: [USA]}}", "lease: [10s]\n", "`lease` must be a duration"},
    {"{location: {in: [USA]}}", "lease: 61m\n", "at most 3600 s"},
    {"{location: {in: [USA]}}", "lease: 3600001ms\n", "at most 3600 s"},
    {"{location: {in: [USA]}}", "lease: 99999999999999999999s\n", "at most 3600 s"},
    {"{location: {in: [USA]}}", "actions: [\"*\", use]\n", "leave the others out"},
    {"{location: {in: [USA]}}", "instead: [\"model/*\"]\n", "patterns are not allowed here"},
    {"{location: {in: [USA]}}", "instead: [model/nothing]\n", "`model/nothing` is not declared"},
    {"{location: {in: [USA]}}", "notice: {url: \"https://example.com\"}\n", "text in one language"},
    {"{location: {in: [USA]}}", "notice: {english: hello}\n", "neither a language"},
    {"{location: {in: [USA]}}", "appeal: {url: example.com}\n", "begins with https://"},
    {"{location: {in: [USA]}}", "appeal: {url: \"https://\"}\n", "and a host"},
    {"{location: {in: [USA]}}", "appeal: {url: \"https:///a\"}\n", "and a host"},
    {"{location: {in: [USA]}}", "appeal: {url: \"https://a\\nb\"}\n", "without blanks"},
    {"{location: {in: [USA]}}", "appeal: {url: \"https://a b\"}\n", "without blanks"},
    {"{location: {in: [USA]}}", "notice: {en: \"a\\u202Eb\"}\n", "a control character"},
    {"{location: {in: [USA]}}", "notice: {en: \"a\\u2066b\"}\n", "a control character"},
    {"{location: {in: [USA]}}", "notice: {en: \"a\\Lb\"}\n", "a control character"},
    {"{location: {in: [USA]}}", "notice: {en: \"a\\x9bb\"}\n", "a control character"},
    {"{location: {in: [USA]}}", "notice: {en: \"a\\eb\"}\n", "a control character"},
    {"{location: {in: [USA]}}",
     "exempt: [{when: {location: {in: [DEU]}}, resources: [\"m o\\nd/*\"], authority: {text: x}, "
     "waives: [require]}]\n",
     "may have only letters"},
    {"{location: {in: [USA]}}", "applies_to_us_persons: true\n", "must be a mapping"},
    {"{location: {in: [USA]}}", "lifted: {at: 2026-06-30T20:00:00}\n", "an instant with an offset"},
    {"{location: {in: [USA]}}",
     "exempt: [{when: {location: {in: [DEU]}}, authority: {text: x}, waives: []}]\n", "empty list"},
    {"{location: {in: [USA]}}",
     "exempt: [{when: {location: {in: [DEU]}}, authority: {text: x}, waives: [all]}]\n",
     "`waives` `all` is unknown"},
    {"{location: {in: [USA]}}",
     "exempt: [{when: {location: {in: [DEU]}}, resources: [model/b], authority: {text: x}, "
     "waives: [require]}]\n",
     "not among the resources of this directive"},
    {"{location: {in: [USA]}}",
     "exempt: [{when: {location: {in: [DEU]}}, from: 2026-07-01T00:00:00Z, "
     "until: 2026-07-01T00:00:00Z, authority: {text: x}, waives: [require]}]\n",
     "`until` must be after `from`"},
};

static void what_would_be_right_is_said(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        struct directive_set *set = fixture_rule(fixture, wrongs[i].require, wrongs[i].more);

        if (set || !fixture_says(fixture, wrongs[i].words)) {
            diagnostics_print(&fixture->diagnostics, stdout);
            fail_msg("%s %s does not say: %s", wrongs[i].require, wrongs[i].more, wrongs[i].words);
        }
    }
}

static void a_newer_language_is_refused_and_not_guessed_at(void **state)
{
    struct fixture *fixture = *state;
    const char *texts[] = {fixture_resources, "directive: new\nlanguage: 2\nfuture: [x]\n", NULL};

    assert_null(fixture_compile(fixture, texts));
    assert_true(fixture_found(fixture, "1.yaml", 2, 11, DIAGNOSTIC_ERROR,
                              "language 2 is newer than this program's 1"));
    assert_int_equal(fixture->diagnostics.error_count, 1);
    texts[1] = "directive: new\nlanguage: one\n";
    assert_null(fixture_compile(fixture, texts));
    assert_true(fixture_says(fixture, "`language` is a number: 1"));
}

static void sizes_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    fputs("{all: [", stream);
    for (int i = 0; i < DIRECTIVE_LIST_MAX; i++)
        fputs("{location: {in: [USA]}}, ", stream);
    fputs("]}", stream);
    fclose(stream);
    assert_null(fixture_rule(fixture, text, ""));
    assert_true(fixture_says(fixture, "more than 256 tests"));
    free(text);
    stream = open_memstream(&text, &size);
    for (int i = 0; i < DIRECTIVE_DEPTH_MAX + 1; i++)
        fputs("{not: ", stream);
    fputs("{location: {in: [USA]}}", stream);
    for (int i = 0; i < DIRECTIVE_DEPTH_MAX + 1; i++)
        fputs("}", stream);
    fclose(stream);
    assert_null(fixture_rule(fixture, text, ""));
    assert_true(fixture_says(fixture, "more than 12 deep"));
    free(text);
    stream = open_memstream(&text, &size);
    fputs("{any: [", stream);
    for (int i = 0; i < DIRECTIVE_CONTEXT_KEYS_MAX + 1; i++)
        fprintf(stream, "{context: {key: key%d, in: [x]}}, ", i);
    fputs("]}", stream);
    fclose(stream);
    assert_null(fixture_rule(fixture, text, ""));
    assert_true(fixture_says(fixture, "more than 32 context keys"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_can_be_given),
        cmocka_unit_test(every_field_blanked_in_turn_is_an_error),
        cmocka_unit_test(every_required_key_left_out_is_an_error),
        cmocka_unit_test(every_optional_key_can_be_left_out),
        cmocka_unit_test(a_lease_is_a_duration_and_no_lease_is_none),
        cmocka_unit_test(all_errors_are_told_at_once_with_their_places),
        cmocka_unit_test(what_yaml_allows_and_directives_do_not_hides_no_other_error),
        cmocka_unit_test(what_would_be_right_is_said),
        cmocka_unit_test(a_newer_language_is_refused_and_not_guessed_at),
        cmocka_unit_test(sizes_are_bounded),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
