/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The callers of a configuration: every binding, found by the id of a certificate or by an API key.
 *
 * A binding's id is exact or a pattern (domain/field/pattern.h).  An exact one comes before all
 * patterns; of patterns that match, the one with the longest literal beginning counts, and the
 * configuration sees to it that there is one.  A binding with API keys is found by them and by no
 * certificate, whatever that says.  Immutable and counted: a reload makes a new set, and
 * calls under way keep the one that they began with.
 */
#ifndef INTERCEPTORS_CALLER_SET_H
#define INTERCEPTORS_CALLER_SET_H

#include "base/digest.h"
#include "interceptors/caller.h"

/* A natural person behind several callers: one person, whatever they are called. */
struct caller_person {
    struct span id;
    const struct span *callers; /* exact ids */
    size_t caller_count;
    struct budget_limits allowance; /* of all of them together, beside their own */
};

/* What is kept of an API key, and whose it is. */
struct caller_api_key {
    uint8_t hash[SHA256_BYTES];
    int64_t expires_at_ms;
    size_t row; /* of the bindings */
};

/* What a set is made of. */
struct caller_bindings {
    const struct caller *rows;              /* ids may be patterns */
    const struct budget_limits *allowances; /* as many as rows; NULL: nobody has one */
    size_t count;
    const struct span *denied; /* ids, or patterns of them: refused whatever else is said */
    size_t denied_count;
    const struct caller_person *persons;
    size_t person_count;
    const struct caller_api_key *api_keys; /* of rows that are `is_by_api_key`; each key once */
    size_t api_key_count;
};

struct caller_set;

/* Everything is copied.  What was used up of budgets goes on as in the set before, which may be
 * NULL, where binding or person and the number of subjects are the same. */
struct caller_set *caller_set_new(const struct caller_bindings *bindings,
                                  const struct caller_set *before);
struct caller_set *caller_set_ref(struct caller_set *set);
/* NULL is allowed. */
void caller_set_unref(struct caller_set *set);

/* Takes the caller's reference on `set`. */
void caller_set_snapshot_init(struct snapshot *snapshot, struct caller_set *set);

bool caller_set_denies(const struct caller_set *set, struct span id);

/* The binding, which lives as long as the set and whose id may be a pattern; NULL: there is none.
 */
const struct caller *caller_set_find(const struct caller_set *set, struct span id);

/* Whose API key it is at that moment (wall clock); NULL: nobody's.  The time that it takes tells of
 * a hash that is not there at most how it begins, which nobody can choose. */
const struct caller *caller_set_find_api_key(const struct caller_set *set,
                                             const uint8_t hash[static SHA256_BYTES],
                                             int64_t now_ms);

/* Whether any binding is by API key, with keys or without. */
bool caller_set_has_api_keys(const struct caller_set *set);

/* Of the person whose caller this is; NULL: nobody's, or one without a budget. */
const struct budget *caller_set_person_budget(const struct caller_set *set, struct span id);

#endif
