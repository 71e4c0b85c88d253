/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: one row per class of evidence says what it proves.  docs/facts.md tells the same. */
#include "domain/facts/reading.h"

#include "base/attributes.h"

enum { US_CITIZEN_OR_NATIONAL = US_STATUS_CITIZEN | US_STATUS_NATIONAL };

/* When a row's column applies. */
enum condition {
    NEVER = 0,
    ALWAYS,
    US_ISSUER,      /* issued by the United States, its states or territories */
    US_FORM,        /* … or the issuer is not given: the form exists nowhere else */
    US_NATIONALITY, /* … of which the nationality that was read is that of the United States: others
                       put it on their papers as well, a laissez-passer or an alien's passport */
};

struct class_rule {
    enum condition citizen;   /* shows a citizenship … */
    bool is_by_issuer;        /* … of the issuer; else of the nationality that was read */
    enum proof citizen_least; /* a nationality taken in a weaker way counts for nothing */
    enum condition status;    /* shows a US status … */
    uint8_t possible;         /* … this one, */
    uint8_t (*possible_by)(const struct evidence *); /* … or what is written on it */
    bool is_about_residence; /* `acquired` dates the status, not the citizenship of the holder */
};

static uint8_t status_by_endorsement(const struct evidence *evidence);
static uint8_t status_by_ead_category(const struct evidence *evidence);
static uint8_t status_by_i94_class(const struct evidence *evidence);
static uint8_t status_by_i797_type(const struct evidence *evidence);
static uint8_t status_by_birth(const struct evidence *evidence);

static const struct class_rule class_rules[] = {
    [EVIDENCE_UNSPECIFIED] = {0},
    [EVIDENCE_PASSPORT] = {.citizen = ALWAYS,
                           .status = US_NATIONALITY,
                           .possible_by = status_by_endorsement},
    [EVIDENCE_PASSPORT_CARD] = {.citizen = ALWAYS,
                                .status = US_NATIONALITY,
                                .possible_by = status_by_endorsement},
    /* Some states issue them to foreign residents, so that a nationality concluded from the issuer
     * is worth nothing. */
    [EVIDENCE_NATIONAL_ID_CARD] = {.citizen = ALWAYS, .citizen_least = PROOF_VISUAL},
    [EVIDENCE_PERMANENT_RESIDENT_CARD] = {.citizen = US_ISSUER,
                                          .status = US_ISSUER,
                                          .possible = US_STATUS_LPR,
                                          .is_about_residence = true},
    [EVIDENCE_REENTRY_PERMIT] = {.citizen = US_ISSUER,
                                 .status = US_ISSUER,
                                 .possible = US_STATUS_LPR,
                                 .is_about_residence = true},
    /* Also issued to permanent residents who became that as refugees or asylees, 8 CFR 223.1(b). */
    [EVIDENCE_REFUGEE_TRAVEL_DOCUMENT] = {.citizen = ALWAYS,
                                          .status = US_ISSUER,
                                          .possible =
                                              US_STATUS_REFUGEE | US_STATUS_ASYLEE | US_STATUS_LPR,
                                          .is_about_residence = true},
    [EVIDENCE_TRAVEL_DOCUMENT] = {.citizen = ALWAYS, .is_about_residence = true},
    [EVIDENCE_EMPLOYMENT_AUTHORIZATION] = {.status = US_FORM,
                                           .possible_by = status_by_ead_category,
                                           .is_about_residence = true},
    [EVIDENCE_ARRIVAL_RECORD] = {.status = US_FORM,
                                 .possible_by = status_by_i94_class,
                                 .is_about_residence = true},
    [EVIDENCE_NOTICE_OF_ACTION] = {.status = US_FORM,
                                   .possible_by = status_by_i797_type,
                                   .is_about_residence = true},
    [EVIDENCE_NATURALIZATION_CERTIFICATE] = {.citizen = ALWAYS,
                                             .is_by_issuer = true,
                                             .status = US_ISSUER,
                                             .possible = US_STATUS_CITIZEN},
    [EVIDENCE_CITIZENSHIP_CERTIFICATE] = {.citizen = ALWAYS,
                                          .is_by_issuer = true,
                                          .status = US_ISSUER,
                                          .possible = US_STATUS_CITIZEN},
    [EVIDENCE_BIRTH_CERTIFICATE] = {.status = US_ISSUER, .possible_by = status_by_birth},
    [EVIDENCE_CONSULAR_REPORT_OF_BIRTH] = {.status = US_ISSUER, .possible = US_STATUS_CITIZEN},
    /* Whether it is permanent is not on it in a form that can be relied on: a statement says that.
     */
    [EVIDENCE_RESIDENCE_PERMIT] = {0},
    [EVIDENCE_VISA] = {0},
    [EVIDENCE_DRIVING_LICENCE] = {0},
    /* Names the organization, never the holder's own nationality. */
    [EVIDENCE_LAISSEZ_PASSER] = {0},
    [EVIDENCE_STATEMENT] = {0}, /* read_statement() */
};

