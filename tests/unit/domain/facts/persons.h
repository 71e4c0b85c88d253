/* SPDX-License-Identifier: Apache-2.0 */
/* Persons of the case file: evidence as it is written there, and what is expected of it. */
#ifndef TESTS_UNIT_DOMAIN_FACTS_PERSONS_H
#define TESTS_UNIT_DOMAIN_FACTS_PERSONS_H

#include "base/yaml.h"
#include "domain/facts/facts.h"

struct person {
    const char *name;
    int line;
    int64_t at_ms;
    struct facts_input input;
    const struct yaml_node *facts; /* a mapping */
};

struct persons {
    struct person *rows;
    size_t count;
};

/* Ends the test program when the file cannot be read or says something unknown. */
struct persons persons_load(struct arena *arena);

/* The facts in the words of the file. */
const char *nationality_text(const struct facts_nationality *entry, struct arena *arena);
const char *us_statuses_text(uint8_t possible, struct arena *arena);

#endif
