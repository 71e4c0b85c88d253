/* SPDX-License-Identifier: Apache-2.0 */
/* Dossier: which readings count, which contradict, and until when conditional residence lasts. */
#include "domain/facts/us_status.h"

#include <assert.h>

/* Two results of one check of one vendor.  Without an id nothing can be said. */
static bool is_same_check(const struct evidence *a, const struct evidence *b)
{
    return a->check_id.length > 0 && span_equal(a->check_id, b->check_id) &&
           span_equal(a->vendor, b->vendor);
}

/* The vendor's later word on a check replaces the earlier one, also when it takes the result back;
 * of two words of the same moment a revocation is the safer one. */
static bool is_replaced(const struct facts_input *input, size_t index)
{
    const struct evidence *evidence = &input->evidence[index];

    for (size_t i = 0; i < input->evidence_count; i++) {
        const struct evidence *other = &input->evidence[i];

        if (i == index || !is_same_check(evidence, other))
            continue;
        if (other->verified_at_ms > evidence->verified_at_ms ||
            (other->verified_at_ms == evidence->verified_at_ms && other->is_revoked))
            return true;
    }
    return false;
}

static bool is_given(const uint8_t hash[EVIDENCE_HASH_BYTES])
{
    static const uint8_t none[EVIDENCE_HASH_BYTES];

    return memcmp(hash, none, sizeof(none)) != 0;
}

static bool is_same_document(const struct evidence *a, const struct evidence *b)
{
    return is_same_check(a, b) ||
           (is_given(a->document_hash) &&
            memcmp(a->document_hash, b->document_hash, EVIDENCE_HASH_BYTES) == 0);
}

/* One vendor's hashes can be compared with each other and with nobody else's. */
static bool is_other_person(const struct evidence *a, const struct evidence *b)
{
    return is_given(a->person_hash) && is_given(b->person_hash) &&
           span_equal(a->vendor, b->vendor) &&
           memcmp(a->person_hash, b->person_hash, EVIDENCE_HASH_BYTES) != 0;
}

static void mark_disputes(struct dossier *dossier)
{
    for (size_t i = 0; i < dossier->count; i++)
        for (size_t j = i + 1; j < dossier->count; j++) {
            struct reading *a = &dossier->readings[i], *b = &dossier->readings[j];
            uint8_t disputes = 0;

            if (is_other_person(a->evidence, b->evidence))
                disputes = DISPUTE_ALL;
            else if (is_same_document(a->evidence, b->evidence))
                disputes = reading_disputes(a, b);
            a->disputes |= disputes;
            b->disputes |= disputes;
        }
}

static bool is_better_backed(const struct reading *a, const struct reading *b)
{
    int rank_a = backing_rank((uint8_t)a->evidence->proof, (uint8_t)a->source);
    int rank_b = backing_rank((uint8_t)b->evidence->proof, (uint8_t)b->source);

    return rank_a != rank_b         ? rank_a > rank_b
           : a->source != b->source ? a->source < b->source
                                    : a->evidence->proof > b->evidence->proof;
}

/* The best receipt for one of these petitions; NULL when none is on file. */
static const struct reading *receipt_for(const struct dossier *dossier, uint8_t petitions)
{
    const struct reading *best = NULL;

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];

        if ((reading->is_petition & petitions) && !(reading->disputes & DISPUTE_US_STATUS) &&
            (!best || is_better_backed(reading, best)))
            best = reading;
    }
    return best;
}

/* Of receipts that keep residence beyond the same day the weaker one is looked at. */
static void keep_on(struct reading *reading, int32_t day, const struct reading *receipt)
{
    if (reading->receipt &&
        (reading->kept_day > day ||
         (reading->kept_day == day && is_better_backed(receipt, reading->receipt))))
        return;
    reading->receipt = receipt;
    reading->kept_day = day;
}

/*
 * A receipt keeps conditional residence until the petition is decided (8 CFR 216.4(a)(1)), however
 * long the extension printed on it lasted.  Where none was filed, papers that show permanent
 * residence without saying of which kind end with the card, unless they were made after its end.
 */
