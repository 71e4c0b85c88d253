/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Countries, and the codes in a nationality field that are none.
 *
 * One table, made at build time from ISO 3166-1 (iso-codes) and ICAO Doc 9303 part 3 section 5.  A
 * code is interned as a small number that means the same as long as the process runs and is never
 * stored: what is stored is the alpha-3 code.
 */
#ifndef DOMAIN_COUNTRY_COUNTRY_H
#define DOMAIN_COUNTRY_COUNTRY_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

typedef uint16_t country_id;

#define COUNTRY_NONE ((country_id)0)

/* Room for every code that the table may hold; the build fails when it does not fit. */
enum { COUNTRY_MAX = 320, COUNTRY_SET_WORDS = COUNTRY_MAX / 64 };

enum country_kind {
    COUNTRY_KIND_STATE,        /* ISO 3166-1, and Kosovo (RKS, XKX) */
    COUNTRY_KIND_TERRITORY,    /* ISO 3166-1, but its people hold the nationality of `state`; of
                                  none that the code tells: British Overseas Territories, ATA */
    COUNTRY_KIND_BRITISH,      /* GBD GBN GBO GBP GBS: British, and not citizens of GBR */
    COUNTRY_KIND_ORGANIZATION, /* EUE UNO UNA UNK XBA XIM XCC XCE XCO XEC XPO XES XMP XOM XDC IAO:
                                  issuers only */
    COUNTRY_KIND_STATELESS,    /* XXA */
    COUNTRY_KIND_REFUGEE,      /* XXB XXC: the nationality is not stated */
    COUNTRY_KIND_UNSPECIFIED,  /* XXX */
    COUNTRY_KIND_SPECIMEN,     /* UTO and the older YTO: refused */
    COUNTRY_KIND_FORMER, /* stood for a state that is gone and has no single successor: YUG SCG ANT
                            NTZ */
};

struct country {
    const char *alpha3; /* "DEU"; for codes outside ISO the ICAO code */
    const char *alpha2; /* "DE"; "" where there is none */
    const char *name;   /* English short name */
    uint16_t numeric;   /* ISO 3166-1 numeric; 0 where there is none */
    enum country_kind kind;
    country_id state; /* whose nationality: itself for a state, the state of a territory that has
                         one, else COUNTRY_NONE */
};

struct country_set {
    uint64_t words[COUNTRY_SET_WORDS];
};

/* The row; never NULL (COUNTRY_NONE and impossible numbers give a row with empty texts). */
const struct country *country_get(country_id id);

/* How many ids there are, COUNTRY_NONE included: ids are 0 … count - 1. */
size_t country_count(void);

/*
 * A code as it stands in a machine-readable zone: three characters, `<` as filler.  `D<<` is DEU,
 * and so is `DEU`; the YTO of older specimens is UTO.  Former codes with one successor give the
 * successor (ZAR COD, ROM ROU, TMP TLS, ZIM ZWE).  COUNTRY_NONE when ICAO Doc 9303-3 section 5 does
 * not know it.
 */
country_id country_from_mrz(struct span code);

/*
 * A code in a field that is defined as ISO 3166-1: alpha-2 or alpha-3, upper case.  `XK`, `XKX` and
 * `RKS` are Kosovo.  COUNTRY_NONE for anything else, the special codes of ICAO among it.
 */
country_id country_from_iso(struct span code);

/* The `alpha3` of a row, special codes included and other spellings not: what storage uses. */
country_id country_from_alpha3(struct span code);

/*
 * Whose citizenship a nationality code shows: the state itself, the state of a territory (PRI is
 * USA, HKG is CHN, REU is FRA); COUNTRY_NONE when the code names no country.
 */
country_id country_nationality(country_id id);

/*
 * Of which countries a holder of this nationality may be a citizen although the code does not say
 * so: GBN {GBR, CHN}, the other British codes and the British Overseas Territories {GBR}, former
 * states their successors.  Empty for the rest.
 */
struct country_set country_possible_states(country_id id);

static inline void country_set_add(struct country_set *set, country_id id)
{
    set->words[id / 64] |= UINT64_C(1) << (id % 64);
}

static inline bool country_set_has(const struct country_set *set, country_id id)
{
    return id < COUNTRY_MAX && (set->words[id / 64] >> (id % 64) & 1);
}

static inline bool country_set_intersects(const struct country_set *a, const struct country_set *b)
{
    uint64_t common = 0;

    for (size_t i = 0; i < COUNTRY_SET_WORDS; i++)
        common |= a->words[i] & b->words[i];
    return common != 0;
}

static inline bool country_set_is_empty(const struct country_set *set)
{
    uint64_t all = 0;

    for (size_t i = 0; i < COUNTRY_SET_WORDS; i++)
        all |= set->words[i];
    return all == 0;
}

size_t country_set_count(const struct country_set *set);

#endif
