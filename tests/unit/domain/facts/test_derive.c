/* SPDX-License-Identifier: Apache-2.0 */
/* Derivation: the persons of persons.yaml, and what must hold for any evidence. */
#include "persons.h"

#include "base/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SHUFFLES = 40, MIXTURES = 5000, MIXTURE_MAX = 12 };

static struct arena arena;
static struct persons persons;

static int load(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 16);
    persons = persons_load(&arena);
    return persons.count == 0;
}

static int unload(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* --- the case file --- */

static size_t mistakes;

static void expect(const struct person *person, const char *what, const char *expected,
                   const char *actual)
{
    if (strcmp(expected, actual) == 0)
        return;
    print_error("persons.yaml:%d: %s\n  %s: expected %s, got %s\n", person->line, person->name,
                what, expected, actual);
    mistakes++;
}

static const char *wanted(const struct person *person, const char *key, const char *absent)
{
    const struct yaml_node *node = yaml_get(person->facts, key);

    return node ? arena_text(&arena, node->text) : absent;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *joined(const char **texts, size_t count)
{
    const char *text = "";

    qsort(texts, count, sizeof(*texts), compare_texts);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(&arena, "%s%s%s", text, i ? ", " : "", texts[i]);
    return text;
}

static const char *wanted_list(const struct person *person, const char *key)
{
    const struct yaml_node *node = yaml_get(person->facts, key);
    const char *texts[32];

    for (size_t i = 0; node && i < node->count; i++)
        texts[i] = arena_text(&arena, node->items[i]->text);
    return joined(texts, node ? node->count : 0);
}

static const char *nationalities(const struct facts_nationality *entries, size_t count)
{
    const char *texts[FACTS_CITIZENSHIPS_MAX];

    for (size_t i = 0; i < count; i++)
        texts[i] = nationality_text(&entries[i], &arena);
    return joined(texts, count);
}

static const char *flags_text(const struct person *person, uint16_t flags)
{
    static const char *const words[] = {
        "complete",   "us_conflict",   "citizenship_conflict", "us_expired",
        "accredited", "stateless",     "review_due",           "",
        "minor",      "birth_conflict"};
    const char *texts[ARRAY_LEN(words) + 1];
    size_t count = 0;

    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        if ((flags >> i & 1) && *words[i])
            texts[count++] = words[i];
    if (person->input.evidence_count > 0 && !(flags & FACTS_HAS_EVIDENCE))
        texts[count++] = "no_evidence";
    return joined(texts, count);
}

/* The organizations are known by their keys only. */
static const char *affiliations_text(const struct person *person, const struct facts *facts)
{
    static const char *const words[] = {" employee", " contractor", " agent"};
    const char *texts[FACTS_AFFILIATIONS_MAX];
    size_t count = facts->header.affiliation_count;

    for (size_t i = 0; i < count; i++) {
        const struct facts_affiliation *row = &facts_affiliations(facts)[i];

        texts[i] = "?";
        for (size_t j = 0; j < person->input.affiliation_count; j++)
            if (organization_key(person->input.affiliations[j].organization) == row->organization)
                texts[i] = arena_text(&arena, person->input.affiliations[j].organization);
        for (unsigned bit = 0; bit < ARRAY_LEN(words); bit++)
            if (row->as >> bit & 1)
                texts[i] = arena_printf(&arena, "%s%s", texts[i], words[bit]);
        if (row->is_complete)
            texts[i] = arena_printf(&arena, "%s complete", texts[i]);
    }
    return joined(texts, count);
}

static void check_person(const struct person *person)
{
    static const struct {
        const char *key;
        enum proof least;
    } levels[] = {{"us", PROOF_UNSPECIFIED}, {"us_mrz", PROOF_MRZ}, {"us_chip", PROOF_CHIP}};
    char text[TIMESTAMP_TEXT_MAX];
    struct facts_content content;
    const struct facts_header *header = &content.header;
    const struct facts *facts;

    facts_derive(&person->input, person->at_ms, &content);
    facts = facts_pack(&content, &arena);
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        const char *absent = i ? NULL : "any";
        const char *us = wanted(person, levels[i].key, absent);

        if (us)
            expect(person, levels[i].key, us,
                   us_statuses_text(facts_possible_us_status(facts, levels[i].least), &arena));
    }
    expect(person, "citizenships", wanted_list(person, "citizenships"),
           nationalities(facts_citizenships(facts), header->citizenship_count));
    expect(person, "residencies", wanted_list(person, "residencies"),
           nationalities(facts_residencies(facts), header->residency_count));
    expect(person, "affiliations", wanted_list(person, "affiliations"),
           affiliations_text(person, facts));
    expect(person, "flags", wanted_list(person, "flags"), flags_text(person, header->flags));
    expect(person, "birth", wanted(person, "birth", ""),
           header->birth_country
               ? arena_printf(&arena, "%s %s", country_get(header->birth_country)->alpha3,
                              proof_word(header->birth_proof))
               : "");
    expect(person, "assurance", wanted(person, "assurance", "0"),
           arena_printf(&arena, "%d", header->assurance));
    expect(person, "valid_until", wanted(person, "valid_until", "never"),
           header->valid_until_ms == TIMESTAMP_NEVER_MS
               ? "never"
               : timestamp_format(header->valid_until_ms, text));
}

static void every_person_gets_the_facts_of_the_case_file(void **state)
{
    (void)state;
    mistakes = 0;
    for (size_t i = 0; i < persons.count; i++)
        check_person(&persons.rows[i]);
    assert_int_equal(mistakes, 0);
}

static void the_case_file_has_no_key_that_nobody_checks(void **state)
{
    static const char *const known[] = {"us",           "us_mrz", "us_chip",   "citizenships",
                                        "residencies",  "birth",  "assurance", "valid_until",
                                        "affiliations", "flags"};

    (void)state;
    for (size_t i = 0; i < persons.count; i++)
        for (size_t j = 0; j < persons.rows[i].facts->count; j++) {
            bool is_known = false;

            for (size_t k = 0; k < ARRAY_LEN(known); k++)
                is_known |= span_is(persons.rows[i].facts->pairs[j].key->text, known[k]);
            assert_true(is_known);
        }
}

/* --- what must hold for any evidence --- */

static uint64_t random_state = 20260612;

static size_t random_below(size_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(random_state >> 33) % bound;
}

static void shuffle(struct evidence *evidence, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(i);
        struct evidence other = evidence[i - 1];

        evidence[i - 1] = evidence[j];
        evidence[j] = other;
    }
}

