/* SPDX-License-Identifier: Apache-2.0 */
/* US status: papers leave statuses possible; stronger ones supersede, statements close. */
#include "domain/facts/us_status.h"

#include "base/attributes.h"

enum {
    US_NATIONALS = US_STATUS_CITIZEN | US_STATUS_NATIONAL,
    US_PROTECTED = US_STATUS_REFUGEE | US_STATUS_ASYLEE,
};

/* Every set of possibilities that a piece of evidence can leave, strongest first. */
static const uint8_t strengths[] = {
    US_STATUS_CITIZEN,
    US_NATIONALS,
    US_STATUS_NATIONAL,
    US_STATUS_LPR,
    US_PROTECTED | US_STATUS_LPR,
    US_STATUS_REFUGEE,
    US_STATUS_ASYLEE,
    US_STATUS_TEMPORARY,
};
_Static_assert(ARRAY_LEN(strengths) <= FACTS_US_STATUSES_MAX, "one row for each");

int backing_rank(uint8_t proof, uint8_t source)
{
    return facts_qualifies(proof, source, PROOF_CHIP) ? PROOF_CHIP : proof;
}

/* At equal rank the document is named before the statement. */
static bool is_better(const struct facts_us_status *a, const struct facts_us_status *b)
{
    int rank_a = backing_rank(a->proof, a->source), rank_b = backing_rank(b->proof, b->source);

    return rank_a != rank_b ? rank_a > rank_b : a->source < b->source;
}

/* One piece of evidence that gives a US status, on a day. */
struct positive {
    enum standing standing;
    int32_t end_day; /* DAY_NONE when it has none, or an unknown one */
    bool has_lapsed; /* ended because nobody filed the petition in time */
};

/* Citizens and nationals lose nationality (8 U.S.C. 1481), residents residence; refuge is neither.
 */
static struct positive positive_of(const struct dossier *dossier, const struct reading *reading,
                                   int32_t today)
{
    enum holding holding =
        reading->us_possible & US_NATIONALS ? HOLDING_CITIZENSHIP : HOLDING_RESIDENCY;
    struct loss loss = {.day = DAY_NONE};
    struct positive positive = {.end_day = reading->ends_day};

    if (reading->us_possible & (US_NATIONALS | US_STATUS_LPR))
        loss = dossier_loss(dossier, holding, dossier->usa, today);
    positive.standing = reading_standing(reading, holding, dossier->usa, &loss, today);
    positive.has_lapsed = positive.standing == STANDING_ENDED && !loss.is_lost;
    if (loss.is_lost && (positive.end_day == DAY_NONE || loss.day < positive.end_day))
        positive.end_day = loss.day;
    return positive;
}

/* The latest statement that there is no status that protects. */
static const struct reading *latest_none(const struct dossier *dossier, int32_t today)
{
    const struct reading *latest = NULL;

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];

        if (!reading->is_us_status_none || (reading->disputes & DISPUTE_US_STATUS) ||
            !reading_speaks(reading, today))
            continue;
        if (!latest || reading->dated_day > latest->dated_day ||
            (reading->dated_day == latest->dated_day && reading->source > latest->source))
            latest = reading;
    }
    return latest;
}

/* Accreditation ends only by a statement that is dated after it. */
static bool is_accredited(const struct dossier *dossier, int32_t today)
{
    int32_t accredited_day = DAY_NONE, ended_day = DAY_NONE;

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];

        if (!reading_speaks(reading, today))
            continue;
        if (reading->is_accredited && reading->dated_day > accredited_day)
            accredited_day = reading->dated_day;
        if (reading->ends_accreditation && reading->dated_day > ended_day)
            ended_day = reading->dated_day;
    }
    return accredited_day != DAY_NONE && ended_day <= accredited_day;
}

/* What all the evidence together comes to, before it is written down. */
struct tally {
    struct facts_us_status best[ARRAY_LEN(strengths)]; /* possible = 0: no such evidence */
    const struct reading *none;
    bool is_none_superseded;   /* a status was shown after it was denied */
    bool is_none_contradicted; /* it was denied while papers that showed it were good */
    bool is_disputed;
    bool has_lapsed;
    bool has_any;
};

