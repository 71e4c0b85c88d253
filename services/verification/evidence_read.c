/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence as it is submitted. */
#include "verification/evidence_read.h"

#include "base/attributes.h"
#include "domain/field/field.h"
#include "rpc/wire_time.h"

enum { FUTURE_MS = 5 * 60 * 1000, PERSON_HASH_BYTES_MAX = 64, EARLIEST_YEAR = 1900 };

#define EARLIEST_MS (INT64_C(946684800) * 1000) /* 2000-01-01T00:00:00Z */

/* When something was said: not before 2000, which is a clock or a unit gone wrong, nor ahead. */
static bool read_instant(const struct evidence_reader *reader,
                         const Google__Protobuf__Timestamp *instant, const char *field,
                         int64_t *ret_ms, struct err *err)
{
    int64_t ms;

    if (!wire_timestamp_read(instant, field, &ms, err))
        return false;
    if (ms > reader->now_ms + FUTURE_MS)
        return err_field(err, ERR_FIELD_RANGE, field, "in the future");
    if (ms < EARLIEST_MS)
        return err_field(err, ERR_FIELD_RANGE, field, "before 2000");
    *ret_ms = ms;
    return true;
}

static bool check_identity(const Passgate__V1__Evidence *submitted, struct err *err)
{
    if (submitted->evidence_class == PASSGATE__V1__EVIDENCE_CLASS__EVIDENCE_CLASS_UNSPECIFIED)
        return err_field(err, ERR_FIELD_REQUIRED, "evidence_class", "not said");
    if (!field_check(FIELD_KIND_VENDOR, span_text(submitted->vendor), "vendor", err) ||
        !field_check(FIELD_KIND_CHECK_ID, span_text(submitted->check_id), "check_id", err) ||
        !field_check(FIELD_KIND_SHORT_TEXT, span_text(submitted->vendor_policy_version),
                     "vendor_policy_version", err))
        return false;
    if (submitted->test_mode)
        return err_field(err, ERR_SANDBOX_RESULT, "test_mode", "set");
    if (submitted->assurance_level < ASSURANCE_NONE || submitted->assurance_level > ASSURANCE_IAL3)
        return err_field(err, ERR_FIELD_RANGE, "assurance_level", "%d", submitted->assurance_level);
    return true;
}

/* Do the words (between underscores) of `text` have these among them? */
static bool has_words(struct span text, const char *wanted)
{
    struct span words = span_text(wanted);

    for (size_t i = 0; i + words.length <= text.length; i++) {
        size_t end = i + words.length;

        if ((i == 0 || text.data[i - 1] == '_') && (end == text.length || text.data[end] == '_') &&
            memcmp(text.data + i, words.data, words.length) == 0)
            return true;
    }
    return false;
}

/* However the vendor spells it: form_i9, i9, i_9_section_2, e_verify_case … */
static bool is_of_employment_check(struct span purpose)
{
    static const char *const names[] = {"i9",       "i_9",     "formi9",
                                        "e_verify", "everify", "employment_eligibility"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (has_words(purpose, names[i]))
            return true;
    return false;
}

static bool check_collection(const Passgate__V1__Collection *collection, struct err *err)
{
    struct span purpose;

    if (!collection)
        return true;
    purpose = span_text(collection->purpose);
    return field_check(FIELD_KIND_PURPOSE, purpose, "collection.purpose", err) &&
           field_check(FIELD_KIND_SHORT_TEXT, span_text(collection->notice_version),
                       "collection.notice_version", err) &&
           field_check(FIELD_KIND_PHRASE, span_text(collection->legal_basis),
                       "collection.legal_basis", err);
}

/* Only of what would count: a word that takes evidence back is heard whatever it was made for. */
static bool check_purpose(const Passgate__V1__Collection *collection, struct err *err)
{
    struct span purpose = span_text(collection ? collection->purpose : "");

    if (is_of_employment_check(purpose))
        return err_field(err, ERR_EVIDENCE_PURPOSE, "collection.purpose", "Form I-9 or E-Verify");
    return true;
}

static bool check_reviewer(const Passgate__V1__Reviewer *reviewer, struct err *err)
{
    if (!reviewer)
        return true;
    return field_check(FIELD_KIND_SUBJECT, span_text(reviewer->id), "reviewer.id", err) &&
           field_check(FIELD_KIND_TEXT, span_text(reviewer->documents_seen),
                       "reviewer.documents_seen", err) &&
           field_check(FIELD_KIND_TEXT, span_text(reviewer->reason), "reviewer.reason", err);
}

static bool read_binding(const struct evidence_reader *reader,
                         const Passgate__V1__Evidence *submitted, struct evidence *evidence,
                         struct err *err)
{
    const Passgate__V1__Binding *binding = submitted->binding;
    struct span person;

    if (!binding)
        return true;
    person = span_of(binding->same_person_hash.data, binding->same_person_hash.len);
    if (person.length > PERSON_HASH_BYTES_MAX)
        return err_field(err, ERR_FIELD_TOO_LONG, "binding.same_person_hash", "%zu bytes",
                         person.length);
    if (person.length == 0)
        return true;
    hash128_store(names_person_hash(reader->names, evidence->vendor, person),
                  evidence->person_hash);
    return true;
}

/* Class of admission and the like: upper-case letters and digits. */
static bool read_category(const char *text, const char *field,
                          char category[static EVIDENCE_CATEGORY_MAX], struct err *err)
{
    if (!field_check(FIELD_KIND_CATEGORY, span_text(text), field, err))
        return false;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] >= 'a' && text[i] <= 'z')
            return err_field(err, ERR_FIELD_CHARACTERS, field, "lower case");
        category[i] = text[i];
    }
    return true;
}

