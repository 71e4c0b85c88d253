/* SPDX-License-Identifier: Apache-2.0 */
/* Derivation: from the dossier of a subject to its facts on a day. */
#include "domain/facts/us_status.h"

/* Everything that may be known about when something was acquired, gathered before it is judged. */
struct dates {
    bool has_exact;
    bool has_before;
    int32_t exact_first;
    int32_t exact_last;
    int32_t before; /* on or before: the tightest one */
};

static void dates_add(struct dates *dates, struct evidence_date date)
{
    if (date.precision == DATE_EXACT) {
        if (!dates->has_exact || date.day < dates->exact_first)
            dates->exact_first = date.day;
        if (!dates->has_exact || date.day > dates->exact_last)
            dates->exact_last = date.day;
        dates->has_exact = true;
    } else if (date.precision == DATE_BEFORE) {
        if (!dates->has_before || date.day < dates->before)
            dates->before = date.day;
        dates->has_before = true;
    }
}

/* Dates that cannot all be true leave the date unknown. */
static struct evidence_date dates_judge(const struct dates *dates)
{
    if (dates->has_exact && dates->exact_first == dates->exact_last &&
        (!dates->has_before || dates->exact_first <= dates->before))
        return (struct evidence_date){DATE_EXACT, dates->exact_first};
    if (!dates->has_exact && dates->has_before)
        return (struct evidence_date){DATE_BEFORE, dates->before};
    return (struct evidence_date){DATE_UNKNOWN, DAY_NONE};
}

/* What of a reading bears a holding; a dispute about the rest leaves it alone. */
static const uint8_t disputes_of[HOLDING_COUNT] = {
    [HOLDING_CITIZENSHIP] = DISPUTE_NATIONALITY,
    [HOLDING_RESIDENCY] = DISPUTE_US_STATUS,
};

/* What the readings about one country come to. */
struct holding_tally {
    size_t held;
    size_t contested;
    size_t ended;
    bool is_disputed;
    bool is_mentioned; /* by anything that says something today */
    int64_t entered_ms;
};

static struct holding_tally tally_of(const struct dossier *dossier, enum holding holding,
                                     country_id country, const struct loss *loss, int32_t today)
{
    struct holding_tally tally = {0};

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];
        bool holds = reading->holds[holding] == country;
        enum standing standing;

        if ((!holds && reading->lost[holding] != country) || !reading_speaks(reading, today))
            continue;
        if (!tally.is_mentioned || reading->entered_ms < tally.entered_ms)
            tally.entered_ms = reading->entered_ms;
        tally.is_mentioned = true;
        if (!holds)
            continue;
        standing = reading_standing(reading, holding, country, loss, today);
        if (reading->disputes & disputes_of[holding]) {
            tally.is_disputed |= standing == STANDING_HELD;
            continue;
        }
        tally.held += standing == STANDING_HELD;
        tally.contested += standing == STANDING_CONTESTED;
        tally.ended += standing == STANDING_ENDED;
    }
    return tally;
}

static void take_backing(struct facts_nationality *entry, uint8_t proof, enum fact_source source)
{
    int rank = backing_rank(proof, (uint8_t)source);
    int best = backing_rank(entry->proof, entry->source);

    if (entry->source == FACT_SOURCE_UNSPECIFIED || rank > best ||
        (rank == best && (uint8_t)source < entry->source)) {
        entry->proof = proof;
        entry->source = (uint8_t)source;
    }
}

/* Take proof and dates from the readings that stand as the entry does: the date on which something
 * was acquired again, not the one on which that was first acquired which was lost. */
static void fill_entry(const struct dossier *dossier, enum holding holding, const struct loss *loss,
                       enum standing standing, bool is_disputed, int32_t today,
                       struct facts_nationality *entry)
{
    struct dates dates = {0};
    struct evidence_date acquired;

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i], *backer;

        if (reading->holds[holding] != entry->country ||
            ((reading->disputes & disputes_of[holding]) != 0) != is_disputed ||
            reading_standing(reading, holding, entry->country, loss, today) != standing)
            continue;
        backer = holding == HOLDING_RESIDENCY ? reading_backer(reading, today) : reading;
        take_backing(entry, (uint8_t)backer->evidence->proof, backer->source);
        dates_add(&dates, reading->since[holding]);
    }
    acquired = is_disputed ? (struct evidence_date){DATE_UNKNOWN, DAY_NONE} : dates_judge(&dates);
    entry->acquired_precision = (uint8_t)acquired.precision;
    entry->acquired_day = acquired.day;
}

