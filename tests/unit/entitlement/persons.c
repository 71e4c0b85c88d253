/* SPDX-License-Identifier: Apache-2.0 */
/* People. */
#include "unit/entitlement/persons.h"

#include "unit/storage/fake_store.h"

enum { EVIDENCE_MAX = 3 };

static struct record record_of(struct arena *arena, const char *id)
{
    return (struct record){
        .subject = span_text(arena_text(arena, span_text(id))),
        .hash = names_subject_hash(&fake_names, span_text(id)),
        .kind = SUBJECT_USER,
        .evidence = arena_new_array(arena, struct evidence, EVIDENCE_MAX),
    };
}

static struct evidence *add(struct arena *arena, struct record *record)
{
    struct evidence *evidence = &record->evidence[record->evidence_count++];

    *evidence = EVIDENCE_EMPTY;
    evidence->id = evidence->check_id =
        span_text(arena_printf(arena, "ev-%zu", record->evidence_count));
    evidence->vendor = span_text("veriff");
    return evidence;
}

static void add_document(struct arena *arena, struct record *record, enum evidence_class class,
                         const char *alpha3)
{
    struct evidence *evidence = add(arena, record);

    evidence->class = class;
    evidence->proof = PROOF_CHIP;
    evidence->source = FACT_SOURCE_DOCUMENT;
    evidence->issuer = evidence->nationality = country_from_alpha3(span_text(alpha3));
}

static void add_statement(struct arena *arena, struct record *record, enum statement_kind kind)
{
    struct evidence *evidence = add(arena, record);

    evidence->class = EVIDENCE_STATEMENT;
    evidence->statement = kind;
    evidence->source = FACT_SOURCE_REVIEWER;
    evidence->as_of_day = day_of_ms(PERSONS_NOW_MS) - 1;
}

struct record person_american(struct arena *arena, const char *id)
{
    struct record record = record_of(arena, id);

    add_document(arena, &record, EVIDENCE_CITIZENSHIP_CERTIFICATE, "USA");
    add_statement(arena, &record, STATEMENT_CITIZENSHIPS_COMPLETE);
    return record;
}

struct record person_citizen(struct arena *arena, const char *id, const char *alpha3)
{
    struct record record = record_of(arena, id);

    add_document(arena, &record, EVIDENCE_PASSPORT, alpha3);
    return record;
}

struct record person_foreigner(struct arena *arena, const char *id, const char *alpha3)
{
    struct record record = person_citizen(arena, id, alpha3);

    add_statement(arena, &record, STATEMENT_CITIZENSHIPS_COMPLETE);
    add_statement(arena, &record, STATEMENT_US_STATUS_NONE);
    return record;
}

struct record person_service(struct arena *arena, const char *id, const char *const *principals,
                             size_t count)
{
    struct record record = record_of(arena, id);

    record.kind = SUBJECT_SERVICE;
    record.principals = arena_new_array(arena, struct span, count);
    for (size_t i = 0; i < count; i++)
        record.principals[record.principal_count++] = span_text(principals[i]);
    return record;
}

const struct facts *person_facts(struct arena *arena, const struct record *record)
{
    struct facts_input input = record_facts_input(record);
    struct facts_content content;

    facts_derive(&input, PERSONS_NOW_MS, &content);
    return facts_pack(&content, arena);
}