/* A day on which something began for somebody who lives; DAY_NONE for the empty text.  Where it is
 * tomorrow already, it may be tomorrow. */
static bool read_past_date(const struct evidence_reader *reader, const char *text,
                           const char *field, int32_t *ret_day, struct err *err)
{
    const int32_t earliest = day_from_civil((struct civil_date){EARLIEST_YEAR, 1, 1});

    if (!date_read(text, field, ret_day, err))
        return false;
    if (*ret_day == DAY_NONE)
        return true;
    if (*ret_day < earliest)
        return err_field(err, ERR_FIELD_RANGE, field, "before %d", EARLIEST_YEAR);
    if (*ret_day > day_of_ms(reader->now_ms) + 1)
        return err_field(err, ERR_FIELD_RANGE, field, "in the future");
    return true;
}

static bool read_us_papers(const struct evidence_reader *reader, const Passgate__V1__UsPapers *us,
                           struct evidence *evidence, struct err *err)
{
    if (!us)
        return true;
    evidence->us_endorsement = (enum us_endorsement)us->endorsement;
    evidence->i94_class = (enum i94_class)us->i94_class;
    evidence->i797_type = (enum i797_type)us->i797_type;
    return read_category(us->i551_category, "us.i551_category", evidence->i551_category, err) &&
           read_category(us->ead_category, "us.ead_category", evidence->ead_category, err) &&
           read_past_date(reader, us->resident_since, "us.resident_since",
                          &evidence->resident_since_day, err);
}

static bool read_acquisition(const struct evidence_reader *reader,
                             const Passgate__V1__Acquisition *acquired, struct evidence *evidence,
                             struct err *err)
{
    if (!acquired)
        return true;
    evidence->acquired.precision = (enum date_precision)acquired->precision;
    if (!read_past_date(reader, acquired->date, "acquired.date", &evidence->acquired.day, err) ||
        !field_check(FIELD_KIND_PHRASE, span_text(acquired->basis), "acquired.basis", err))
        return false;
    if ((evidence->acquired.day == DAY_NONE) != (evidence->acquired.precision == DATE_UNKNOWN))
        return err_field(err, ERR_FIELD_CONFLICT, "acquired.precision",
                         "a date and its precision go together");
    return true;
}

/* Statements that are about a country, and those that close a list. */
static bool is_about_country(enum statement_kind kind)
{
    return kind != STATEMENT_CITIZENSHIPS_COMPLETE && kind != STATEMENT_US_STATUS_NONE;
}