static void tally_keep(struct tally *tally, const struct reading *reading, int32_t today)
{
    const struct reading *backer = reading_backer(reading, today);
    struct facts_us_status row = {
        .possible = reading->us_possible,
        .proof = (uint8_t)backer->evidence->proof,
        .source = (uint8_t)backer->source,
    };

    tally->has_any = true;
    for (size_t i = 0; i < ARRAY_LEN(strengths); i++)
        if (strengths[i] == row.possible &&
            (!tally->best[i].possible || is_better(&row, &tally->best[i])))
            tally->best[i] = row;
}

static void tally_add(struct tally *tally, const struct dossier *dossier,
                      const struct reading *reading, int32_t today)
{
    struct positive positive = positive_of(dossier, reading, today);
    bool is_held = positive.standing == STANDING_HELD;

    if (positive.standing == STANDING_NOT_YET)
        return;
    if (reading->disputes & DISPUTE_US_STATUS) {
        tally->is_disputed |= positive.standing != STANDING_ENDED;
        return;
    }
    if (tally->none && reading->dated_day > tally->none->dated_day)
        tally->is_none_superseded = true;
    else if (tally->none && (is_held || positive.end_day > tally->none->dated_day))
        tally->is_none_contradicted = true;
    tally->is_disputed |= positive.standing == STANDING_CONTESTED;
    tally->has_lapsed |= positive.has_lapsed;
    if (is_held)
        tally_keep(tally, reading, today);
}

/* Does `by` say all that `row` says, on every level of proof on which `row` counts? */
static bool makes_redundant(const struct facts_us_status *by, const struct facts_us_status *row,
                            bool is_stronger)
{
    uint8_t common = by->possible & row->possible;

    if (backing_rank(by->proof, by->source) < backing_rank(row->proof, row->source))
        return false;
    if (common == 0) /* neither refuge supersedes the other */
        return is_stronger && ((by->possible | row->possible) & ~US_PROTECTED);
    return common == by->possible;
}

static void write_rows(const struct tally *tally, struct facts_content *content)
{
    for (size_t i = 0; i < ARRAY_LEN(strengths); i++) {
        bool is_redundant = tally->best[i].possible == 0;

        for (size_t j = 0; j < ARRAY_LEN(strengths) && !is_redundant; j++)
            is_redundant = j != i && tally->best[j].possible != 0 &&
                           makes_redundant(&tally->best[j], &tally->best[i], j < i);
        if (!is_redundant)
            content->us_statuses[content->header.us_status_count++] = tally->best[i];
    }
}

void us_status_derive(const struct dossier *dossier, int32_t today, struct facts_content *content)
{
    struct tally tally = {.none = latest_none(dossier, today)};
    bool is_none;

    for (size_t i = 0; i < dossier->count; i++)
        if (dossier->readings[i].us_possible)
            tally_add(&tally, dossier, &dossier->readings[i], today);
    is_none = tally.none && !tally.is_none_superseded;
    if (is_accredited(dossier, today))
        content->header.flags |= FACTS_ACCREDITED;
    if ((is_none && tally.is_none_contradicted) || (tally.is_disputed && !tally.has_any))
        content->header.flags |= FACTS_US_CONFLICT;
    if (tally.has_lapsed && !tally.has_any && !is_none)
        content->header.flags |= FACTS_US_EXPIRED;
    if (content->header.flags & (FACTS_ACCREDITED | FACTS_US_CONFLICT))
        return;
    if (is_none)
        content->us_statuses[content->header.us_status_count++] = (struct facts_us_status){
            .possible = US_STATUS_NONE,
            .proof = PROOF_UNSPECIFIED,
            .source = (uint8_t)tally.none->source,
        };
    else
        write_rows(&tally, content);
}

uint8_t us_status_possible(uint16_t flags, const struct facts_us_status *rows, size_t count,
                           enum proof least)
{
    uint8_t possible = US_STATUS_ANY;

    if (flags & (FACTS_ACCREDITED | FACTS_US_CONFLICT))
        return US_STATUS_ANY;
    for (size_t i = 0; i < count; i++) {
        bool counts = rows[i].possible == US_STATUS_NONE ||
                      facts_qualifies(rows[i].proof, rows[i].source, least);

        if (!counts)
            continue;
        if (possible & rows[i].possible)
            possible &= rows[i].possible;
        else if (!((possible | rows[i].possible) & ~US_PROTECTED))
            possible |= rows[i].possible; /* refugee and asylee: one of the two, both protect */
    }
    return possible;
}
