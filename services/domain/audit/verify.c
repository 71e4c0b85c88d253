/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying a log. */
#include "domain/audit/verify.h"

#include "base/memory.h"
#include "domain/audit/files.h"
#include "domain/audit/index.h"
#include "domain/audit/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct known_head {
    struct audit_head head;
    const char *file;
    uint64_t offset;
    bool may_be_ahead; /* of what is there */
};

struct audit_verifier {
    void (*report)(void *context, const struct audit_finding *finding);
    void *context;
    struct known_head *heads; /* by size once segments come */
    size_t head_count;
    size_t next_head;
    size_t disputed; /* heads before next_head, from here on, that the tree did not agree with */
    bool is_begun;

    struct tree_range tree; /* all records so far */
    bool is_before_doubted; /* an index does not agree with the records before its segment */
    bool is_tree_known;     /* false behind damage for which there is no index */
    bool is_follower_known; /* the next segment must follow what `verdict` says */
    const char *first_file; /* of the segments */
    const char *sound_file; /* behind which byte of which file records are no longer vouched for */
    uint64_t sound_offset;
    const char *last_file;
    uint64_t last_offset;
    struct audit_dictionary *dictionary;
    struct arena arena; /* of one record */
    struct audit_verdict verdict;
};

static const struct finding_row {
    const char *name, *text;
} finding_rows[] = {
#define X(identifier, name, text) [AUDIT_FINDING_##identifier] = {name, text},
    AUDIT_FINDING_LIST(X)
#undef X
};

const char *audit_finding_name(enum audit_finding_kind kind)
{
    return finding_rows[kind].name;
}

const char *audit_finding_text(enum audit_finding_kind kind)
{
    return finding_rows[kind].text;
}

struct audit_verifier *audit_verifier_new(void (*report)(void *context,
                                                         const struct audit_finding *finding),
                                          void *context)
{
    struct audit_verifier *verifier = memory_new(struct audit_verifier);

    verifier->report = report;
    verifier->context = context;
    verifier->is_tree_known = true;
    verifier->first_file = verifier->sound_file = verifier->last_file = "";
    verifier->dictionary = audit_dictionary_new();
    arena_init(&verifier->arena, 16 * 1024);
    return verifier;
}

void audit_verifier_free(struct audit_verifier *verifier)
{
    if (!verifier)
        return;
    arena_release(&verifier->arena);
    audit_dictionary_free(verifier->dictionary);
    memory_free(verifier->heads);
    memory_free(verifier);
}

