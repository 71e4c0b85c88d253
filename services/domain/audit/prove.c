/* SPDX-License-Identifier: Apache-2.0 */
/* Proving that a record is in a log, and that a log was only added to. */
#include "domain/audit/prove.h"

#include "base/memory.h"

#include <inttypes.h>

/* ---- indices ---- */

/* The index as it is in its file; false when there is none that fits. */
static bool read_index(const struct audit_files *files, size_t at, struct audit_index *ret_index)
{
    struct arena arena;
    struct span bytes;
    struct err ignored;
    bool is_read;

    arena_init(&arena, 4096);
    is_read =
        files->read_index(files->context, files->first_sequences[at], &arena, &bytes, &ignored) &&
        bytes.length > 0 && audit_index_decode(bytes, ret_index, &ignored);
    if (is_read && ret_index->first_sequence != files->first_sequences[at]) {
        audit_index_release(ret_index);
        is_read = false;
    }
    arena_release(&arena);
    return is_read;
}

static bool read_segment(const struct audit_files *files, size_t at, struct arena *arena,
                         struct span *ret_segment, struct audit_segment_header *ret_header,
                         struct err *err)
{
    return files->read_segment(files->context, files->first_sequences[at], arena, ret_segment,
                               err) &&
           audit_segment_header_get(*ret_segment, ret_header, err);
}

static bool make_index(const struct audit_files *files, size_t at, const struct tree_range *before,
                       struct audit_index *ret_index, struct err *err)
{
    struct audit_segment_header header;
    struct span segment;
    struct arena arena;
    bool is_made;

    arena_init(&arena, 4096);
    is_made = read_segment(files, at, &arena, &segment, &header, err);
    if (is_made && header.first_index != before->end)
        is_made = err_set(err, ERR_STORE_CORRUPT,
                          "segment %" PRIu64 " does not follow the one before it, or the index of "
                          "what was before it is missing",
                          files->first_sequences[at]);
    if (is_made) {
        audit_index_init(ret_index, &header, before);
        audit_index_add_segment(ret_index, segment);
    }
    arena_release(&arena);
    return is_made;
}

bool audit_index_load(const struct audit_files *files, size_t at, struct audit_index *ret_index,
                      struct err *err)
{
    size_t known = at + 1; /* the index of the segment before this one is in `index` */
    struct audit_index index = {.entries = NULL};
    struct tree_range tree;

    tree_range_init(&tree, 0);
    while (known > 0 && !read_index(files, known - 1, &index))
        known--;
    if (known > 0)
        audit_index_tree(&index, &tree);
    for (; known <= at; known++) {
        audit_index_release(&index);
        if (!make_index(files, known, &tree, &index, err))
            return false;
        audit_index_tree(&index, &tree);
    }
    *ret_index = index;
    return true;
}

/* ---- the proof ---- */

struct proving {
    const struct audit_files *files;
    uint64_t size; /* of the head */
    struct audit_inclusion inclusion;
    uint64_t old_size;       /* of a consistency proof; else 0 */
    struct tree_range older; /* the records before that, as far as they were seen */
    struct tree_prover prover;
};

/* The records of a segment up to the head, one by one. */
static bool add_records(struct proving *proving, size_t at, uint64_t wanted, struct err *err)
{
    struct audit_segment_header header;
    struct audit_cursor cursor;
    struct span segment, payload;
    uint64_t sequence, index;
    struct arena arena;

    arena_init(&arena, 4096);
    if (!read_segment(proving->files, at, &arena, &segment, &header, err)) {
        arena_release(&arena);
        return false;
    }
    audit_cursor_init(&cursor, segment, &header);
    for (index = header.first_index;
         index < proving->size &&
         audit_cursor_next(&cursor, &payload, &sequence) == AUDIT_STEP_RECORD;
         index++) {
        struct tree_hash leaf = audit_leaf(sequence, cursor.base_ms, payload);

        if (sequence == wanted)
            proving->inclusion = (struct audit_inclusion){
                sequence, index, header.first_sequence, cursor.record_offset, leaf, {0}};
        else
            tree_prover_add(&proving->prover, index, 0, &leaf);
        if (index < proving->old_size)
            tree_range_add(&proving->older, 0, &leaf);
    }
    arena_release(&arena);
    return true;
}

/* The segments behind that of the record: their subtrees, and of the one in which the head is its
 * records. */
static bool add_later(struct proving *proving, size_t at, struct err *err)
{
    for (; at < proving->files->count; at++) {
        struct audit_index index;
        uint64_t first, end;

        if (!audit_index_load(proving->files, at, &index, err))
            return false;
        first = index.records.first;
        end = index.records.end;
        if (end <= proving->size)
            tree_prover_add_range(&proving->prover, &index.records);
        audit_index_release(&index);
        if (first >= proving->size)
            return true;
        if (end > proving->size && !add_records(proving, at, 0, err))
            return false;
    }
    return true;
}

/* The last segment that begins with this number or before. */
static bool find_segment(const struct audit_files *files, uint64_t sequence, size_t *ret_at)
{
    size_t at = files->count;

    while (at > 0 && files->first_sequences[at - 1] > sequence)
        at--;
    *ret_at = at - 1;
    return at > 0;
}