/* The entry of one country in one list; false when there is none. */
static bool entry_of(const struct dossier *dossier, enum holding holding, country_id country,
                     int32_t today, struct facts_nationality *ret_entry, int64_t *ret_entered_ms)
{
    struct loss loss = dossier_loss(dossier, holding, country, today);
    struct holding_tally tally = tally_of(dossier, holding, country, &loss, today);
    bool is_disputed = !tally.held && !tally.contested && tally.is_disputed;
    enum standing standing = tally.held || is_disputed ? STANDING_HELD
                             : tally.contested         ? STANDING_CONTESTED
                                                       : STANDING_ENDED;
    struct facts_nationality entry = {.country = country, .lost_day = DAY_NONE};

    /* Residence that was never shown, or that ran out, leaves nothing behind; a citizenship that
     * was once held counts under 22 CFR 120.50(b), also when nothing but its loss is known. */
    if (standing == STANDING_ENDED &&
        !(loss.is_lost && (tally.ended || holding == HOLDING_CITIZENSHIP)))
        return false;
    fill_entry(dossier, holding, &loss, standing, is_disputed, today, &entry);
    if (is_disputed || standing == STANDING_CONTESTED)
        entry.flags |= FACTS_NATIONALITY_CONFLICT;
    if (standing == STANDING_ENDED) {
        entry.flags |= FACTS_NATIONALITY_LOST;
        entry.lost_day = loss.day;
        if (!tally.ended)
            take_backing(&entry, PROOF_UNSPECIFIED, loss.statement->source);
    }
    *ret_entry = entry;
    *ret_entered_ms = tally.entered_ms;
    return true;
}

/* An entry USA is there only where the US status leaves the holding possible; of who is accredited
 * nothing is known, whatever the card says. */
static bool fit_to_us_status(const struct facts_content *content, enum holding holding,
                             struct facts_nationality *entry)
{
    uint8_t possible = us_status_possible(content->header.flags, content->us_statuses,
                                          content->header.us_status_count, PROOF_UNSPECIFIED);

    if (entry->flags & FACTS_NATIONALITY_LOST)
        return true;
    if (content->header.flags & FACTS_ACCREDITED)
        return false;
    if (content->header.flags & FACTS_US_CONFLICT)
        entry->flags |= FACTS_NATIONALITY_CONFLICT;
    if (holding == HOLDING_RESIDENCY)
        return (possible & US_STATUS_LPR) != 0;
    /* A passport in doubt beside a green card: a citizen is what somebody may be after all. */
    return (possible & US_STATUS_CITIZEN) || (entry->flags & FACTS_NATIONALITY_CONFLICT);
}

/*
 * What came in by this moment was meant by a statement that closed the list.  The papers that a
 * register, a reviewer or an employer had before them may be entered in any order, until the end of
 * the day; the subject's own word is worth no more than what was on file when it was given.
 */
static int64_t closed_at_ms(const struct reading *closing)
{
    int32_t entered_day = day_of_ms(closing->entered_ms);
    bool is_dated_later = closing->dated_day > entered_day;

    if (closing->source == FACT_SOURCE_DECLARATION)
        return is_dated_later ? day_start_ms(closing->dated_day) : closing->entered_ms;
    return day_start_ms((is_dated_later ? closing->dated_day : entered_day) + 1) - 1;
}

/*
 * Does an entry contradict a statement that closed the list?  What was already on file when the
 * list was closed was meant by it, and what was acquired or lost outside its time does not touch
 * it.  What turned up later and was, or may have been, held then shows that the list was not
 * complete.
 */
