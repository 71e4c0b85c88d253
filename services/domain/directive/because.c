/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons in words: what the facts say about what a test asks. */
#include "domain/directive/because.h"

#include "domain/directive/set.h"

/* Words that are joined as they come. */
struct phrase {
    struct arena *arena;
    const char *text;
};

static void phrase_add(struct phrase *phrase, const char *separator, const char *words)
{
    phrase->text = arena_printf(phrase->arena, "%s%s%s", phrase->text,
                                phrase->text[0] ? separator : "", words);
}

static const struct {
    uint8_t status;
    const char *word;
} status_words[] = {
    {US_STATUS_CITIZEN, "citizen"},
    {US_STATUS_NATIONAL, "national"},
    {US_STATUS_LPR, "lawful permanent resident"},
    {US_STATUS_REFUGEE, "refugee"},
    {US_STATUS_ASYLEE, "asylee"},
    {US_STATUS_TEMPORARY, "temporary resident"},
    {US_STATUS_NONE, "none"},
};

static const char *possible_words(struct arena *arena, uint8_t possible)
{
    struct phrase phrase = {arena, ""};

    if (possible == US_STATUS_ANY)
        return "not known";
    for (size_t i = 0; i < ARRAY_LEN(status_words); i++)
        if (possible & status_words[i].status)
            phrase_add(&phrase, " or ", status_words[i].word);
    return phrase.text;
}

static const char *organization_words(const struct facts_header *header, struct arena *arena)
{
    if (header->organization_kind == ORGANIZATION_INTERNATIONAL)
        return "an international organization";
    if (header->organized_in == COUNTRY_NONE)
        return "an organization; where it is organized is not known";
    return arena_printf(arena, "an organization organized in %s",
                        country_get(header->organized_in)->alpha3);
}

static const char *because_of_status(const struct facts *facts, const struct directive_node *node,
                                     struct arena *arena)
{
    uint8_t possible = facts_possible_us_status(facts, node->proof);
    uint8_t with_any_proof = facts_possible_us_status(facts, PROOF_UNSPECIFIED);
    unsigned flags = facts->header.flags;

    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return organization_words(&facts->header, arena);
    if (flags & FACTS_ACCREDITED)
        return "US status: not known, accredited to the United States (8 U.S.C. 1257)";
    if (flags & FACTS_US_CONFLICT)
        return "US status: the evidence contradicts itself";
    if (possible == US_STATUS_ANY && flags & FACTS_US_EXPIRED)
        return "US status: was proven, and has ended without a renewal";
    if (possible != with_any_proof)
        return arena_printf(arena, "US status: %s; with less than the proof asked for: %s",
                            possible_words(arena, possible), possible_words(arena, with_any_proof));
    return arena_printf(arena, "US status: %s", possible_words(arena, possible));
}

static const char *location_words(const struct directive_set *set,
                                  const struct directive_question *question,
                                  const struct directive_node *node, struct arena *arena)
{
    struct inquiry inquiry = {.set = set, .question = question};
    const struct directive_context *context = inquiry_context(&inquiry, node->key);
    country_id country = context ? country_from_iso(context->value) : COUNTRY_NONE;

    if (!context)
        return arena_printf(arena, "context `%s` was not given",
                            (const char *)set->context_keys[node->key].data);
    return country == COUNTRY_NONE
               ? "context `location` is no country code"
               : arena_printf(arena, "location: %s", country_get(country)->alpha3);
}

static const char *because_of_us_person(const struct directive_set *set,
                                        const struct directive_question *question,
                                        const struct directive_node *node, struct arena *arena)
{
    struct phrase phrase = {arena, because_of_status(question->facts, node, arena)};

    if (node->regime != REGIME_ITAR_120_62)
        phrase_add(&phrase, "; ", location_words(set, question, node, arena));
    return phrase.text;
}