static void assert_same(const struct person *person, const struct facts_content *a,
                        const struct facts_content *b)
{
    if (memcmp(a, b, sizeof(*a)) != 0)
        fail_msg("persons.yaml:%d: %s", person->line, person->name);
}

/* A person of the file, with room for more evidence. */
static struct facts_input copy_of(const struct person *person, struct evidence *room)
{
    struct facts_input input = person->input;

    memcpy(room, input.evidence, input.evidence_count * sizeof(*room));
    input.evidence = room;
    return input;
}

static void the_order_of_the_evidence_does_not_matter(void **state)
{
    struct evidence room[FACTS_EVIDENCE_MAX];
    struct facts_content expected, content;

    (void)state;
    for (size_t i = 0; i < persons.count; i++) {
        struct facts_input input = copy_of(&persons.rows[i], room);

        facts_derive(&input, persons.rows[i].at_ms, &expected);
        for (size_t j = 0; j < SHUFFLES && input.evidence_count > 1; j++) {
            shuffle(room, input.evidence_count);
            facts_derive(&input, persons.rows[i].at_ms, &content);
            assert_same(&persons.rows[i], &expected, &content);
        }
    }
}

static void papers_that_prove_nothing_change_nothing(void **state)
{
    static const enum evidence_class classes[] = {
        EVIDENCE_DRIVING_LICENCE, EVIDENCE_VISA, EVIDENCE_RESIDENCE_PERMIT, EVIDENCE_LAISSEZ_PASSER,
        EVIDENCE_EMPLOYMENT_AUTHORIZATION};
    struct evidence room[FACTS_EVIDENCE_MAX];
    struct facts_content expected, content;

    (void)state;
    for (size_t i = 0; i < persons.count; i++) {
        struct facts_input input = copy_of(&persons.rows[i], room);

        facts_derive(&input, persons.rows[i].at_ms, &expected);
        for (size_t j = 0; j < ARRAY_LEN(classes); j++) {
            struct evidence *extra = &room[input.evidence_count++];

            *extra = EVIDENCE_EMPTY;
            extra->class = classes[j];
            extra->issuer = country_from_alpha3(span_text("USA"));
            extra->nationality = country_from_alpha3(span_text("USA"));
            extra->proof = PROOF_CHIP;
            extra->verified_at_ms = extra->accepted_at_ms = persons.rows[i].at_ms;
            memcpy(extra->ead_category, "C08", 4);
            expected.header.evidence_classes |= UINT32_C(1) << classes[j];
            expected.header.flags |= FACTS_HAS_EVIDENCE;
            facts_derive(&input, persons.rows[i].at_ms, &content);
            assert_same(&persons.rows[i], &expected, &content);
        }
    }
}

