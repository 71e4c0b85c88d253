/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the cases in cases/: who may do what, under which directive, at which moment.
 *
 * A file has two lists.  `truths` asks single tests of many persons:
 *
 *     - test: {foreign_person: {regime: ear_772_1, is: true}}
 *       expect: {alice: TRUE, bob: UNKNOWN VERIFICATION_REQUIRED}
 *
 * with `proof`, `us_persons: true` and `context` where needed.  `decisions` asks whole folders of
 * directives:
 *
 *     - directives: deploy/examples/directives/2026-06-26
 *       at: 2026-06-27T10:00:00-04:00
 *       resource: model/mythos-5
 *       context: {location: USA}
 *       expect: {alice: ALLOWED, bob: "VERIFICATION_REQUIRED, verify", carol: ALLOWED by letter}
 *
 * where the text after `by` is the authority that is cited.  `shadows` tries other directives
 * beside such a folder, and expects how their answer compares, its reason, and the directive it is
 * by:
 *
 *     - directives: deploy/examples/directives/2026-06-26
 *       shadow: tests/directive_cases/shadow/narrower
 *       expect: {alice: agrees, bob: "narrows NOT_PERMITTED by narrower", carol: none}
 *
 * Every answer is asked for a second
 * time through directive_explain(), which must say the same.
 */
#include "directive_cases/persons.h"

#include "base/file.h"
#include "domain/directive/explain.h"
#include "domain/directive/shadow.h"

#include <stdlib.h>

struct run {
    struct arena arena;
    struct diagnostics diagnostics;
    const char *folder; /* of the repository */
    struct country_groups *groups;
    struct organizations organizations;
    struct persons persons;
    size_t case_count;
    size_t failure_count;
    const char *file;
};

static struct span read_whole(struct run *run, const char *path)
{
    struct err err = ERR_NONE;
    struct span content;

    if (!file_read(path, YAML_FILE_BYTES_MAX, &run->arena, &content, &err)) {
        fprintf(stderr, "%s: %s\n", path, err.detail);
        exit(2);
    }
    return content;
}

static const struct yaml_node *parse(struct run *run, const char *path)
{
    const struct yaml_node *root =
        yaml_parse(read_whole(run, path), path, &run->arena, &run->diagnostics);

    if (!root || run->diagnostics.error_count > 0) {
        diagnostics_print(&run->diagnostics, stderr);
        exit(2);
    }
    run->file = path;
    return root;
}

/* YAML again, in flow style with every text quoted. */
static void write_yaml(const struct yaml_node *node, FILE *stream)
{
    size_t i;

    switch (node->kind) {
    case YAML_SCALAR:
        fprintf(stream, node->is_quoted ? "\"%.*s\"" : "%.*s", SPAN_FORMAT(node->text));
        break;
    case YAML_SEQUENCE:
        for (i = 0; i < node->count; i++) {
            fputs(i == 0 ? "[" : ", ", stream);
            write_yaml(node->items[i], stream);
        }
        fputs(node->count ? "]" : "[]", stream);
        break;
    case YAML_MAPPING:
        for (i = 0; i < node->count; i++) {
            fprintf(stream, "%s%.*s: ", i == 0 ? "{" : ", ", SPAN_FORMAT(node->pairs[i].key->text));
            write_yaml(node->pairs[i].value, stream);
        }
        fputs(node->count ? "}" : "{}", stream);
        break;
    }
}

/* `base`, if there is one, is what these are tried beside. */
static struct directive_set *compile(struct run *run, const struct directive_set *base,
                                     const struct directive_file *files, size_t count)
{
    struct directive_environment environment = {
        .groups = run->groups, .organizations = &run->organizations, .keeps_files = true};
    struct directive_set *set =
        base ? directive_set_compile_shadow(base, files, count, &environment, &run->diagnostics)
             : directive_set_compile(files, count, &environment, &run->diagnostics);

    if (!set) {
        diagnostics_print(&run->diagnostics, stderr);
        exit(2);
    }
    return set;
}

static struct directive_set *compile_test(struct run *run, const struct yaml_node *entry)
{
    const struct yaml_node *proof = yaml_get(entry, "proof");
    const struct yaml_node *us_persons = yaml_get(entry, "us_persons");
    struct directive_file files[] = {
        {"resources", span_text("resources: [{id: case/x, base: allow}]")}, {"test", {0}}};
    struct directive_set *set;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    fprintf(stream,
            "directive: case\nlanguage: 1\ntitle: a case\nauthority: {text: a test}\n"
            "effective: {from: 2020-01-01T00:00:00Z}\nresources: [case/x]\nproof: %s\n",
            proof ? (const char *)proof->text.data : "document_authenticated");
    if (us_persons && span_is(us_persons->text, "true"))
        fprintf(stream, "applies_to_us_persons: {authority: {text: a test}}\n");
    fprintf(stream, "require: {all: [");
    write_yaml(yaml_get(entry, "test"), stream);
    fprintf(stream, ", {location: any, location_authority: {text: a test}}]}\n");
    fclose(stream);
    files[1].content = span_of(text, size);
    set = compile(run, NULL, files, ARRAY_LEN(files));
    free(text);
    return set;
}

