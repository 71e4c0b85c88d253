/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kleene's three-valued logic, so that "not enough evidence" is never mistaken for "no".
 * The numbers are chosen so that AND is the minimum and OR the maximum.
 */
#ifndef DOMAIN_DIRECTIVE_TRUTH_H
#define DOMAIN_DIRECTIVE_TRUTH_H

enum truth {
    TRUTH_FALSE = 0,
    TRUTH_UNKNOWN = 1,
    TRUTH_TRUE = 2,
};

static inline enum truth truth_and(enum truth a, enum truth b)
{
    return a < b ? a : b;
}

static inline enum truth truth_or(enum truth a, enum truth b)
{
    return a > b ? a : b;
}

static inline enum truth truth_not(enum truth a)
{
    return (enum truth)(TRUTH_TRUE - a);
}

static inline const char *truth_word(enum truth truth)
{
    return truth == TRUTH_TRUE ? "true" : truth == TRUTH_FALSE ? "false" : "unknown";
}

#endif
