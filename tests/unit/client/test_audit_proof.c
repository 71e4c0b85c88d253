/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and proofs of an audit log, checked by the library: with a tree, keys and signatures made
 * here. */
#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "client/include/passgate/client.h"
#include "domain/audit/files.h"
#include "domain/audit/head.h"
#include "keys/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDS = 21, OLD = 13, HOUR_MS = 3600000, LEAF_BYTES = 24 };

static const uint64_t log_id = 0x00112233445566ff, other_log_id = 0x0011223344556600;

static struct world {
    char folder[64];
    struct arena arena;
    const char *jwks, *other_jwks, *claim;
    uint8_t leaves[RECORDS][LEAF_BYTES];
    struct passgate_tree_head now, then, of_other_log;
    struct passgate_inclusion inclusions[RECORDS]; /* of numbers from 1 on */
} world;

static struct key_ring *make_keys(const char *name, const char **ret_jwks)
{
    int64_t now_ms = clock_wall_ms(&clock_system);
    struct err err = ERR_NONE;
    struct key_ring *ring;

    if (!key_ring_load_or_make(arena_printf(&world.arena, "%s/%s", world.folder, name), HOUR_MS,
                               now_ms, &ring, &err))
        fail_msg("%s", err.detail);
    *ret_jwks = arena_text(&world.arena, key_ring_jwks(ring, now_ms, &world.arena));
    return ring;
}

static const char *sign(const struct key_ring *ring, const struct token_kind *kind,
                        struct span payload)
{
    struct err err = ERR_NONE;
    struct span token;

    if (!token_sign(ring, kind, payload, clock_wall_ms(&clock_system), &world.arena, &token, &err))
        fail_msg("%s", err.detail);
    return arena_text(&world.arena, token);
}

static struct tree_hash leaf_hash(uint64_t index)
{
    return tree_leaf(span_of(NULL, 0), span_of(world.leaves[index], LEAF_BYTES));
}

static struct tree_hash root_of(uint64_t size)
{
    struct tree_range range;

    tree_range_init(&range, 0);
    for (uint64_t i = 0; i < size; i++) {
        struct tree_hash leaf = leaf_hash(i);

        tree_range_add(&range, 0, &leaf);
    }
    return tree_range_root(&range);
}

static struct passgate_tree_head head_of(const struct key_ring *ring, uint64_t log, uint64_t size)
{
    struct audit_head head = {log, size, clock_wall_ms(&clock_system), root_of(size)};
    char payload[AUDIT_HEAD_PAYLOAD_MAX], *id = arena_alloc(&world.arena, AUDIT_LOG_ID_LENGTH + 1);
    size_t length = audit_head_format(&head, payload);

    audit_log_id_encode(log, id);
    return (struct passgate_tree_head){
        .log_id = id,
        .size = size,
        .root = arena_copy(&world.arena, span_of(&head.root, sizeof(head.root))).data,
        .jws = sign(ring, &token_kind_tree_head, span_of(payload, length)),
    };
}

static const uint8_t *prove(const struct tree_part *parts, uint32_t count, size_t *ret_count)
{
    struct tree_prover *prover = arena_new(&world.arena, struct tree_prover);
    struct tree_proof proof;

    tree_prover_init(prover, parts, count);
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct tree_hash leaf = leaf_hash(i);

        tree_prover_add(prover, i, 0, &leaf);
    }
    assert_true(tree_prover_finish(prover, &proof));
    *ret_count = proof.count;
    return arena_copy(&world.arena, span_of(proof.hashes, proof.count * TREE_HASH_BYTES)).data;
}