static bool category_is(const char category[EVIDENCE_CATEGORY_MAX], const char *wanted)
{
    return strncmp(category, wanted, EVIDENCE_CATEGORY_MAX) == 0;
}

/* A number from outside the enum proves nothing. */
static uint8_t possible_at(const uint8_t *possible, size_t count, unsigned number)
{
    return number < count ? possible[number] : 0;
}

static uint8_t status_by_endorsement(const struct evidence *evidence)
{
    static const uint8_t possible[] = {
        [US_ENDORSEMENT_UNSPECIFIED] = US_CITIZEN_OR_NATIONAL,
        [US_ENDORSEMENT_ABSENT] = US_STATUS_CITIZEN,
        [US_ENDORSEMENT_NATIONAL] = US_STATUS_NATIONAL,
    };

    return possible_at(possible, ARRAY_LEN(possible), evidence->us_endorsement);
}

/*
 * 8 CFR 274a.12(a)(3) and (a)(5).  Not (a)(10), withholding of removal, nor any of (c).  The
 * temporary residence of (a)(2) ended for who did not ask for more in time (8 CFR
 * 245a.2(u)(1)(iv)), so that a card of these years shows nothing by itself: a reviewer has to say
 * that it lasts.
 */
static uint8_t status_by_ead_category(const struct evidence *evidence)
{
    if (category_is(evidence->ead_category, "A03"))
        return US_STATUS_REFUGEE;
    if (category_is(evidence->ead_category, "A02"))
        return evidence->source == FACT_SOURCE_REVIEWER ? US_STATUS_TEMPORARY : 0;
    return category_is(evidence->ead_category, "A05") ? US_STATUS_ASYLEE : 0;
}

static uint8_t status_by_i94_class(const struct evidence *evidence)
{
    static const uint8_t possible[] = {
        [I94_UNSPECIFIED] = 0,
        [I94_REFUGEE] = US_STATUS_REFUGEE,
        [I94_ASYLEE] = US_STATUS_ASYLEE,
        [I94_OTHER] = 0,
    };

    return possible_at(possible, ARRAY_LEN(possible), evidence->i94_class);
}

static uint8_t status_by_i797_type(const struct evidence *evidence)
{
    static const uint8_t possible[] = {
        [I797_ASYLUM_GRANT] = US_STATUS_ASYLEE,
        [I797_I485_APPROVAL] = US_STATUS_LPR,
    };

    return possible_at(possible, ARRAY_LEN(possible), evidence->i797_type);
}

/*
 * Birth in a state or territory (8 U.S.C. 1401, 1402, 1406, 1407; 48 U.S.C. 1801 for the Northern
 * Marianas; 8 U.S.C. 1408 for American Samoa).  States also certify births abroad, for the adopted:
 * such a paper names another place and gives nothing.
 */
