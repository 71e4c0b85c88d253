/* SPDX-License-Identifier: Apache-2.0 */
/* Facts in words: one short line for each, and nothing that is not in them. */
#include "base/attributes.h"
#include "domain/facts/facts.h"

enum { US_STATUS_COUNT = 7, AFFILIATION_COUNT = 3 };

/* All lists full, every US status, each flag, birth and organization. */
enum {
    LINES_MAX = FACTS_CITIZENSHIPS_MAX + FACTS_RESIDENCIES_MAX + FACTS_AFFILIATIONS_MAX +
                FACTS_US_STATUSES_MAX + 16 + 4
};

struct lines {
    struct arena *arena;
    const char **rows;
    size_t count;
};

static void lines_add(struct lines *lines, const char *text)
{
    if (lines->count < LINES_MAX)
        lines->rows[lines->count++] = text;
}

static const char *place(country_id id, struct arena *arena)
{
    const struct country *country = country_get(id);

    return arena_printf(arena, "%s (%s)", country->name, country->alpha3);
}

static const char *backing(uint8_t proof, uint8_t source, struct arena *arena)
{
    static const char *const stated[] = {
        [FACT_SOURCE_DECLARATION] = "declared by the subject",
        [FACT_SOURCE_REGISTER] = "stated by a register",
        [FACT_SOURCE_REVIEWER] = "confirmed by a reviewer",
        [FACT_SOURCE_EMPLOYER] = "stated by the employer",
    };
    static const char *const read[] = {
        [PROOF_UNSPECIFIED] = "shown by a document, it is not known how it was read",
        [PROOF_INFERRED] = "inferred by the vendor",
        [PROOF_VISUAL] = "read from the visual zone",
        [PROOF_MRZ] = "read from the machine-readable zone",
        [PROOF_DOCUMENT_AUTHENTICATED] = "proven by an authenticated document",
        [PROOF_CHIP] = "proven by chip",
    };

    if (source < ARRAY_LEN(stated) && stated[source])
        return stated[source];
    return proof < ARRAY_LEN(read) ? read[proof]
                                   : arena_printf(arena, "proof of kind %u", (unsigned)proof);
}

static const char *acquired(const struct facts_nationality *entry, struct arena *arena)
{
    char text[TIMESTAMP_TEXT_MAX];

    if (entry->acquired_precision == DATE_UNKNOWN)
        return "acquired on an unknown date";
    return arena_printf(arena, "acquired on %s%s",
                        entry->acquired_precision == DATE_BEFORE ? "or before " : "",
                        day_format(entry->acquired_day, text));
}

static const char *lost(const struct facts_nationality *entry, struct arena *arena)
{
    char text[TIMESTAMP_TEXT_MAX];

    if (!(entry->flags & FACTS_NATIONALITY_LOST))
        return "";
    if (entry->lost_day == DAY_NONE)
        return ", lost on an unknown date";
    return arena_printf(arena, ", lost on %s", day_format(entry->lost_day, text));
}

/* The status line says what a US passport leaves open: it is also a national's. */
static const char *citizenship_word(const struct facts *facts,
                                    const struct facts_nationality *entry)
{
    bool is_usa = entry->country == country_from_alpha3(span_text("USA"));
    bool is_sure = facts_possible_us_status(facts, PROOF_UNSPECIFIED) == US_STATUS_CITIZEN ||
                   (entry->flags & FACTS_NATIONALITY_LOST);

    return is_usa && !is_sure ? "citizen or national of" : "citizen of";
}

static void describe_nationality(const struct facts_nationality *entry, const char *what,
                                 struct lines *lines)
{
    struct arena *arena = lines->arena;
    bool is_state = country_nationality(entry->country) == entry->country;
    bool is_lost = entry->flags & FACTS_NATIONALITY_LOST;
    const char *text =
        arena_printf(arena, "%s%s %s, %s, %s%s%s", is_lost ? "formerly " : "",
                     is_state ? what : "nationality", place(entry->country, arena),
                     backing(entry->proof, entry->source, arena), acquired(entry, arena),
                     lost(entry, arena), is_state ? "" : "; shows no citizenship by itself");

    if (entry->flags & FACTS_NATIONALITY_CONFLICT)
        text = arena_printf(arena, "contradictory, counts as unknown: %s", text);
    lines_add(lines, text);
}

static void describe_us_status(const struct facts_us_status *row, struct lines *lines)
{
    static const char *const words[US_STATUS_COUNT] = {
        "citizen", "national",           "lawful permanent resident", "refugee",
        "asylee",  "temporary resident", "none that protects",
    };
    const char *text = "";

    for (unsigned i = 0; i < US_STATUS_COUNT; i++)
        if (row->possible >> i & 1)
            text = arena_printf(lines->arena, "%s%s%s", text, *text ? " or " : "", words[i]);
    lines_add(lines, arena_printf(lines->arena, "US status: %s, %s", text,
                                  backing(row->proof, row->source, lines->arena)));
}

