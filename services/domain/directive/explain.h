/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same evaluation, told test by test: for people who write directives and for those who were
 * refused. What it yields is evaluated by the same code as the answer, so that the two cannot
 * differ.
 */
#ifndef DOMAIN_DIRECTIVE_EXPLAIN_H
#define DOMAIN_DIRECTIVE_EXPLAIN_H

#include "domain/directive/evaluate.h"

/* One test with what it came to; children only for all, any and not. */
struct explain_node {
    const char *test;    /* "foreign_person", "all", "location" … */
    const char *text;    /* the test in words: "is not a foreign person (15 CFR 772.1)" */
    const char *because; /* why it came to that: "US status: citizen or national" ; "" when the
                            children say it */
    enum truth truth;
    enum decision_reason missing; /* for UNKNOWN: what is missing */
    struct explain_node *children;
    size_t child_count;
};

struct explain_directive {
    const struct directive *directive;
    enum truth truth;
    struct explain_node require;
    struct explain_exemption {
        const struct directive_exemption *exemption;
        bool is_in_time; /* in force at the moment asked about */
        bool is_for_resource;
        struct explain_node when;
    } * exemptions;
    size_t exemption_count;
};

struct explanation {
    struct directive_answer answer;
    struct explain_directive *directives; /* matching ones, in order of id */
    size_t directive_count;
    struct explain_directive_out_of_force { /* name the resource, and are not in force at that
                                               moment */
        const struct directive *directive;
        const char *why; /* "not before 2026-06-12T21:21:00Z", "lifted at …, on …" */
    } * out_of_force;
    size_t out_of_force_count;
};

/* Lives in the arena. */
const struct explanation *directive_explain(const struct directive_set *set,
                                            const struct directive_question *question,
                                            struct arena *arena);

#endif
