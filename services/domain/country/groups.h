/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named sets of countries: the country groups of 15 CFR part 740 supplement 1, and sets of one's
 * own.
 *
 * Law changes at short notice, so that sets are data: a YAML file with source, as-of date and
 * digest. The file that ships is embedded in the program and may be replaced by another without a
 * rebuild:
 *
 *     source: "15 CFR part 740, supplement no. 1"
 *     as_of: 2026-07-08
 *     sets:
 *       - name: "EAR:E:1"
 *         title: "State sponsors of terrorism"
 *         countries: [IRN, PRK, SYR]
 *
 * A name is 1 to 64 characters of letters, digits and `: . _ -`, stands once, and is compared
 * exactly.  Countries are alpha-3 codes of states and territories; a title may be left out.
 */
#ifndef DOMAIN_COUNTRY_GROUPS_H
#define DOMAIN_COUNTRY_GROUPS_H

#include "base/diagnostics.h"
#include "domain/country/country.h"

enum {
    COUNTRY_GROUPS_MAX = 1000,    /* sets of one file */
    COUNTRY_GROUP_NAME_MAX = 64,  /* characters */
    COUNTRY_GROUP_TEXT_MAX = 256, /* bytes of a source or a title */
};

struct country_group {
    const char *name;
    const char *title; /* "" when the file has none */
    struct country_set countries;
};

/* Immutable after loading; lives in the arena given to country_groups_load(). */
struct country_groups {
    const char *source;
    int32_t as_of_day;
    char digest[65]; /* SHA-256 of the file, lower-case hex */
    struct country_group *groups;
    size_t count;
};

/* NULL when the file has errors; each is in `diagnostics` with its line. */
struct country_groups *country_groups_load(struct span content, const char *file,
                                           struct arena *arena, struct diagnostics *diagnostics);

/* The file that ships with the program. */
struct span country_groups_default(void);

/* NULL when there is no such set. */
const struct country_group *country_groups_find(const struct country_groups *groups,
                                                struct span name);

#endif
