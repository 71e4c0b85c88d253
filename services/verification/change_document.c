/* SPDX-License-Identifier: Apache-2.0 */
/* The document about a change of a subject. */
#include "verification/change_document.h"

#include "domain/claim/json_writer.h"

enum {
    CLOSING_BYTES = 64,         /* what is written behind the last list */
    STATE_BYTES_MAX = 5 * 1024, /* of a state without its lists of any length */
    FIRST_BYTES = 2048,         /* the usual document */
};

/* A row that would make the document too long is taken back, and counted. */
struct draft {
    struct json_writer json;
    size_t bytes_max;
    size_t reserved; /* for what has to be written yet */
    uint64_t left_out;
};

static void keep_if_it_fits(struct draft *draft, const struct json_writer *before)
{
    if (draft->json.length + draft->reserved <= draft->bytes_max)
        return;
    draft->json = *before; /* what had been written is still there: writing only appends */
    draft->left_out++;
}

/* ---- values that are left out when they say nothing ---- */

static void put_text(struct json_writer *json, const char *name, struct span text)
{
    if (text.length == 0)
        return;
    json_write_name(json, name);
    json_write_text(json, text);
}

static void put_word(struct json_writer *json, const char *name, const char *word)
{
    put_text(json, name, span_text(word));
}

static void put_true(struct json_writer *json, const char *name, bool value)
{
    if (!value)
        return;
    json_write_name(json, name);
    json_write_bool(json, true);
}

static void put_number(struct json_writer *json, const char *name, uint64_t number)
{
    json_write_name(json, name);
    json_write_integer(json, (int64_t)number);
}

static void put_country(struct json_writer *json, const char *name, country_id country)
{
    if (country != COUNTRY_NONE)
        put_word(json, name, country_get(country)->alpha3);
}

static void put_day(struct json_writer *json, const char *name, int32_t day)
{
    char text[TIMESTAMP_TEXT_MAX];

    if (day != DAY_NONE)
        put_word(json, name, day_format(day, text));
}

static void put_instant(struct json_writer *json, const char *name, int64_t ms)
{
    char text[TIMESTAMP_TEXT_MAX];

    if (ms != TIMESTAMP_NEVER_MS)
        put_word(json, name, timestamp_format(ms, text));
}

static const char *word_at(const char *const *words, size_t count, size_t number)
{
    return number < count && words[number] ? words[number] : "";
}

#define WORD(words, number) word_at((words), ARRAY_LEN(words), (size_t)(number))

static const char *const source_words[] = {
    [FACT_SOURCE_DOCUMENT] = "document", [FACT_SOURCE_DECLARATION] = "declaration",
    [FACT_SOURCE_REGISTER] = "register", [FACT_SOURCE_REVIEWER] = "reviewer",
    [FACT_SOURCE_EMPLOYER] = "employer",
};
static const char *const kind_words[] = {
    [SUBJECT_USER] = "user",
    [SUBJECT_EMPLOYEE] = "employee",
    [SUBJECT_SERVICE] = "service",
    [SUBJECT_ORGANIZATION] = "organization",
};
static const char *const us_status_words[] = {"citizen", "national",  "lpr", "refugee",
                                              "asylee",  "temporary", "none"};
static const char *const affiliation_words[] = {"employee", "contractor", "agent"};
static const char *const flag_words[] = {
    "citizenships_complete",
    "us_conflict",
    "citizenship_conflict",
    "us_expired",
    "accredited",
    "stateless",
    "review_due",
    "has_evidence",
    "minor",
    "birth_conflict",
};
static const char *const endorsement_words[] = {
    [US_ENDORSEMENT_ABSENT] = "absent", [US_ENDORSEMENT_NATIONAL] = "national"};
static const char *const i94_words[] = {
    [I94_REFUGEE] = "refugee", [I94_ASYLEE] = "asylee", [I94_OTHER] = "other"};
static const char *const i797_words[] = {
    [I797_I751_RECEIPT] = "i751_receipt",   [I797_I829_RECEIPT] = "i829_receipt",
    [I797_I90_RECEIPT] = "i90_receipt",     [I797_ASYLUM_GRANT] = "asylum_grant",
    [I797_I485_APPROVAL] = "i485_approval", [I797_OTHER] = "other"};