static uint8_t status_by_birth(const struct evidence *evidence)
{
    country_id usa = country_nationality(evidence->issuer);

    if (!evidence->has_photo_id || (evidence->birth_country != COUNTRY_NONE &&
                                    country_nationality(evidence->birth_country) != usa))
        return 0;
    return US_CITIZEN_OR_NATIONAL;
}

static bool condition_holds(enum condition condition, const struct evidence *evidence,
                            country_id usa)
{
    switch (condition) {
    case NEVER: return false;
    case ALWAYS: return true;
    case US_ISSUER: return country_nationality(evidence->issuer) == usa;
    case US_FORM:
        return evidence->issuer == COUNTRY_NONE || country_nationality(evidence->issuer) == usa;
    case US_NATIONALITY:
        return country_nationality(evidence->issuer) == usa &&
               country_nationality(evidence->nationality) == usa;
    }
    return false;
}

/* The state whose citizenship the code shows; a code that leaves several possible stays itself;
 * what names no country at all (XXA, XXB, XXX, organizations) is COUNTRY_NONE. */
static country_id country_shown(country_id code)
{
    country_id state = country_nationality(code);
    struct country_set possible;

    if (state != COUNTRY_NONE)
        return state;
    possible = country_possible_states(code);
    return country_set_is_empty(&possible) ? COUNTRY_NONE : code;
}

/* Birthplaces are countries or territories; a state that is gone says where nobody can be born. */
static country_id birth_shown(country_id code)
{
    return country_nationality(code) == COUNTRY_NONE ? COUNTRY_NONE : code;
}

static struct evidence_date date_of(struct evidence_date date)
{
    if (date.day == DAY_NONE || date.precision == DATE_UNKNOWN)
        return (struct evidence_date){DATE_UNKNOWN, DAY_NONE};
    return date;
}

/*
 * A citizenship on a paper is held already: a date of acquisition behind the day on which Passgate
 * had the paper is wrong, and must not hide what the paper shows.  (A US status that begins later
 * has not begun: there the date holds.)
 */
static void drop_late_acquisition(country_id usa, struct reading *reading)
{
    struct evidence_date *since = &reading->since[HOLDING_CITIZENSHIP];
    int64_t seen_ms = reading->evidence->accepted_at_ms > reading->evidence->verified_at_ms
                          ? reading->evidence->accepted_at_ms
                          : reading->evidence->verified_at_ms;

    if (reading->holds[HOLDING_CITIZENSHIP] != COUNTRY_NONE &&
        reading->holds[HOLDING_CITIZENSHIP] != usa && since->day > day_of_ms(seen_ms))
        *since = (struct evidence_date){DATE_UNKNOWN, DAY_NONE};
}

static void read_document(const struct evidence *evidence, country_id usa, struct reading *reading)
{
    size_t number = (size_t)evidence->class;
    const struct class_rule *rule = &class_rules[number < ARRAY_LEN(class_rules) ? number : 0];
    struct evidence_date acquired = date_of(evidence->acquired);
    country_id code = rule->is_by_issuer ? evidence->issuer : evidence->nationality;

    if (condition_holds(rule->status, evidence, usa))
        reading->us_possible = rule->possible_by ? rule->possible_by(evidence) : rule->possible;
    if (condition_holds(rule->citizen, evidence, usa) && evidence->proof >= rule->citizen_least) {
        country_id shown = country_shown(code);

        reading->holds[HOLDING_CITIZENSHIP] = shown == usa ? COUNTRY_NONE : shown;
        reading->is_stateless = country_get(code)->kind == COUNTRY_KIND_STATELESS;
    }
    reading->since[rule->is_about_residence ? HOLDING_RESIDENCY : HOLDING_CITIZENSHIP] = acquired;
    drop_late_acquisition(usa, reading);
    if (evidence->class == EVIDENCE_PERMANENT_RESIDENT_CARD && reading->us_possible)
        residence_card_read(evidence, reading);
    else
        reading->may_be_conditional = reading->us_possible == US_STATUS_LPR;
    if (rule->is_about_residence && evidence->resident_since_day != DAY_NONE)
        reading->since[HOLDING_RESIDENCY] =
            (struct evidence_date){DATE_EXACT, evidence->resident_since_day};
    if (evidence->class == EVIDENCE_NOTICE_OF_ACTION && condition_holds(US_FORM, evidence, usa))
        reading->is_petition = evidence->i797_type == I797_I751_RECEIPT   ? PETITION_I751
                               : evidence->i797_type == I797_I829_RECEIPT ? PETITION_I829
                                                                          : 0;
    reading->birth_country = birth_shown(evidence->birth_country);
}

