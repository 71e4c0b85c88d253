/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree against the definitions of RFC 6962, known answers and public vectors. */
#include "domain/audit/tree.h"
#include "unit/base/vectors.h"

#include "base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { LEAVES = 70 };

static struct tree_hash leaves[LEAVES];

static int make_leaves(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < LEAVES; i++)
        leaves[i] = tree_leaf(span_of(NULL, 0), span_of(&i, 1));
    return 0;
}

/* ---- the definitions, word by word (section 2.1) ---- */

static uint64_t split(uint64_t count)
{
    uint64_t k = 1;

    while (k * 2 < count)
        k *= 2;
    return k;
}

static struct tree_hash mth(uint64_t first, uint64_t end)
{
    struct tree_hash left, right;
    uint64_t k;

    if (end - first == 1)
        return leaves[first];
    k = split(end - first);
    left = mth(first, first + k);
    right = mth(first + k, end);
    return tree_node(&left, &right);
}

static void path(uint64_t m, uint64_t first, uint64_t end, struct tree_proof *proof)
{
    uint64_t k;

    if (end - first == 1)
        return;
    k = split(end - first);
    if (m < k) {
        path(m, first, first + k, proof);
        proof->hashes[proof->count++] = mth(first + k, end);
    } else {
        path(m - k, first + k, end, proof);
        proof->hashes[proof->count++] = mth(first, first + k);
    }
}

static void subproof(uint64_t m, uint64_t first, uint64_t end, bool is_known,
                     struct tree_proof *proof)
{
    uint64_t k;

    if (m == end - first) {
        if (!is_known)
            proof->hashes[proof->count++] = mth(first, end);
        return;
    }
    k = split(end - first);
    if (m <= k) {
        subproof(m, first, first + k, is_known, proof);
        proof->hashes[proof->count++] = mth(first + k, end);
    } else {
        subproof(m - k, first + k, end, false, proof);
        proof->hashes[proof->count++] = mth(first, first + k);
    }
}

/* ---- */

static void add_leaves(struct tree_range *range, uint64_t end)
{
    while (range->end < end)
        tree_range_add(range, 0, &leaves[range->end]);
}

static void assert_hash(const struct tree_hash *hash, const char *hex)
{
    char text[2 * TREE_HASH_BYTES + 1];

    hex_encode(span_of(hash, sizeof(*hash)), text);
    assert_string_equal(text, hex);
}

/* The tree of eight leaves that implementations of Certificate Transparency test with. */
static void roots_are_the_known_ones(void **state)
{
    static const char *const inputs[] = {"",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct tree_range range;
    struct tree_hash root;

    (void)state;
    tree_range_init(&range, 0);
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        uint8_t bytes[16];
        struct tree_hash leaf;

        root = tree_range_root(&range);
        assert_hash(&root, roots[i]);
        if (i == sizeof(inputs) / sizeof(inputs[0]))
            break;
        assert_true(hex_decode(span_text(inputs[i]), bytes));
        leaf = tree_leaf(
            span_of(bytes, strlen(inputs[i]) / 4),
            span_of(bytes + strlen(inputs[i]) / 4, strlen(inputs[i]) / 2 - strlen(inputs[i]) / 4));
        tree_range_add(&range, 0, &leaf);
    }
}

static void a_tree_that_grows_has_the_root_of_its_definition(void **state)
{
    struct tree_range range;

    (void)state;
    tree_range_init(&range, 0);
    for (uint64_t size = 1; size <= LEAVES; size++) {
        struct tree_hash expected = mth(0, size), root;

        add_leaves(&range, size);
        root = tree_range_root(&range);
        assert_true(tree_hash_equal(&root, &expected));
        assert_int_equal(range.count, __builtin_popcountll(size));
    }
}

/* Wherever a log is cut into two or three parts. */
static void ranges_join_to_the_range_of_all(void **state)
{
    struct tree_range all, left, middle, right;

    (void)state;
    tree_range_init(&all, 0);
    add_leaves(&all, LEAVES);
    for (uint64_t i = 0; i <= LEAVES; i++) {
        for (uint64_t j = i; j <= LEAVES; j++) {
            tree_range_init(&left, 0);
            add_leaves(&left, i);
            tree_range_init(&middle, i);
            add_leaves(&middle, j);
            tree_range_init(&right, j);
            add_leaves(&right, LEAVES);
            assert_int_equal(middle.count, tree_range_count(i, j));
            tree_range_join(&middle, &right);
            tree_range_join(&left, &middle);
            assert_true(tree_range_equal(&left, &all));
        }
    }
}

