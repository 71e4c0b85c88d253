/* SPDX-License-Identifier: Apache-2.0 */
/* Persons of the cases: facts as a readable mapping, one name each. */
#ifndef TESTS_DIRECTIVE_CASES_PERSONS_H
#define TESTS_DIRECTIVE_CASES_PERSONS_H

#include "base/yaml.h"
#include "domain/facts/facts.h"

struct person {
    struct span name;
    const struct facts *facts;
};

struct persons {
    struct person *rows;
    size_t count;
};

/* Ends the program with the place of the error when the file is wrong. */
struct organizations organizations_read(const struct yaml_node *root, struct arena *arena);
struct persons persons_read(const struct yaml_node *root, const struct organizations *organizations,
                            struct arena *arena);

/* NULL when there is no such person. */
const struct facts *persons_find(const struct persons *persons, struct span name);

_Noreturn void cases_fail(const struct yaml_node *node, const char *what);

#endif