static void settle_conditions(struct dossier *dossier)
{
    struct reading kept = {.kept_day = DAY_NONE};
    int32_t last_end = DAY_NONE;

    for (size_t i = 0; i < dossier->count; i++) {
        struct reading *reading = &dossier->readings[i];
        const struct reading *receipt = receipt_for(dossier, reading->petitions);

        if (reading->ends_day != DAY_NONE && receipt) {
            keep_on(reading, reading->ends_day, receipt);
            keep_on(&kept, reading->ends_day, receipt);
            reading->ends_day = DAY_NONE;
        }
        if (reading->ends_day > last_end)
            last_end = reading->ends_day;
    }
    for (size_t i = 0; i < dossier->count; i++) {
        struct reading *reading = &dossier->readings[i];
        int32_t asserted_day = reading_asserted_day(reading, dossier->usa);

        if (!reading->may_be_conditional)
            continue;
        if (asserted_day < last_end)
            reading->ends_day = last_end;
        if (asserted_day < kept.kept_day)
            keep_on(reading, kept.kept_day, kept.receipt);
    }
}

const struct reading *reading_backer(const struct reading *reading, int32_t today)
{
    bool is_kept = reading->receipt && today >= reading->kept_day;

    return is_kept && is_better_backed(reading, reading->receipt) ? reading->receipt : reading;
}

void dossier_of(const struct facts_input *input, struct dossier *ret_dossier)
{
    ret_dossier->usa = country_from_alpha3(span_text("USA"));
    ret_dossier->count = 0;
    assert(input->evidence_count <= FACTS_EVIDENCE_MAX);
    for (size_t i = 0; i < input->evidence_count; i++)
        if (!input->evidence[i].is_revoked && !is_replaced(input, i))
            reading_of(&input->evidence[i], ret_dossier->usa,
                       &ret_dossier->readings[ret_dossier->count++]);
    mark_disputes(ret_dossier);
    settle_conditions(ret_dossier);
}

bool reading_speaks(const struct reading *reading, int32_t today)
{
    return today >= reading->speaks_from_day;
}

/* DAY_NONE is before every day: a loss on a known day is later than one on an unknown day. */
static bool is_later_loss(const struct reading *reading, const struct reading *than)
{
    int32_t day = reading->evidence->as_of_day;

    return !than || day > than->evidence->as_of_day ||
           (day == than->evidence->as_of_day && reading->source > than->source);
}

struct loss dossier_loss(const struct dossier *dossier, enum holding holding, country_id country,
                         int32_t today)
{
    struct loss loss = {.day = DAY_NONE};

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];

        if (reading->lost[holding] != country || (reading->disputes & DISPUTE_NATIONALITY) ||
            !reading_speaks(reading, today))
            continue;
        if (is_later_loss(reading, loss.statement))
            loss.statement = reading;
        if (reading->source != FACT_SOURCE_DECLARATION && is_later_loss(reading, loss.attested))
            loss.attested = reading;
    }
    loss.is_lost = loss.statement != NULL;
    if (loss.is_lost)
        loss.day = loss.statement->evidence->as_of_day;
    return loss;
}

/* How what a reading shows stands after a loss on a day. */
static enum standing standing_after(const struct reading *reading, enum holding holding,
                                    country_id country, int32_t lost_day)
{
    struct evidence_date since = reading->since[holding];

    if (lost_day == DAY_NONE)
        return STANDING_ENDED;
    if (since.precision == DATE_EXACT && since.day > lost_day)
        return STANDING_HELD; /* acquired again */
    return reading_asserted_day(reading, country) > lost_day ? STANDING_CONTESTED : STANDING_ENDED;
}

/*
 * The subject's own word ends what the subject's own word began; against anything better it is no
 * more than a contradiction.  Who would rather not be a citizen of one country, or a resident of
 * another, must not be able to say so and be believed.
 */
enum standing reading_standing(const struct reading *reading, enum holding holding,
                               country_id country, const struct loss *loss, int32_t today)
{
    struct evidence_date since = reading->since[holding];

    if (!reading_speaks(reading, today) || (since.precision == DATE_EXACT && since.day > today))
        return STANDING_NOT_YET;
    if (holding == HOLDING_RESIDENCY && reading->ends_day != DAY_NONE && today >= reading->ends_day)
        return STANDING_ENDED;
    if (loss->attested) {
        enum standing attested =
            standing_after(reading, holding, country, loss->attested->evidence->as_of_day);

        if (attested != STANDING_HELD)
            return attested;
    }
    if (!loss->is_lost)
        return STANDING_HELD;
    if (standing_after(reading, holding, country, loss->day) == STANDING_HELD)
        return STANDING_HELD;
    return reading->source == FACT_SOURCE_DECLARATION ? STANDING_ENDED : STANDING_CONTESTED;
}
