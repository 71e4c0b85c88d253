/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading: what one piece of evidence says by itself, whatever else is known and whatever day it
 * is.
 *
 * Internal to facts/.  docs/facts.md is the table in reading.c for people.
 */
#ifndef DOMAIN_FACTS_READING_H
#define DOMAIN_FACTS_READING_H

#include "domain/facts/facts.h"

/* What somebody can hold of a country.  Both are listed, dated and lost in the same way. */
enum holding { HOLDING_CITIZENSHIP, HOLDING_RESIDENCY, HOLDING_COUNT };

/* What of a reading another one contradicts. */
enum dispute {
    DISPUTE_NATIONALITY = 1 << 0,
    DISPUTE_US_STATUS = 1 << 1,
    DISPUTE_BIRTH = 1 << 2,
    DISPUTE_ALL = DISPUTE_NATIONALITY | DISPUTE_US_STATUS | DISPUTE_BIRTH,
};

/* Petitions that keep a conditional permanent residence alive, 8 CFR 216.4(a)(1) and 216.6(a)(1).
 */
enum petition { PETITION_I751 = 1 << 0, PETITION_I829 = 1 << 1 };

struct reading {
    const struct evidence *evidence;
    enum fact_source source;
    uint8_t disputes; /* enum dispute; filled in by dossier.c */

    country_id holds[HOLDING_COUNT];
    country_id lost[HOLDING_COUNT]; /* stated: ended, since evidence->as_of_day */
    struct evidence_date since[HOLDING_COUNT];

    uint8_t us_possible; /* 0 = nothing about US status */
    int32_t ends_day;    /* first day without the US status; DAY_NONE = does not end by itself */
    uint8_t petitions;   /* enum petition: any of these keeps a status that ends */
    uint8_t is_petition; /* enum petition: this is the receipt */
    const struct reading *receipt; /* since kept_day the status lasts by this alone; filled in by
                                      dossier.c */
    int32_t kept_day;
    bool may_be_conditional; /* shows permanent residence without saying of which kind */
    bool is_us_status_none;

    country_id birth_country;
    bool is_stateless;
    bool is_accredited;
    bool ends_accreditation;
    bool closes_citizenships;

    int32_t speaks_from_day; /* says nothing before; DAY_NONE = always */
    int32_t dated_day;       /* the day as of which it speaks */
    int64_t entered_ms;      /* when Passgate learned it */
};

void reading_of(const struct evidence *evidence, country_id usa, struct reading *ret_reading);

/* residence_card.c: fill in when the permanent residence that form I-551 shows ends, and what would
 * keep it.  A class that was misread (0R6) says no more than one that was not read. */
void residence_card_read(const struct evidence *evidence, struct reading *reading);

/* Do two readings of the same document contradict each other?  enum dispute. */
uint8_t reading_disputes(const struct reading *a, const struct reading *b);

/* Is it a document (or a statement) whose own subject is `country`: does its date of issue show
 * that the holding was recognised on that day?  DAY_NONE when not. */
int32_t reading_asserted_day(const struct reading *reading, country_id country);

#endif
