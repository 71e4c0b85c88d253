/* SPDX-License-Identifier: Apache-2.0 */
/* What runs need around them: a store that answers when the test says so, one rule, somebody who
 * asks and what he was answered. */
#ifndef TESTS_UNIT_ENTITLEMENT_RUNS_H
#define TESTS_UNIT_ENTITLEMENT_RUNS_H

#include "base/mailbox.h"
#include "contract/test_clock.h"
#include "entitlement/attempt.h"
#include "unit/domain/directive/fixture.h"
#include "unit/entitlement/persons.h"
#include "unit/storage/fake_store.h"

enum {
    RUNS_FRESH_MS = 8000,
    RUNS_GRACE_MS = 10000,
    RUNS_MAX_AGE_MS = 5000,
    RUNS_LEASE_MS = 10000,
    RUNS_INPUTS_MAX = 8,
};

#define RUNS_ISSUER   "https://passgate.test"
#define RUNS_AUDIENCE "https://realm.test"
#define RUNS_CALLER   "spiffe://test/gateway"

struct runs {
    struct fixture *directives; /* files and their environment */
    struct arena arena;
    char folder[64];
    struct test_clock clock;
    struct mailbox mailbox;
    struct fake_store *fake;
    struct facts_cache *cache;
    struct metrics *metrics;
    struct audit_log *audit;
    struct snapshot set;
    struct snapshot keys;
    struct entitlement *entitlement;
};

/* For cmocka. */
int runs_set_up(void **state);
int runs_tear_down(void **state);

/* In force from here on: one rule on model/a. */
void runs_enforce(struct runs *runs, const char *require, const char *more);
#define RUNS_NOT_FOREIGN                                        \
    "{all: [{foreign_person: {regime: ear_772_1, is: false}}, " \
    "{location: any, location_authority: {text: x}}]}"

/* The store has this record. */
void runs_keep(struct runs *runs, struct record record);

/* May the subject use model/a? */
struct check_input runs_about(const char *subject);
struct check_order runs_order(struct runs *runs, const struct check_input *inputs, size_t count);

/* What became of a run. */
struct asked {
    struct check_run *run; /* while it is under way */
    unsigned answers;
    bool is_ok;
    struct err err;
    struct check_result results[RUNS_INPUTS_MAX];
    struct revision revision;
};

/* Begin a run, which `asked` follows and outlives. */
void runs_begin(struct runs *runs, const struct check_order *order, struct asked *asked);
/* Begin one, let the store answer, see that there was one answer. */
void runs_ask(struct runs *runs, const struct check_input *inputs, size_t count,
              struct asked *asked);

/* One read for everything that waits, and everything that comes of it. */
void runs_let_the_store_answer(struct runs *runs);
/* The same, but every read that waits now fails. */
void runs_let_the_store_fail(struct runs *runs, enum err_code code);

#endif