void audit_verifier_find(struct audit_verifier *verifier, enum audit_finding_kind kind,
                         const char *file, uint64_t offset, const char *format, ...)
{
    char detail[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    verifier->verdict.findings++;
    verifier->report(verifier->context, &(struct audit_finding){kind, file, offset, detail});
}

/* ---- heads ---- */

void audit_verifier_add_head(struct audit_verifier *verifier, const char *file, uint64_t offset,
                             const struct audit_head *head, bool may_be_ahead)
{
    size_t count = verifier->head_count;

    if ((count & (count - 1)) == 0)
        verifier->heads =
            memory_grow(verifier->heads, count ? 2 * count : 1, sizeof(verifier->heads[0]));
    verifier->heads[verifier->head_count++] =
        (struct known_head){*head, file, offset, may_be_ahead};
}

static int compare_heads(const void *left, const void *right)
{
    const struct known_head *a = left, *b = right;

    if (a->head.size != b->head.size)
        return a->head.size < b->head.size ? -1 : 1;
    return (a->head.time_ms > b->head.time_ms) - (a->head.time_ms < b->head.time_ms);
}

/* A later head agrees with the tree: it is not the records that are wrong. */
static void blame_disputed_heads(struct audit_verifier *verifier)
{
    for (; verifier->disputed < verifier->next_head; verifier->disputed++) {
        const struct known_head *known = &verifier->heads[verifier->disputed];

        audit_verifier_find(verifier, AUDIT_FINDING_HEAD, known->file, known->offset,
                            "the head of %" PRIu64
                            " records is not that of the records, which a later head vouches for",
                            known->head.size);
    }
}

/* None did: it is the records. */
static void blame_records(struct audit_verifier *verifier)
{
    size_t count = verifier->next_head - verifier->disputed;
    const struct known_head *known = &verifier->heads[verifier->disputed];
    bool is_vouched_before = verifier->sound_file[0] != '\0';

    if (count == 0)
        return;
    audit_verifier_find(verifier, AUDIT_FINDING_ROOT,
                        is_vouched_before ? verifier->sound_file : verifier->first_file,
                        is_vouched_before ? verifier->sound_offset : AUDIT_SEGMENT_HEADER_BYTES,
                        "from here on, up to record %" PRIu64
                        " of the log, they are not those of %zu signed head%s, the first at "
                        "%s:%" PRIu64,
                        known->head.size, count, count == 1 ? "" : "s", known->file, known->offset);
    verifier->disputed = verifier->next_head;
}

static void meet_head(struct audit_verifier *verifier, const struct known_head *known,
                      const char *file, uint64_t offset)
{
    struct tree_hash root = tree_range_root(&verifier->tree);

    if (!tree_hash_equal(&root, &known->head.root)) {
        verifier->next_head++;
        return;
    }
    blame_disputed_heads(verifier);
    verifier->disputed = ++verifier->next_head;
    verifier->verdict.heads_met++;
    verifier->verdict.newest = known->head;
    verifier->sound_file = file;
    verifier->sound_offset = offset;
}

/* The heads of a log of this size; those of smaller ones can no longer be compared. */
static void meet_heads(struct audit_verifier *verifier, const char *file, uint64_t offset)
{
    while (verifier->next_head < verifier->head_count) {
        const struct known_head *known = &verifier->heads[verifier->next_head];

        if (known->head.size > verifier->tree.end)
            return;
        if (known->head.size == verifier->tree.end) {
            meet_head(verifier, known, file, offset);
        } else {
            blame_records(verifier);
            verifier->disputed = ++verifier->next_head;
        }
    }
}

/* Heads of other logs are no heads of this one. */
static void begin(struct audit_verifier *verifier, uint64_t log_id)
{
    size_t kept = 0;

    verifier->is_begun = true;
    verifier->verdict.log_id = log_id;
    verifier->verdict.heads = verifier->head_count;
    for (size_t i = 0; i < verifier->head_count; i++) {
        const struct known_head *known = &verifier->heads[i];

        if (known->head.log_id == log_id)
            verifier->heads[kept++] = *known;
        else
            audit_verifier_find(verifier, AUDIT_FINDING_OTHER_LOG, known->file, known->offset,
                                "the head is that of another log");
    }
    verifier->head_count = kept;
    if (kept > 0)
        qsort(verifier->heads, kept, sizeof(verifier->heads[0]), compare_heads);
}

/* ---- segments ---- */

/* One segment while it is looked at. */
struct checking {
    const struct audit_segment_files *files;
    struct audit_segment_header header;
    struct audit_index stored; /* by its file */
    bool is_stored;
    struct audit_index found; /* by the segment */
    bool is_damaged;
};

static void read_stored(struct audit_verifier *verifier, struct checking *checking)
{
    const struct audit_segment_files *files = checking->files;
    struct err err;

    if (files->index.length == 0)
        return;
    if (!audit_index_decode(files->index, &checking->stored, &err)) {
        audit_verifier_find(verifier, AUDIT_FINDING_INDEX, files->index_file, 0, "%s", err.detail);
        return;
    }
    if (checking->stored.first_sequence == files->first_sequence) {
        checking->is_stored = true;
        return;
    }
    audit_verifier_find(verifier, AUDIT_FINDING_INDEX, files->index_file, 0,
                        "it is the index of another segment");
    audit_index_release(&checking->stored);
}

static bool check_header(struct audit_verifier *verifier, struct checking *checking)
{
    const struct audit_segment_files *files = checking->files;
    struct audit_segment_header *header = &checking->header;
    struct audit_verdict *verdict = &verifier->verdict;
    struct err err;

    if (!audit_segment_header_get(files->segment, header, &err)) {
        audit_verifier_find(verifier, AUDIT_FINDING_HEADER, files->segment_file, 0, "%s",
                            err.detail);
        return false;
    }
    if (!verifier->is_begun)
        begin(verifier, header->log_id);
    if (header->log_id != verdict->log_id) {
        audit_verifier_find(verifier, AUDIT_FINDING_OTHER_LOG, files->segment_file, 0,
                            "the segment is of another log than those before it");
        return false;
    }
    if (header->first_sequence != files->first_sequence) {
        audit_verifier_find(verifier, AUDIT_FINDING_ORDER, files->segment_file, 0,
                            "it is the segment of record %" PRIu64, header->first_sequence);
        return false;
    }
    if (verifier->is_follower_known &&
        (header->first_index != verdict->size || header->first_sequence <= verdict->last_sequence))
        audit_verifier_find(verifier, AUDIT_FINDING_ORDER, files->segment_file, 0,
                            "it begins with record %" PRIu64 " of the log, where %" PRIu64
                            " comes next",
                            header->first_index, verdict->size);
    return true;
}

/* The tree before the segment: from the segments before it, else from its index. */
static void enter_segment(struct audit_verifier *verifier, struct checking *checking)
{
    uint64_t first_index = checking->header.first_index;
    bool is_before_stored = checking->is_stored && checking->stored.before.end == first_index;

    if (verifier->verdict.segments == 0) {
        verifier->verdict.first_index = first_index;
        verifier->first_file = checking->files->segment_file;
    }
    if (!verifier->is_tree_known || verifier->tree.end != first_index) {
        verifier->is_tree_known = is_before_stored || first_index == 0;
        if (is_before_stored)
            verifier->tree = checking->stored.before;
        else
            tree_range_init(&verifier->tree, verifier->is_tree_known ? 0 : first_index);
    }
    verifier->verdict.segments++;
    verifier->verdict.size = first_index;
    audit_index_init(&checking->found, &checking->header,
                     verifier->is_tree_known ? &verifier->tree : NULL);
    audit_dictionary_clear(verifier->dictionary);
}

/* Numbers jump only where a run begins, and a run begins by saying so. */
static void check_number(struct audit_verifier *verifier, const struct checking *checking,
                         uint64_t sequence, enum audit_kind kind)
{
    const struct audit_verdict *verdict = &verifier->verdict;
    bool is_first = sequence == checking->header.first_sequence;

    if (!is_first || kind == AUDIT_LOG_OPENED || sequence == verdict->last_sequence + 1 ||
        !verifier->is_follower_known)
        return;
    audit_verifier_find(verifier, AUDIT_FINDING_NUMBERS, checking->files->segment_file,
                        AUDIT_SEGMENT_HEADER_BYTES, "records before %" PRIu64 " are missing",
                        sequence);
}

static void check_record(struct audit_verifier *verifier, struct checking *checking,
                         const struct audit_cursor *cursor, uint64_t sequence, struct span payload)
{
    const char *file = checking->files->segment_file;
    struct audit_record record;
    struct tree_hash leaf;
    struct err err;

    arena_reset(&verifier->arena);
    if (!audit_record_get(payload, verifier->dictionary, cursor->base_ms, &verifier->arena, &record,
                          &err)) {
        audit_verifier_find(verifier, AUDIT_FINDING_RECORD, file, cursor->record_offset,
                            "record %" PRIu64, sequence);
        record.kind = 0;
    }
    check_number(verifier, checking, sequence, record.kind);
    leaf = audit_index_add(&checking->found, cursor, 0, sequence, payload);
    verifier->verdict.last_sequence = sequence;
    verifier->verdict.size++;
    verifier->verdict.is_closed = record.kind == AUDIT_LOG_CLOSED;
    tree_range_add(&verifier->tree, 0, &leaf);
    if (verifier->is_tree_known)
        meet_heads(verifier, file, cursor->offset);
}

/* The index was made when the segment ended, behind this place. */
static bool was_sealed(const struct checking *checking, uint64_t offset)
{
    return checking->is_stored && checking->stored.segment_bytes > offset;
}

static void check_records(struct audit_verifier *verifier, struct checking *checking)
{
    const struct audit_segment_files *files = checking->files;
    struct audit_cursor cursor;
    enum audit_step step;
    struct span payload;
    uint64_t sequence;

    audit_cursor_init(&cursor, files->segment, &checking->header);
    while ((step = audit_cursor_next(&cursor, &payload, &sequence)) == AUDIT_STEP_RECORD)
        check_record(verifier, checking, &cursor, sequence, payload);
    verifier->last_file = files->segment_file;
    verifier->last_offset = cursor.offset;
    verifier->verdict.torn_bytes = files->segment.length - cursor.offset;
    if (step == AUDIT_STEP_END)
        return;
    verifier->verdict.is_closed = false;
    if (step == AUDIT_STEP_TORN && files->is_last && !was_sealed(checking, cursor.offset))
        return;
    checking->is_damaged = true;
    audit_verifier_find(verifier, AUDIT_FINDING_FRAME, files->segment_file, cursor.offset,
                        "behind record %" PRIu64, verifier->verdict.last_sequence);
}

/* Behind damage the index is all there is to go on with. */
static void leave_damaged(struct audit_verifier *verifier, const struct checking *checking)
{
    uint64_t count = checking->stored.records.end - checking->stored.records.first;

    verifier->is_follower_known = verifier->is_tree_known = checking->is_stored;
    if (!checking->is_stored)
        return;
    audit_index_tree(&checking->stored, &verifier->tree);
    verifier->verdict.size = checking->stored.records.end;
    verifier->verdict.last_sequence = checking->stored.first_sequence + count - 1;
}

/* Said once: every index behind it says the same. */
static void compare_before(struct audit_verifier *verifier, const struct checking *checking)
{
    if (verifier->is_before_doubted || !verifier->is_tree_known ||
        tree_range_equal(&checking->stored.before, &checking->found.before))
        return;
    verifier->is_before_doubted = true;
    audit_verifier_find(verifier, AUDIT_FINDING_INDEX, checking->files->index_file, 0,
                        "it was made when the records before it were others");
}

static void leave_segment(struct audit_verifier *verifier, struct checking *checking)
{
    const struct audit_index *found = &checking->found;
    struct audit_index stored = checking->stored;

    if (checking->is_damaged) {
        leave_damaged(verifier, checking);
        return;
    }
    verifier->is_follower_known = true;
    if (!checking->is_stored)
        return;
    compare_before(verifier, checking);
    stored.before = found->before;
    if (!audit_index_equal(&stored, found))
        audit_verifier_find(
            verifier, AUDIT_FINDING_INDEX, checking->files->index_file, 0,
            "the segment has %" PRIu64 " records in %" PRIu64 " bytes, the index %" PRIu64
            " in %" PRIu64 "%s",
            found->records.end - found->records.first, found->segment_bytes,
            stored.records.end - stored.records.first, stored.segment_bytes,
            tree_range_equal(&stored.records, &found->records) ? "" : ", and not the same");
}

/* A crash between the creation of a segment and its first sync leaves nothing, or zeros. */
static bool is_never_begun(const struct audit_segment_files *files)
{
    size_t length = files->segment.length;

    if (!files->is_last)
        return false;
    for (size_t i = 0; i < length && length >= AUDIT_SEGMENT_HEADER_BYTES; i++)
        if (files->segment.data[i] != 0)
            return false;
    return true;
}

void audit_verifier_check(struct audit_verifier *verifier, const struct audit_segment_files *files)
{
    struct checking checking = {.files = files};

    if (is_never_begun(files)) {
        verifier->verdict.torn_bytes = files->segment.length;
        return;
    }
    read_stored(verifier, &checking);
    if (check_header(verifier, &checking)) {
        enter_segment(verifier, &checking);
        check_records(verifier, &checking);
        leave_segment(verifier, &checking);
        audit_index_release(&checking.found);
    } else {
        leave_damaged(verifier, &checking);
    }
    audit_index_release(&checking.stored);
}

/* ---- the end ---- */

/* A head that may be ahead, and is, says how far; what is there is judged without it. */
static void take_off_heads_ahead(struct audit_verifier *verifier)
{
    struct audit_verdict *verdict = &verifier->verdict;

    while (verifier->head_count > 0) {
        const struct known_head *last = &verifier->heads[verifier->head_count - 1];

        if (!last->may_be_ahead || last->head.size <= verdict->size)
            return;
        if (verdict->ahead < last->head.size - verdict->size)
            verdict->ahead = last->head.size - verdict->size;
        verifier->head_count--;
    }
}

static void check_end(struct audit_verifier *verifier)
{
    const struct audit_verdict *verdict = &verifier->verdict;
    const struct known_head *last =
        verifier->head_count ? &verifier->heads[verifier->head_count - 1] : NULL;

    if (last && last->head.size > verdict->size &&
        (verifier->is_follower_known || verdict->segments == 0))
        audit_verifier_find(verifier, AUDIT_FINDING_CUT, verifier->last_file, verifier->last_offset,
                            "it ends with %" PRIu64 " records, the head at %s:%" PRIu64
                            " has %" PRIu64,
                            verdict->size, last->file, last->offset, last->head.size);
    if (!last && verdict->size > 0 && verdict->ahead == 0)
        audit_verifier_find(verifier, AUDIT_FINDING_UNSIGNED, verifier->last_file,
                            verifier->last_offset, "there is no signed head at all");
    if (last && verdict->is_closed && last->head.size < verdict->size)
        audit_verifier_find(
            verifier, AUDIT_FINDING_UNSIGNED, verifier->last_file, verifier->last_offset,
            "the log was closed in order with %" PRIu64 " records, the newest head has %" PRIu64,
            verdict->size, last->head.size);
}

void audit_verifier_finish(struct audit_verifier *verifier, struct audit_verdict *ret_verdict)
{
    blame_records(verifier);
    take_off_heads_ahead(verifier);
    check_end(verifier);
    *ret_verdict = verifier->verdict;
}
