/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the answer of a shadow set compares with the one that was given.
 *
 * A shadow set is compiled by directive_set_compile_shadow() and asked by
 * directive_evaluate_shadow(); nobody is ever given its answer.
 */
#ifndef DOMAIN_DIRECTIVE_SHADOW_H
#define DOMAIN_DIRECTIVE_SHADOW_H

#include "domain/directive/truth.h"

#include <stddef.h>

struct directive_set;

/* X(name, word) */
#define SHADOW_DIFFERENCE_LIST(X)                                   \
    X(AGREES, "agrees")   /* the same answer for the same reason */ \
    X(NARROWS, "narrows") /* it was allowed, and would not be */    \
    X(LOOSENS, "loosens") /* it was not allowed, and would be */    \
    X(DIFFERS, "differs") /* it is not allowed and would not be, for another reason */

enum shadow_difference {
#define X(name, word) SHADOW_##name,
    SHADOW_DIFFERENCE_LIST(X)
#undef X
};

const char *shadow_difference_word(enum shadow_difference difference);

/* The reasons are numbers of enum decision_reason, of this release or a later one. */
enum shadow_difference shadow_compare(enum truth truth, unsigned reason, enum truth shadow_truth,
                                      unsigned shadow_reason);

/* How many directives of the set are tried. */
size_t directive_set_shadow_count(const struct directive_set *set);

#endif