static struct tree_proof prove(const struct tree_part *parts, uint32_t count, uint64_t size,
                               uint64_t cut)
{
    struct tree_prover *prover = calloc(1, sizeof(*prover));
    struct tree_proof proof = {0};
    struct tree_range before;

    /* What is before the cut comes as a range, as from a file of the past. */
    tree_prover_init(prover, parts, count);
    tree_range_init(&before, 0);
    add_leaves(&before, cut);
    tree_prover_add_range(prover, &before);
    for (uint64_t i = cut; i < size; i++)
        tree_prover_add(prover, i, 0, &leaves[i]);
    assert_true(tree_prover_finish(prover, &proof));
    free(prover);
    return proof;
}

static void assert_proofs_equal(const struct tree_proof *a, const struct tree_proof *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->hashes, b->hashes, a->count * sizeof(a->hashes[0]));
}

static void every_inclusion_is_proved_and_nothing_else(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        struct tree_hash root = mth(0, size);

        for (uint64_t index = 0; index < size; index++) {
            struct tree_part parts[TREE_PROOF_MAX];
            uint32_t count = tree_inclusion_plan(index, size, parts);
            struct tree_proof proof = prove(parts, count, size, index), expected = {0};
            uint64_t other = (index + 1) % size;

            path(index, 0, size, &expected);
            assert_proofs_equal(&proof, &expected);
            assert_true(tree_inclusion_is_proved(&leaves[index], index, size, &root, proof.hashes,
                                                 proof.count));
            if (other == index)
                continue;
            assert_false(tree_inclusion_is_proved(&leaves[index], other, size, &root, proof.hashes,
                                                  proof.count));
            assert_false(tree_inclusion_is_proved(&leaves[other], index, size, &root, proof.hashes,
                                                  proof.count));
            assert_false(tree_inclusion_is_proved(&leaves[index], index, size, &root, proof.hashes,
                                                  proof.count - 1));
            proof.hashes[index % proof.count].bytes[7] ^= 1;
            assert_false(tree_inclusion_is_proved(&leaves[index], index, size, &root, proof.hashes,
                                                  proof.count));
        }
    }
}

static void every_consistency_is_proved_and_nothing_else(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        struct tree_hash root = mth(0, size);

        for (uint64_t old = 1; old <= size; old++) {
            struct tree_hash old_root = mth(0, old);
            struct tree_part parts[TREE_PROOF_MAX];
            uint32_t count = tree_consistency_plan(old, size, parts);
            struct tree_proof proof = prove(parts, count, size, 0), expected = {0};

            subproof(old, 0, size, true, &expected);
            assert_proofs_equal(&proof, &expected);
            assert_true(
                tree_consistency_is_proved(old, size, &old_root, &root, proof.hashes, proof.count));
            if (old == size)
                continue;
            assert_false(
                tree_consistency_is_proved(old, size, &root, &root, proof.hashes, proof.count));
            assert_false(tree_consistency_is_proved(old, size, &old_root, &old_root, proof.hashes,
                                                    proof.count));
            proof.hashes[old % proof.count].bytes[7] ^= 1;
            assert_false(
                tree_consistency_is_proved(old, size, &old_root, &root, proof.hashes, proof.count));
        }
    }
}

static void a_prover_says_when_leaves_are_missing(void **state)
{
    struct tree_prover *prover = calloc(1, sizeof(*prover));
    struct tree_part parts[TREE_PROOF_MAX];
    struct tree_proof proof;

    (void)state;
    tree_prover_init(prover, parts, tree_inclusion_plan(5, 11, parts));
    for (uint64_t i = 0; i < 10; i++) {
        assert_false(tree_prover_finish(prover, &proof));
        tree_prover_add(prover, i, 0, &leaves[i]);
    }
    assert_false(tree_prover_finish(prover, &proof));
    tree_prover_add(prover, 10, 0, &leaves[10]);
    assert_true(tree_prover_finish(prover, &proof));
    free(prover);
}

static void the_largest_trees_have_proofs_that_fit(void **state)
{
    struct tree_part parts[TREE_PROOF_MAX];

    (void)state;
    assert_int_equal(tree_inclusion_plan(TREE_SIZE_MAX - 1, TREE_SIZE_MAX, parts), 62);
    assert_int_equal(tree_consistency_plan(TREE_SIZE_MAX - 1, TREE_SIZE_MAX, parts), 63);
    assert_int_equal(tree_range_count(1, TREE_SIZE_MAX - 1), 122);
}

/* ---- transparency-dev/merkle, testdata ---- */

static const char *const inclusion_folders[] = {
    "inclusion/0",
    "inclusion/1",
    "inclusion/2",
    "inclusion/3",
    "inclusion/4",
    "inclusion/single-entry",
    "inclusion/additional/0",
    "inclusion/additional/1",
    "inclusion/additional/2",
    "inclusion/additional/3",
};
static const char *const consistency_folders[] = {
    "consistency/0", "consistency/1", "consistency/2",
    "consistency/3", "consistency/4", "consistency/additional",
};

/* Some spoiled hashes have a wrong length: that is for whoever takes them off the wire to refuse.
 */
