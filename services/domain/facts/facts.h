/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts: what the evidence about one subject proves, at one moment.
 *
 * `struct facts` is one immutable block of memory with everything inside (the cache holds it by the
 * million, a check copies it into its arena); `struct facts_content` is the same with room for
 * every list, for those who make facts.  Facts are derived, never stored: facts_derive() is a pure
 * function of the evidence, the affiliations and the time.
 *
 * Absence is not evidence.  A list is closed only by FACTS_CITIZENSHIPS_COMPLETE, by US_STATUS_NONE
 * or by an affiliation marked complete; without them what is not there is unknown.
 */
#ifndef DOMAIN_FACTS_FACTS_H
#define DOMAIN_FACTS_FACTS_H

#include "base/arena.h"
#include "domain/facts/evidence.h"
#include "domain/facts/organization.h"

/* Of the derivation: one more whenever the same evidence may give other facts than before.  Who
 * derives them again years later knows by it which rules were applied then. */
enum { FACTS_RULES_VERSION = 2 };

enum {
    FACTS_CITIZENSHIPS_MAX = 8,
    FACTS_RESIDENCIES_MAX = 8,
    FACTS_AFFILIATIONS_MAX = 16,
    FACTS_US_STATUSES_MAX = 8, /* one for each set of possibilities that evidence can leave */
    FACTS_EVIDENCE_MAX = 64,   /* of one subject, revoked ones included */
};

enum subject_kind {
    SUBJECT_KIND_UNSPECIFIED = 0,
    SUBJECT_USER = 1,
    SUBJECT_EMPLOYEE = 2,
    SUBJECT_SERVICE = 3,
    SUBJECT_ORGANIZATION = 4,
};

/*
 * Status under US law as a set of possibilities: what one piece of evidence leaves possible.  A US
 * passport leaves {citizen, national}.  "Is the status in S?" is TRUE when everything possible lies
 * in S, FALSE when neither that does nor anything that may have superseded it, else UNKNOWN.
 */
enum us_status {
    US_STATUS_CITIZEN = 1 << 0,
    US_STATUS_NATIONAL = 1 << 1,  /* and not citizen: American Samoa, Swains Island */
    US_STATUS_LPR = 1 << 2,       /* lawful permanent resident, 8 U.S.C. 1101(a)(20) */
    US_STATUS_REFUGEE = 1 << 3,   /* 8 U.S.C. 1157 */
    US_STATUS_ASYLEE = 1 << 4,    /* 8 U.S.C. 1158 */
    US_STATUS_TEMPORARY = 1 << 5, /* 8 U.S.C. 1160(a), 1255a(a)(1) */
    US_STATUS_NONE = 1 << 6,      /* none of these */
    US_STATUS_ANY = (1 << 7) - 1, /* nothing is known */
};

/* One thing known about the US status.  In facts they stand strongest status first (citizen,
 * national, permanent resident, refugee, asylee): an earlier row supersedes a later one that it
 * contradicts (a naturalisation the green card before it).  No rows: nothing is known, or it
 * conflicts.  Ask facts_possible_us_status(). */
struct facts_us_status {
    uint8_t possible; /* enum us_status bits */
    uint8_t proof;    /* enum proof; see facts_qualifies() */
    uint8_t source;   /* enum fact_source */
    uint8_t reserved;
};

enum facts_nationality_flags {
    FACTS_NATIONALITY_LOST = 1 << 0,     /* held once; ITAR (22 CFR 120.50(b)) still counts it */
    FACTS_NATIONALITY_CONFLICT = 1 << 1, /* one document was read differently: counts as unknown */
};

/*
 * A citizenship or a permanent residency.  `country` is a state, or in a list of citizenships a
 * code that leaves several states possible and shows none (GBN, the other British codes, former
 * states): see country_possible_states().  What names no country (XXA, XXB, XXC, XXX,
 * organizations) makes no entry.
 *
 * The United States: whether somebody is its citizen or its permanent resident is decided by
 * facts_possible_us_status() alone, for a US passport shows "citizen or national".  An entry USA is
 * there wherever the citizenship (or the residence) is possible, for its dates: "the most recent"
 * and "ever held" look at the list.
 *
 * Entries stand in order of `country`; each country stands once in a list.
 */
struct facts_nationality {
    country_id country;
    uint8_t proof;              /* the best that there is; enum proof */
    uint8_t source;             /* of the best proof; enum fact_source */
    uint8_t flags;              /* enum facts_nationality_flags */
    uint8_t acquired_precision; /* enum date_precision */
    uint16_t reserved;
    int32_t acquired_day; /* DAY_NONE when unknown */
    int32_t lost_day;     /* DAY_NONE when held, or lost on an unknown day */
};

struct facts_affiliation {
    uint64_t organization; /* organization_key() */
    uint8_t as;            /* AFFILIATION_* bits; 0 with is_complete: not affiliated */
    uint8_t is_complete;   /* the list for this organization is closed */
    uint16_t reserved;
    uint32_t reserved2;
};

enum facts_flags {
    FACTS_CITIZENSHIPS_COMPLETE =
        1 << 0,                 /* the list of citizenships and permanent residencies is closed */
    FACTS_US_CONFLICT = 1 << 1, /* contradictory US status: unknown */
    FACTS_CITIZENSHIP_CONFLICT = 1 << 2, /* evidence of different persons, or read differently */
    FACTS_US_EXPIRED =
        1 << 3, /* a US status was proven, and its end has passed without a renewal */
    FACTS_ACCREDITED = 1 << 4,   /* accredited to the US (8 U.S.C. 1257): US status is unknown */
    FACTS_STATELESS = 1 << 5,    /* a 1954 Convention document was seen */
    FACTS_REVIEW_DUE = 1 << 6,   /* a review_by has passed: an obligation, not an end */
    FACTS_HAS_EVIDENCE = 1 << 7, /* there is at least one active piece of evidence */
    FACTS_MINOR = 1 << 8,
    FACTS_BIRTH_CONFLICT = 1 << 9,
};