/* The words of the bits that are set. */
static void put_bits(struct json_writer *json, const char *name, const char *const *words,
                     size_t count, unsigned bits)
{
    json_write_name(json, name);
    json_write_open(json, '[');
    for (size_t i = 0; i < count; i++)
        if (bits >> i & 1)
            json_write_text(json, span_text(words[i]));
    json_write_close(json, ']');
}

static void put_acquired(struct json_writer *json, enum date_precision precision, int32_t day)
{
    if (precision != DATE_UNKNOWN)
        put_day(json, precision == DATE_BEFORE ? "acquired_by" : "acquired", day);
}

/* ---- what follows from the record ---- */

static void write_us_statuses(struct draft *draft, const struct facts_content *facts)
{
    struct json_writer *json = &draft->json;

    json_write_name(json, "us_status");
    json_write_open(json, '[');
    for (size_t i = 0; i < facts->header.us_status_count; i++) {
        const struct facts_us_status *row = &facts->us_statuses[i];

        json_write_open(json, '{');
        put_bits(json, "possible", us_status_words, ARRAY_LEN(us_status_words), row->possible);
        put_word(json, "proof", proof_word((enum proof)row->proof));
        put_word(json, "source", WORD(source_words, row->source));
        json_write_close(json, '}');
    }
    json_write_close(json, ']');
}

static void write_nationalities(struct draft *draft, const char *name,
                                const struct facts_nationality *rows, size_t count)
{
    struct json_writer *json = &draft->json;

    json_write_name(json, name);
    json_write_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        json_write_open(json, '{');
        put_country(json, "country", rows[i].country);
        put_word(json, "proof", proof_word((enum proof)rows[i].proof));
        put_word(json, "source", WORD(source_words, rows[i].source));
        put_acquired(json, (enum date_precision)rows[i].acquired_precision, rows[i].acquired_day);
        put_true(json, "lost", rows[i].flags & FACTS_NATIONALITY_LOST);
        put_day(json, "lost_on", rows[i].lost_day);
        put_true(json, "conflict", rows[i].flags & FACTS_NATIONALITY_CONFLICT);
        json_write_close(json, '}');
    }
    json_write_close(json, ']');
}

static void write_affiliations(struct draft *draft, const struct record *record)
{
    struct json_writer *json = &draft->json;

    json_write_name(json, "affiliations");
    json_write_open(json, '[');
    for (size_t i = 0; i < record->affiliation_count; i++) {
        const struct affiliation *row = &record->affiliations[i];
        const struct json_writer before = *json;

        json_write_open(json, '{');
        put_text(json, "organization", row->organization);
        put_bits(json, "as", affiliation_words, ARRAY_LEN(affiliation_words), row->as);
        put_true(json, "complete", row->is_complete);
        put_day(json, "until", row->until_day);
        put_day(json, "review_by", row->review_by_day);
        put_instant(json, "attested_at", row->attested_at_ms);
        json_write_close(json, '}');
        keep_if_it_fits(draft, &before);
    }
    json_write_close(json, ']');
}

static void write_principals(struct draft *draft, const struct record *record)
{
    struct json_writer *json = &draft->json;

    if (record->principal_count == 0)
        return;
    json_write_name(json, "principals");
    json_write_open(json, '[');
    for (size_t i = 0; i < record->principal_count; i++) {
        const struct json_writer before = *json;

        json_write_text(json, record->principals[i]);
        keep_if_it_fits(draft, &before);
    }
    json_write_close(json, ']');
}

static void write_state(struct draft *draft, const struct record *record, int64_t now_ms)
{
    const struct facts_input input = record_facts_input(record);
    struct json_writer *json = &draft->json;
    struct facts_content facts;

    facts_derive(&input, now_ms, &facts);
    put_word(json, "kind", WORD(kind_words, record->kind));
    write_us_statuses(draft, &facts);
    write_nationalities(draft, "citizenships", facts.citizenships, facts.header.citizenship_count);
    write_nationalities(draft, "residencies", facts.residencies, facts.header.residency_count);
    put_country(json, "birth_country", facts.header.birth_country);
    put_number(json, "assurance", facts.header.assurance);
    put_bits(json, "flags", flag_words, ARRAY_LEN(flag_words), facts.header.flags);
    put_instant(json, "valid_until", facts.header.valid_until_ms);
    write_affiliations(draft, record);
    write_principals(draft, record);
}

