/* SPDX-License-Identifier: Apache-2.0 */
/* A facts cache under test, in front of the fake store, with a clock that stands still. */
#ifndef UNIT_STORAGE_CACHE_FIXTURE_H
#define UNIT_STORAGE_CACHE_FIXTURE_H

#include "contract/mailbox.h"
#include "contract/test_clock.h"
#include "unit/storage/fake_store.h"

enum { FRESH_MS = 8000, GRACE_MS = 10000, TIMEOUT_MS = 500, WAITERS_MAX = 256 };

struct cache_fixture {
    struct fake_store *fake;
    struct facts_cache *cache;
    struct test_clock clock;
    struct mailbox mailbox;
    struct arena arena;
    struct facts_waiter waiters[WAITERS_MAX];
    size_t waiter_count;
    size_t answered;
};

/* For cmocka. */
int cache_set_up(void **state);
int cache_tear_down(void **state);

void cache_open(struct cache_fixture *fixture, size_t bytes_max, int64_t fresh_ms);
void cache_close(struct cache_fixture *fixture);

/* A waiter of the fixture's, whose answers are counted. */
struct facts_waiter *cache_load(struct cache_fixture *fixture, unsigned subject,
                                uint64_t least_number);

/* Everything that is under way comes to its end; or only what has been read already; or the oldest
 * request that waits fails. */
void cache_answer_all(struct cache_fixture *fixture);
void cache_answer_read(struct cache_fixture *fixture);
void cache_refuse(struct cache_fixture *fixture, enum err_code code);

bool cache_get(struct cache_fixture *fixture, unsigned subject);
bool cache_get_at(struct cache_fixture *fixture, unsigned subject, uint64_t least_number,
                  struct facts_view *ret_view);

/* The waiter was given the facts of this subject as of this version. */
void cache_assert_got(const struct facts_waiter *waiter, unsigned subject, int32_t version);

struct facts_cache_stats cache_stats(struct cache_fixture *fixture);

#endif
