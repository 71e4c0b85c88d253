/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: what makes two readings the same, and whose evidence counts at all. */
#include "domain/facts/facts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct evidence passport(void)
{
    struct evidence evidence = EVIDENCE_EMPTY;

    evidence.id = span_text("ev_1");
    evidence.vendor = span_text("veriff");
    evidence.check_id = span_text("1");
    evidence.class = EVIDENCE_PASSPORT;
    evidence.proof = PROOF_CHIP;
    evidence.source = FACT_SOURCE_DOCUMENT;
    evidence.issuer = evidence.nationality = country_from_alpha3(span_text("DEU"));
    evidence.verified_at_ms = 1000;
    return evidence;
}

/* Every member but the three that make it an entry. */
#define CHANGE(name, statement)          \
    static void name(struct evidence *e) \
    {                                    \
        statement;                       \
    }

CHANGE(change_vendor, e->vendor = span_text("onfido"))
CHANGE(change_check_id, e->check_id = span_text("2"))
CHANGE(change_class, e->class = EVIDENCE_VISA)
CHANGE(change_proof, e->proof = PROOF_MRZ)
CHANGE(change_assurance, e->assurance = ASSURANCE_IAL2)
CHANGE(change_issuer, e->issuer = country_from_alpha3(span_text("FRA")))
CHANGE(change_nationality, e->nationality = country_from_alpha3(span_text("FRA")))
CHANGE(change_issued, e->issued_day = 1)
CHANGE(change_expires, e->expires_day = 1)
CHANGE(change_verified_at, e->verified_at_ms++)
CHANGE(change_acquired_day, e->acquired.day = 1)
CHANGE(change_acquired_precision, e->acquired.precision = DATE_EXACT)
CHANGE(change_endorsement, e->us_endorsement = US_ENDORSEMENT_ABSENT)
CHANGE(change_i551, e->i551_category[0] = 'C')
CHANGE(change_resident_since, e->resident_since_day = 1)
CHANGE(change_ead, e->ead_category[2] = '5')
CHANGE(change_i94, e->i94_class = I94_ASYLEE)
CHANGE(change_i797, e->i797_type = I797_OTHER)
CHANGE(change_accredited, e->accredited_to = country_from_alpha3(span_text("USA")))
CHANGE(change_birth, e->birth_country = country_from_alpha3(span_text("USA")))
CHANGE(change_statement, e->statement = STATEMENT_BORN_IN)
CHANGE(change_country, e->country = country_from_alpha3(span_text("USA")))
CHANGE(change_as_of, e->as_of_day = 1)
CHANGE(change_source, e->source = FACT_SOURCE_REVIEWER)
CHANGE(change_review_by, e->review_by_day = 1)
CHANGE(change_document_hash, e->document_hash[15] = 1)
CHANGE(change_person_hash, e->person_hash[0] = 1)
CHANGE(change_photo_id, e->has_photo_id = true)

static void (*const changes[])(struct evidence *) = {
    change_vendor,      change_check_id,      change_class,          change_proof,
    change_assurance,   change_issuer,        change_nationality,    change_issued,
    change_expires,     change_verified_at,   change_acquired_day,   change_acquired_precision,
    change_endorsement, change_i551,          change_resident_since, change_ead,
    change_i94,         change_i797,          change_accredited,     change_birth,
    change_statement,   change_country,       change_as_of,          change_source,
    change_review_by,   change_document_hash, change_person_hash,    change_photo_id,
};

static void any_difference_in_what_was_read_is_another_reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct evidence one = passport(), other = passport();

        changes[i](&other);
        if (evidence_is_same_reading(&one, &other))
            fail_msg("change %zu makes no difference", i);
    }
}

static void id_arrival_and_revocation_make_no_other_reading(void **state)
{
    struct evidence one = passport(), other = passport();

    (void)state;
    other.id = span_text("ev_2");
    other.accepted_at_ms = 77;
    other.is_revoked = true;
    assert_true(evidence_is_same_reading(&one, &other));
}

static void papers_of_a_service_prove_nothing(void **state)
{
    struct evidence evidence = passport();
    struct affiliation affiliation = {.organization = span_text("org/a"),
                                      .as = AFFILIATION_EMPLOYEE,
                                      .until_day = DAY_NONE,
                                      .review_by_day = DAY_NONE};
    struct facts_input input = {
        .kind = SUBJECT_USER,
        .evidence = &evidence,
        .evidence_count = 1,
        .affiliations = &affiliation,
        .affiliation_count = 1,
    };
    struct facts_content content;

    (void)state;
    facts_derive(&input, 2000, &content);
    assert_int_equal(content.header.citizenship_count, 1);
    assert_int_equal(content.header.affiliation_count, 1);
    input.kind = SUBJECT_SERVICE;
    facts_derive(&input, 2000, &content);
    assert_int_equal(content.header.subject_kind, SUBJECT_SERVICE);
    assert_int_equal(content.header.citizenship_count, 0);
    assert_int_equal(content.header.affiliation_count, 0);
    assert_int_equal(content.header.us_status_count, 0);
    assert_int_equal(content.header.flags, 0);
    assert_int_equal(content.header.evidence_classes, 0);
    assert_true(content.header.valid_until_ms == TIMESTAMP_NEVER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_difference_in_what_was_read_is_another_reading),
        cmocka_unit_test(id_arrival_and_revocation_make_no_other_reading),
        cmocka_unit_test(papers_of_a_service_prove_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