static bool prove(struct proving *proving, const struct audit_head *head, uint64_t sequence,
                  struct err *err)
{
    const struct audit_files *files = proving->files;
    struct tree_part parts[TREE_PROOF_MAX];
    struct audit_index index;
    uint64_t leaf_index;
    size_t at;

    if (!find_segment(files, sequence, &at))
        return err_set(err, ERR_RECORD_UNKNOWN, "the log has no record %" PRIu64, sequence);
    if (!audit_index_load(files, at, &index, err))
        return false;
    leaf_index = index.records.first + (sequence - files->first_sequences[at]);
    if (leaf_index >= index.records.end || index.log_id != head->log_id) {
        audit_index_release(&index);
        return err_set(err, ERR_RECORD_UNKNOWN, "the log has no record %" PRIu64, sequence);
    }
    if (leaf_index >= head->size) {
        audit_index_release(&index);
        return err_set(err, ERR_TREE_HEAD_BEHIND, "record %" PRIu64 " is newer than the tree head",
                       sequence);
    }
    tree_prover_init(&proving->prover, parts, tree_inclusion_plan(leaf_index, head->size, parts));
    tree_prover_add_range(&proving->prover, &index.before);
    audit_index_release(&index);
    return add_records(proving, at, sequence, err) && add_later(proving, at + 1, err);
}

static bool lead_elsewhere(struct err *err)
{
    return err_set(err, ERR_STORE_CORRUPT,
                   "the files do not lead to the tree head: passgate audit verify");
}

bool audit_prove(const struct audit_files *files, const struct audit_head *head, uint64_t sequence,
                 struct audit_inclusion *ret_inclusion, struct err *err)
{
    struct proving *proving = memory_new(struct proving);
    struct audit_inclusion *inclusion = &proving->inclusion;
    bool is_proved;

    proving->files = files;
    proving->size = head->size;
    is_proved = prove(proving, head, sequence, err);
    if (is_proved &&
        (!tree_prover_finish(&proving->prover, &inclusion->proof) ||
         !tree_inclusion_is_proved(&inclusion->leaf, inclusion->index, head->size, &head->root,
                                   inclusion->proof.hashes, inclusion->proof.count)))
        is_proved = lead_elsewhere(err);
    if (is_proved)
        *ret_inclusion = *inclusion;
    memory_free(proving);
    return is_proved;
}

/* ---- consistency ---- */

/* The first segment that ends with the record at this place, or later. */
static bool find_place(const struct audit_files *files, uint64_t place, size_t *ret_at,
                       struct err *err)
{
    size_t at = 0, end = files->count;

    while (at + 1 < end) {
        size_t middle = at + (end - at) / 2 - 1;
        struct audit_index index;
        bool is_before;

        if (!audit_index_load(files, middle, &index, err))
            return false;
        is_before = index.records.end <= place;
        audit_index_release(&index);
        if (is_before)
            at = middle + 1;
        else
            end = middle + 1;
    }
    *ret_at = at;
    return true;
}

static bool prove_older(struct proving *proving, const struct audit_head *head, struct err *err)
{
    struct tree_part parts[TREE_PROOF_MAX];
    struct audit_index index;
    size_t at;

    if (proving->files->count == 0)
        return err_set(err, ERR_RECORD_UNKNOWN, "the log has no records");
    if (!find_place(proving->files, proving->old_size - 1, &at, err) ||
        !audit_index_load(proving->files, at, &index, err))
        return false;
    proving->older = index.before;
    audit_index_release(&index);
    if (proving->older.end > proving->old_size)
        return err_set(err, ERR_RECORD_UNKNOWN, "the records of that time have been taken away");
    tree_prover_init(&proving->prover, parts,
                     tree_consistency_plan(proving->old_size, head->size, parts));
    tree_prover_add_range(&proving->prover, &proving->older);
    return add_records(proving, at, 0, err) && add_later(proving, at + 1, err);
}

static bool is_older_proved(const struct proving *proving, const struct audit_head *head,
                            struct tree_proof *proof)
{
    struct tree_hash old_root = tree_range_root(&proving->older);

    return proving->older.end == proving->old_size && tree_prover_finish(&proving->prover, proof) &&
           tree_consistency_is_proved(proving->old_size, head->size, &old_root, &head->root,
                                      proof->hashes, proof->count);
}

bool audit_prove_consistency(const struct audit_files *files, const struct audit_head *head,
                             uint64_t old_size, struct tree_proof *ret_proof, struct err *err)
{
    struct tree_proof proof = {.count = 0};
    struct proving *proving;
    bool is_proved;

    if (old_size > head->size)
        return err_set(err, ERR_TREE_HEAD_BEHIND, "the tree head has %" PRIu64 " records",
                       head->size);
    if (old_size == head->size) { /* one tree: there is nothing to prove */
        *ret_proof = proof;
        return true;
    }
    proving = memory_new(struct proving);
    proving->files = files;
    proving->size = head->size;
    proving->old_size = old_size;
    is_proved = prove_older(proving, head, err);
    if (is_proved && !is_older_proved(proving, head, &proof))
        is_proved = lead_elsewhere(err);
    if (is_proved)
        *ret_proof = proof;
    memory_free(proving);
    return is_proved;
}