/* ---- evidence ---- */

enum { IN_AFTER = 1 << 0, IN_BEFORE = 1 << 1 };

static const char *const in_words[] = {
    [IN_AFTER] = "after", [IN_BEFORE] = "before", [IN_AFTER | IN_BEFORE] = "both"};

/* A piece as it was, as it is, or both when nothing about it has changed. */
struct piece {
    const struct evidence *evidence;
    unsigned in;
};

struct pieces {
    struct piece rows[2 * FACTS_EVIDENCE_MAX];
    size_t count;
};

static bool is_same_piece(const struct evidence *a, const struct evidence *b)
{
    return span_equal(a->id, b->id) && a->is_revoked == b->is_revoked &&
           a->accepted_at_ms == b->accepted_at_ms && evidence_is_same_reading(a, b);
}

static void gather(const struct record *record, unsigned in, struct pieces *pieces)
{
    for (size_t i = 0; record && i < record->evidence_count; i++) {
        const struct evidence *evidence = &record->evidence[i];
        size_t at = 0;

        while (at < pieces->count &&
               (pieces->rows[at].in & in || !is_same_piece(pieces->rows[at].evidence, evidence)))
            at++;
        if (at == pieces->count)
            pieces->rows[pieces->count++] = (struct piece){evidence, 0};
        pieces->rows[at].in |= in;
    }
}

static bool is_zero(const uint8_t hash[static EVIDENCE_HASH_BYTES])
{
    static const uint8_t zero[EVIDENCE_HASH_BYTES];

    return memcmp(hash, zero, sizeof(zero)) == 0;
}

/* The first piece with this hash of a document, or of a person, counted from 1: enough to see which
 * are of the same, without the hash.  0: none was given. */
static size_t ordinal(const struct pieces *pieces, const struct evidence *evidence, size_t offset)
{
    const uint8_t *hash = (const uint8_t *)evidence + offset;

    if (is_zero(hash))
        return 0;
    for (size_t i = 0; i < pieces->count; i++)
        if (memcmp((const uint8_t *)pieces->rows[i].evidence + offset, hash, EVIDENCE_HASH_BYTES) ==
            0)
            return i + 1;
    return 0;
}

static void put_ordinal(struct json_writer *json, const char *name, size_t number)
{
    if (number > 0)
        put_number(json, name, number);
}

static void put_us_papers(struct json_writer *json, const struct evidence *evidence)
{
    put_word(json, "us_endorsement", WORD(endorsement_words, evidence->us_endorsement));
    put_word(json, "i551_category", evidence->i551_category);
    put_day(json, "resident_since", evidence->resident_since_day);
    put_word(json, "ead_category", evidence->ead_category);
    put_word(json, "i94_class", WORD(i94_words, evidence->i94_class));
    put_word(json, "i797_type", WORD(i797_words, evidence->i797_type));
    put_country(json, "accredited_to", evidence->accredited_to);
}

static void put_statement(struct json_writer *json, const struct evidence *evidence)
{
    put_word(json, "statement", statement_kind_word(evidence->statement));
    put_country(json, "country", evidence->country);
    put_day(json, "as_of", evidence->as_of_day);
    put_word(json, "source", WORD(source_words, evidence->source));
}

