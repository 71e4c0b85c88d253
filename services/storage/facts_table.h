/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of facts by subject: the memory of one shard of the facts cache.
 *
 * Made for millions of subjects with little to say about each: an entry is one cell of 112 bytes,
 * facts included; what does not fit the cell has a block of its own.  Cells are numbered, so that a
 * chain costs four bytes, and are used again, so that nothing fragments.  The table grows by one
 * bucket per entry (linear hashing): no insertion ever stops to move everything.
 *
 * Not for several threads at once: the shard's lock is the caller's.
 */
#ifndef STORAGE_FACTS_TABLE_H
#define STORAGE_FACTS_TABLE_H

#include "base/keyed_hash.h"
#include "domain/facts/facts.h"
#include "storage/record.h"

/* What is kept of a subject.  `facts` and `principals` are copied in and out. */
struct facts_entry {
    struct hash128 subject;
    uint64_t number;
    int64_t read_at_ms; /* monotonic */
    uint16_t partition;
    bool is_known;
    uint8_t principal_count;
    const struct hash128 *principals;
    const struct facts *facts;
};

struct facts_cell;

struct facts_table {
    struct facts_cell **pages; /* of FACTS_TABLE_PAGE_CELLS each */
    size_t page_count;
    uint32_t cell_count; /* handed out of the pages; the used and the free ones */
    uint32_t free;       /* first of the chain of free cells */
    uint32_t *buckets;   /* first cell of each chain */
    uint32_t bucket_count;
    uint32_t bucket_room;
    uint32_t hand; /* of the clock: the cell that is looked at next for eviction */
    size_t entry_count;
    size_t overflow_bytes;
};

enum { FACTS_TABLE_PAGE_CELLS = 256, FACTS_TABLE_EVICTION_STEPS = 64 };

void facts_table_init(struct facts_table *table);
void facts_table_release(struct facts_table *table);

/*
 * The cell of a subject, marked as looked at, or NULL; it stays where it is until the table
 * changes.
 */
const struct facts_cell *facts_table_find(struct facts_table *table, struct hash128 subject);

/* What the cell holds; facts and principals are copies in the arena. */
void facts_cell_open(const struct facts_cell *cell, struct arena *arena,
                     struct facts_entry *ret_entry);
uint64_t facts_cell_number(const struct facts_cell *cell);
int64_t facts_cell_read_at_ms(const struct facts_cell *cell);
int64_t facts_cell_valid_until_ms(const struct facts_cell *cell);

/* Insert or replace. */
void facts_table_put(struct facts_table *table, const struct facts_entry *entry);
bool facts_table_remove(struct facts_table *table, struct hash128 subject);
/* Returns how many entries of the partition there were. */
size_t facts_table_remove_partition(struct facts_table *table, uint16_t partition);

/* Remove one entry that was not looked at lately; false when there is none. */
bool facts_table_evict(struct facts_table *table);

/* Bytes that the entries take, with their share of the table. */
size_t facts_table_bytes(const struct facts_table *table);

#endif