static struct directive_set *compile_folder(struct run *run, const struct directive_set *base,
                                            const struct yaml_node *folder)
{
    const char *path =
        arena_printf(&run->arena, "%s/%s", run->folder, (const char *)folder->text.data);
    struct directive_file *files;
    const char *const *names;
    struct err err = ERR_NONE;
    size_t count;

    if (!file_list(path, ".yaml", &run->arena, &names, &count, &err))
        cases_fail(folder, "cannot list the folder");
    files = arena_new_array(&run->arena, struct directive_file, count);
    for (size_t i = 0; i < count; i++)
        files[i] = (struct directive_file){
            names[i], read_whole(run, arena_printf(&run->arena, "%s/%s", path, names[i]))};
    return compile(run, base, files, count);
}

static struct directive_question question_of(struct run *run, const struct yaml_node *entry)
{
    const struct yaml_node *context = yaml_get(entry, "context");
    const struct yaml_node *resource = yaml_get(entry, "resource");
    const struct yaml_node *at = yaml_get(entry, "at");
    const struct yaml_node *stale = yaml_get(entry, "stale");
    struct span name = resource ? resource->text : span_text("case/x");
    const uint8_t *slash = memchr(name.data, '/', name.length);
    size_t type_length = (size_t)(slash - name.data);
    struct directive_question question = {
        .resource_type = span_of(name.data, type_length),
        .resource_id = span_from(name, type_length + 1),
        .action = span_text("use"),
        .now_ms = INT64_C(1800000000000),
        .is_stale = stale && span_is(stale->text, "true"),
    };
    struct directive_context *rows;

    if (at && !timestamp_parse(at->text, &question.now_ms))
        cases_fail(at, "not an instant");
    if (!context)
        return question;
    rows = arena_new_array(&run->arena, struct directive_context, context->count);
    for (size_t i = 0; i < context->count; i++)
        rows[i] =
            (struct directive_context){context->pairs[i].key->text, context->pairs[i].value->text};
    question.context = rows;
    question.context_count = context->count;
    return question;
}

/* What the answer cites: the exemption that allowed it, else the directive, else nothing. */
static const char *citation(const struct directive_answer *answer)
{
    if (!answer->decisive)
        return "";
    for (size_t i = 0; i < answer->finding_count && i < DIRECTIVE_FINDINGS_MAX; i++)
        if (answer->findings[i].directive == answer->decisive && answer->findings[i].exemption &&
            answer->truth == TRUTH_TRUE)
            return answer->findings[i].exemption->authority.text;
    return answer->decisive->authority.text;
}

/* "TRUE", "UNKNOWN REASON". */
static const char *told_truth(struct run *run, const struct directive_answer *answer)
{
    static const char *const words[] = {
        [TRUTH_FALSE] = "FALSE", [TRUTH_UNKNOWN] = "UNKNOWN", [TRUTH_TRUE] = "TRUE"};

    if (answer->truth != TRUTH_UNKNOWN)
        return words[answer->truth];
    return arena_printf(&run->arena, "UNKNOWN %s", decision_reason_name(answer->reason));
}

/* "REASON, OBLIGATION by AUTHORITY", as much of it as is expected. */
static const char *told_decision(struct run *run, const struct directive_answer *answer,
                                 struct span expected)
{
    const char *text = decision_reason_name(answer->reason);
    const char *by = memmem(expected.data, expected.length, " by ", 4);

    if (memchr(expected.data, ',',
               by ? (size_t)(by - (const char *)expected.data) : expected.length))
        text = arena_printf(&run->arena, "%s, %s", text,
                            answer->obligation ? answer->obligation->type : "nothing");
    if (by)
        text = arena_printf(&run->arena, "%s by %s", text, citation(answer));
    return text;
}

static void check_explanation(struct run *run, const struct directive_set *set,
                              const struct directive_question *question,
                              const struct directive_answer *answer, const struct yaml_node *node)
{
    const struct explanation *told = directive_explain(set, question, &run->arena);
    enum truth truth = TRUTH_TRUE;

    for (size_t i = 0; i < told->directive_count; i++) {
        const struct explain_directive *directive = &told->directives[i];
        enum truth alone = directive->require.truth;

        for (size_t j = 0; j < directive->exemption_count; j++)
            if (directive->exemptions[j].is_in_time && directive->exemptions[j].is_for_resource)
                alone = truth_or(alone, directive->exemptions[j].when.truth);
        if (alone != directive->truth && !question->is_stale)
            cases_fail(node, "the tests of the explanation do not add up");
        truth = truth_and(truth, directive->truth);
    }
    if (told->answer.truth != answer->truth || told->answer.reason != answer->reason ||
        (answer->finding_count > 0 && truth != answer->truth))
        cases_fail(node, "the explanation and the answer differ");
}

