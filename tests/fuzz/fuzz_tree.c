/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a Merkle proof: checking ends, and what it accepts is what the tree says.  The input
 * is a leaf's index, two sizes, then hashes; a small tree that is honest must also be proved, and
 * no proof that was changed may be.
 */
#include "domain/audit/tree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 24, LEAVES_MAX = 64 };

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static uint64_t take_number(const uint8_t *data)
{
    uint64_t number;

    memcpy(&number, data, sizeof(number));
    return number;
}

static void check_any(const uint8_t *data, size_t size)
{
    struct tree_hash hashes[TREE_PROOF_MAX + 2];
    size_t count = size / TREE_HASH_BYTES;
    struct span head = span_of(data, HEAD_BYTES);
    struct tree_hash leaf = tree_leaf(head, span_of(NULL, 0)), root = tree_leaf(head, head);

    if (count > sizeof(hashes) / sizeof(hashes[0]))
        count = sizeof(hashes) / sizeof(hashes[0]);
    if (count > 0)
        memcpy(hashes, data + HEAD_BYTES, count * TREE_HASH_BYTES);
    expect(!tree_inclusion_is_proved(&leaf, take_number(data), take_number(data + 8), &root, hashes,
                                     count));
    expect(!tree_consistency_is_proved(take_number(data + 8), take_number(data + 16), &leaf, &root,
                                       hashes, count));
}

static struct tree_proof prove(const struct tree_part *parts, uint32_t count,
                               const struct tree_hash *leaves, uint64_t size)
{
    struct tree_prover *prover = calloc(1, sizeof(*prover));
    struct tree_proof proof;

    tree_prover_init(prover, parts, count);
    for (uint64_t i = 0; i < size; i++)
        tree_prover_add(prover, i, 0, &leaves[i]);
    expect(tree_prover_finish(prover, &proof));
    free(prover);
    return proof;
}

static void check_honest(const uint8_t *data, size_t size)
{
    uint64_t leaf_count = 1 + data[0] % LEAVES_MAX, index = data[1] % leaf_count;
    uint64_t old_size = 1 + data[2] % leaf_count;
    struct tree_hash leaves[LEAVES_MAX], roots[LEAVES_MAX + 1];
    struct tree_part parts[TREE_PROOF_MAX];
    struct tree_proof proof;
    struct tree_range range;

    tree_range_init(&range, 0);
    for (uint8_t i = 0; i < leaf_count; i++) {
        leaves[i] = tree_leaf(span_of(&i, 1), span_of(data, size));
        tree_range_add(&range, 0, &leaves[i]);
        roots[i + 1] = tree_range_root(&range);
    }
    proof = prove(parts, tree_inclusion_plan(index, leaf_count, parts), leaves, leaf_count);
    expect(tree_inclusion_is_proved(&leaves[index], index, leaf_count, &roots[leaf_count],
                                    proof.hashes, proof.count));
    if (proof.count > 0) {
        proof.hashes[data[3] % proof.count].bytes[data[4] % TREE_HASH_BYTES] ^=
            (uint8_t)(1 << data[5] % 8);
        expect(!tree_inclusion_is_proved(&leaves[index], index, leaf_count, &roots[leaf_count],
                                         proof.hashes, proof.count));
    }
    proof = prove(parts, tree_consistency_plan(old_size, leaf_count, parts), leaves, leaf_count);
    expect(tree_consistency_is_proved(old_size, leaf_count, &roots[old_size], &roots[leaf_count],
                                      proof.hashes, proof.count));
    if (proof.count > 0) {
        proof.hashes[data[3] % proof.count].bytes[data[4] % TREE_HASH_BYTES] ^=
            (uint8_t)(1 << data[5] % 8);
        expect(!tree_consistency_is_proved(old_size, leaf_count, &roots[old_size],
                                           &roots[leaf_count], proof.hashes, proof.count));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES)
        return 0;
    check_any(data, size - HEAD_BYTES);
    check_honest(data, size);
    return 0;
}
