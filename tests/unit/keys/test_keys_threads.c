/* SPDX-License-Identifier: Apache-2.0 */
/* One ring, many threads: what each signs each can verify, also while the ring is exchanged. */
#include "unit/keys/fixture.h"

#include "base/thread.h"

#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 200 };

struct bench {
    struct fixture *fixture;
    pthread_mutex_t lock; /* of the pointer to the ring that is in use, as its owner would have */
    struct key_ring *ring;
    atomic_size_t failures;
};

static struct key_ring *current_ring(struct bench *bench)
{
    struct key_ring *ring;

    pthread_mutex_lock(&bench->lock);
    ring = key_ring_ref(bench->ring);
    pthread_mutex_unlock(&bench->lock);
    return ring;
}

static bool sign_and_open(struct bench *bench, struct span payload, struct arena *arena)
{
    struct key_ring *ring = current_ring(bench);
    enum token_refusal refusal;
    struct err err = ERR_NONE;
    struct token opened;
    struct span token;
    bool is_good;

    is_good = token_sign(ring, &token_kind_claim, payload, fixture_now_ms, arena, &token, &err) &&
              token_open(ring, token, &bench->fixture->expectation, arena, &opened, &refusal, &err);
    /* A bad one in between leaves nothing behind in the contexts that are kept. */
    if (is_good) {
        char *spoiled = arena_text(arena, token);

        spoiled[token.length - 3] = spoiled[token.length - 3] == 'A' ? 'B' : 'A';
        is_good = !token_open(ring, span_of(spoiled, token.length), &bench->fixture->expectation,
                              arena, &opened, &refusal, &err) &&
                  refusal == TOKEN_REFUSED_SIGNATURE;
    }
    key_ring_unref(ring);
    return is_good;
}

static void *run(void *argument)
{
    struct bench *bench = argument;
    json_t *payload = fixture_payload();
    struct arena arena;
    struct span text;

    arena_init(&arena, 32 * 1024);
    for (int i = 0; i < ROUNDS; i++) {
        text = json_text(payload, &arena);
        if (!sign_and_open(bench, text, &arena))
            atomic_fetch_add(&bench->failures, 1);
        arena_reset(&arena);
    }
    arena_release(&arena);
    json_decref(payload);
    return NULL;
}

static void threads_share_a_ring_that_is_reloaded(void **state)
{
    struct bench bench = {.fixture = *state, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[THREADS];

    bench.ring = key_ring_ref(bench.fixture->ring);
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], "keys", run, &bench);
    for (int i = 0; i < 20; i++) {
        struct key_ring *next, *last;
        struct err err = ERR_NONE;

        assert_true(
            key_ring_load(bench.fixture->folder, FIXTURE_KEEP_MS, fixture_now_ms, &next, &err));
        pthread_mutex_lock(&bench.lock);
        last = bench.ring;
        bench.ring = next;
        pthread_mutex_unlock(&bench.lock);
        key_ring_unref(last);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    key_ring_unref(bench.ring);
    assert_int_equal(atomic_load(&bench.failures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads_share_a_ring_that_is_reloaded, fixture_set_up,
                                        fixture_tear_down),
    };

    return cmocka_run_group_tests_name("keys_threads", tests, NULL, NULL);
}
