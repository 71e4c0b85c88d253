/* SPDX-License-Identifier: Apache-2.0 */
/* The permanent resident card, form I-551: is the residence that it shows conditional, and when
 * does it end? */
#include "base/attributes.h"
#include "domain/facts/reading.h"

/* A conditional card is good for two years, a full one for ten; what lies between does not exist.
 */
enum { TWO_YEAR_CARD_DAYS_MAX = 3 * 366, CONDITIONAL_YEARS = 2, CLASS_LENGTH = 3 };

/* Cards that were made later all have an expiry. */
enum { LAST_YEAR_WITHOUT_EXPIRY = 1989 };

/*
 * Classes of admission that are conditional: 8 U.S.C. 1186a (marriage, form I-751) and 1186b
 * (investors, form I-829); symbols of 22 CFR 42.11 and, for adjustments, of USCIS.  A prefix stands
 * for all who share it: principal, spouse and child, new arrivals (1 2 3) and adjusted (6 7 8).
 */
static const struct conditional_class {
    char prefix[3];
    enum petition petition;
} conditional_classes[] = {
    {"CR", PETITION_I751}, /* spouse or child of a citizen */
    {"CF", PETITION_I751}, /* … who came as fiancé(e) */
    {"CX", PETITION_I751}, /* spouse or child of a permanent resident, outside the quota */
    {"C2", PETITION_I751}, /* … within it */
    {"C3", PETITION_I751}, /* married son or daughter of a citizen */
    {"C5", PETITION_I829}, /* investors until 2022: no targeted area, no regional centre */
    {"T5", PETITION_I829}, /* … targeted area */
    {"R5", PETITION_I829}, /* … regional centre */
    {"I5", PETITION_I829}, /* … both */
    {"NU", PETITION_I829}, /* investors since 2022, without a regional centre: unreserved */
    {"NR", PETITION_I829}, /* … rural */
    {"NH", PETITION_I829}, /* … high unemployment */
    {"RU", PETITION_I829}, /* with a regional centre: unreserved */
    {"RR", PETITION_I829}, /* … rural */
    {"RH", PETITION_I829}, /* … high unemployment */
    {"RI", PETITION_I829}, /* … infrastructure */
};

/*
 * Classes that are never conditional: the commoner symbols of 22 CFR 42.11, and of USCIS for those
 * who adjusted.  A class that is not here is not thereby conditional: the dates on the card decide.
 */
static const char full_classes[][3] = {
    "IR", "IH", "IW", "IB",       /* immediate relatives */
    "F1", "F2", "F3", "F4", "FX", /* family preferences */
    "B1", "B2", "B3", "BX",       /* … self-petitioned */
    "E1", "E2", "E3", "EW",       /* employment preferences */
    "SD", "SR", "SL", "SI", "SQ", /* special immigrants */
    "DV", "SB",                   /* diversity visas; returning residents */
    "RE", "AS",                   /* refugees and asylees */
};

static bool is_full_class(const char category[EVIDENCE_CATEGORY_MAX])
{
    if (strnlen(category, EVIDENCE_CATEGORY_MAX) != CLASS_LENGTH)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(full_classes); i++)
        if (strncmp(category, full_classes[i], 2) == 0)
            return true;
    return false;
}

static const struct conditional_class *conditional_class_find(const struct evidence *evidence)
{
    for (size_t i = 0; i < ARRAY_LEN(conditional_classes); i++)
        if (strncmp(evidence->i551_category, conditional_classes[i].prefix, 2) == 0)
            return &conditional_classes[i];
    return NULL;
}

/* Can the dates on a card whose class is not known only be those of a full one? */
static bool is_full_card(const struct evidence *evidence)
{
    const int32_t starts[] = {evidence->issued_day, evidence->resident_since_day};

    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (starts[i] != DAY_NONE &&
            (int64_t)evidence->expires_day - starts[i] > TWO_YEAR_CARD_DAYS_MAX)
            return true;
    return false;
}

/* Can it be one of 1977 to 1989, which have no expiry, or was the expiry only not read? */
static bool may_have_no_expiry(const struct evidence *evidence)
{
    const int32_t starts[] = {evidence->issued_day, evidence->resident_since_day};

    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (starts[i] != DAY_NONE && civil_from_day(starts[i]).year > LAST_YEAR_WITHOUT_EXPIRY)
            return false;
    return true;
}

/* The second anniversary of the admission, 8 U.S.C. 1186a(c)(1). */
static int32_t second_anniversary(int32_t day)
{
    struct civil_date date = civil_from_day(day);

    date.year += CONDITIONAL_YEARS;
    if (!civil_date_is_valid(date)) /* 29 February */
        date = (struct civil_date){date.year, 3, 1};
    return day_from_civil(date);
}

void residence_card_read(const struct evidence *evidence, struct reading *reading)
{
    const struct conditional_class *class = conditional_class_find(evidence);

    if (!class && is_full_class(evidence->i551_category))
        return;
    if (!class && evidence->expires_day == DAY_NONE && may_have_no_expiry(evidence)) {
        reading->may_be_conditional = true;
        return;
    }
    if (!class && evidence->expires_day != DAY_NONE && is_full_card(evidence))
        return;
    reading->petitions = class ? (uint8_t) class->petition : PETITION_I751 | PETITION_I829;
    if (evidence->expires_day != DAY_NONE)
        reading->ends_day = evidence->expires_day + 1;
    else if (evidence->resident_since_day != DAY_NONE)
        reading->ends_day = second_anniversary(evidence->resident_since_day);
    else
        reading->ends_day = reading->dated_day; /* nothing shows that it lasted any longer */
}
