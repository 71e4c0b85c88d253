/* SPDX-License-Identifier: Apache-2.0 */
/* What one evaluation of the June directive costs when 10, 1,000 and 10,000 directives are loaded,
 * and what it costs to ask a shadow set beside them: one that tries it, and one that tries another.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "domain/directive/evaluate.h"

#include <stdlib.h>

enum { ROUNDS = 7, EVALUATIONS = 1000000, TEXT_BYTES = 640 };

static const char june[] =
    "directive: bis-is-informed-2026-06-12\nlanguage: 1\ntitle: Foreign persons, two models\n"
    "authority: {text: \"15 CFR 744.22(b), letter of 2026-06-12\"}\n"
    "effective: {from: 2026-06-12T17:21:00-04:00}\n"
    "resources: [model/fable-5, model/mythos-5]\n"
    "require:\n  all:\n    - foreign_person: {regime: ear_772_1, is: false}\n"
    "    - location: {in: [USA]}\n"
    "exempt:\n  - when: {affiliated_with: {organizations: [org/partner-a], as: [employee]}}\n"
    "    resources: [model/mythos-5]\n    from: 2026-06-26T18:00:00-04:00\n"
    "    authority: {text: letter of 2026-06-26}\n    waives: [require]\n";

static const char other[] =
    "directive: other-%zu\nlanguage: 1\ntitle: Another\nauthority: {text: another letter}\n"
    "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/other-%zu]\n"
    "require:\n  all:\n    - not: {citizen_of: {any: [\"EAR:D:5\"]}}\n"
    "    - location: {in: [USA]}\n";

/* The set, and the one in which `tried` takes the place of the directive of the same id. */
struct pair {
    struct directive_set *set, *shadow;
};

static struct directive_set *required(struct directive_set *set,
                                      const struct diagnostics *diagnostics)
{
    if (set)
        return set;
    diagnostics_print(diagnostics, stderr);
    exit(1);
}

static struct pair make_sets(size_t others, const char *tried, struct arena *arena)
{
    static const struct organization partner = {.id = {(const uint8_t *)"org/partner-a", 13}};
    static const struct organizations organizations = {&partner, 1};
    struct directive_file *files = arena_new_array(arena, struct directive_file, others + 2);
    char *resources = arena_alloc(arena, (others + 3) * 64);
    size_t length = (size_t)snprintf(resources, 128,
                                     "resources:\n  - {id: model/fable-5, base: allow}\n"
                                     "  - {id: model/mythos-5, base: allow}\n");
    struct diagnostics diagnostics;
    struct directive_environment environment = {.organizations = &organizations,
                                                .keeps_files = true};
    const struct directive_file file = {"tried", span_text(tried)};
    struct pair sets;

    diagnostics_init(&diagnostics, arena);
    environment.groups =
        country_groups_load(country_groups_default(), "groups", arena, &diagnostics);
    for (size_t i = 0; i < others; i++) {
        char *text = arena_alloc(arena, TEXT_BYTES);

        length +=
            (size_t)snprintf(resources + length, 64, "  - {id: model/other-%zu, base: allow}\n", i);
        snprintf(text, TEXT_BYTES, other, i, i);
        files[i] = (struct directive_file){"other", span_text(text)};
    }
    files[others] = (struct directive_file){"resources", span_of(resources, length)};
    files[others + 1] = (struct directive_file){"june", span_text(june)};
    sets.set = required(directive_set_compile(files, others + 2, &environment, &diagnostics),
                        &diagnostics);
    sets.shadow = required(
        directive_set_compile_shadow(sets.set, &file, 1, &environment, &diagnostics), &diagnostics);
    return sets;
}

/* With `shadow` it is asked as well; NULL: it is not. */
static double measure(const struct directive_set *set, const struct directive_set *shadow,
                      const struct directive_question *question)
{
    double best_ns = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        int64_t start_ns = clock_now_ns();
        size_t sum = 0;
        double ns;

        for (int i = 0; i < EVALUATIONS; i++) {
            struct directive_answer answer, tried;

            directive_evaluate(set, question, &answer);
            if (shadow)
                (void)directive_evaluate_shadow(shadow, question, &tried);
            sum += (size_t)answer.truth;
            __asm__ volatile("" : : "r"(&answer), "r"(&tried) : "memory");
        }
        ns = (double)(clock_now_ns() - start_ns) / EVALUATIONS;
        if (sum != (size_t)EVALUATIONS * (size_t)TRUTH_TRUE)
            exit(1);
        best_ns = ns < best_ns ? ns : best_ns;
    }
    return best_ns;
}

static void measure_shadows(const struct directive_question *question, struct arena *arena)
{
    static const char another[] =
        "directive: another\nlanguage: 1\ntitle: T\nauthority: {text: a letter}\n"
        "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/other-1]\n"
        "require: {location: {in: [USA]}}\n";
    const struct {
        const char *what, *tried;
    } rows[] = {{"which tries this one", june}, {"which tries another", another}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair sets = make_sets(1000, rows[i].tried, arena);

        printf("… and a shadow set %s: %6.1f ns\n", rows[i].what,
               measure(sets.set, sets.shadow, question));
        directive_set_unref(sets.set);
        directive_set_unref(sets.shadow);
    }
}

int main(void)
{
    static const size_t counts[] = {10, 1000, 10000};
    static const struct directive_context context[] = {
        {{(const uint8_t *)"location", 8}, {(const uint8_t *)"USA", 3}}};
    struct facts_content content = {.header = {.subject_kind = SUBJECT_USER, .us_status_count = 1}};
    struct directive_question question = {
        .resource_type = span_text("model"),
        .resource_id = span_text("mythos-5"),
        .action = span_text("use"),
        .context = context,
        .context_count = ARRAY_LEN(context),
        .now_ms = INT64_C(1782600000000),
    };
    struct arena arena;

    arena_init(&arena, 1 << 20);
    content.us_statuses[0] =
        (struct facts_us_status){.possible = US_STATUS_CITIZEN | US_STATUS_NATIONAL,
                                 .proof = PROOF_CHIP,
                                 .source = FACT_SOURCE_DOCUMENT};
    question.facts = facts_pack(&content, &arena);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct pair same = make_sets(counts[i], june, &arena);

        printf("directive_evaluate, %5zu other directives: %6.1f ns\n", counts[i],
               measure(same.set, NULL, &question));
        directive_set_unref(same.set);
        directive_set_unref(same.shadow);
    }
    measure_shadows(&question, &arena);
    arena_release(&arena);
    return 0;
}
