/* SPDX-License-Identifier: Apache-2.0 */
/* People whose claims the tests look at. */
#include "unit/domain/claim/people.h"

#include <stdlib.h>

enum { PEOPLE_MAX = 16 };

static struct person people[PEOPLE_MAX];
static size_t count;

static country_id code(const char *alpha3)
{
    return country_from_alpha3(span_text(alpha3));
}

static struct evidence *add_evidence(enum evidence_class class)
{
    struct person *person = &people[count - 1];
    struct evidence *evidence = &person->evidence[person->evidence_count++];

    *evidence = (struct evidence){
        .id = span_of("0123" + person->evidence_count, 1),
        .vendor = span_text("veriff"),
        .check_id = span_of("0123" + person->evidence_count, 1),
        .class = class,
        .issued_day = DAY_NONE,
        .expires_day = DAY_NONE,
        .verified_at_ms = people_verified_ms,
        .accepted_at_ms = people_verified_ms,
        .acquired = {DATE_UNKNOWN, DAY_NONE},
        .resident_since_day = DAY_NONE,
        .as_of_day = DAY_NONE,
        .source = FACT_SOURCE_DOCUMENT,
        .review_by_day = DAY_NONE,
    };
    return evidence;
}

static void begin(const char *name)
{
    people[count++].name = name;
}

static struct evidence *document(enum evidence_class class, const char *issuer,
                                 const char *nationality, enum proof proof)
{
    struct evidence *evidence = add_evidence(class);

    evidence->issuer = code(issuer);
    evidence->nationality = code(nationality);
    evidence->proof = proof;
    return evidence;
}

static struct evidence *statement(enum statement_kind kind, enum fact_source source)
{
    struct evidence *evidence = add_evidence(EVIDENCE_STATEMENT);

    evidence->statement = kind;
    evidence->source = source;
    evidence->as_of_day = day_of_ms(people_verified_ms);
    return evidence;
}

static void fill(void)
{
    struct evidence *evidence;

    begin("nobody");

    begin("us citizen");
    evidence = document(EVIDENCE_PASSPORT, "USA", "USA", PROOF_CHIP);
    evidence->us_endorsement = US_ENDORSEMENT_ABSENT;
    evidence->assurance = ASSURANCE_IAL2;

    begin("us passport");
    document(EVIDENCE_PASSPORT, "USA", "USA", PROOF_MRZ);

    begin("dual us iranian");
    document(EVIDENCE_PASSPORT, "USA", "USA", PROOF_CHIP);
    document(EVIDENCE_PASSPORT, "IRN", "IRN", PROOF_MRZ);

    begin("iranian resident");
    document(EVIDENCE_PERMANENT_RESIDENT_CARD, "USA", "IRN", PROOF_DOCUMENT_AUTHENTICATED);

    begin("german");
    document(EVIDENCE_PASSPORT, "DEU", "DEU", PROOF_CHIP);

    begin("german without us status");
    document(EVIDENCE_PASSPORT, "DEU", "DEU", PROOF_CHIP);
    statement(STATEMENT_US_STATUS_NONE, FACT_SOURCE_DECLARATION);
    statement(STATEMENT_CITIZENSHIPS_COMPLETE, FACT_SOURCE_DECLARATION);

    begin("iranian then canadian");
    document(EVIDENCE_PASSPORT, "IRN", "IRN", PROOF_MRZ);
    document(EVIDENCE_PASSPORT, "CAN", "CAN", PROOF_CHIP);
    evidence = statement(STATEMENT_CITIZENSHIP_LOST, FACT_SOURCE_REVIEWER);
    evidence->country = code("IRN");

    begin("hong kong british national");
    document(EVIDENCE_PASSPORT, "GBR", "GBN", PROOF_CHIP);
    statement(STATEMENT_CITIZENSHIPS_COMPLETE, FACT_SOURCE_DECLARATION);

    begin("german by the zone");
    document(EVIDENCE_PASSPORT, "DEU", "DEU", PROOF_MRZ);
    statement(STATEMENT_CITIZENSHIPS_COMPLETE, FACT_SOURCE_DECLARATION);

    begin("born in iran");
    evidence = document(EVIDENCE_PASSPORT, "DEU", "DEU", PROOF_CHIP);
    evidence->birth_country = code("IRN");

    begin("declares to be american");
    evidence = statement(STATEMENT_CITIZEN_OF, FACT_SOURCE_DECLARATION);
    evidence->country = code("USA");

    begin("driving licence only");
    document(EVIDENCE_DRIVING_LICENCE, "USA", "", PROOF_DOCUMENT_AUTHENTICATED);

    begin("revoked");
    evidence = document(EVIDENCE_PASSPORT, "DEU", "DEU", PROOF_CHIP);
    evidence->is_revoked = true;
}

size_t people_count(void)
{
    if (count == 0)
        fill();
    return count;
}

const struct person *person_get(size_t index)
{
    return index < people_count() ? &people[index] : NULL;
}

const struct person *person_find(const char *name)
{
    for (size_t i = 0; i < people_count(); i++)
        if (strcmp(people[i].name, name) == 0)
            return &people[i];
    abort();
}

const struct facts *person_facts(const struct person *person, struct arena *arena)
{
    struct facts_input input = {
        .kind = SUBJECT_USER,
        .evidence = person->evidence,
        .evidence_count = person->evidence_count,
    };
    struct facts_content content;

    facts_derive(&input, people_now_ms, &content);
    return facts_pack(&content, arena);
}

struct claim_request person_request(const struct person *person, enum claim_disclosure disclosure,
                                    struct arena *arena)
{
    return (struct claim_request){
        .issuer = span_text("https://passgate.test"),
        .audience = span_text("https://models.test"),
        .authorized_party = span_text("spiffe://test/gateway"),
        .subject = span_text("c29tZWJvZHkgYXQgYW55IQ"),
        .id = span_text("AAECAwQFBgcICQoLDA0ODw"),
        .disclosure = disclosure,
        .facts = person_facts(person, arena),
        .evidence = person->evidence,
        .evidence_count = person->evidence_count,
        .now_ms = people_now_ms,
        .lifetime_ms = CLAIM_LIFETIME_DEFAULT_MS,
    };
}