static int make_world(void **state)
{
    struct tree_part parts[TREE_PROOF_MAX];
    struct key_ring *ring, *other;

    (void)state;
    arena_init(&world.arena, 4096);
    snprintf(world.folder, sizeof(world.folder), "/tmp/passgate-proof-XXXXXX");
    if (!mkdtemp(world.folder))
        return -1;
    ring = make_keys("keys", &world.jwks);
    other = make_keys("other", &world.other_jwks);
    for (uint64_t i = 0; i < RECORDS;
         i++) /* the number, little-endian; time and record: anything */
        world.leaves[i][0] = (uint8_t)(i + 1);
    world.now = head_of(ring, log_id, RECORDS);
    world.then = head_of(ring, log_id, OLD);
    world.of_other_log = head_of(ring, other_log_id, OLD);
    world.now.consistency =
        prove(parts, tree_consistency_plan(OLD, RECORDS, parts), &world.now.consistency_count);
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct passgate_inclusion *inclusion = &world.inclusions[i];

        *inclusion = (struct passgate_inclusion){.head = &world.now,
                                                 .leaf_index = i,
                                                 .leaf_length = LEAF_BYTES,
                                                 .leaf = world.leaves[i]};
        inclusion->path =
            prove(parts, tree_inclusion_plan(i, RECORDS, parts), &inclusion->path_count);
    }
    world.claim = sign(ring, &token_kind_receipt, span_text("{\"iss\":\"i\",\"size\":1}"));
    key_ring_unref(ring);
    key_ring_unref(other);
    return 0;
}

static void remove_folder(const char *folder)
{
    const char *const *names;
    struct err err;
    size_t count;

    if (file_list(folder, "", &world.arena, &names, &count, &err))
        for (size_t i = 0; i < count; i++)
            unlink(arena_printf(&world.arena, "%s/%s", folder, names[i]));
    rmdir(folder);
}

static int end_world(void **state)
{
    (void)state;
    remove_folder(arena_printf(&world.arena, "%s/keys", world.folder));
    remove_folder(arena_printf(&world.arena, "%s/other", world.folder));
    remove_folder(world.folder);
    arena_release(&world.arena);
    return 0;
}

static void assert_refuted(bool is_proved, const struct passgate_error *error, const char *reason,
                           const char *field)
{
    assert_false(is_proved);
    assert_string_equal(error->reason, reason);
    assert_string_equal(error->field, field);
}

/* ---- heads ---- */

static void a_head_that_was_kept_says_what_was_signed(void **state)
{
    struct passgate_error error;
    struct passgate_tree_head *head = passgate_tree_head_read(world.then.jws, world.jwks, &error);

    (void)state;
    assert_non_null(head);
    assert_string_equal(head->log_id, "00112233445566ff");
    assert_int_equal(head->size, OLD);
    assert_memory_equal(head->root, world.then.root, PASSGATE_HASH_BYTES);
    assert_string_equal(head->jws, world.then.jws);
    assert_true(head->signed_at_ms > 0);
    assert_true(passgate_tree_head_verify(head, world.jwks, &error));
    assert_true(passgate_tree_head_extends(&world.now, head, &error));
    passgate_free(head);
}

static void what_was_not_signed_so_is_no_head(void **state)
{
    struct passgate_error error;
    char *spoilt = arena_text(&world.arena, span_text(world.now.jws)), *at;

    (void)state;
    at = &spoilt[strlen(spoilt) - 3];
    *at = *at == 'A' ? 'B' : 'A';
    assert_refuted(passgate_tree_head_read(spoilt, world.jwks, &error), &error, "SIGNATURE",
                   "head");
    assert_refuted(passgate_tree_head_read(world.now.jws, world.other_jwks, &error), &error,
                   "KEY_UNKNOWN", "head");
    assert_refuted(passgate_tree_head_read(world.now.jws, "{", &error), &error, "JWKS", "jwks");
    assert_refuted(passgate_tree_head_read(world.claim, world.jwks, &error), &error, "TYPE",
                   "head");
    assert_refuted(passgate_tree_head_read("", world.jwks, &error), &error, "LENGTH", "head");
    assert_refuted(passgate_tree_head_read(NULL, NULL, &error), &error, "JWKS", "jwks");
}

static void a_head_that_says_other_than_was_signed_is_refused(void **state)
{
    struct passgate_tree_head changed[] = {world.now, world.now, world.now, world.now};
    struct passgate_error error;

    (void)state;
    assert_true(passgate_tree_head_verify(&world.now, world.jwks, &error));
    changed[0].size++;
    changed[1].log_id = "0011223344556600";
    changed[2].root = world.then.root;
    changed[3].log_id = "no id";
    for (size_t i = 0; i < ARRAY_LEN(changed); i++)
        assert_refuted(passgate_tree_head_verify(&changed[i], world.jwks, &error), &error,
                       "HEAD_DIFFERS", "head");
}

/* ---- consistency ---- */

