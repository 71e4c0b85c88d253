/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is one entry of the store as it should be?  Pure: an entry in, findings out.
 *
 * What the entry says about others - a check about its subject, a subject's evidence about its
 * checks - is a question: a key that whoever walks through the store reads, and gives the value
 * back to entry_check_answer().
 */
#ifndef STORAGE_ENTRY_CHECK_H
#define STORAGE_ENTRY_CHECK_H

#include "domain/facts/facts.h"
#include "storage/names.h"

/* The numbers are those of passgate.v1.StoreProblem. */
enum entry_problem {
    ENTRY_FINE = 0,
    ENTRY_VALUE_FOREIGN = 1,     /* written under another key */
    ENTRY_VALUE_MALFORMED = 2,   /* no value at all */
    ENTRY_VALUE_TOO_LARGE = 3,   /* longer than STORE_VALUE_BYTES_MAX */
    ENTRY_SPACE_UNKNOWN = 4,     /* of a newer release, or of nobody */
    ENTRY_PARTITION_WRONG = 5,   /* nobody looks for it there */
    ENTRY_DATA_UNREADABLE = 6,   /* format, field, enum number or country that is not known */
    ENTRY_DATA_FOREIGN = 7,      /* readable, and about something else than its key */
    ENTRY_EXPIRY_MISSING = 8,    /* would be kept for ever */
    ENTRY_EXPIRED_LONG_AGO = 9,  /* by more than a day, and still there */
    ENTRY_CHECK_MISSING = 10,    /* evidence whose check id nothing protects */
    ENTRY_CHECK_FOREIGN = 11,    /* evidence whose check belongs to another subject */
    ENTRY_CHECK_UNREADABLE = 12, /* evidence whose check cannot be read */
    ENTRY_WITHOUT_EVIDENCE = 13, /* a check of which the subject has no evidence: a note, because
                                    so it is after a result that was refused */
};

enum { ENTRY_FINDINGS_MAX = 4, ENTRY_DETAIL_MAX = 120, ENTRY_QUESTIONS_MAX = FACTS_EVIDENCE_MAX };

struct entry_finding {
    enum entry_problem problem;
    char detail[ENTRY_DETAIL_MAX]; /* what exactly; no personal data */
};

struct entry_check {
    struct store_key key;
    struct entry_finding findings[ENTRY_FINDINGS_MAX];
    size_t finding_count;
    struct store_key questions[ENTRY_QUESTIONS_MAX]; /* of the entry's own partition */
    size_t question_count;
    struct hash128 subject; /* whom a check belongs to */
};

/* `now_ms` is wall time.  Decodes into the arena, which may be emptied afterwards. */
void entry_check(const struct names *names, uint16_t partition, const struct store_entry *entry,
                 int64_t now_ms, struct arena *arena, struct entry_check *ret_check);

/* What the value (or that there is none) of questions[index] means: ENTRY_FINE, ENTRY_CHECK_… or
 * ENTRY_WITHOUT_EVIDENCE. */
enum entry_problem entry_check_answer(const struct names *names, const struct entry_check *check,
                                      size_t index, const struct store_value *value,
                                      struct arena *arena);

/* … and what it means that the value of questions[index] cannot be read. */
enum entry_problem entry_check_no_answer(const struct entry_check *check, size_t index);

/* Is it a mere note? */
static inline bool entry_problem_is_note(enum entry_problem problem)
{
    return problem == ENTRY_WITHOUT_EVIDENCE;
}

#endif
