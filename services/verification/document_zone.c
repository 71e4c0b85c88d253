/* SPDX-License-Identifier: Apache-2.0 */
/* The machine-readable zone of a document beside what else was read of it. */
#include "verification/document_zone.h"

#include "base/attributes.h"

enum { FILLER = '<', PERMANENT_YEAR = 9999 };

enum {
    CARD = 1 << MRZ_TD1 | 1 << MRZ_TD2,
    BOOK = 1 << MRZ_TD3,
    STICKER = 1 << MRZ_MRV_A | 1 << MRZ_MRV_B,
    ANY = CARD | BOOK | STICKER,
};

/*
 * Which zones the papers of a class have.  Second letters are the issuer's choice until 2038 (Doc
 * 9303-4 section 4.4), so that they are looked at only where it is known what they mean: on the
 * cards of the United States, several of which are read as the others by mistake.  A class without
 * formats has no zone.
 */
static const struct zone_rule {
    unsigned formats;        /* 1 << enum mrz_format */
    const char *letters;     /* with which a code may begin */
    const char *us_codes[4]; /* those of the United States, if they are known; else any */
} zone_rules[] = {
    [EVIDENCE_UNSPECIFIED] = {0},
    [EVIDENCE_PASSPORT] = {BOOK, "P"},
    [EVIDENCE_PASSPORT_CARD] = {CARD, "I", {"IP"}},
    [EVIDENCE_NATIONAL_ID_CARD] = {CARD, "ACI"},
    /* C2 is the commuter's.  Not the immigrant visas that stand for a card in the first year: they
     * are evidence of another class. */
    [EVIDENCE_PERMANENT_RESIDENT_CARD] = {CARD, "ACI", {"C1", "C2", "IR"}},
    [EVIDENCE_REENTRY_PERMIT] = {BOOK, "P"},
    [EVIDENCE_REFUGEE_TRAVEL_DOCUMENT] = {BOOK, "P"},
    [EVIDENCE_TRAVEL_DOCUMENT] = {BOOK | CARD, "PACI"},
    [EVIDENCE_EMPLOYMENT_AUTHORIZATION] = {CARD, "ACI", {"CA", "IA"}},
    [EVIDENCE_ARRIVAL_RECORD] = {0},
    [EVIDENCE_NOTICE_OF_ACTION] = {0},
    [EVIDENCE_NATURALIZATION_CERTIFICATE] = {0},
    [EVIDENCE_CITIZENSHIP_CERTIFICATE] = {0},
    [EVIDENCE_BIRTH_CERTIFICATE] = {0},
    [EVIDENCE_CONSULAR_REPORT_OF_BIRTH] = {0},
    /* Cards, labels in passports, and what vendors call so. */
    [EVIDENCE_RESIDENCE_PERMIT] = {ANY, "ACIPRV"},
    [EVIDENCE_VISA] = {STICKER, "V"},
    [EVIDENCE_DRIVING_LICENCE] = {ANY, "ACDI"},
    [EVIDENCE_LAISSEZ_PASSER] = {BOOK, "P"},
    [EVIDENCE_STATEMENT] = {0},
};

/* Crew member certificates, Doc 9303-5: evidence of no class. */
static const char crew_code[] = "AC";

static const struct zone_rule *rule_of(const struct evidence *evidence)
{
    size_t number = (size_t)evidence->class;

    return &zone_rules[number < ARRAY_LEN(zone_rules) ? number : 0];
}

static bool is_same_country(country_id a, country_id b)
{
    return a == b || (country_nationality(a) != COUNTRY_NONE &&
                      country_nationality(a) == country_nationality(b));
}

static bool has_code(const struct evidence *evidence, const char *code)
{
    const struct zone_rule *rule = rule_of(evidence);

    if (!rule->letters || code[0] == '\0' || !strchr(rule->letters, code[0]) ||
        strcmp(code, crew_code) == 0)
        return false;
    if (!rule->us_codes[0] ||
        !is_same_country(evidence->issuer, country_from_alpha3(span_text("USA"))))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(rule->us_codes) && rule->us_codes[i]; i++)
        if (strcmp(code, rule->us_codes[i]) == 0)
            return true;
    return false;
}

bool document_code_check(const struct evidence *evidence, const char *code, struct err *err)
{
    if (code[0] == '\0' || has_code(evidence, code))
        return true;
    return err_field(err, ERR_MRZ_DOCUMENT_CODE, "document.document_code",
                     "not of a document of this class");
}