/* Who says so, on what authority, signed when: a statement by nobody proves nothing. */
static bool check_signature(const struct evidence_reader *reader,
                            const Passgate__V1__Statement *statement,
                            const Passgate__V1__Reviewer *reviewer, struct err *err)
{
    int64_t signed_at_ms;

    if (statement->source == PASSGATE__V1__STATEMENT_SOURCE__STATEMENT_SOURCE_REVIEWER && !reviewer)
        return err_field(err, ERR_FIELD_REQUIRED, "reviewer", "a reviewer has an id");
    if (statement->attester[0] == '\0')
        return err_field(err, ERR_FIELD_REQUIRED, "statement.attester", "missing");
    if (statement->authority[0] == '\0')
        return err_field(err, ERR_FIELD_REQUIRED, "statement.authority", "missing");
    if (!statement->signed_at)
        return err_field(err, ERR_FIELD_REQUIRED, "statement.signed_at", "missing");
    return read_instant(reader, statement->signed_at, "statement.signed_at", &signed_at_ms, err);
}

static bool check_statement_texts(const Passgate__V1__Statement *statement, struct err *err)
{
    return field_check(FIELD_KIND_TEXT, span_text(statement->attester), "statement.attester",
                       err) &&
           field_check(FIELD_KIND_SHORT_TEXT, span_text(statement->relation), "statement.relation",
                       err) &&
           field_check(FIELD_KIND_TEXT, span_text(statement->authority), "statement.authority",
                       err) &&
           field_check(FIELD_KIND_SHORT_TEXT, span_text(statement->statement_version),
                       "statement.statement_version", err);
}

static bool read_statement(const struct evidence_reader *reader,
                           const Passgate__V1__Evidence *submitted, struct evidence *evidence,
                           struct err *err)
{
    static const enum fact_source sources[] = {
        [PASSGATE__V1__STATEMENT_SOURCE__STATEMENT_SOURCE_DECLARATION] = FACT_SOURCE_DECLARATION,
        [PASSGATE__V1__STATEMENT_SOURCE__STATEMENT_SOURCE_REGISTER] = FACT_SOURCE_REGISTER,
        [PASSGATE__V1__STATEMENT_SOURCE__STATEMENT_SOURCE_REVIEWER] = FACT_SOURCE_REVIEWER,
    };
    const Passgate__V1__Statement *statement = submitted->statement;

    if (!statement)
        return err_field(err, ERR_FIELD_REQUIRED, "statement", "missing");
    if (statement->kind == PASSGATE__V1__STATEMENT_KIND__STATEMENT_KIND_UNSPECIFIED)
        return err_field(err, ERR_FIELD_REQUIRED, "statement.kind", "not said");
    if (statement->source == PASSGATE__V1__STATEMENT_SOURCE__STATEMENT_SOURCE_UNSPECIFIED)
        return err_field(err, ERR_FIELD_REQUIRED, "statement.source", "not said");
    evidence->statement = (enum statement_kind)statement->kind;
    evidence->source = sources[statement->source];
    if (!country_read(statement->country, "statement.country", false, &evidence->country, err) ||
        !date_read(statement->as_of, "statement.as_of", &evidence->as_of_day, err) ||
        !date_read(statement->review_by, "statement.review_by", &evidence->review_by_day, err) ||
        !check_signature(reader, statement, submitted->reviewer, err) ||
        !check_statement_texts(statement, err))
        return false;
    if ((evidence->country != COUNTRY_NONE) != is_about_country(evidence->statement))
        return err_field(
            err, evidence->country == COUNTRY_NONE ? ERR_FIELD_REQUIRED : ERR_FIELD_CONFLICT,
            "statement.country", "does not fit the kind");
    if (evidence->as_of_day == DAY_NONE)
        return err_field(err, ERR_FIELD_REQUIRED, "statement.as_of", "missing");
    if (evidence->as_of_day > day_of_ms(reader->now_ms) + 1)
        return err_field(err, ERR_FIELD_RANGE, "statement.as_of", "in the future");
    return true;
}

/* A named reviewer who had the paper confirms it; who only looked at the result does not. */
static enum fact_source document_source(const Passgate__V1__Reviewer *reviewer)
{
    return reviewer && *reviewer->documents_seen ? FACT_SOURCE_REVIEWER : FACT_SOURCE_DOCUMENT;
}

