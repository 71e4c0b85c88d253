/* SPDX-License-Identifier: Apache-2.0 */
/* A table of facts by subject. */
#include "storage/facts_table.h"

#include "base/memory.h"

enum {
    INLINE_BYTES = 76, /* facts with one citizenship, one affiliation and one US status */
    BUCKETS_AT_START = 16,
    READ_AT_BITS = 44, /* 500 years */
    PARTITION_BITS = 6,
    PRINCIPAL_COUNT_BITS = 5,
};

/* The low bits of a hash choose the shard. */
enum { SHARD_BITS = 8 };

/*
 * A cell holds principals and facts, one behind the other, in `content`, or the pointer to a block
 * that holds them.  Cells are numbered from 1, so that 0 ends a chain.
 */
struct facts_cell {
    struct hash128 subject;
    uint64_t number;
    uint64_t read_at_ms : READ_AT_BITS;
    uint64_t partition : PARTITION_BITS;
    uint64_t principal_count : PRINCIPAL_COUNT_BITS;
    uint64_t is_used : 1;
    uint64_t is_known : 1;
    uint64_t is_inline : 1;
    uint64_t is_looked_at : 1;
    unsigned char content[INLINE_BYTES];
    uint32_t next;
};

_Static_assert(sizeof(struct facts_cell) == 112, "what a subject costs");
_Static_assert(STORE_PARTITIONS_MAX <= 1 << PARTITION_BITS, "a partition fits its bits");
_Static_assert(RECORD_PRINCIPALS_MAX < 1 << PRINCIPAL_COUNT_BITS, "principals fit their bits");

void facts_table_init(struct facts_table *table)
{
    *table = (struct facts_table){
        .buckets = memory_new_array(uint32_t, BUCKETS_AT_START),
        .bucket_count = 1,
        .bucket_room = BUCKETS_AT_START,
    };
}

static struct facts_cell *cell_at(const struct facts_table *table, uint32_t handle)
{
    uint32_t index = handle - 1;

    return &table->pages[index / FACTS_TABLE_PAGE_CELLS][index % FACTS_TABLE_PAGE_CELLS];
}

/* Buckets below the largest power of two that have been split already use one more bit. */
static uint32_t bucket_of(const struct facts_table *table, struct hash128 subject)
{
    uint32_t low = UINT32_C(1) << (31 - __builtin_clz(table->bucket_count));
    uint32_t bits = (uint32_t)(subject.low >> SHARD_BITS);
    uint32_t bucket = bits & (2 * low - 1);

    return bucket < table->bucket_count ? bucket : bits & (low - 1);
}

static uint32_t find(const struct facts_table *table, struct hash128 subject)
{
    uint32_t handle = table->buckets[bucket_of(table, subject)];

    while (handle && !hash128_equal(cell_at(table, handle)->subject, subject))
        handle = cell_at(table, handle)->next;
    return handle;
}

const struct facts_cell *facts_table_find(struct facts_table *table, struct hash128 subject)
{
    uint32_t handle = find(table, subject);
    struct facts_cell *cell;

    if (!handle)
        return NULL;
    cell = cell_at(table, handle);
    cell->is_looked_at = 1;
    return cell;
}

/* The content, inline or not. */
static const unsigned char *content_of(const struct facts_cell *cell)
{
    const unsigned char *block;

    if (cell->is_inline)
        return cell->content;
    memcpy(&block, cell->content, sizeof(block));
    return block;
}

static size_t principals_size(const struct facts_cell *cell)
{
    return (size_t)cell->principal_count * sizeof(struct hash128);
}

static struct facts_header header_of(const struct facts_cell *cell)
{
    struct facts_header header;

    memcpy(&header, content_of(cell) + principals_size(cell), sizeof(header));
    return header;
}

uint64_t facts_cell_number(const struct facts_cell *cell)
{
    return cell->number;
}

int64_t facts_cell_read_at_ms(const struct facts_cell *cell)
{
    return (int64_t)cell->read_at_ms;
}

int64_t facts_cell_valid_until_ms(const struct facts_cell *cell)
{
    return header_of(cell).valid_until_ms;
}

void facts_cell_open(const struct facts_cell *cell, struct arena *arena,
                     struct facts_entry *ret_entry)
{
    const unsigned char *content = content_of(cell);
    struct facts_header header = header_of(cell);
    size_t facts_bytes = facts_size(&header), principal_bytes = principals_size(cell);
    void *facts = arena_alloc(arena, facts_bytes);
    struct hash128 *principals = NULL;

    memcpy(facts, content + principal_bytes, facts_bytes);
    if (principal_bytes > 0) {
        principals = arena_alloc(arena, principal_bytes);
        memcpy(principals, content, principal_bytes);
    }
    *ret_entry = (struct facts_entry){
        .subject = cell->subject,
        .number = cell->number,
        .read_at_ms = (int64_t)cell->read_at_ms,
        .partition = (uint16_t)cell->partition,
        .is_known = cell->is_known,
        .principal_count = (uint8_t)cell->principal_count,
        .principals = principals,
        .facts = facts,
    };
}

static size_t content_size(const struct facts_cell *cell)
{
    struct facts_header header = header_of(cell);

    return principals_size(cell) + facts_size(&header);
}

static void release_content(struct facts_table *table, struct facts_cell *cell)
{
    unsigned char *block;

    if (cell->is_inline)
        return;
    table->overflow_bytes -= content_size(cell);
    memcpy(&block, cell->content, sizeof(block));
    memory_free(block);
}

