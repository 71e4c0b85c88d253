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
};

/*
 * Give the set its number and its directives their versions: the registered ones for the same
 * digests, the next ones for others, which are registered with an audit record before this returns.
 * FILE_INVALID when a directive is missing that was registered once and is not lifted by now.
 */
MUST_CHECK bool directive_register_number(const struct directive_register *reg,
                                          struct directive_set *set, struct arena *arena,
                                          struct err *err);

#endif
