/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of entries to import. */
#include "admin/import_batch.h"

#include "base/timestamp.h"

static bool read_entry(const Passgate__V1__StoreEntry *message, struct import_entry *entry,
                       struct err *err)
{
    struct hash128 id;

    if (message->space < PASSGATE__V1__STORE_SPACE__STORE_SPACE_SUBJECT ||
        message->space > PASSGATE__V1__STORE_SPACE__STORE_SPACE_REALM ||
        message->space == PASSGATE__V1__STORE_SPACE__STORE_SPACE_CLAIM_CACHE)
        return err_field(err, ERR_FIELD_ENUM, "space", "space %d", (int)message->space);
    if (message->data.len == 0 || message->data.len > STORE_VALUE_BYTES_MAX)
        return err_field(err, ERR_FIELD_RANGE, "data", "%zu bytes", message->data.len);
    if (message->expires_at_ms < 0)
        return err_field(err, ERR_FIELD_RANGE, "expires_at_ms", "below 0");
    if (!store_hash_read(message->hash, &id, err))
        return false;
    *entry = (struct import_entry){
        .key = {.space = (enum store_space)message->space, .id = id},
        .expires_at_ms = message->expires_at_ms == 0 ? TIMESTAMP_NEVER_MS : message->expires_at_ms,
        .data = store_span(message->data),
    };
    return true;
}

/* Where whoever looks for it will look.  A remembered request names its subject nowhere: it stays
 * where it was, or is remembered wherever it could be asked for. */
static uint16_t partition_for(const struct names *names, const struct import_entry *entry,
                              const Passgate__V1__ImportStoreRequest *request, uint32_t partition)
{
    switch (entry->key.space) {
    case STORE_CHECK:
        return entry->data.length < HASH128_BYTES
                   ? 0
                   : names_partition(names, hash128_load(entry->data.data));
    case STORE_REALM: return 0;
    case STORE_REQUEST:
        return request->partitions == names->partition_count ? (uint16_t)partition
                                                             : IMPORT_EVERYWHERE;
    case STORE_SUBJECT:
    case STORE_CLAIM:
    case STORE_CLAIM_CACHE: break;
    }
    return names_partition(names, entry->key.id);
}

static bool check_entry(const struct names *names, const struct import_entry *entry, int64_t now_ms,
                        struct arena *arena, struct err *err)
{
    const struct store_entry stored = {
        .key = entry->key,
        .value = {.version = 1, .expires_at_ms = entry->expires_at_ms, .data = entry->data},
    };
    struct entry_check *check = arena_new(arena, struct entry_check);

    if (entry->expires_at_ms <= now_ms)
        return true;
    entry_check(names, entry->partition == IMPORT_EVERYWHERE ? 0 : entry->partition, &stored,
                now_ms, arena, check);
    if (check->finding_count > 0)
        return err_field(err, ERR_FIELD_RANGE, "data", "%s", check->findings[0].detail);
    return true;
}

static bool is_same_key(struct store_key a, struct store_key b)
{
    return a.space == b.space && hash128_equal(a.id, b.id);
}

/* A key that stands twice is written once, as it stands first. */
static void note_twin(struct import_batch *batch, size_t index)
{
    struct import_entry *entry = &batch->entries[index];

    for (size_t i = 0; i < index && entry->outcome == IMPORT_SAME && !entry->is_twin; i++) {
        const struct import_entry *first = &batch->entries[i];

        if (first->is_twin || first->outcome != IMPORT_SAME || !is_same_key(first->key, entry->key))
            continue;
        entry->is_twin = true;
        if (!span_equal(first->data, entry->data))
            entry->outcome = IMPORT_CONFLICT;
    }
}

static bool read_entries(const Passgate__V1__ImportStoreRequest *request,
                         struct import_batch *ret_batch, struct err *err)
{
    for (size_t i = 0; i < request->n_entries; i++) {
        const Passgate__V1__StoreEntry *message = request->entries[i];
        bool is_good = message->partition < request->partitions ||
                       err_field(err, ERR_FIELD_RANGE, "partition", "%u", message->partition);

        if (!is_good || !read_entry(message, &ret_batch->entries[i], err)) {
            err_prefix_field(err, "entries[%zu]", i);
            return false;
        }
    }
    ret_batch->count = request->n_entries;
    return true;
}

static bool read_head(const Passgate__V1__ImportStoreRequest *request, struct err *err)
{
    size_t length = strlen(request->hash_key);

    if (length == 0)
        return err_field(err, ERR_FIELD_REQUIRED, "hash_key", "missing");
    if (length != NAMES_KEY_TEXT_MAX - 1 || strspn(request->hash_key, "0123456789abcdef") != length)
        return err_field(err, ERR_FIELD_CHARACTERS, "hash_key", "not 16 lower-case hex digits");
    if (request->partitions == 0 || request->partitions > STORE_PARTITIONS_MAX)
        return err_field(err, ERR_FIELD_RANGE, "partitions", "%u", request->partitions);
    if (request->n_entries > STORE_IMPORT_ENTRIES_MAX)
        return err_field(err, ERR_FIELD_TOO_MANY, "entries", "%zu", request->n_entries);
    return true;
}

static enum import_outcome outcome_before(const struct import_entry *entry, int64_t now_ms)
{
    if (entry->expires_at_ms <= now_ms)
        return IMPORT_EXPIRED;
    return entry->key.space == STORE_REALM ? IMPORT_OWN : IMPORT_SAME;
}

bool import_batch_read(const struct names *names, const Passgate__V1__ImportStoreRequest *request,
                       int64_t now_ms, struct arena *arena, struct import_batch *ret_batch,
                       struct err *err)
{
    char key[NAMES_KEY_TEXT_MAX];

    if (!read_head(request, err) || !read_entries(request, ret_batch, err))
        return false;
    if (strcmp(request->hash_key, names_key_text(names, key)) != 0)
        return err_set(err, ERR_HASH_KEY_OTHER, "of another hash key");
    for (size_t i = 0; i < ret_batch->count; i++) {
        struct import_entry *entry = &ret_batch->entries[i];

        entry->partition = partition_for(names, entry, request, request->entries[i]->partition);
        if (!check_entry(names, entry, now_ms, arena, err)) {
            err_prefix_field(err, "entries[%zu]", i);
            return false;
        }
        entry->outcome = outcome_before(entry, now_ms);
        note_twin(ret_batch, i);
    }
    return true;
}

bool import_entry_is_for(const struct import_entry *entry, uint16_t partition)
{
    return !entry->is_twin && entry->outcome != IMPORT_EXPIRED && entry->outcome != IMPORT_OWN &&
           (entry->partition == partition || entry->partition == IMPORT_EVERYWHERE);
}