static void fill(struct facts_table *table, struct facts_cell *cell,
                 const struct facts_entry *entry)
{
    size_t facts_bytes = facts_size(&entry->facts->header);
    size_t principal_bytes = entry->principal_count * sizeof(*entry->principals);
    size_t bytes = principal_bytes + facts_bytes;
    unsigned char *content = cell->content;

    if (bytes > INLINE_BYTES) {
        content = memory_alloc(bytes);
        memcpy(cell->content, &content, sizeof(content));
        table->overflow_bytes += bytes;
    }
    if (principal_bytes > 0)
        memcpy(content, entry->principals, principal_bytes);
    memcpy(content + principal_bytes, entry->facts, facts_bytes);
    cell->subject = entry->subject;
    cell->number = entry->number;
    cell->read_at_ms = (uint64_t)entry->read_at_ms & ((UINT64_C(1) << READ_AT_BITS) - 1);
    cell->partition = entry->partition & ((1U << PARTITION_BITS) - 1);
    cell->principal_count = entry->principal_count & ((1U << PRINCIPAL_COUNT_BITS) - 1);
    cell->is_known = entry->is_known;
    cell->is_inline = bytes <= INLINE_BYTES;
    cell->is_looked_at = 0;
    cell->is_used = 1;
}

static uint32_t take_cell(struct facts_table *table)
{
    uint32_t handle = table->free;

    if (handle) {
        table->free = cell_at(table, handle)->next;
        return handle;
    }
    if (table->cell_count == table->page_count * FACTS_TABLE_PAGE_CELLS) {
        table->pages = memory_grow(table->pages, table->page_count + 1, sizeof(*table->pages));
        table->pages[table->page_count++] =
            memory_new_array(struct facts_cell, FACTS_TABLE_PAGE_CELLS);
    }
    return ++table->cell_count;
}

static void push(struct facts_table *table, uint32_t handle)
{
    struct facts_cell *cell = cell_at(table, handle);
    uint32_t *bucket = &table->buckets[bucket_of(table, cell->subject)];

    cell->next = *bucket;
    *bucket = handle;
}

/* One more bucket: it takes its part of the chain of the bucket that it is split from. */
static void split_bucket(struct facts_table *table)
{
    uint32_t low = UINT32_C(1) << (31 - __builtin_clz(table->bucket_count));
    uint32_t handle;

    if (table->bucket_count == table->bucket_room) {
        table->bucket_room += table->bucket_room / 4;
        table->buckets = memory_grow(table->buckets, table->bucket_room, sizeof(*table->buckets));
    }
    handle = table->buckets[table->bucket_count - low];
    table->buckets[table->bucket_count - low] = 0;
    table->buckets[table->bucket_count++] = 0;
    while (handle) {
        uint32_t next = cell_at(table, handle)->next;

        push(table, handle);
        handle = next;
    }
}

void facts_table_put(struct facts_table *table, const struct facts_entry *entry)
{
    uint32_t handle = find(table, entry->subject);

    if (handle) {
        release_content(table, cell_at(table, handle));
        fill(table, cell_at(table, handle), entry);
        return;
    }
    handle = take_cell(table);
    fill(table, cell_at(table, handle), entry);
    push(table, handle);
    if (++table->entry_count > table->bucket_count)
        split_bucket(table);
}

static void remove_cell(struct facts_table *table, uint32_t handle)
{
    struct facts_cell *cell = cell_at(table, handle);
    uint32_t *link = &table->buckets[bucket_of(table, cell->subject)];

    while (*link != handle)
        link = &cell_at(table, *link)->next;
    *link = cell->next;
    release_content(table, cell);
    cell->is_used = 0;
    cell->next = table->free;
    table->free = handle;
    table->entry_count--;
}

bool facts_table_remove(struct facts_table *table, struct hash128 subject)
{
    uint32_t handle = find(table, subject);

    if (handle)
        remove_cell(table, handle);
    return handle != 0;
}

size_t facts_table_remove_partition(struct facts_table *table, uint16_t partition)
{
    size_t removed = 0;

    for (uint32_t handle = 1; handle <= table->cell_count; handle++)
        if (cell_at(table, handle)->is_used && cell_at(table, handle)->partition == partition) {
            remove_cell(table, handle);
            removed++;
        }
    return removed;
}

/*
 * The clock, with a bound: after so many second chances the next entry goes although somebody
 * looked at it, so that nobody waits for the lock while the hand makes its way round.
 */
bool facts_table_evict(struct facts_table *table)
{
    size_t chances = FACTS_TABLE_EVICTION_STEPS;

    if (table->entry_count == 0)
        return false;
    for (;;) {
        struct facts_cell *cell;

        table->hand = table->hand % table->cell_count + 1;
        cell = cell_at(table, table->hand);
        if (!cell->is_used)
            continue;
        if (!cell->is_looked_at || chances == 0)
            break;
        cell->is_looked_at = 0;
        chances--;
    }
    remove_cell(table, table->hand);
    return true;
}

size_t facts_table_bytes(const struct facts_table *table)
{
    return table->entry_count * sizeof(struct facts_cell) + table->overflow_bytes +
           table->bucket_room * sizeof(*table->buckets) + table->page_count * sizeof(*table->pages);
}

void facts_table_release(struct facts_table *table)
{
    for (uint32_t handle = 1; handle <= table->cell_count; handle++)
        if (cell_at(table, handle)->is_used)
            release_content(table, cell_at(table, handle));
    for (size_t i = 0; i < table->page_count; i++)
        memory_free(table->pages[i]);
    memory_free(table->pages);
    memory_free(table->buckets);
}
