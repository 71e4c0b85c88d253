/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzing of directives: whatever the file says, it compiles or is refused, and then it decides. */
#include "domain/directive/explain.h"

static const char resources[] = "resources:\n  - {id: model/a, base: allow}\n"
                                "  - {id: model/b, base: deny}\n";

static void decide(const struct directive_set *set, const struct facts *facts, struct arena *arena)
{
    static const struct directive_context context[] = {
        {{(const uint8_t *)"location", 8}, {(const uint8_t *)"USA", 3}}};
    struct directive_question question = {
        .facts = facts,
        .resource_type = span_text("model"),
        .resource_id = span_text("a"),
        .action = span_text("use"),
        .context = context,
        .context_count = ARRAY_LEN(context),
        .now_ms = INT64_C(1782600000000),
    };
    struct directive_answer answer;

    directive_evaluate(set, &question, &answer);
    if (directive_explain(set, &question, arena)->answer.truth != answer.truth)
        __builtin_trap();
}

static const struct facts *some_facts(struct arena *arena)
{
    struct facts_content content = {.header = {.subject_kind = SUBJECT_USER,
                                               .us_status_count = 1,
                                               .citizenship_count = 2,
                                               .flags = FACTS_CITIZENSHIPS_COMPLETE}};

    content.us_statuses[0] =
        (struct facts_us_status){.possible = US_STATUS_NONE, .source = FACT_SOURCE_REVIEWER};
    content.citizenships[0] = (struct facts_nationality){
        .country = country_from_alpha3(span_text("IRN")), .proof = PROOF_CHIP};
    content.citizenships[1] = (struct facts_nationality){
        .country = country_from_alpha3(span_text("GBN")), .proof = PROOF_VISUAL};
    return facts_pack(&content, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct organization lab = {.id = {(const uint8_t *)"org/lab", 7}, .is_self = true};
    static const struct organizations organizations = {&lab, 1};
    const struct directive_file files[] = {{"resources.yaml", span_text(resources)},
                                           {"directive.yaml", span_of(data, size)}};
    struct directive_environment environment = {.organizations = &organizations};
    struct diagnostics diagnostics;
    struct directive_set *set;
    struct arena arena;

    arena_init(&arena, 64 * 1024);
    diagnostics_init(&diagnostics, &arena);
    environment.groups =
        country_groups_load(country_groups_default(), "groups.yaml", &arena, &diagnostics);
    set = directive_set_compile(files, ARRAY_LEN(files), &environment, &diagnostics);
    if (set) {
        decide(set, &facts_unknown, &arena);
        decide(set, some_facts(&arena), &arena);
    }
    directive_set_unref(set);
    arena_release(&arena);
    return 0;
}
