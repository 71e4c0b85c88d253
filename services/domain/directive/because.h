/* SPDX-License-Identifier: Apache-2.0 */
/* Why a test came to what it came to: the facts that it looked at, in words. */
#ifndef DOMAIN_DIRECTIVE_BECAUSE_H
#define DOMAIN_DIRECTIVE_BECAUSE_H

#include "domain/directive/test.h"

/* For a test that is not all, any or not; "" when there is nothing to add.  Lives in the arena. */
const char *because(const struct directive_set *set, const struct directive_question *question,
                    const struct directive_node *node, struct arena *arena);

#endif
