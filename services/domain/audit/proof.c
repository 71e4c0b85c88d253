/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs about a Merkle tree: what they consist of, putting them together, checking them. */
#include "domain/audit/tree.h"

/* The largest power of two smaller than `count`, which is at least 2 (RFC 6962 section 2.1). */
static uint64_t split_of(uint64_t count)
{
    return UINT64_C(1) << (63 - (unsigned)__builtin_clzll(count - 1));
}

static void reverse(struct tree_part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        struct tree_part part = parts[i];

        parts[i] = parts[count - 1 - i];
        parts[count - 1 - i] = part;
    }
}

/* Step into the half that holds `position`; the other one is a part of the proof. */
static struct tree_part descend(struct tree_part *at, uint64_t position)
{
    uint64_t middle = at->first + split_of(at->end - at->first);
    struct tree_part other = {middle, at->end};

    if (position < middle) {
        at->end = middle;
    } else {
        other = (struct tree_part){at->first, middle};
        at->first = middle;
    }
    return other;
}

uint32_t tree_inclusion_plan(uint64_t index, uint64_t size,
                             struct tree_part ret_parts[static TREE_PROOF_MAX])
{
    struct tree_part at = {0, size};
    uint32_t count = 0;

    while (at.end - at.first > 1)
        ret_parts[count++] = descend(&at, index);
    reverse(ret_parts, count);
    return count;
}

uint32_t tree_consistency_plan(uint64_t old_size, uint64_t size,
                               struct tree_part ret_parts[static TREE_PROOF_MAX])
{
    struct tree_part at = {0, size};
    uint32_t count = 0;

    while (at.end != old_size)
        ret_parts[count++] = descend(&at, old_size - 1);
    if (at.first > 0) /* else it is the old root, which the reader has */
        ret_parts[count++] = at;
    reverse(ret_parts, count);
    return count;
}

void tree_prover_init(struct tree_prover *prover, const struct tree_part *parts, uint32_t count)
{
    prover->count = count;
    prover->last = 0;
    for (uint32_t i = 0; i < count; i++) {
        tree_range_init(&prover->parts[i], parts[i].first);
        prover->ends[i] = parts[i].end;
    }
}

static bool is_in_part(const struct tree_prover *prover, uint32_t part, uint64_t position,
                       unsigned level)
{
    return part < prover->count && prover->parts[part].end == position &&
           prover->ends[part] - position >= UINT64_C(1) << level && position < prover->ends[part];
}

void tree_prover_add(struct tree_prover *prover, uint64_t position, unsigned level,
                     const struct tree_hash *hash)
{
    if (!is_in_part(prover, prover->last, position, level)) {
        uint32_t part = 0;

        while (part < prover->count && !is_in_part(prover, part, position, level))
            part++;
        if (part == prover->count)
            return;
        prover->last = part;
    }
    tree_range_add(&prover->parts[prover->last], level, hash);
}

void tree_prover_add_range(struct tree_prover *prover, const struct tree_range *range)
{
    struct tree_step step = {.position = range->first};

    while (tree_range_next(range, &step))
        tree_prover_add(prover, step.position, step.level, step.hash);
}

bool tree_prover_finish(const struct tree_prover *prover, struct tree_proof *ret_proof)
{
    for (uint32_t i = 0; i < prover->count; i++)
        if (prover->parts[i].end != prover->ends[i])
            return false;
    ret_proof->count = prover->count;
    for (uint32_t i = 0; i < prover->count; i++)
        ret_proof->hashes[i] = tree_range_root(&prover->parts[i]);
    return true;
}

/* ---- checking ---- */

/* Where a node stands in its level, and where the last one does. */
struct place {
    uint64_t node, last;
};

static void rise(struct place *place)
{
    place->node >>= 1;
    place->last >>= 1;
}

/* The sibling is on the left.  Then the levels are skipped on which the node has none. */
static bool has_left_sibling(struct place *place)
{
    if (!(place->node & 1) && place->node != place->last)
        return false;
    while (!(place->node & 1) && place->node != 0)
        rise(place);
    return true;
}

bool tree_inclusion_is_proved(const struct tree_hash *leaf, uint64_t index, uint64_t size,
                              const struct tree_hash *root, const struct tree_hash *hashes,
                              size_t count)
{
    struct place place = {index, size - 1};
    struct tree_hash found = *leaf;

    if (index >= size)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (place.last == 0)
            return false;
        found = has_left_sibling(&place) ? tree_node(&hashes[i], &found)
                                         : tree_node(&found, &hashes[i]);
        rise(&place);
    }
    return place.last == 0 && tree_hash_equal(&found, root);
}

bool tree_consistency_is_proved(uint64_t old_size, uint64_t size, const struct tree_hash *old_root,
                                const struct tree_hash *root, const struct tree_hash *hashes,
                                size_t count)
{
    struct place place = {old_size - 1, size - 1};
    struct tree_hash old_found = *old_root, found = *old_root;
    size_t next = 0;

    if (old_size == 0 || old_size > size)
        return false;
    if (old_size == size)
        return count == 0 && tree_hash_equal(old_root, root);
    while (place.node & 1)
        rise(&place);
    if (place.node != 0) { /* the old tree is no subtree of its own: the proof begins with one */
        if (count == 0)
            return false;
        old_found = found = hashes[next++];
    }
    for (; next < count; next++) {
        if (place.last == 0)
            return false;
        if (has_left_sibling(&place)) {
            old_found = tree_node(&hashes[next], &old_found);
            found = tree_node(&hashes[next], &found);
        } else {
            found = tree_node(&found, &hashes[next]);
        }
        rise(&place);
    }
    return place.last == 0 && tree_hash_equal(&old_found, old_root) &&
           tree_hash_equal(&found, root);
}