/* Everything but the lists. */
struct facts_header {
    int64_t valid_until_ms;    /* the next moment at which any of this changes by itself;
                                  TIMESTAMP_NEVER_MS */
    uint32_t evidence_classes; /* bit (1 << enum evidence_class) of each active piece */
    uint16_t flags;            /* enum facts_flags */
    country_id birth_country;  /* as read, so that a territory stays one */
    country_id organized_in;   /* of an organization */
    uint8_t birth_proof;       /* enum proof; PROOF_CHIP for what a register or a reviewer states.
                                  A birthplace is in no MRZ and not in DG1: at most
                                  PROOF_DOCUMENT_AUTHENTICATED when read */
    uint8_t subject_kind;      /* enum subject_kind */
    uint8_t organization_kind; /* enum organization_kind */
    uint8_t assurance;         /* the best IAL that a vendor asserts */
    uint8_t us_status_count;
    uint8_t citizenship_count;
    uint8_t residency_count;
    uint8_t affiliation_count;
    uint16_t reserved;
    uint64_t self_organization; /* of an organization: its own organization_key(); else 0 */
};

struct facts_content {
    struct facts_header header; /* its counts say how much of each list is used */
    struct facts_us_status us_statuses[FACTS_US_STATUSES_MAX];
    struct facts_nationality citizenships[FACTS_CITIZENSHIPS_MAX];
    struct facts_nationality residencies[FACTS_RESIDENCIES_MAX];
    struct facts_affiliation affiliations[FACTS_AFFILIATIONS_MAX];
};

/* The lists follow the header: affiliations, citizenships, residencies, US statuses. */
struct facts {
    struct facts_header header;
    _Alignas(8) unsigned char lists[];
};

/* The cache counts on it: the usual person, without the cache's own part. */
_Static_assert(sizeof(struct facts_header) + sizeof(struct facts_nationality) +
                       sizeof(struct facts_affiliation) <=
                   88,
               "one citizenship and one affiliation fit 88 bytes");

/* Bytes that facts with these counts take, the header included. */
size_t facts_size(const struct facts_header *header);

/* The compact form, in the arena. */
struct facts *facts_pack(const struct facts_content *content, struct arena *arena);

const struct facts_affiliation *facts_affiliations(const struct facts *facts);
const struct facts_nationality *facts_citizenships(const struct facts *facts);
const struct facts_nationality *facts_residencies(const struct facts *facts);
const struct facts_us_status *facts_us_statuses(const struct facts *facts);

/* A subject of whom nothing at all is known. */
extern const struct facts facts_unknown;

/* The input of the derivation: one subject's record. */
struct facts_input {
    enum subject_kind kind;
    const struct evidence *evidence;
    size_t evidence_count;
    const struct affiliation *affiliations;
    size_t affiliation_count;
    bool is_minor;
};

/*
 * What the record proves at `now_ms`; docs/facts.md has the rules.  Pure: allocates nothing, and
 * the order of the evidence does not matter.  Days begin at midnight UTC, so nothing changes within
 * one; `valid_until_ms` is the first midnight at which the result would be another.
 *
 * A service stands for the persons behind it: its own papers and affiliations prove nothing.
 *
 * There may be FACTS_EVIDENCE_MAX pieces of evidence.  More citizenships, residencies or
 * affiliations than the lists hold are refused when evidence is accepted (SUBJECT_FULL), so that
 * nothing is dropped here.
 */
void facts_derive(const struct facts_input *input, int64_t now_ms,
                  struct facts_content *ret_content);

/* An organization's own facts. */
void facts_of_organization(const struct organization *organization,
                           struct facts_content *ret_content);

/*
 * Would the record, with all its evidence, still fit the lists?  SUBJECT_FULL names what does not.
 * Called before a write is made.
 */
MUST_CHECK bool facts_check_capacity(const struct facts_input *input, struct err *err);

/*
 * Does a fact with this backing count where proof of at least `least` is demanded?  What was read
 * from a document is measured; what a register, a reviewer or an employer states counts by its
 * source; the subject's own declaration of something held is worth as much as no proof at all.  (A
 * declaration that closes a list is not asked this.)
 */
static inline bool facts_qualifies(uint8_t proof, uint8_t source, enum proof least)
{
    bool is_attested = source == FACT_SOURCE_REGISTER || source == FACT_SOURCE_REVIEWER ||
                       source == FACT_SOURCE_EMPLOYER;

    return is_attested || proof >= (uint8_t)least;
}

/*
 * Three-valued look at the US status: what remains possible when only proof of at least `least`
 * counts. US_STATUS_ANY when nothing is known, when it conflicts, or when the person is accredited.
 */
uint8_t facts_possible_us_status(const struct facts *facts, enum proof least);

/* How the facts read to a person: one short line per fact, no more than is in them.  Organizations
 * are named if they are among `organizations` (NULL: none is). */
size_t facts_describe(const struct facts *facts, const struct organizations *organizations,
                      struct arena *arena, const char *const **ret_lines);

#endif