static void count_case(struct run *run, const struct yaml_node *name, struct span expected,
                       const char *told)
{
    run->case_count++;
    if (span_is(expected, told))
        return;
    run->failure_count++;
    printf("%s:%d: %.*s: expected %.*s, got %s\n", run->file, name->line, SPAN_FORMAT(name->text),
           SPAN_FORMAT(expected), told);
}

static void run_entry(struct run *run, const struct yaml_node *entry, bool is_truth)
{
    struct directive_set *set = is_truth ? compile_test(run, entry)
                                         : compile_folder(run, NULL, yaml_get(entry, "directives"));
    const struct yaml_node *expect = yaml_get(entry, "expect");

    for (size_t i = 0; i < expect->count; i++) {
        const struct yaml_node *name = expect->pairs[i].key;
        struct span expected = expect->pairs[i].value->text;
        struct directive_question question = question_of(run, entry);
        struct directive_answer answer;
        const char *told;

        question.facts = persons_find(&run->persons, name->text);
        if (!question.facts)
            cases_fail(name, "unknown person");
        directive_evaluate(set, &question, &answer);
        check_explanation(run, set, &question, &answer, name);
        told = is_truth ? told_truth(run, &answer) : told_decision(run, &answer, expected);
        count_case(run, name, expected, told);
    }
    directive_set_unref(set);
}

/* "narrows NOT_PERMITTED by narrower", as much of it as is expected. */
static const char *told_shadow(struct run *run, const struct directive_answer *answer,
                               const struct directive_answer *shadow, struct span expected)
{
    const char *text = shadow_difference_word(
        shadow_compare(answer->truth, answer->reason, shadow->truth, shadow->reason));

    if (memchr(expected.data, ' ', expected.length))
        text = arena_printf(&run->arena, "%s %s", text, decision_reason_name(shadow->reason));
    if (memmem(expected.data, expected.length, " by ", 4))
        text = arena_printf(&run->arena, "%s by %s", text,
                            shadow->decisive ? shadow->decisive->id : "nothing");
    return text;
}

static void run_shadow(struct run *run, const struct yaml_node *entry)
{
    struct directive_set *set = compile_folder(run, NULL, yaml_get(entry, "directives"));
    struct directive_set *tried = compile_folder(run, set, yaml_get(entry, "shadow"));
    const struct yaml_node *expect = yaml_get(entry, "expect");

    for (size_t i = 0; i < expect->count; i++) {
        const struct yaml_node *name = expect->pairs[i].key;
        struct span expected = expect->pairs[i].value->text;
        struct directive_question question = question_of(run, entry);
        struct directive_answer answer, shadow;
        const char *told = "none";

        question.facts = persons_find(&run->persons, name->text);
        if (!question.facts)
            cases_fail(name, "unknown person");
        directive_evaluate(set, &question, &answer);
        if (directive_evaluate_shadow(tried, &question, &shadow))
            told = told_shadow(run, &answer, &shadow, expected);
        count_case(run, name, expected, told);
    }
    directive_set_unref(tried);
    directive_set_unref(set);
}

static void run_file(struct run *run, const char *path)
{
    const struct yaml_node *root = parse(run, path);
    const struct yaml_node *truths = yaml_get(root, "truths");
    const struct yaml_node *decisions = yaml_get(root, "decisions");
    const struct yaml_node *shadows = yaml_get(root, "shadows");

    for (size_t i = 0; truths && i < truths->count; i++)
        run_entry(run, truths->items[i], true);
    for (size_t i = 0; decisions && i < decisions->count; i++)
        run_entry(run, decisions->items[i], false);
    for (size_t i = 0; shadows && i < shadows->count; i++)
        run_shadow(run, shadows->items[i]);
}

int main(void)
{
    struct run run = {.folder = getenv("PASSGATE_SOURCE_DIR")};
    struct err err = ERR_NONE;
    const char *cases;
    const char *const *names;
    size_t count;

    if (!run.folder)
        run.folder = ".";
    arena_init(&run.arena, 1 << 20);
    diagnostics_init(&run.diagnostics, &run.arena);
    run.groups =
        country_groups_load(country_groups_default(), "groups", &run.arena, &run.diagnostics);
    cases = arena_printf(&run.arena, "%s/tests/directive_cases", run.folder);
    run.organizations = organizations_read(
        parse(&run, arena_printf(&run.arena, "%s/organizations.yaml", cases)), &run.arena);
    run.persons = persons_read(parse(&run, arena_printf(&run.arena, "%s/persons.yaml", cases)),
                               &run.organizations, &run.arena);
    cases = arena_printf(&run.arena, "%s/cases", cases);
    if (!file_list(cases, ".yaml", &run.arena, &names, &count, &err)) {
        fprintf(stderr, "%s: %s\n", cases, err.detail);
        return 2;
    }
    for (size_t i = 0; i < count; i++)
        run_file(&run, arena_printf(&run.arena, "%s/%s", cases, names[i]));
    printf("%zu cases, %zu failed\n", run.case_count, run.failure_count);
    arena_release(&run.arena);
    return run.failure_count > 0 || run.case_count == 0;
}