static void revoked_evidence_is_as_if_it_were_not_there(void **state)
{
    struct evidence room[FACTS_EVIDENCE_MAX], others[FACTS_EVIDENCE_MAX];
    struct facts_content revoked, absent;

    (void)state;
    for (size_t i = 0; i < persons.count; i++) {
        struct facts_input input = copy_of(&persons.rows[i], room);

        for (size_t j = 0; j < input.evidence_count; j++) {
            struct facts_input without = copy_of(&persons.rows[i], others);

            if (room[j].check_id.length > 0) /* its revocation also takes back the older result */
                continue;
            memmove(&others[j], &others[j + 1],
                    (without.evidence_count - j - 1) * sizeof(others[0]));
            without.evidence_count--;
            room[j].is_revoked = true;
            facts_derive(&input, persons.rows[i].at_ms, &revoked);
            room[j].is_revoked = persons.rows[i].input.evidence[j].is_revoked;
            facts_derive(&without, persons.rows[i].at_ms, &absent);
            assert_same(&persons.rows[i], &revoked, &absent);
        }
    }
}

/* Until the moment it names nothing changes, and then something does. */
static void check_valid_until(const struct person *person, const struct facts_input *input)
{
    struct facts_content now, before, then;
    int64_t at_ms = person->at_ms;

    for (;;) {
        facts_derive(input, at_ms, &now);
        if (now.header.valid_until_ms == TIMESTAMP_NEVER_MS)
            break;
        assert_true(now.header.valid_until_ms > at_ms);
        facts_derive(input, now.header.valid_until_ms - 1, &before);
        assert_same(person, &now, &before);
        at_ms = now.header.valid_until_ms;
        facts_derive(input, at_ms, &then);
        then.header.valid_until_ms = now.header.valid_until_ms;
        assert_memory_not_equal(&then, &now, sizeof(now));
    }
    facts_derive(input, at_ms + 400 * 366 * TIMESTAMP_DAY_MS, &then);
    assert_same(person, &now, &then);
}

static void facts_hold_until_the_moment_they_name_and_no_longer(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons.count; i++)
        check_valid_until(&persons.rows[i], &persons.rows[i].input);
}

/* What nobody thought of: the evidence of all persons, thrown together. */
static void any_mixture_of_evidence_keeps_the_rules(void **state)
{
    struct evidence room[MIXTURE_MAX];
    struct facts_content expected, content;

    (void)state;
    for (size_t i = 0; i < MIXTURES; i++) {
        struct person person = persons.rows[random_below(persons.count)];
        size_t count = random_below(MIXTURE_MAX) + 1;
        struct err err;

        person.input.evidence = room;
        person.input.evidence_count = 0;
        person.at_ms -= (int64_t)random_below(20 * 366) * TIMESTAMP_DAY_MS;
        while (person.input.evidence_count < count) {
            const struct person *other = &persons.rows[random_below(persons.count)];

            if (other->input.evidence_count > 0)
                room[person.input.evidence_count++] =
                    other->input.evidence[random_below(other->input.evidence_count)];
        }
        if (!facts_check_capacity(&person.input, &err))
            continue;
        facts_derive(&person.input, person.at_ms, &expected);
        shuffle(room, count);
        facts_derive(&person.input, person.at_ms, &content);
        assert_same(&person, &expected, &content);
        check_valid_until(&person, &person.input);
    }
}

static void no_evidence_at_all_leaves_everything_possible(void **state)
{
    (void)state;
    for (size_t i = 0; i < persons.count; i++) {
        struct facts_input nobody = {.kind = SUBJECT_USER};
        struct facts_content content;

        facts_derive(&nobody, persons.rows[i].at_ms, &content);
        assert_int_equal(content.header.flags, 0);
        assert_int_equal(facts_possible_us_status(facts_pack(&content, &arena), PROOF_UNSPECIFIED),
                         US_STATUS_ANY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_person_gets_the_facts_of_the_case_file),
        cmocka_unit_test(the_case_file_has_no_key_that_nobody_checks),
        cmocka_unit_test(the_order_of_the_evidence_does_not_matter),
        cmocka_unit_test(papers_that_prove_nothing_change_nothing),
        cmocka_unit_test(revoked_evidence_is_as_if_it_were_not_there),
        cmocka_unit_test(facts_hold_until_the_moment_they_name_and_no_longer),
        cmocka_unit_test(any_mixture_of_evidence_keeps_the_rules),
        cmocka_unit_test(no_evidence_at_all_leaves_everything_possible),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