static bool read_content(const struct evidence_reader *reader,
                         const Passgate__V1__Evidence *submitted, struct evidence *evidence,
                         struct err *err)
{
    if (evidence->class == EVIDENCE_STATEMENT) {
        if (submitted->document)
            return err_field(err, ERR_FIELD_CONFLICT, "document", "a statement has none");
        return read_statement(reader, submitted, evidence, err);
    }
    if (submitted->statement)
        return err_field(err, ERR_FIELD_CONFLICT, "statement", "only for statements");
    if (!submitted->document)
        return err_field(err, ERR_FIELD_REQUIRED, "document", "missing");
    evidence->source = document_source(submitted->reviewer);
    return document_read(reader, submitted->document, evidence, err);
}

static bool read_time(const struct evidence_reader *reader, const Passgate__V1__Evidence *submitted,
                      struct evidence *evidence, struct err *err)
{
    if (!submitted->verified_at)
        return err_field(err, ERR_FIELD_REQUIRED, "verified_at", "missing");
    return read_instant(reader, submitted->verified_at, "verified_at", &evidence->verified_at_ms,
                        err);
}

/* No comparison between the person and the document has failed. */
static bool is_bound(const Passgate__V1__Binding *binding, struct err *ret_why)
{
    const struct {
        Passgate__V1__BindingCheck check;
        const char *field;
    } comparisons[] = {
        {.check = binding->face_match, .field = "binding.face_match"},
        {.check = binding->liveness, .field = "binding.liveness"},
        {.check = binding->account, .field = "binding.account"},
    };

    for (size_t i = 0; i < ARRAY_LEN(comparisons); i++)
        if (comparisons[i].check == PASSGATE__V1__BINDING_CHECK__BINDING_CHECK_FAILED)
            return err_field(ret_why, ERR_BINDING_FAILED, comparisons[i].field, "failed");
    return true;
}

/* Does the result prove anything at all?  If not, say why. */
static bool proves(const Passgate__V1__Evidence *submitted, struct err *ret_why)
{
    const Passgate__V1__Document *document = submitted->document;

    if (submitted->result != PASSGATE__V1__VENDOR_RESULT__VENDOR_RESULT_PASSED) {
        err_field(ret_why, ERR_RESULT_NOT_PASSED, "result", "%d", (int)submitted->result);
        return false;
    }
    if (document &&
        (document->revocation_check == PASSGATE__V1__REVOCATION_CHECK__REVOCATION_CHECK_REVOKED ||
         document->revocation_check ==
             PASSGATE__V1__REVOCATION_CHECK__REVOCATION_CHECK_LOST_OR_STOLEN)) {
        err_field(ret_why, ERR_DOCUMENT_REVOKED, "document.revocation_check", "listed");
        return false;
    }
    return !submitted->binding || is_bound(submitted->binding, ret_why);
}

/* What the paper, or the statement, says. */
static bool read_findings(const struct evidence_reader *reader,
                          const Passgate__V1__Evidence *submitted, struct evidence *evidence,
                          struct err *err)
{
    return check_purpose(submitted->collection, err) &&
           read_content(reader, submitted, evidence, err) &&
           read_binding(reader, submitted, evidence, err) &&
           read_us_papers(reader, submitted->us, evidence, err) &&
           read_acquisition(reader, submitted->acquired, evidence, err) &&
           country_read(submitted->accredited_to, "accredited_to", false, &evidence->accredited_to,
                        err);
}

bool evidence_read(const struct evidence_reader *reader, const Passgate__V1__Evidence *submitted,
                   struct evidence *ret_evidence, struct err *ret_why_not, struct err *err)
{
    struct evidence evidence = EVIDENCE_EMPTY;
    struct err why_not = ERR_NONE;

    evidence.class = (enum evidence_class)submitted->evidence_class;
    evidence.vendor = span_text(submitted->vendor);
    evidence.check_id = span_text(submitted->check_id);
    evidence.accepted_at_ms = reader->now_ms;
    evidence.assurance = (uint8_t)submitted->assurance_level;
    if (!check_identity(submitted, err) || !check_collection(submitted->collection, err) ||
        !check_reviewer(submitted->reviewer, err) || !read_time(reader, submitted, &evidence, err))
        return false;
    if (submitted->result == PASSGATE__V1__VENDOR_RESULT__VENDOR_RESULT_UNSPECIFIED)
        return err_field(err, ERR_FIELD_REQUIRED, "result", "not said");
    if (proves(submitted, &why_not) && !read_findings(reader, submitted, &evidence, err))
        return false;
    *ret_evidence = evidence;
    *ret_why_not = why_not;
    return true;
}
