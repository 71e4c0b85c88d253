/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence: one accepted verification result or attestation, normalised.
 *
 * It never holds a name, a document number, a birth date, a machine-readable zone or an image:
 * those are used at the door and dropped.  What is absent is absent: COUNTRY_NONE, DAY_NONE,
 * PROOF_UNSPECIFIED.
 */
#ifndef DOMAIN_FACTS_EVIDENCE_H
#define DOMAIN_FACTS_EVIDENCE_H

#include "base/span.h"
#include "base/timestamp.h"
#include "domain/country/country.h"
#include "domain/facts/proof.h"

/*
 * What kind of paper it is.  The US forms: I-551 permanent resident card, I-327 re-entry permit,
 * I-571 refugee travel document, I-766 employment authorization, I-94 arrival record, I-797 notice
 * of action.
 *
 *   X(name, number in passgate.v1.EvidenceClass, word in files)
 */
#define EVIDENCE_CLASS_LIST(X)                                      \
    X(UNSPECIFIED, 0, "")                                           \
    X(PASSPORT, 1, "passport")                                      \
    X(PASSPORT_CARD, 2, "passport_card")                            \
    X(NATIONAL_ID_CARD, 3, "national_id_card")                      \
    X(PERMANENT_RESIDENT_CARD, 4, "permanent_resident_card")        \
    X(REENTRY_PERMIT, 5, "reentry_permit")                          \
    X(REFUGEE_TRAVEL_DOCUMENT, 6, "refugee_travel_document")        \
    X(TRAVEL_DOCUMENT, 7, "travel_document")                        \
    X(EMPLOYMENT_AUTHORIZATION, 8, "employment_authorization")      \
    X(ARRIVAL_RECORD, 9, "arrival_record")                          \
    X(NOTICE_OF_ACTION, 10, "notice_of_action")                     \
    X(NATURALIZATION_CERTIFICATE, 11, "naturalization_certificate") \
    X(CITIZENSHIP_CERTIFICATE, 12, "citizenship_certificate")       \
    X(BIRTH_CERTIFICATE, 13, "birth_certificate")                   \
    X(CONSULAR_REPORT_OF_BIRTH, 14, "consular_report_of_birth")     \
    X(RESIDENCE_PERMIT, 15, "residence_permit")                     \
    X(VISA, 16, "visa")                                             \
    X(DRIVING_LICENCE, 17, "driving_licence")                       \
    X(LAISSEZ_PASSER, 18, "laissez_passer")                         \
    X(STATEMENT, 19, "statement")

enum evidence_class {
#define X(name, number, word) EVIDENCE_##name = (number),
    EVIDENCE_CLASS_LIST(X)
#undef X
};

/*
 * What an EVIDENCE_STATEMENT states.
 *
 *   X(name, number in passgate.v1.StatementKind, word in files)
 */
#define STATEMENT_KIND_LIST(X)                                                                   \
    X(UNSPECIFIED, 0, "")                                                                        \
    X(CITIZENSHIPS_COMPLETE, 1, "citizenships_complete") /* there are no other citizenships */   \
    X(US_STATUS_NONE, 2, "us_status_none")               /* no US status that protects */        \
    X(CITIZEN_OF, 3, "citizen_of")                       /* `country`, `acquired` */             \
    X(CITIZENSHIP_LOST, 4, "citizenship_lost")           /* `country`, since `as_of_day` */      \
    X(PERMANENT_RESIDENT_OF, 5, "permanent_resident_of") /* `country`, `acquired` */             \
    X(RESIDENCE_ENDED, 6, "residence_ended")             /* `country`, since `as_of_day` */      \
    X(BORN_IN, 7, "born_in")                             /* `country` */                         \
    X(ACCREDITED_TO, 8, "accredited_to") /* diplomat or mission staff accredited to `country` */ \
    X(ACCREDITATION_ENDED, 9, "accreditation_ended") /* … since `as_of_day` */

enum statement_kind {
#define X(name, number, word) STATEMENT_##name = (number),
    STATEMENT_KIND_LIST(X)
#undef X
};

enum date_precision {
    DATE_UNKNOWN = 0, /* nothing is known of the date */
    DATE_EXACT = 1,
    DATE_BEFORE = 2, /* on or before the day */
};

/* When a citizenship or residency was acquired.  Never a document's issue date (15 CFR 734.13(b)
 * counts acquisition). */
struct evidence_date {
    enum date_precision precision;
    int32_t day; /* DAY_NONE when unknown */
};

/* The page of a US passport that says "national and not citizen". */
enum us_endorsement {
    US_ENDORSEMENT_UNSPECIFIED = 0, /* nobody looked */
    US_ENDORSEMENT_ABSENT = 1,      /* looked at: the bearer is a citizen */
    US_ENDORSEMENT_NATIONAL = 2,    /* present: the bearer is a national, not a citizen */
};

