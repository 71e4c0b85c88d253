/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that Redis gives back, by the first of them read as a value, changes, an id, an epoch or
 * INFO: refused, or within their bounds, and the same when they are written again.
 */
#include "storage/redis_check.h"
#include "storage/redis_value.h"

#include <stdlib.h>

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static void read_value(struct span input)
{
    struct store_key key = {.space = STORE_SUBJECT};
    uint8_t subject[REDIS_SUBJECT_BYTES];
    struct store_value value;
    struct err err;

    if (!redis_value_decode(input, key, &value, &err)) {
        must(err.code == ERR_STORE_CORRUPT);
        return;
    }
    redis_subject_encode(key, subject);
    must(span_starts_with(input, span_of(subject, sizeof(subject))));
    must(value.data.length + REDIS_HEAD_BYTES == input.length);
}

static void read_changes(struct span input)
{
    struct store_change changes[STORE_KEYS_MAX];
    uint8_t bytes[STORE_KEYS_MAX * REDIS_CHANGE_BYTES];
    size_t count;
    struct err err;

    if (!redis_changes_decode(input, 1, 0, changes, &count, &err))
        return;
    redis_changes_encode(changes, count, bytes);
    must(span_equal(span_of(bytes, count * REDIS_CHANGE_BYTES), input));
}

static void read_id(struct span input)
{
    char text[REDIS_ID_MAX];
    uint64_t number, again;

    if (redis_id_decode(input, &number)) {
        redis_id_encode(number, text);
        must(redis_id_decode(span_text(text), &again) && again == number);
    }
}

static void read_epoch(struct span input)
{
    uint64_t epoch;

    if (redis_epoch_decode(input, &epoch))
        must(epoch > 0 && epoch < REDIS_EPOCH_LIMIT);
}

static void read_info(struct span input)
{
    struct redis_server server;
    struct err err;

    if (redis_check(input, false, &server, &err))
        must(server.has_aof && server.version >= REDIS_VERSION_LEAST &&
             strlen(server.life) < sizeof(server.life));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(struct span input) = {read_value, read_changes, read_id,
                                                         read_epoch, read_info};

    if (size > 0)
        readers[data[0] % ARRAY_LEN(readers)](span_of(data + 1, size - 1));
    return 0;
}