static void write_piece(struct draft *draft, const struct pieces *pieces, const struct piece *piece)
{
    const struct evidence *evidence = piece->evidence;
    struct json_writer *json = &draft->json;
    const struct json_writer before = *json;

    json_write_open(json, '{');
    put_text(json, "id", evidence->id);
    put_word(json, "in", in_words[piece->in]);
    put_true(json, "revoked", evidence->is_revoked);
    put_word(json, "class", evidence_class_word(evidence->class));
    put_text(json, "vendor", evidence->vendor);
    put_word(json, "proof", proof_word(evidence->proof));
    put_number(json, "assurance", evidence->assurance);
    put_country(json, "issuer", evidence->issuer);
    put_country(json, "nationality", evidence->nationality);
    put_country(json, "birth_country", evidence->birth_country);
    put_day(json, "issued", evidence->issued_day);
    put_day(json, "expires", evidence->expires_day);
    put_acquired(json, evidence->acquired.precision, evidence->acquired.day);
    put_us_papers(json, evidence);
    put_statement(json, evidence);
    put_true(json, "photo_id", evidence->has_photo_id);
    put_day(json, "review_by", evidence->review_by_day);
    put_instant(json, "verified_at", evidence->verified_at_ms);
    put_instant(json, "accepted_at", evidence->accepted_at_ms);
    put_ordinal(json, "document",
                ordinal(pieces, evidence, offsetof(struct evidence, document_hash)));
    put_ordinal(json, "person", ordinal(pieces, evidence, offsetof(struct evidence, person_hash)));
    json_write_close(json, '}');
    keep_if_it_fits(draft, &before);
}

/* What is said first is the last to be left out: what counts now, what counted before, the rest;
 * each newest first. */
static unsigned rank_of(const struct piece *piece)
{
    if (piece->evidence->is_revoked)
        return piece->in == (IN_AFTER | IN_BEFORE) ? 2 : 1;
    return piece->in & IN_AFTER ? 0 : 1;
}

static void write_evidence(struct draft *draft, const struct change_document *document,
                           struct arena *arena)
{
    enum { RANKS = 3 };
    struct pieces *pieces = arena_new(arena, struct pieces);

    gather(document->before, IN_BEFORE, pieces);
    gather(document->after, IN_AFTER, pieces);
    json_write_name(&draft->json, "evidence");
    json_write_open(&draft->json, '[');
    for (unsigned rank = 0; rank < RANKS; rank++)
        for (size_t i = pieces->count; i-- > 0;)
            if (rank_of(&pieces->rows[i]) == rank)
                write_piece(draft, pieces, &pieces->rows[i]);
    json_write_close(&draft->json, ']');
}

/* ---- the whole ---- */

static void write_rules(struct draft *draft, const struct country_groups *groups)
{
    struct json_writer *json = &draft->json;

    put_number(json, "rules", FACTS_RULES_VERSION);
    if (!groups)
        return;
    json_write_name(json, "countries");
    json_write_open(json, '{');
    put_day(json, "as_of", groups->as_of_day);
    put_word(json, "sha256", groups->digest);
    json_write_close(json, '}');
}

static void write_circumstances(struct draft *draft, const struct change_document *document)
{
    struct json_writer *json = &draft->json;

    json_write_name(json, "circumstances");
    json_write_open(json, '{');
    for (size_t i = 0; i < document->circumstance_count; i++)
        put_text(json, document->circumstances[i].name, document->circumstances[i].text);
    json_write_close(json, '}');
}

struct span change_document_write(const struct change_document *document, size_t bytes_max,
                                  struct arena *arena)
{
    struct draft draft = {.bytes_max = bytes_max, .reserved = STATE_BYTES_MAX + CLOSING_BYTES};
    struct json_writer *json = &draft.json;

    json_writer_init(json, arena, FIRST_BYTES);
    json_write_open(json, '{');
    put_number(json, "format", CHANGE_DOCUMENT_FORMAT);
    put_text(json, "subject", document->after->subject);
    put_instant(json, "at", document->now_ms);
    write_rules(&draft, document->groups);
    write_circumstances(&draft, document);
    json_write_name(json, "after");
    json_write_open(json, '{');
    write_state(&draft, document->after, document->now_ms);
    json_write_close(json, '}');
    draft.reserved = CLOSING_BYTES;
    if (document->before) {
        json_write_name(json, "before");
        json_write_open(json, '{');
        put_number(json, "partition", document->partition);
        put_number(json, "number", document->before_number);
        write_state(&draft, document->before, document->now_ms);
        json_write_close(json, '}');
    }
    write_evidence(&draft, document, arena);
    if (draft.left_out > 0)
        put_number(json, "left_out", draft.left_out);
    json_write_close(json, '}');
    return json_writer_text(json);
}
