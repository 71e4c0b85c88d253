/* SPDX-License-Identifier: Apache-2.0 */
/* A walk through everything that the store holds. */
#include "admin/store_walk.h"

#include <endian.h>

enum { PARTITION_BYTES = sizeof(uint16_t) };

bool store_walk_begin(struct store_walk *walk, struct span token, const char *field,
                      struct err *err)
{
    uint16_t partition = 0;

    if (token.length > STORE_WALK_TOKEN_MAX || (token.length > 0 && token.length < PARTITION_BYTES))
        return err_field(err, ERR_FIELD_RANGE, field, "%zu bytes", token.length);
    if (token.length > 0)
        memcpy(&partition, token.data, sizeof(partition));
    partition = be16toh(partition);
    if (partition >= walk->options->store->partition_count)
        return err_field(err, ERR_FIELD_RANGE, field, "partition %u", partition);
    walk->partition = partition;
    walk->cursor_length = token.length > 0 ? token.length - PARTITION_BYTES : 0;
    if (walk->cursor_length > 0)
        memcpy(walk->cursor, token.data + PARTITION_BYTES, walk->cursor_length);
    return true;
}

struct span store_walk_token(const struct store_walk *walk, struct arena *arena)
{
    uint16_t partition = htobe16(walk->partition);
    uint8_t *token;

    if (walk->is_done)
        return span_of(NULL, 0);
    token = arena_alloc(arena, PARTITION_BYTES + walk->cursor_length);
    memcpy(token, &partition, sizeof(partition));
    memcpy(token + PARTITION_BYTES, walk->cursor, walk->cursor_length);
    return span_of(token, PARTITION_BYTES + walk->cursor_length);
}

static void step(struct store_walk *walk, const struct store_request *page)
{
    uint32_t partitions = walk->options->store->partition_count;

    walk->permille = (walk->partition * 1000 + page->scanned_permille) / partitions;
    if (!page->is_scanned) {
        walk->cursor_length = page->cursor.length;
        memcpy(walk->cursor, page->cursor.data, page->cursor.length);
        return;
    }
    walk->cursor_length = 0;
    walk->partition++;
    walk->is_done = walk->partition == partitions;
}

static void on_done(struct store_request *request)
{
    struct store_walk *walk = request->owner;

    if (request->is_ok)
        step(walk, request);
    walk->on_page(walk);
}

void store_walk_next(struct store_walk *walk)
{
    const struct admin_options *options = walk->options;

    store_request_free(walk->page);
    walk->page = store_request_new(STORE_SCAN, walk->partition, walk->reply_to, on_done, walk);
    walk->page->deadline_ms = clock_monotonic_ms(options->clock) + options->read_timeout_ms;
    walk->page->limit = walk->limit;
    store_request_cursor(walk->page, span_of(walk->cursor, walk->cursor_length));
    store_submit(options->store, walk->page);
}

void store_walk_stop(struct store_walk *walk)
{
    store_request_free(walk->page);
    walk->page = NULL;
}