static bool contradicts_closing(const struct facts_nationality *entry, int64_t entered_ms,
                                const struct reading *closing)
{
    bool is_acquired_later =
        entry->acquired_precision == DATE_EXACT && entry->acquired_day > closing->dated_day;
    bool is_lost_before = (entry->flags & FACTS_NATIONALITY_LOST) && entry->lost_day != DAY_NONE &&
                          entry->lost_day <= closing->dated_day;

    return entered_ms > closed_at_ms(closing) && !is_acquired_later && !is_lost_before;
}

/* One bit per reading that closes the lists and is not contradicted. */
static uint64_t closings_of(const struct dossier *dossier, int32_t today)
{
    uint64_t closings = 0;

    _Static_assert(FACTS_EVIDENCE_MAX <= 64, "one bit for each reading");
    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];

        if (reading->closes_citizenships && !(reading->disputes & DISPUTE_NATIONALITY) &&
            reading_speaks(reading, today))
            closings |= UINT64_C(1) << i;
    }
    return closings;
}

static struct country_set countries_of(const struct dossier *dossier, enum holding holding)
{
    struct country_set countries = {{0}};

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];

        if (reading->holds[holding] != COUNTRY_NONE)
            country_set_add(&countries, reading->holds[holding]);
        if (reading->lost[holding] != COUNTRY_NONE && holding == HOLDING_CITIZENSHIP)
            country_set_add(&countries, reading->lost[holding]);
    }
    return countries;
}

/* Fill one list; entries that do not fit cannot be (facts_check_capacity()), and would open it. */
static uint8_t derive_list(const struct dossier *dossier, enum holding holding, int32_t today,
                           const struct facts_content *content, struct facts_nationality *list,
                           uint8_t capacity, uint64_t *closings)
{
    struct country_set countries = countries_of(dossier, holding);
    uint8_t count = 0;

    for (size_t word = 0; word < COUNTRY_SET_WORDS; word++)
        for (uint64_t rest = countries.words[word]; rest; rest &= rest - 1) {
            country_id country = (country_id)(word * 64 + (size_t)__builtin_ctzll(rest));
            struct facts_nationality entry;
            int64_t entered_ms;

            if (!entry_of(dossier, holding, country, today, &entry, &entered_ms) ||
                (country == dossier->usa && !fit_to_us_status(content, holding, &entry)))
                continue;
            for (size_t i = 0; i < dossier->count; i++)
                if (contradicts_closing(&entry, entered_ms, &dossier->readings[i]))
                    *closings &= ~(UINT64_C(1) << i);
            if (count == capacity)
                *closings = 0;
            else
                list[count++] = entry;
        }
    return count;
}

/* The nationality of a birthplace does not matter to whether two readings of it agree. */
static void derive_birth(const struct dossier *dossier, int32_t today, struct facts_header *header)
{
    bool is_disputed = false, is_conflict = false;

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];
        country_id country = reading->birth_country;
        uint8_t proof = (uint8_t)reading->evidence->proof;

        if (country == COUNTRY_NONE || !reading_speaks(reading, today))
            continue;
        if (reading->disputes & DISPUTE_BIRTH) {
            is_disputed = true;
            continue;
        }
        if (facts_qualifies(PROOF_UNSPECIFIED, (uint8_t)reading->source, PROOF_CHIP))
            proof = PROOF_CHIP;
        else if (proof >= PROOF_DOCUMENT_AUTHENTICATED)
            proof = PROOF_DOCUMENT_AUTHENTICATED;
        else if (proof == PROOF_MRZ)
            proof = PROOF_VISUAL;
        if (header->birth_country == COUNTRY_NONE) {
            header->birth_country = country;
            header->birth_proof = proof;
        } else if (country_nationality(country) != country_nationality(header->birth_country)) {
            is_conflict = true;
        } else if (proof > header->birth_proof ||
                   (proof == header->birth_proof && country < header->birth_country)) {
            header->birth_country = country;
            header->birth_proof = proof;
        }
    }
    if (is_conflict || (is_disputed && header->birth_country == COUNTRY_NONE)) {
        header->birth_country = COUNTRY_NONE;
        header->birth_proof = PROOF_UNSPECIFIED;
        header->flags |= FACTS_BIRTH_CONFLICT;
    }
}

