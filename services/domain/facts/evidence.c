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