static void add_nationality(struct phrase *phrase, const struct facts_nationality *row,
                            const char *kind, enum proof least)
{
    char day[TIMESTAMP_TEXT_MAX];
    const char *when = "";

    if (row->acquired_precision != DATE_UNKNOWN)
        when = arena_printf(phrase->arena,
                            row->acquired_precision == DATE_EXACT ? ", since %s" : ", by %s",
                            day_format(row->acquired_day, day));
    phrase_add(phrase, "; ",
               arena_printf(phrase->arena, "%s%s of %s%s%s%s",
                            row->flags & FACTS_NATIONALITY_LOST ? "once " : "", kind,
                            country_get(row->country)->alpha3, when,
                            row->flags & FACTS_NATIONALITY_CONFLICT ? ", contradicted" : "",
                            facts_qualifies(row->proof, row->source, least)
                                ? ""
                                : ", with less than the proof asked for"));
}

static const char *because_of_nationality(const struct facts *facts,
                                          const struct directive_node *node, struct arena *arena)
{
    const struct facts_nationality *citizenships = facts_citizenships(facts);
    const struct facts_nationality *residencies = facts_residencies(facts);
    struct phrase phrase = {arena, ""};

    if (facts->header.subject_kind == SUBJECT_ORGANIZATION)
        return "an organization has no citizenship: `organized_in` asks about it";
    for (size_t i = 0; i < facts->header.citizenship_count; i++)
        if (node->test != TEST_PERMANENT_RESIDENT_OF)
            add_nationality(&phrase, &citizenships[i], "citizen", node->proof);
    for (size_t i = 0; i < facts->header.residency_count; i++)
        if (node->test != TEST_CITIZEN_OF)
            add_nationality(&phrase, &residencies[i], "permanent resident", node->proof);
    phrase_add(&phrase, "; ",
               facts->header.flags & FACTS_CITIZENSHIPS_COMPLETE ? "there are no others"
                                                                 : "there may be others");
    if (facts->header.flags & FACTS_CITIZENSHIP_CONFLICT)
        phrase_add(&phrase, "; ", "the evidence contradicts itself");
    phrase_add(&phrase, "; ", because_of_status(facts, node, arena));
    return phrase.text;
}

static const char *because_of_birth(const struct facts *facts, const struct directive_node *node,
                                    struct arena *arena)
{
    struct phrase phrase = {arena, ""};

    if (facts->header.flags & FACTS_BIRTH_CONFLICT)
        phrase_add(&phrase, "", "country of birth: the evidence contradicts itself");
    else if (facts->header.birth_country == COUNTRY_NONE)
        phrase_add(&phrase, "", "country of birth: not known");
    else
        phrase_add(&phrase, "",
                   arena_printf(arena, "born in %s%s",
                                country_get(facts->header.birth_country)->alpha3,
                                facts->header.birth_proof < node->proof
                                    ? ", with less than the proof asked for"
                                    : ""));
    phrase_add(&phrase, "; ", because_of_status(facts, node, arena));
    return phrase.text;
}

static const char *because_of_affiliation(const struct directive_set *set,
                                          const struct facts *facts,
                                          const struct directive_node *node, struct arena *arena)
{
    const struct facts_affiliation *rows = facts_affiliations(facts);
    const struct span *ids = set->sources[node - set->nodes].organizations;
    struct phrase phrase = {arena, ""};

    for (size_t i = 0; i < node->count; i++)
        for (size_t j = 0; j < facts->header.affiliation_count; j++) {
            const char *what = "not affiliated";

            if (rows[j].organization != node->organizations[i])
                continue;
            if (rows[j].as)
                what = affiliation_words(arena, rows[j].as);
            phrase_add(&phrase, "; ",
                       arena_printf(arena, "%.*s: %s%s", SPAN_FORMAT(ids[i]), what,
                                    rows[j].is_complete ? "" : ", and perhaps more"));
        }
    return phrase.text[0] ? phrase.text : "no attester has said anything";
}

