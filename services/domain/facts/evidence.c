/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: the words that files use for its classes, proofs and statements. */
#include "domain/facts/evidence.h"

#include "base/attributes.h"

static const char *const class_words[] = {
#define X(name, number, word) [EVIDENCE_##name] = (word),
    EVIDENCE_CLASS_LIST(X)
#undef X
};

static const char *const proof_words[] = {
#define X(name, number, word) [PROOF_##name] = (word),
    PROOF_LIST(X)
#undef X
};

static const char *const statement_words[] = {
#define X(name, number, word) [STATEMENT_##name] = (word),
    STATEMENT_KIND_LIST(X)
#undef X
};

/* What kind of paper or statement it is, and how good. */
static bool is_same_kind(const struct evidence *a, const struct evidence *b)
{
    return span_equal(a->vendor, b->vendor) && span_equal(a->check_id, b->check_id) &&
           a->class == b->class && a->proof == b->proof && a->assurance == b->assurance &&
           a->statement == b->statement && a->source == b->source &&
           a->has_photo_id == b->has_photo_id;
}

static bool are_same_days(const struct evidence *a, const struct evidence *b)
{
    return a->verified_at_ms == b->verified_at_ms && a->issued_day == b->issued_day &&
           a->expires_day == b->expires_day && a->acquired.precision == b->acquired.precision &&
           a->acquired.day == b->acquired.day && a->resident_since_day == b->resident_since_day &&
           a->as_of_day == b->as_of_day && a->review_by_day == b->review_by_day;
}

static bool are_same_countries(const struct evidence *a, const struct evidence *b)
{
    return a->issuer == b->issuer && a->nationality == b->nationality &&
           a->accredited_to == b->accredited_to && a->birth_country == b->birth_country &&
           a->country == b->country;
}

static bool are_same_us_papers(const struct evidence *a, const struct evidence *b)
{
    return a->us_endorsement == b->us_endorsement && a->i94_class == b->i94_class &&
           a->i797_type == b->i797_type &&
           memcmp(a->i551_category, b->i551_category, sizeof(a->i551_category)) == 0 &&
           memcmp(a->ead_category, b->ead_category, sizeof(a->ead_category)) == 0;
}

bool evidence_is_same_reading(const struct evidence *a, const struct evidence *b)
{
    return is_same_kind(a, b) && are_same_days(a, b) && are_same_countries(a, b) &&
           are_same_us_papers(a, b) &&
           memcmp(a->document_hash, b->document_hash, sizeof(a->document_hash)) == 0 &&
           memcmp(a->person_hash, b->person_hash, sizeof(a->person_hash)) == 0;
}

static const char *word_of(const char *const *words, size_t count, size_t number)
{
    return number < count ? words[number] : "";
}

/* 0 is UNSPECIFIED in every list; its word is empty, and no text means it. */
static size_t number_of(const char *const *words, size_t count, struct span word)
{
    for (size_t number = 1; number < count; number++)
        if (span_is(word, words[number]))
            return number;
    return 0;
}

const char *evidence_class_word(enum evidence_class class)
{
    return word_of(class_words, ARRAY_LEN(class_words), (size_t) class);
}

enum evidence_class evidence_class_from_word(struct span word)
{
    return (enum evidence_class)number_of(class_words, ARRAY_LEN(class_words), word);
}

const char *proof_word(enum proof proof)
{
    return word_of(proof_words, ARRAY_LEN(proof_words), (size_t)proof);
}

enum proof proof_from_word(struct span word)
{
    return (enum proof)number_of(proof_words, ARRAY_LEN(proof_words), word);
}

const char *statement_kind_word(enum statement_kind kind)
{
    return word_of(statement_words, ARRAY_LEN(statement_words), (size_t)kind);
}

enum statement_kind statement_kind_from_word(struct span word)
{
    return (enum statement_kind)number_of(statement_words, ARRAY_LEN(statement_words), word);
}