/* The facts hold only the key of the organization; the configuration knows whose it is. */
static const char *organization_name(const struct organizations *organizations, uint64_t key,
                                     struct arena *arena)
{
    for (size_t i = 0; organizations && i < organizations->count; i++)
        if (organization_key(organizations->rows[i].id) == key)
            return arena_text(arena, organizations->rows[i].id);
    return arena_printf(arena, "an organization that is not registered (%016llx)",
                        (unsigned long long)key);
}

static void describe_affiliation(const struct facts_affiliation *row,
                                 const struct organizations *organizations, struct lines *lines)
{
    static const char *const words[AFFILIATION_COUNT] = {"employee", "contractor", "agent"};
    const char *text = "";

    for (unsigned i = 0; i < AFFILIATION_COUNT; i++)
        if (row->as >> i & 1)
            text = arena_printf(lines->arena, "%s%s%s", text, *text ? " and " : "", words[i]);
    lines_add(lines, arena_printf(lines->arena, "%s of %s%s",
                                  *text ? text : "not employee, contractor or agent",
                                  organization_name(organizations, row->organization, lines->arena),
                                  *text && row->is_complete ? ", and nothing else there" : ""));
}

static void describe_flags(uint16_t flags, struct lines *lines)
{
    static const struct {
        uint16_t flag;
        const char *text;
    } rows[] = {
        {FACTS_CITIZENSHIPS_COMPLETE, "no other citizenships or permanent residencies"},
        {FACTS_ACCREDITED, "US status: unknown, accredited to the United States"},
        {FACTS_US_CONFLICT, "US status: unknown, the evidence contradicts itself"},
        {FACTS_US_EXPIRED, "US status: unknown, a status was shown and its end has passed"},
        {FACTS_CITIZENSHIP_CONFLICT, "evidence about the nationality contradicts itself"},
        {FACTS_BIRTH_CONFLICT, "evidence about the birthplace contradicts itself"},
        {FACTS_STATELESS, "travels as a stateless person (1954 Convention)"},
        {FACTS_MINOR, "a minor"},
        {FACTS_REVIEW_DUE, "due for review"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (flags & rows[i].flag)
            lines_add(lines, rows[i].text);
}

static void describe_organization(const struct facts_header *header, struct lines *lines)
{
    static const char *const kinds[] = {
        [ORGANIZATION_KIND_UNSPECIFIED] = "organization",
        [ORGANIZATION_COMPANY] = "company",
        [ORGANIZATION_GOVERNMENT] = "government body",
        [ORGANIZATION_INTERNATIONAL] = "international organization",
    };
    const char *kind =
        kinds[header->organization_kind < ARRAY_LEN(kinds) ? header->organization_kind : 0];

    if (header->organized_in == COUNTRY_NONE)
        lines_add(lines, arena_printf(lines->arena, "%s, organized in an unknown place", kind));
    else
        lines_add(lines, arena_printf(lines->arena, "%s, organized in %s", kind,
                                      place(header->organized_in, lines->arena)));
}

size_t facts_describe(const struct facts *facts, const struct organizations *organizations,
                      struct arena *arena, const char *const **ret_lines)
{
    const struct facts_header *header = &facts->header;
    struct lines lines = {arena, arena_new_array(arena, const char *, LINES_MAX), 0};

    if (header->subject_kind == SUBJECT_ORGANIZATION)
        describe_organization(header, &lines);
    for (size_t i = 0; i < header->us_status_count; i++)
        describe_us_status(&facts_us_statuses(facts)[i], &lines);
    for (size_t i = 0; i < header->citizenship_count; i++)
        describe_nationality(&facts_citizenships(facts)[i],
                             citizenship_word(facts, &facts_citizenships(facts)[i]), &lines);
    for (size_t i = 0; i < header->residency_count; i++)
        describe_nationality(&facts_residencies(facts)[i], "permanent resident of", &lines);
    if (header->birth_country != COUNTRY_NONE)
        lines_add(&lines, arena_printf(arena, "born in %s", place(header->birth_country, arena)));
    for (size_t i = 0; i < header->affiliation_count; i++)
        describe_affiliation(&facts_affiliations(facts)[i], organizations, &lines);
    describe_flags(header->flags, &lines);
    if (lines.count == 0)
        lines_add(&lines, "nothing is known");
    *ret_lines = lines.rows;
    return lines.count;
}
