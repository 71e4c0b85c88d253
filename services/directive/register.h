/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register: which directive set is in force, its number and the version of each directive, kept
 * in the store.
 */
#ifndef DIRECTIVE_REGISTER_H
#define DIRECTIVE_REGISTER_H

#include "base/clock.h"
#include "base/mailbox.h"
#include "domain/directive/directive.h"
#include "storage/names.h"

struct directive_register {
    struct store *store;
    const struct names *names;
    const struct clock *clock;
    struct mailbox *mailbox;
    /* What this replica has in force: numbers and versions that were given.  NULL: nothing yet. */
    const struct directive_set *in_force;
};

/*
 * Register what is in force again where the store has lost it (a flush, an older copy): with its
 * number, its versions and what keeps its files from going away.  Nothing where the store knows as
 * much.
 */
MUST_CHECK bool directive_register_recall(const struct directive_register *reg, struct arena *arena,
                                          struct err *err);

/*
 * Give the set its number and its directives their versions: the registered ones for the same
 * digests, the next ones for others, which are registered with an audit record before this returns.
 * What the store has lost is recalled first, so that none of it is given to anything else.
 * FILE_INVALID when a directive is missing that was registered once and is not lifted by now.
 */
MUST_CHECK bool directive_register_number(const struct directive_register *reg,
                                          struct directive_set *set, struct arena *arena,
                                          struct err *err);

#endif