static bool check_class(const struct mrz *mrz, const struct evidence *evidence, struct err *err)
{
    if ((rule_of(evidence)->formats & 1U << mrz->format) && has_code(evidence, mrz->document_code))
        return true;
    return err_field(err, ERR_MRZ_DOCUMENT_CODE, "document.mrz.document_code",
                     "not of a document of this class");
}

/* A country of the zone against that of the field: they agree, or one of them was not given.  A
 * territory and its state are the same reading. */
static bool merge_country(country_id read, const char *zone_field, enum err_code mismatch,
                          const char *field, country_id *country, struct err *err)
{
    if (read == COUNTRY_NONE || country_get(read)->kind == COUNTRY_KIND_SPECIMEN)
        return err_field(err, ERR_UNKNOWN_COUNTRY_CODE, zone_field, "no country");
    if (*country != COUNTRY_NONE && !is_same_country(*country, read))
        return err_field(err, mismatch, field, "the zone says otherwise");
    *country = read;
    return true;
}

struct document_number document_number_of(struct span text)
{
    struct document_number number = {{0}};
    size_t length = 0;

    for (size_t i = 0; i < text.length && length < DOCUMENT_NUMBER_MAX; i++) {
        uint8_t character = text.data[i];

        if (character >= 'a' && character <= 'z')
            character = (uint8_t)(character - 'a' + 'A');
        if ((character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z'))
            number.text[length++] = (char)character;
    }
    return number;
}

/* Numbers that a card has besides that of the zone's own field: of the card itself (I-551), of the
 * holder (the identity cards of Spain). */
static bool is_in_optional_data(const struct mrz *mrz, const char *number)
{
    size_t length = strlen(number);

    for (const char *run = mrz->optional_data; *run != '\0';) {
        size_t run_length = 0;

        while (run[run_length] != '\0' && run[run_length] != FILLER)
            run_length++;
        if (run_length == length && memcmp(run, number, length) == 0)
            return true;
        run += run_length + (run[run_length] == FILLER);
    }
    return false;
}

/* The zone of a visa has the passport's number, or its own: Doc 9303-7. */
static bool merge_number(const struct mrz *mrz, const struct evidence *evidence,
                         struct document_number *number, struct err *err)
{
    if (number->text[0] != '\0' && evidence->class == EVIDENCE_VISA)
        return true;
    if (number->text[0] != '\0' && strcmp(number->text, mrz->number) != 0 &&
        !is_in_optional_data(mrz, number->text))
        return err_field(err, ERR_MRZ_MISMATCH, "document.number", "the zone says otherwise");
    *number = document_number_of(span_text(mrz->number));
    return true;
}

/* The zone has no century: a card without an end prints the year 9999. */
static bool is_day_of_zone(int32_t day, int32_t zone_day)
{
    struct civil_date date = civil_from_day(day), zone_date = civil_from_day(zone_day);

    if (day == zone_day)
        return true;
    return date.year == PERMANENT_YEAR && zone_date.year % 100 == PERMANENT_YEAR % 100 &&
           date.month == zone_date.month && date.day == zone_date.day;
}

static bool merge_expiry(const struct mrz *mrz, struct evidence *evidence, struct err *err)
{
    if (evidence->expires_day != DAY_NONE && mrz->expiry_day != DAY_NONE &&
        !is_day_of_zone(evidence->expires_day, mrz->expiry_day))
        return err_field(err, ERR_MRZ_MISMATCH, "document.expires_on", "the zone says otherwise");
    if (evidence->expires_day == DAY_NONE)
        evidence->expires_day = mrz->expiry_day;
    return true;
}

/* Vendors who do not know the second letter give the first one. */
static bool check_code(const struct mrz *mrz, const char *code, struct err *err)
{
    if (code[0] == '\0' || strcmp(code, mrz->document_code) == 0 ||
        (code[1] == '\0' && code[0] == mrz->document_code[0]))
        return true;
    return err_field(err, ERR_MRZ_MISMATCH, "document.document_code", "the zone says otherwise");
}

bool document_zone_merge(const struct mrz *mrz, const char *code, struct document_number *number,
                         struct evidence *evidence, struct err *err)
{
    return merge_country(mrz->issuer, "document.mrz.issuer", ERR_MRZ_MISMATCH, "document.issuer",
                         &evidence->issuer, err) &&
           merge_country(mrz->nationality, "document.mrz.nationality", ERR_NATIONALITY_MISMATCH,
                         "document.nationality", &evidence->nationality, err) &&
           check_class(mrz, evidence, err) && check_code(mrz, code, err) &&
           merge_number(mrz, evidence, number, err) && merge_expiry(mrz, evidence, err);
}