static bool take_hash(const json_t *value, struct tree_hash *ret_hash)
{
    const char *text = json_string_value(value);
    char url[64];
    uint8_t bytes[64];
    size_t length = 0;

    if (!text || strlen(text) >= sizeof(url))
        return false;
    for (; text[length] && text[length] != '='; length++)
        url[length] = text[length];
    for (size_t i = 0; i < length; i++)
        url[i] = url[i] == '+' ? '-' : (char)(url[i] == '/' ? '_' : url[i]);
    if (!base64url_decode(span_of(url, length), bytes, &length) || length != sizeof(*ret_hash))
        return false;
    memcpy(ret_hash, bytes, sizeof(*ret_hash));
    return true;
}

static bool take_proof(const json_t *vector, struct tree_hash *hashes, size_t *ret_count)
{
    const json_t *proof = json_object_get(vector, "proof");

    *ret_count = json_array_size(proof);
    assert_true(*ret_count <= TREE_PROOF_MAX);
    for (size_t i = 0; i < *ret_count; i++)
        if (!take_hash(json_array_get(proof, i), &hashes[i]))
            return false;
    return true;
}

static uint64_t number_of(const json_t *vector, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(vector, name));
}

static bool inclusion_holds(const json_t *vector)
{
    struct tree_hash leaf, root, hashes[TREE_PROOF_MAX];
    size_t count;

    return take_hash(json_object_get(vector, "leafHash"), &leaf) &&
           take_hash(json_object_get(vector, "root"), &root) &&
           take_proof(vector, hashes, &count) &&
           tree_inclusion_is_proved(&leaf, number_of(vector, "leafIdx"),
                                    number_of(vector, "treeSize"), &root, hashes, count);
}

static bool consistency_holds(const json_t *vector)
{
    struct tree_hash old_root, root, hashes[TREE_PROOF_MAX];
    size_t count;

    return take_hash(json_object_get(vector, "root1"), &old_root) &&
           take_hash(json_object_get(vector, "root2"), &root) &&
           take_proof(vector, hashes, &count) &&
           tree_consistency_is_proved(number_of(vector, "size1"), number_of(vector, "size2"),
                                      &old_root, &root, hashes, count);
}

/* One good vector has texts for roots, which stand for any two equal hashes. */
static bool is_with_roots_that_are_none(const json_t *vector)
{
    struct tree_hash hash;

    return !json_is_true(json_object_get(vector, "wantErr")) && json_object_get(vector, "root1") &&
           !take_hash(json_object_get(vector, "root1"), &hash);
}

static size_t run_folder(const char *where, bool (*holds)(const json_t *vector))
{
    const char *folder, *const *names;
    struct arena arena;
    size_t count = 0, run = 0;

    arena_init(&arena, 4096);
    if (!vectors_find(where[0] ? arena_printf(&arena, "rfc6962/%s", where) : where, ".json", &arena,
                      &folder, &names, &count))
        count = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *vector = NULL;
        struct err err;
        bool is_wrong;

        /* jansson has no number beyond 2^63, and an index there is no index. */
        if (!json_read(vectors_read(folder, names[i], &arena), &vector, &err)) {
            assert_string_equal(names[i], "leafIdx-sub-@1.json");
            continue;
        }
        is_wrong = json_is_true(json_object_get(vector, "wantErr"));
        if (!is_with_roots_that_are_none(vector)) {
            if (holds(vector) == is_wrong)
                fail_msg("%s/%s", where, names[i]);
            run++;
        }
        json_decref(vector);
    }
    arena_release(&arena);
    return run;
}

static void public_vectors_hold(void **state)
{
    size_t inclusions = 0, consistencies = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(inclusion_folders) / sizeof(inclusion_folders[0]); i++)
        inclusions += run_folder(inclusion_folders[i], inclusion_holds);
    for (size_t i = 0; i < sizeof(consistency_folders) / sizeof(consistency_folders[0]); i++)
        consistencies += run_folder(consistency_folders[i], consistency_holds);
    if (inclusions + consistencies == 0) {
        puts("skipped: ../shared/vectors/rfc6962 is not there");
        skip();
    }
    printf("%zu inclusion and %zu consistency proofs\n", inclusions, consistencies);
    assert_true(inclusions > 90 && consistencies > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_the_known_ones),
        cmocka_unit_test(a_tree_that_grows_has_the_root_of_its_definition),
        cmocka_unit_test(ranges_join_to_the_range_of_all),
        cmocka_unit_test(every_inclusion_is_proved_and_nothing_else),
        cmocka_unit_test(every_consistency_is_proved_and_nothing_else),
        cmocka_unit_test(a_prover_says_when_leaves_are_missing),
        cmocka_unit_test(the_largest_trees_have_proofs_that_fit),
        cmocka_unit_test(public_vectors_hold),
    };

    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
