/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Merkle tree over the records of a log (RFC 6962 section 2.1): SHA-256, 0x00 before a leaf,
 * 0x01 before two nodes.
 *
 * What is kept of a tree is a *range*: the hashes of the largest complete subtrees that cover the
 * leaves [first, end).  It has at most TREE_RANGE_MAX of them, grows by a leaf or by the range that
 * follows it, and is the whole state of an append-only log when `first` is 0.  Ranges of parts of a
 * log can be kept apart and joined later, so that nothing is hashed twice.
 */
#ifndef DOMAIN_AUDIT_TREE_H
#define DOMAIN_AUDIT_TREE_H

#include "base/digest.h"
#include "base/span.h"

enum {
    TREE_HASH_BYTES = SHA256_BYTES,
    TREE_RANGE_MAX = 128, /* two for each bit of a size */
    TREE_PROOF_MAX = 64,  /* hashes of any proof */
};

#define TREE_SIZE_MAX (UINT64_C(1) << 62)

struct tree_hash {
    uint8_t bytes[TREE_HASH_BYTES];
};

static inline bool tree_hash_equal(const struct tree_hash *a, const struct tree_hash *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* MTH({d}) where d is `head` followed by `body`. */
struct tree_hash tree_leaf(struct span head, struct span body);
/* The hash of a node above two others. */
struct tree_hash tree_node(const struct tree_hash *left, const struct tree_hash *right);

/* ---- ranges ---- */

struct tree_range {
    uint64_t first, end;
    uint32_t count;
    struct tree_hash hashes[TREE_RANGE_MAX]; /* from left to right */
};

/* No leaves, from this position on. */
static inline void tree_range_init(struct tree_range *range, uint64_t first)
{
    range->first = range->end = first;
    range->count = 0;
}

/* How many hashes a range over these leaves has. */
uint32_t tree_range_count(uint64_t first, uint64_t end);

/* The hash of the complete subtree over the 2^level leaves from `range->end` on, which is a
 * multiple of 2^level. */
void tree_range_add(struct tree_range *range, unsigned level, const struct tree_hash *hash);
/* `next->first` is `range->end`. */
void tree_range_join(struct tree_range *range, const struct tree_range *next);
bool tree_range_equal(const struct tree_range *a, const struct tree_range *b);

/* Goes through the hashes of a range with their places. */
struct tree_step {
    uint64_t position; /* of its first leaf; begin with that of the range */
    uint32_t index;    /* begin with 0 */
    unsigned level;
    const struct tree_hash *hash;
};
bool tree_range_next(const struct tree_range *range, struct tree_step *step);

/* MTH of the leaves.  `first` is 0, or a multiple of a power of two that is no less than the number
 * of leaves; of no leaves it is the hash of nothing. */
struct tree_hash tree_range_root(const struct tree_range *range);

/* ---- proofs ---- */

/* Leaves [first, end): a hash of a proof is MTH of such a part. */
struct tree_part {
    uint64_t first, end;
};

struct tree_proof {
    uint32_t count;
    struct tree_hash hashes[TREE_PROOF_MAX];
};

/* What an inclusion proof of the leaf consists of, in its order (PATH, section 2.1.1);
 * index < size <= TREE_SIZE_MAX.  Returns how many parts there are. */
uint32_t tree_inclusion_plan(uint64_t index, uint64_t size,
                             struct tree_part ret_parts[static TREE_PROOF_MAX]);
/* The same for a consistency proof (PROOF, section 2.1.2); 0 < old_size <= size. */
uint32_t tree_consistency_plan(uint64_t old_size, uint64_t size,
                               struct tree_part ret_parts[static TREE_PROOF_MAX]);

/* Puts a proof together from hashes that come in the order of their leaves. */
struct tree_prover {
    uint32_t count;
    uint32_t last; /* the part that was added to last */
    struct tree_range parts[TREE_PROOF_MAX];
    uint64_t ends[TREE_PROOF_MAX];
};

void tree_prover_init(struct tree_prover *prover, const struct tree_part *parts, uint32_t count);
/* A complete subtree.  It is either within one part of the proof, or no business of it. */
void tree_prover_add(struct tree_prover *prover, uint64_t position, unsigned level,
                     const struct tree_hash *hash);
void tree_prover_add_range(struct tree_prover *prover, const struct tree_range *range);
/* False when leaves are missing. */
bool tree_prover_finish(const struct tree_prover *prover, struct tree_proof *ret_proof);

/* RFC 9162 sections 2.1.3.2 and 2.1.4.2.  A proof from nothing, `old_size` 0, proves nothing and is
 * refused. */
bool tree_inclusion_is_proved(const struct tree_hash *leaf, uint64_t index, uint64_t size,
                              const struct tree_hash *root, const struct tree_hash *hashes,
                              size_t count);
bool tree_consistency_is_proved(uint64_t old_size, uint64_t size, const struct tree_hash *old_root,
                                const struct tree_hash *root, const struct tree_hash *hashes,
                                size_t count);

#endif