/* Which proof of a status or of its extension a form I-797 is. */
enum i797_type {
    I797_UNSPECIFIED = 0,
    I797_I751_RECEIPT = 1,  /* petition to remove conditions, 8 CFR 216.4: the status continues */
    I797_I829_RECEIPT = 2,  /* … of an investor, 8 CFR 216.6 */
    I797_I90_RECEIPT = 3,   /* card renewal: proves nothing that the card did not */
    I797_ASYLUM_GRANT = 4,  /* approval of I-589 */
    I797_I485_APPROVAL = 5, /* adjustment to permanent residence */
    I797_OTHER = 6,
};

/* The class of admission on a form I-94. */
enum i94_class {
    I94_UNSPECIFIED = 0,
    I94_REFUGEE = 1, /* INA 207 */
    I94_ASYLEE = 2,  /* INA 208 */
    I94_OTHER = 3,
};

enum { EVIDENCE_CATEGORY_MAX = 4, EVIDENCE_HASH_BYTES = 16 };

struct evidence {
    struct span id;       /* Passgate's own, unique within the subject */
    struct span vendor;   /* "veriff"; the attester for a statement */
    struct span check_id; /* the vendor's; unique within the vendor */
    enum evidence_class class;
    enum proof proof;  /* of the nationality, or of the status that the document gives */
    uint8_t assurance; /* ASSURANCE_*, as the vendor asserts */
    country_id issuer;
    country_id nationality; /* as read, special codes included; not yet mapped to a state */
    int32_t issued_day;
    int32_t expires_day;    /* of the document: information, ends no status by itself */
    int64_t verified_at_ms; /* the vendor's own time: newer wins for one check id */
    int64_t accepted_at_ms; /* ours */
    struct evidence_date acquired;
    enum us_endorsement us_endorsement;
    char
        i551_category[EVIDENCE_CATEGORY_MAX]; /* class of admission on the card: "CR6", "IR1", "" */
    int32_t resident_since_day;
    char ead_category[EVIDENCE_CATEGORY_MAX]; /* of I-766: "A05", "C08", "" */
    enum i94_class i94_class;
    enum i797_type i797_type;
    country_id accredited_to; /* set: the holder is accredited to that state */
    country_id birth_country;
    enum statement_kind statement;
    country_id country;      /* what the statement is about */
    int32_t as_of_day;       /* of the statement */
    enum fact_source source; /* of the statement; a document's is FACT_SOURCE_DOCUMENT, or
                                FACT_SOURCE_REVIEWER when a reviewer has seen it */
    int32_t review_by_day;   /* an obligation to look again; ends nothing by itself */
    uint8_t
        document_hash[EVIDENCE_HASH_BYTES]; /* keyed hash of issuer and number; zero = not given */
    uint8_t person_hash[EVIDENCE_HASH_BYTES]; /* vendor's same-person hash, keyed again; zero = not
                                                 given */
    bool has_photo_id;                        /* a birth certificate counts only with one */
    bool is_revoked; /* by the vendor or by RevokeEvidence: counts for nothing from then on */
};

/* Evidence that says nothing: no dates, no codes. */
#define EVIDENCE_EMPTY                                 \
    ((struct evidence){.issued_day = DAY_NONE,         \
                       .expires_day = DAY_NONE,        \
                       .acquired = {.day = DAY_NONE},  \
                       .resident_since_day = DAY_NONE, \
                       .as_of_day = DAY_NONE,          \
                       .review_by_day = DAY_NONE})

/* Do they say the same?  Of what makes an entry of a record (id, accepted_at_ms, is_revoked)
 * nothing is looked at. */
bool evidence_is_same_reading(const struct evidence *a, const struct evidence *b);

/* Employment and the like, set as a whole list per organization by its registered attester. */
enum affiliation_as {
    AFFILIATION_EMPLOYEE = 1 << 0,
    AFFILIATION_CONTRACTOR = 1 << 1,
    AFFILIATION_AGENT = 1 << 2,
};

struct affiliation {
    struct span organization; /* its id */
    uint8_t as;               /* AFFILIATION_* bits; 0: only `is_complete` is said */
    bool is_complete;  /* the attester says that there is nothing else (affiliations_complete) */
    int32_t until_day; /* exclusive; DAY_NONE = open */
    int32_t review_by_day;
    int64_t attested_at_ms;
};

const char *evidence_class_word(enum evidence_class class);
/* EVIDENCE_UNSPECIFIED when the word is unknown. */
enum evidence_class evidence_class_from_word(struct span word);
const char *proof_word(enum proof proof);
enum proof proof_from_word(struct span word);
const char *statement_kind_word(enum statement_kind kind);
enum statement_kind statement_kind_from_word(struct span word);

#endif
