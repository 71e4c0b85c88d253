/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of directives share: an environment, and sets from text. */
#ifndef TESTS_UNIT_DOMAIN_DIRECTIVE_FIXTURE_H
#define TESTS_UNIT_DOMAIN_DIRECTIVE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/directive/explain.h"

struct fixture {
    struct arena arena;
    struct diagnostics diagnostics;
    struct country_groups *groups;
    struct directive_environment environment;
};

extern const struct organizations fixture_organizations;

/* Two models, allowed; a third, denied. */
extern const char fixture_resources[];

/* A directive that is right, and that has every key. */
extern const char fixture_full[];

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Compile the texts, named "0.yaml", "1.yaml" …, NULL behind the last; earlier findings are
 * forgotten. */
struct directive_set *fixture_compile(struct fixture *fixture, const char *const *texts);

/* fixture_resources and a directive on model/a with this `require`, and `more` keys. */
struct directive_set *fixture_rule(struct fixture *fixture, const char *require, const char *more);

/* Is there a finding at this place whose message contains `words`? */
bool fixture_found(const struct fixture *fixture, const char *file, int line, int column,
                   enum diagnostic_severity severity, const char *words);

/* Some finding whose message contains `words`. */
bool fixture_says(const struct fixture *fixture, const char *words);

#endif