static const char *because_of_kind(const struct facts_header *header)
{
    static const char *const words[] = {
        [SUBJECT_KIND_UNSPECIFIED] = "the kind of subject is not known",
        [SUBJECT_USER] = "a user",
        [SUBJECT_EMPLOYEE] = "an employee",
        [SUBJECT_SERVICE] = "a service",
        [SUBJECT_ORGANIZATION] = "an organization",
    };

    return header->subject_kind < ARRAY_LEN(words) ? words[header->subject_kind] : "";
}

static const char *because_of_proof(const struct facts *facts, struct arena *arena)
{
    unsigned best = PROOF_UNSPECIFIED;

    for (size_t i = 0; i < facts->header.us_status_count; i++)
        if (facts_us_statuses(facts)[i].proof > best)
            best = facts_us_statuses(facts)[i].proof;
    for (size_t i = 0; i < facts->header.citizenship_count; i++)
        if (facts_citizenships(facts)[i].proof > best)
            best = facts_citizenships(facts)[i].proof;
    return best == PROOF_UNSPECIFIED
               ? "nothing was read from a document"
               : arena_printf(arena, "the best proof is %s", proof_word((enum proof)best));
}

static const char *because_of_classes(const struct facts *facts, struct arena *arena)
{
    struct phrase phrase = {arena, ""};

    for (unsigned class = 1; class < 32; class ++)
        if (facts->header.evidence_classes >> class & 1)
            phrase_add(&phrase, ", ", evidence_class_word((enum evidence_class) class));
    return phrase.text[0] ? phrase.text : "there is no evidence";
}

static const char *because_of_context(const struct directive_set *set,
                                      const struct directive_question *question,
                                      const struct directive_node *node, struct arena *arena)
{
    struct inquiry inquiry = {.set = set, .question = question};
    const struct directive_context *context;

    if (node->test == TEST_LOCATION)
        return node->countries ? location_words(set, question, node, arena) : "";
    context = inquiry_context(&inquiry, node->key);
    if (!context)
        return location_words(set, question, node, arena);
    return arena_printf(arena, "context: %.*s", SPAN_FORMAT(context->value));
}

const char *because(const struct directive_set *set, const struct directive_question *question,
                    const struct directive_node *node, struct arena *arena)
{
    const struct facts *facts = question->facts;

    switch ((enum test_kind)node->test) {
    case TEST_FOREIGN_PERSON:
    case TEST_US_STATUS: return because_of_status(facts, node, arena);
    case TEST_US_PERSON: return because_of_us_person(set, question, node, arena);
    case TEST_CITIZEN_OF:
    case TEST_DEEMED_COUNTRY:
    case TEST_PERMANENT_RESIDENT_OF: return because_of_nationality(facts, node, arena);
    case TEST_BORN_IN: return because_of_birth(facts, node, arena);
    case TEST_AFFILIATED_WITH: return because_of_affiliation(set, facts, node, arena);
    case TEST_ORGANIZED_IN:
        return facts->header.subject_kind == SUBJECT_ORGANIZATION
                   ? organization_words(&facts->header, arena)
                   : because_of_kind(&facts->header);
    case TEST_SUBJECT_KIND: return because_of_kind(&facts->header);
    case TEST_ASSURANCE:
        return arena_printf(arena, "the best assurance that a vendor asserts: %s",
                            facts->header.assurance == ASSURANCE_NONE   ? "none"
                            : facts->header.assurance == ASSURANCE_IAL1 ? "ial1"
                            : facts->header.assurance == ASSURANCE_IAL2 ? "ial2"
                                                                        : "ial3");
    case TEST_PROOF: return because_of_proof(facts, arena);
    case TEST_EVIDENCE_CLASS: return because_of_classes(facts, arena);
    case TEST_LOCATION:
    case TEST_CONTEXT: return because_of_context(set, question, node, arena);
    case TEST_ALL:
    case TEST_ANY:
    case TEST_NOT:
    case TEST_COUNT: break;
    }
    return "";
}
