/* SPDX-License-Identifier: Apache-2.0 */
/* ExportStore: what is worth keeping, page by page, as it is stored. */
#include "admin/store_message.h"
#include "admin/store_methods.h"
#include "admin/store_stream.h"
#include "base/memory.h"
#include "base/timestamp.h"

/* What a release does not know it cannot hand on. */
static bool is_damaged(const struct store_entry *entry)
{
    return entry->state != STORE_ENTRY_FINE ||
           store_space_message(entry->key.space) ==
               PASSGATE__V1__STORE_SPACE__STORE_SPACE_UNSPECIFIED;
}

/* The claim cache is made again by itself. */
static bool is_kept(const struct store_entry *entry, int64_t now_ms)
{
    return entry->key.space != STORE_CLAIM_CACHE && entry->value.expires_at_ms > now_ms;
}

static Passgate__V1__StoreEntry *entry_message(const struct store_entry *entry, uint16_t partition,
                                               struct arena *arena)
{
    Passgate__V1__StoreEntry *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__store_entry__init(message);
    message->space = store_space_message(entry->key.space);
    message->partition = partition;
    message->hash = store_hash_text(entry->key.id, arena);
    if (entry->value.expires_at_ms != TIMESTAMP_NEVER_MS)
        message->expires_at_ms = entry->value.expires_at_ms;
    message->data = store_bytes(entry->value.data);
    return message;
}

static void on_page(struct store_stream *stream)
{
    const struct store_request *page = stream->walk.page;
    int64_t now_ms = clock_wall_ms(stream->options->clock);
    Passgate__V1__ExportStoreResponse *response = arena_alloc(&stream->arena, sizeof(*response));

    passgate__v1__export_store_response__init(response);
    response->entries =
        arena_new_array(&stream->arena, Passgate__V1__StoreEntry *, page->entry_count);
    for (size_t i = 0; i < page->entry_count; i++) {
        const struct store_entry *entry = &page->entries[i];

        if (is_damaged(entry))
            response->damaged++;
        else if (is_kept(entry, now_ms))
            response->entries[response->n_entries++] =
                entry_message(entry, page->partition, &stream->arena);
    }
    if (!stream->has_begun)
        response->store = store_description(stream->options, &stream->arena);
    response->resume_token = store_bytes(store_walk_token(&stream->walk, &stream->arena));
    response->progress_permille = stream->walk.permille;
    response->done = stream->walk.is_done;
    store_stream_tell(stream, &response->base);
}

static void release(struct store_stream *stream)
{
    memory_free(stream);
}

void export_store(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__ExportStoreRequest *request =
        (const Passgate__V1__ExportStoreRequest *)message;
    struct store_stream *stream = memory_new(struct store_stream);

    stream->on_page = on_page;
    stream->release = release;
    store_stream_open(stream, call, context, store_span(request->resume_token));
}
