/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree: hashes and ranges of them. */
#include "domain/audit/tree.h"

#include <assert.h>

enum { LEAF = 0x00, NODE = 0x01 };

struct tree_hash tree_leaf(struct span head, struct span body)
{
    const uint8_t prefix = LEAF;
    const struct span parts[] = {span_of(&prefix, 1), head, body};
    struct tree_hash hash;

    digest_sha256_of(parts, sizeof(parts) / sizeof(parts[0]), hash.bytes);
    return hash;
}

struct tree_hash tree_node(const struct tree_hash *left, const struct tree_hash *right)
{
    uint8_t bytes[1 + 2 * TREE_HASH_BYTES] = {NODE};
    const struct span whole = span_of(bytes, sizeof(bytes));
    struct tree_hash hash;

    memcpy(bytes + 1, left->bytes, TREE_HASH_BYTES);
    memcpy(bytes + 1 + TREE_HASH_BYTES, right->bytes, TREE_HASH_BYTES);
    digest_sha256_of(&whole, 1, hash.bytes);
    return hash;
}

/* The largest complete subtree that begins at `first` and ends at `end` or before; first < end. */
static unsigned level_at(uint64_t first, uint64_t end)
{
    unsigned fits = 63 - (unsigned)__builtin_clzll(end - first);
    unsigned aligned = first ? (unsigned)__builtin_ctzll(first) : 63;

    return fits < aligned ? fits : aligned;
}

uint32_t tree_range_count(uint64_t first, uint64_t end)
{
    uint32_t count = 0;

    for (; first < end; first += UINT64_C(1) << level_at(first, end))
        count++;
    return count;
}

bool tree_range_next(const struct tree_range *range, struct tree_step *step)
{
    if (step->index > 0)
        step->position += UINT64_C(1) << step->level;
    if (step->index == range->count)
        return false;
    step->level = level_at(step->position, range->end);
    step->hash = &range->hashes[step->index++];
    return true;
}

/* Whether the last subtree of the range is the left sibling of one that follows it. */
static bool ends_with_left_sibling(const struct tree_range *range, unsigned level)
{
    uint64_t size = UINT64_C(1) << level;

    return range->count > 0 && (range->end & size) && range->end - range->first >= size;
}

void tree_range_add(struct tree_range *range, unsigned level, const struct tree_hash *hash)
{
    struct tree_hash top = *hash;
    uint64_t end = range->end + (UINT64_C(1) << level);

    assert((range->end & ((UINT64_C(1) << level) - 1)) == 0 && end <= TREE_SIZE_MAX);
    for (; ends_with_left_sibling(range, level); level++) {
        top = tree_node(&range->hashes[--range->count], &top);
        range->end -= UINT64_C(1) << level;
    }
    range->hashes[range->count++] = top;
    range->end = end;
}

void tree_range_join(struct tree_range *range, const struct tree_range *next)
{
    struct tree_step step = {.position = next->first};

    assert(next->first == range->end);
    while (tree_range_next(next, &step))
        tree_range_add(range, step.level, step.hash);
}

bool tree_range_equal(const struct tree_range *a, const struct tree_range *b)
{
    return a->first == b->first && a->end == b->end &&
           memcmp(a->hashes, b->hashes, a->count * sizeof(a->hashes[0])) == 0;
}

struct tree_hash tree_range_root(const struct tree_range *range)
{
    struct tree_hash root;

    if (range->count == 0) {
        digest_sha256(span_of(NULL, 0), root.bytes);
        return root;
    }
    root = range->hashes[range->count - 1];
    for (uint32_t i = range->count - 1; i > 0; i--)
        root = tree_node(&range->hashes[i - 1], &root);
    return root;
}