static void a_log_that_was_only_added_to_goes_on_from_the_older_head(void **state)
{
    struct passgate_error error;

    (void)state;
    assert_true(passgate_tree_head_extends(&world.now, &world.then, &error));
    assert_true(
        passgate_tree_head_extends(&world.then, &world.then, &error)); /* nothing was added */
}

static void any_other_log_does_not(void **state)
{
    struct passgate_tree_head shorter = world.now, changed = world.now, rewritten = world.then;
    uint8_t *proof = (uint8_t *)(uintptr_t)arena_copy(
                         &world.arena, span_of(world.now.consistency,
                                               world.now.consistency_count * PASSGATE_HASH_BYTES))
                         .data;
    struct passgate_error error;

    (void)state;
    assert_refuted(passgate_tree_head_extends(&world.now, &world.of_other_log, &error), &error,
                   "OTHER_LOG", "head");
    assert_refuted(passgate_tree_head_extends(&world.then, &world.now, &error), &error,
                   "LOG_SHORTER", "head");
    shorter.consistency_count--;
    assert_refuted(passgate_tree_head_extends(&shorter, &world.then, &error), &error, "PROOF",
                   "proof");
    proof[7] ^= 1;
    changed.consistency = proof;
    assert_refuted(passgate_tree_head_extends(&changed, &world.then, &error), &error, "PROOF",
                   "proof");
    rewritten.root = world.now.root;
    assert_refuted(passgate_tree_head_extends(&world.now, &rewritten, &error), &error, "PROOF",
                   "proof");
    assert_refuted(passgate_tree_head_extends(&world.then, &rewritten, &error), &error, "PROOF",
                   "proof");
}

/* ---- inclusion ---- */

static const char *id_of(uint64_t log, uint64_t number)
{
    return audit_decision_id(log, number, arena_alloc(&world.arena, AUDIT_ID_MAX));
}

static void every_record_is_proved_under_its_own_id_and_no_other(void **state)
{
    struct passgate_error error;

    (void)state;
    for (uint64_t i = 0; i < RECORDS; i++) {
        assert_true(passgate_inclusion_verify(&world.inclusions[i], id_of(log_id, i + 1),
                                              world.jwks, &error));
        assert_refuted(passgate_inclusion_verify(&world.inclusions[i], id_of(log_id, i + 2),
                                                 world.jwks, &error),
                       &error, "PROOF", "proof");
        assert_refuted(passgate_inclusion_verify(&world.inclusions[i], id_of(other_log_id, i + 1),
                                                 world.jwks, &error),
                       &error, "OTHER_LOG", "head");
    }
    assert_refuted(passgate_inclusion_verify(&world.inclusions[0], NULL, world.jwks, &error),
                   &error, "OTHER_LOG", "head");
    assert_refuted(
        passgate_inclusion_verify(&world.inclusions[0], id_of(log_id, 1), world.other_jwks, &error),
        &error, "KEY_UNKNOWN", "head");
}

static void a_record_that_was_changed_is_not_proved(void **state)
{
    struct passgate_inclusion moved = world.inclusions[4], cut = moved, other = moved,
                              brief = moved;
    uint8_t leaf[LEAF_BYTES];
    struct passgate_error error;

    (void)state;
    memcpy(leaf, world.leaves[4], sizeof(leaf));
    leaf[LEAF_BYTES - 1] ^= 1;
    moved.leaf_index = 5;
    cut.leaf_length--;
    other.leaf = leaf;
    brief.leaf_length = 7;
    for (size_t i = 0; i < 4; i++)
        assert_refuted(passgate_inclusion_verify(
                           (const struct passgate_inclusion *[]){&moved, &cut, &other, &brief}[i],
                           id_of(log_id, 5), world.jwks, &error),
                       &error, "PROOF", "proof");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_was_kept_says_what_was_signed),
        cmocka_unit_test(what_was_not_signed_so_is_no_head),
        cmocka_unit_test(a_head_that_says_other_than_was_signed_is_refused),
        cmocka_unit_test(a_log_that_was_only_added_to_goes_on_from_the_older_head),
        cmocka_unit_test(any_other_log_does_not),
        cmocka_unit_test(every_record_is_proved_under_its_own_id_and_no_other),
        cmocka_unit_test(a_record_that_was_changed_is_not_proved),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