/* The subject's own word proves no US status: it would open every door that this one guards. */
static uint8_t stated_status(const struct reading *reading, country_id country, country_id usa,
                             enum us_status status)
{
    bool is_own_word = reading->source == FACT_SOURCE_DECLARATION;

    return country == usa && !is_own_word ? (uint8_t)status : 0;
}

static void read_statement(const struct evidence *evidence, country_id usa, struct reading *reading)
{
    country_id country = country_shown(evidence->country);
    country_id foreign = country == usa ? COUNTRY_NONE : country;
    struct evidence_date acquired = date_of(evidence->acquired);

    switch (evidence->statement) {
    case STATEMENT_CITIZENSHIPS_COMPLETE: reading->closes_citizenships = true; break;
    case STATEMENT_US_STATUS_NONE: reading->is_us_status_none = true; break;
    case STATEMENT_CITIZEN_OF:
        reading->holds[HOLDING_CITIZENSHIP] = foreign;
        reading->since[HOLDING_CITIZENSHIP] = acquired;
        reading->us_possible = stated_status(reading, country, usa, US_STATUS_CITIZEN);
        break;
    case STATEMENT_PERMANENT_RESIDENT_OF:
        reading->holds[HOLDING_RESIDENCY] = foreign;
        reading->since[HOLDING_RESIDENCY] = acquired;
        reading->us_possible = stated_status(reading, country, usa, US_STATUS_LPR);
        reading->may_be_conditional = reading->us_possible != 0;
        break;
    case STATEMENT_CITIZENSHIP_LOST: reading->lost[HOLDING_CITIZENSHIP] = country; break;
    case STATEMENT_RESIDENCE_ENDED: reading->lost[HOLDING_RESIDENCY] = country; break;
    case STATEMENT_BORN_IN: reading->birth_country = birth_shown(evidence->country); break;
    case STATEMENT_ACCREDITED_TO: reading->is_accredited |= country == usa; break;
    case STATEMENT_ACCREDITATION_ENDED: reading->ends_accreditation = country == usa; break;
    case STATEMENT_UNSPECIFIED: break;
    }
}

static int32_t first_day(int64_t preferred_ms, int64_t other_ms)
{
    return day_of_ms(preferred_ms ? preferred_ms : other_ms);
}

void reading_of(const struct evidence *evidence, country_id usa, struct reading *ret_reading)
{
    const struct evidence_date unknown = {DATE_UNKNOWN, DAY_NONE};
    bool is_statement = evidence->class == EVIDENCE_STATEMENT;
    struct reading reading = {
        .evidence = evidence,
        .source = evidence->source,
        .since = {unknown, unknown},
        .ends_day = DAY_NONE,
        .kept_day = DAY_NONE,
        .is_accredited = country_nationality(evidence->accredited_to) == usa,
        .speaks_from_day = is_statement ? evidence->as_of_day : DAY_NONE,
        .dated_day = is_statement && evidence->as_of_day != DAY_NONE
                         ? evidence->as_of_day
                         : first_day(evidence->verified_at_ms, evidence->accepted_at_ms),
        .entered_ms =
            evidence->accepted_at_ms ? evidence->accepted_at_ms : evidence->verified_at_ms,
    };

    /* Who does not say where it comes from is believed least. */
    if (reading.source == FACT_SOURCE_UNSPECIFIED)
        reading.source = is_statement ? FACT_SOURCE_DECLARATION : FACT_SOURCE_DOCUMENT;
    if (is_statement)
        read_statement(evidence, usa, &reading);
    else
        read_document(evidence, usa, &reading);
    if (reading.us_possible & US_STATUS_CITIZEN)
        reading.holds[HOLDING_CITIZENSHIP] = usa;
    if (reading.us_possible == US_STATUS_LPR)
        reading.holds[HOLDING_RESIDENCY] = usa;
    *ret_reading = reading;
}

