/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subject costs in the facts cache, in memory and in time:
 *
 *     bench_facts_cache [SUBJECTS]
 *
 * Fills the cache with the reference population (one citizenship, one affiliation) through a store
 * that answers at once, and then looks at random subjects.
 */
#include "base/memory.h"
#include "storage/facts_cache.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { SUBJECTS = 1000000, LOOKS = 5000000, ARENA_BYTES = 4096 };

static const struct names names = {.key = {.bytes = {1, 2, 3}}, .partition_count = 1};

/* A store that has a record for everybody and answers on the thread that asks. */

static struct span record_of(struct hash128 subject, struct arena *arena)
{
    struct evidence evidence = EVIDENCE_EMPTY;
    struct affiliation affiliation = {
        .organization = span_text("org/self"),
        .as = AFFILIATION_EMPLOYEE,
        .until_day = DAY_NONE,
        .review_by_day = DAY_NONE,
    };
    struct record record = {
        .subject = span_text("user"),
        .hash = subject,
        .kind = SUBJECT_USER,
        .evidence = &evidence,
        .evidence_count = 1,
        .affiliations = &affiliation,
        .affiliation_count = 1,
    };

    evidence.id = span_text("ev-1");
    evidence.vendor = span_text("veriff");
    evidence.check_id = span_text("1");
    evidence.class = EVIDENCE_PASSPORT;
    evidence.proof = PROOF_CHIP;
    evidence.issuer = evidence.nationality = country_from_alpha3(span_text("DEU"));
    evidence.source = FACT_SOURCE_DOCUMENT;
    return record_encode(&record, arena);
}

static void submit(struct store *store, struct store_request *request)
{
    (void)store;
    request->number = 1;
    request->values = arena_new(&request->arena, struct store_value);
    request->values->version = 1;
    request->values->expires_at_ms = TIMESTAMP_NEVER_MS;
    request->values->data = record_of(request->keys->id, &request->arena);
    store_finish(request);
}

static void listen_to(struct store *store, struct store_listener *listener)
{
    (void)store;
    (void)listener;
}

static void get_state(struct store *store, struct store_state *ret_state)
{
    (void)store;
    *ret_state = (struct store_state){.is_up = true, .epoch = 1};
}

static const struct store_ops ops = {
    .name = "bench",
    .submit = submit,
    .listen = listen_to,
    .state = get_state,
};

static void ring(struct inbox *inbox)
{
    (void)inbox;
}

static void on_done(struct facts_waiter *waiter)
{
    if (!waiter->is_ok)
        abort();
}

static struct hash128 subject_of(uint64_t number)
{
    return keyed_hash(&names.key, span_of(&number, sizeof(number)));
}

static void fill(struct facts_cache *cache, uint64_t subjects)
{
    struct inbox inbox;

    inbox_init(&inbox, ring);
    for (uint64_t i = 0; i < subjects; i++) {
        struct facts_waiter waiter;

        facts_waiter_init(&waiter, &inbox, on_done, NULL);
        facts_cache_load(cache, subject_of(i), 0, &waiter);
        while (inbox_run(&inbox) > 0)
            ;
        facts_waiter_release(&waiter);
    }
}

/* Nanoseconds of a hit; the cost of the hash, which a check pays anyway, is not in it. */
static double look(struct facts_cache *cache, uint64_t subjects)
{
    struct hash128 *order = memory_new_array(struct hash128, LOOKS);
    uint64_t random = 88172645463325252, hits = 0;
    struct arena arena;
    int64_t start_ns, took_ns;

    for (size_t i = 0; i < LOOKS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        order[i] = subject_of(random % subjects);
    }
    arena_init(&arena, ARENA_BYTES);
    start_ns = clock_now_ns();
    for (size_t i = 0; i < LOOKS; i++) {
        struct facts_view view;

        arena_reset(&arena);
        hits += facts_cache_get(cache, order[i], 0, 0, &arena, &view);
    }
    took_ns = clock_now_ns() - start_ns;
    arena_release(&arena);
    memory_free(order);
    if (hits != LOOKS)
        fprintf(stderr, "bench_facts_cache: %" PRIu64 " of %d looks were hits\n", hits, LOOKS);
    return (double)took_ns / LOOKS;
}

int main(int argc, char **argv)
{
    uint64_t subjects = argc > 1 ? strtoull(argv[1], NULL, 10) : SUBJECTS;
    struct store store = {.ops = &ops, .partition_count = 1, .durability = "none"};
    struct facts_cache_options options = {
        .store = &store,
        .names = &names,
        .clock = &clock_system,
        .bytes_max = SIZE_MAX,
        .fresh_ms = INT64_C(1) << 40,
        .read_timeout_ms = 1000,
    };
    struct facts_cache *cache = facts_cache_new(&options);
    struct mallinfo2 before = mallinfo2(), after;
    struct facts_cache_stats stats;

    if (subjects == 0) {
        fputs("usage: bench_facts_cache [SUBJECTS]\n", stderr);
        return 2;
    }
    fill(cache, subjects);
    after = mallinfo2();
    facts_cache_get_stats(cache, &stats);
    printf("subjects            %12" PRIu64 "\n", subjects);
    printf("bytes a subject     %12.1f  (by the cache's own count %.1f; budget 128)\n",
           (double)(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
               (double)subjects,
           (double)stats.bytes / (double)subjects);
    printf("ns a hit            %12.1f\n", look(cache, subjects));
    facts_cache_free(cache);
    return 0;
}