static bool is_past(int32_t last_day, int32_t today)
{
    return last_day != DAY_NONE && today > last_day;
}

static void derive_header(const struct facts_input *input, const struct dossier *dossier,
                          int32_t today, struct facts_header *header)
{
    header->subject_kind = (uint8_t)input->kind;
    if (input->is_minor)
        header->flags |= FACTS_MINOR;
    if (dossier->count > 0)
        header->flags |= FACTS_HAS_EVIDENCE;
    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];
        const struct evidence *evidence = reading->evidence;

        header->evidence_classes |= UINT32_C(1) << (evidence->class & 31);
        if (evidence->assurance > header->assurance)
            header->assurance = evidence->assurance;
        if (is_past(evidence->review_by_day, today))
            header->flags |= FACTS_REVIEW_DUE;
        if (reading->is_stateless && !(reading->disputes & DISPUTE_NATIONALITY))
            header->flags |= FACTS_STATELESS;
        if ((reading->disputes & DISPUTE_NATIONALITY) &&
            (reading->holds[HOLDING_CITIZENSHIP] != COUNTRY_NONE || reading->is_stateless))
            header->flags |= FACTS_CITIZENSHIP_CONFLICT;
    }
    derive_birth(dossier, today, header);
}

/* The row of an organization, in order of key; NULL when there is no room. */
static struct facts_affiliation *affiliation_row(struct facts_content *content, uint64_t key)
{
    size_t count = content->header.affiliation_count, at = 0;

    while (at < count && content->affiliations[at].organization < key)
        at++;
    if (at < count && content->affiliations[at].organization == key)
        return &content->affiliations[at];
    if (count == FACTS_AFFILIATIONS_MAX)
        return NULL;
    memmove(&content->affiliations[at + 1], &content->affiliations[at],
            (count - at) * sizeof(content->affiliations[0]));
    content->affiliations[at] = (struct facts_affiliation){.organization = key};
    content->header.affiliation_count++;
    return &content->affiliations[at];
}

/* An affiliation that is over drops out; that there is nothing else stays said, for that was not
 * bound to its end. */
static void derive_affiliations(const struct facts_input *input, int32_t today,
                                struct facts_content *content)
{
    for (size_t i = 0; i < input->affiliation_count; i++) {
        const struct affiliation *affiliation = &input->affiliations[i];
        bool is_over = affiliation->until_day != DAY_NONE && today >= affiliation->until_day;
        bool is_complete = affiliation->is_complete && !(is_over && affiliation->as == 0);
        uint8_t as = is_over ? 0 : affiliation->as;
        struct facts_affiliation *row;

        if (as == 0 && !is_complete)
            continue;
        row = affiliation_row(content, organization_key(affiliation->organization));
        if (!row)
            continue;
        row->as |= as;
        row->is_complete |= is_complete;
        if (is_past(affiliation->review_by_day, today))
            content->header.flags |= FACTS_REVIEW_DUE;
    }
}

/* The facts on a day, but for valid_until_ms.  Every byte is set, so that two results can be
 * compared as they lie. */
static void derive_on(const struct facts_input *input, const struct dossier *dossier, int32_t today,
                      struct facts_content *content)
{
    uint64_t closings = closings_of(dossier, today);

    memset(content, 0, sizeof(*content));
    derive_header(input, dossier, today, &content->header);
    us_status_derive(dossier, today, content);
    content->header.citizenship_count =
        derive_list(dossier, HOLDING_CITIZENSHIP, today, content, content->citizenships,
                    FACTS_CITIZENSHIPS_MAX, &closings);
    content->header.residency_count =
        derive_list(dossier, HOLDING_RESIDENCY, today, content, content->residencies,
                    FACTS_RESIDENCIES_MAX, &closings);
    for (size_t i = 0; i < content->header.citizenship_count; i++)
        if ((content->citizenships[i].flags & FACTS_NATIONALITY_CONFLICT) &&
            content->citizenships[i].country != dossier->usa)
            content->header.flags |= FACTS_CITIZENSHIP_CONFLICT;
    /* Nearly everybody has a nationality: that a list is complete on which nothing stands is
     * believed of those only who were seen to be stateless.  (A refugee's document does not state
     * it.) */
    if (content->header.citizenship_count == 0 && !(content->header.flags & FACTS_STATELESS))
        closings = 0;
    if (closings)
        content->header.flags |= FACTS_CITIZENSHIPS_COMPLETE;
    derive_affiliations(input, today, content);
}

