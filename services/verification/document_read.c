/* SPDX-License-Identifier: Apache-2.0 */
/* The document as the vendor read it: checked against itself, then reduced to what counts. */
#include "base/secret.h"
#include "domain/field/field.h"
#include "verification/document_zone.h"
#include "verification/evidence_read.h"

bool country_read(const char *text, const char *field, bool takes_special, country_id *ret_country,
                  struct err *err)
{
    struct span code = span_text(text);
    country_id id = country_from_iso(code);

    if (code.length == 0 || id != COUNTRY_NONE) {
        *ret_country = id;
        return true;
    }
    for (size_t i = 0; i < code.length; i++)
        if (code.data[i] < 'A' || code.data[i] > 'Z')
            return err_field(err, ERR_FIELD_COUNTRY, field, "not upper-case letters");
    if (code.length != 2 && code.length != 3)
        return err_field(err, ERR_FIELD_COUNTRY, field, "%zu letters", code.length);
    id = country_from_alpha3(code);
    if (id == COUNTRY_NONE || country_get(id)->kind == COUNTRY_KIND_SPECIMEN || !takes_special)
        return err_field(err, ERR_UNKNOWN_COUNTRY_CODE, field, "no country");
    *ret_country = id;
    return true;
}

bool date_read(const char *text, const char *field, int32_t *ret_day, struct err *err)
{
    int32_t day = DAY_NONE;

    if (text[0] != '\0' && !day_parse(span_text(text), &day))
        return err_field(err, ERR_FIELD_DATE, field, "not a calendar date");
    *ret_day = day;
    return true;
}

/* Under the issuing state, and not the territory: one vendor reads HKG where another reads CHN. */
static void hash_document(const struct evidence_reader *reader,
                          const struct document_number *number, struct evidence *evidence)
{
    country_id state = country_nationality(evidence->issuer);
    country_id issuer = state == COUNTRY_NONE ? evidence->issuer : state;

    if (number->text[0] != '\0')
        hash128_store(names_document_hash(reader->names, span_text(country_get(issuer)->alpha3),
                                          span_text(number->text)),
                      evidence->document_hash);
}

static bool read_zone(const struct evidence_reader *reader, const Passgate__V1__Document *document,
                      struct document_number *number, struct evidence *evidence, struct err *err)
{
    struct mrz mrz;
    bool is_read;

    if (document->mrz[0] == '\0')
        return document_code_check(evidence, document->document_code, err);
    if (!mrz_parse(span_text(document->mrz), "document.mrz", day_of_ms(reader->now_ms), &mrz, err))
        return false;
    is_read = document_zone_merge(&mrz, document->document_code, number, evidence, err);
    secret_wipe(&mrz, sizeof(mrz));
    return is_read;
}

static bool read_number(const struct evidence_reader *reader,
                        const Passgate__V1__Document *document, struct evidence *evidence,
                        struct err *err)
{
    struct document_number number;
    bool is_read;

    if (!field_check(FIELD_KIND_SHORT_TEXT, span_text(document->number), "document.number", err))
        return false;
    number = document_number_of(span_text(document->number));
    is_read = read_zone(reader, document, &number, evidence, err);
    if (is_read)
        hash_document(reader, &number, evidence);
    secret_wipe(&number, sizeof(number));
    return is_read;
}

static bool check_dates(const struct evidence_reader *reader, const struct evidence *evidence,
                        struct err *err)
{
    const int32_t earliest = day_from_civil((struct civil_date){1950, 1, 1});
    int32_t tomorrow = day_of_ms(reader->now_ms) + 1;

    if (evidence->issued_day != DAY_NONE && evidence->issued_day > tomorrow)
        return err_field(err, ERR_DOCUMENT_EXPIRED, "document.issued_on", "in the future");
    if (evidence->expires_day == DAY_NONE)
        return true;
    if (evidence->expires_day < earliest ||
        (evidence->issued_day != DAY_NONE && evidence->expires_day < evidence->issued_day))
        return err_field(err, ERR_DOCUMENT_EXPIRED, "document.expires_on", "impossible");
    return true;
}

/* Papers that are asked for because of the nationality that they show. */
static bool is_about_nationality(enum evidence_class class)
{
    return class == EVIDENCE_PASSPORT || class == EVIDENCE_PASSPORT_CARD ||
           class == EVIDENCE_NATIONAL_ID_CARD;
}

static bool check_proof(const struct evidence *evidence, struct err *err)
{
    if (evidence->nationality == COUNTRY_NONE && is_about_nationality(evidence->class))
        return err_field(err, ERR_NATIONALITY_UNPROVEN, "document.nationality", "not read");
    if (evidence->proof == PROOF_UNSPECIFIED)
        return err_field(err, ERR_NATIONALITY_UNPROVEN, "document.proof", "not said");
    return true;
}

bool document_read(const struct evidence_reader *reader, const Passgate__V1__Document *document,
                   struct evidence *evidence, struct err *err)
{
    evidence->proof = (enum proof)document->proof;
    evidence->has_photo_id = document->photo_identification_seen;
    if (!country_read(document->issuer, "document.issuer", true, &evidence->issuer, err) ||
        !country_read(document->nationality, "document.nationality", true, &evidence->nationality,
                      err) ||
        !country_read(document->birth_country, "document.birth_country", false,
                      &evidence->birth_country, err) ||
        !field_check(FIELD_KIND_CATEGORY, span_text(document->document_code),
                     "document.document_code", err) ||
        !date_read(document->issued_on, "document.issued_on", &evidence->issued_day, err) ||
        !date_read(document->expires_on, "document.expires_on", &evidence->expires_day, err) ||
        !read_number(reader, document, evidence, err))
        return false;
    return check_dates(reader, evidence, err) && check_proof(evidence, err);
}