/* Is there anything written on it that decides which US status it gives? */
static bool says_status(const struct evidence *evidence)
{
    return evidence->us_endorsement != US_ENDORSEMENT_UNSPECIFIED ||
           evidence->i551_category[0] != '\0' || evidence->ead_category[0] != '\0' ||
           evidence->i94_class != I94_UNSPECIFIED || evidence->i797_type != I797_UNSPECIFIED;
}

static country_id meaning(country_id code)
{
    country_id state = country_nationality(code);

    return state == COUNTRY_NONE ? code : state;
}

/* What was not read contradicts nothing. */
static bool is_read_differently(country_id a, country_id b)
{
    return a != COUNTRY_NONE && b != COUNTRY_NONE && meaning(a) != meaning(b);
}

static bool is_status_by_nationality(const struct evidence *evidence)
{
    size_t number = (size_t)evidence->class;

    return number < ARRAY_LEN(class_rules) && class_rules[number].status == US_NATIONALITY;
}

/* Is one reading of a card that of a conditional class, which the other one takes for a full card?
 * Which of the two classes or dates was misread nobody knows. */
static bool is_fuller_card(const struct reading *conditional, const struct reading *full)
{
    return conditional->evidence->i551_category[0] != '\0' && conditional->petitions != 0 &&
           full->petitions == 0 && !full->may_be_conditional;
}

/* Do two readings of one document show another US status, or another end of it? */
static bool is_status_read_differently(const struct reading *a, const struct reading *b)
{
    const struct evidence *x = a->evidence, *y = b->evidence;

    if (x->class == EVIDENCE_STATEMENT || y->class == EVIDENCE_STATEMENT)
        return false;
    if (x->class != y->class)
        return a->us_possible != b->us_possible;
    if (says_status(x) && says_status(y) &&
        (a->us_possible != b->us_possible || a->petitions != b->petitions))
        return true;
    return x->class == EVIDENCE_PERMANENT_RESIDENT_CARD &&
           ((x->expires_day != DAY_NONE && y->expires_day != DAY_NONE &&
             x->expires_day != y->expires_day) ||
            is_fuller_card(a, b) || is_fuller_card(b, a));
}

uint8_t reading_disputes(const struct reading *a, const struct reading *b)
{
    const struct evidence *x = a->evidence, *y = b->evidence;
    uint8_t disputes = 0;

    if (is_read_differently(x->nationality, y->nationality)) {
        disputes |= DISPUTE_NATIONALITY;
        if (is_status_by_nationality(x) || is_status_by_nationality(y))
            disputes |= DISPUTE_US_STATUS;
    }
    if (is_status_read_differently(a, b))
        disputes |= DISPUTE_US_STATUS;
    if (is_read_differently(x->birth_country, y->birth_country))
        disputes |= DISPUTE_BIRTH;
    return disputes;
}

int32_t reading_asserted_day(const struct reading *reading, country_id country)
{
    const struct evidence *evidence = reading->evidence;

    if (evidence->class == EVIDENCE_STATEMENT)
        return evidence->as_of_day;
    return country_nationality(evidence->issuer) == country ? evidence->issued_day : DAY_NONE;
}