static void sooner(int32_t candidate, int32_t after, int32_t *next)
{
    if (candidate != DAY_NONE && candidate > after && (*next == DAY_NONE || candidate < *next))
        *next = candidate;
}

static int32_t day_after(int32_t day)
{
    return day == DAY_NONE ? DAY_NONE : day + 1;
}

/* The first day after `after` on which anything may begin, end or fall due; DAY_NONE if none. */
static int32_t next_day(const struct facts_input *input, const struct dossier *dossier,
                        int32_t after)
{
    int32_t next = DAY_NONE;

    for (size_t i = 0; i < dossier->count; i++) {
        const struct reading *reading = &dossier->readings[i];

        for (size_t holding = 0; holding < HOLDING_COUNT; holding++)
            if (reading->since[holding].precision == DATE_EXACT)
                sooner(reading->since[holding].day, after, &next);
        sooner(reading->ends_day, after, &next);
        sooner(reading->kept_day, after, &next);
        sooner(reading->speaks_from_day, after, &next);
        sooner(day_after(reading->evidence->review_by_day), after, &next);
    }
    for (size_t i = 0; i < input->affiliation_count; i++) {
        sooner(input->affiliations[i].until_day, after, &next);
        sooner(day_after(input->affiliations[i].review_by_day), after, &next);
    }
    return next;
}

void facts_derive(const struct facts_input *input, int64_t now_ms,
                  struct facts_content *ret_content)
{
    int32_t today = day_of_ms(now_ms);
    struct facts_content later;
    struct dossier dossier;

    if (input->kind == SUBJECT_SERVICE) {
        *ret_content = (struct facts_content){
            .header = {.subject_kind = SUBJECT_SERVICE, .valid_until_ms = TIMESTAMP_NEVER_MS}};
        return;
    }
    dossier_of(input, &dossier);
    derive_on(input, &dossier, today, ret_content);
    /* A day on which something may change is not yet one on which the facts do: a receipt was
     * filed, another paper proves the same.  Usually there is none at all, or one. */
    for (int32_t day = next_day(input, &dossier, today); day != DAY_NONE;
         day = next_day(input, &dossier, day)) {
        derive_on(input, &dossier, day, &later);
        if (memcmp(&later, ret_content, sizeof(later)) != 0) {
            ret_content->header.valid_until_ms = day_start_ms(day);
            return;
        }
    }
    ret_content->header.valid_until_ms = TIMESTAMP_NEVER_MS;
}

static bool fits(size_t count, size_t capacity, const char *field, struct err *err)
{
    if (count <= capacity)
        return true;
    return err_field(err, ERR_SUBJECT_FULL, field, "%zu of at most %zu", count, capacity);
}

bool facts_check_capacity(const struct facts_input *input, struct err *err)
{
    struct country_set citizenships, residencies;
    struct dossier dossier;
    size_t organizations = 0;

    if (!fits(input->evidence_count, FACTS_EVIDENCE_MAX, "evidence", err))
        return false;
    for (size_t i = 0; i < input->affiliation_count; i++) {
        size_t first = 0;

        while (!span_equal(input->affiliations[first].organization,
                           input->affiliations[i].organization))
            first++;
        organizations += first == i;
    }
    dossier_of(input, &dossier);
    citizenships = countries_of(&dossier, HOLDING_CITIZENSHIP);
    residencies = countries_of(&dossier, HOLDING_RESIDENCY);
    return fits(country_set_count(&citizenships), FACTS_CITIZENSHIPS_MAX, "citizenships", err) &&
           fits(country_set_count(&residencies), FACTS_RESIDENCIES_MAX, "residencies", err) &&
           fits(organizations, FACTS_AFFILIATIONS_MAX, "affiliations", err);
}
