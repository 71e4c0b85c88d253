/* SPDX-License-Identifier: Apache-2.0 */
/* What is stored about one issued claim. */
#include "storage/claim_record.h"

#include "passgate/storage/v1/claim.pb-c.h"

enum { CLAIM_FORMAT = 1, CLAIM_TEXT_MAX_BYTES = 16 * 1024 };

static void *arena_allocate(void *data, size_t size)
{
    return arena_alloc(data, size);
}

static void arena_ignore_free(void *data, void *piece)
{
    (void)data;
    (void)piece;
}

static struct span span_of_bytes(ProtobufCBinaryData bytes)
{
    return span_of(bytes.data, bytes.len);
}

static ProtobufCBinaryData bytes_of(struct span span)
{
    return (ProtobufCBinaryData){.len = span.length, .data = (uint8_t *)(uintptr_t)span.data};
}

bool claim_record_decode(struct span value, struct arena *arena, struct claim_record *ret_record,
                         struct err *err)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_ignore_free, arena};
    Passgate__Storage__V1__ClaimRecord *stored;
    struct claim_record record;

    if (value.length < 2 || value.length > CLAIM_TEXT_MAX_BYTES || value.data[0] < CLAIM_FORMAT ||
        value.data[0] > CLAIM_FORMAT + 1)
        return err_set(err, ERR_STORE_CORRUPT, "claim record of an unknown format");
    stored =
        passgate__storage__v1__claim_record__unpack(&allocator, value.length - 1, value.data + 1);
    if (!stored || stored->subject.len != HASH128_BYTES)
        return err_set(err, ERR_STORE_CORRUPT, "claim record cannot be read");
    record = (struct claim_record){
        .jti = span_of_bytes(stored->jti),
        .subject = hash128_load(stored->subject.data),
        .audience = span_of_bytes(stored->audience),
        .authorized_party = span_of_bytes(stored->authorized_party),
        .issued_at_ms = stored->issued_at_ms,
        .expires_at_ms = stored->expires_at_ms,
        .revoked_at_ms = stored->revoked_at_ms,
        .token = span_of_bytes(stored->token),
        .number = stored->number,
    };
    *ret_record = record;
    return true;
}

struct span claim_record_encode(const struct claim_record *record, struct arena *arena)
{
    Passgate__Storage__V1__ClaimRecord stored = PASSGATE__STORAGE__V1__CLAIM_RECORD__INIT;
    uint8_t subject[HASH128_BYTES];
    size_t length;
    uint8_t *value;

    hash128_store(record->subject, subject);
    stored.jti = bytes_of(record->jti);
    stored.subject = bytes_of(span_of(subject, sizeof(subject)));
    stored.audience = bytes_of(record->audience);
    stored.authorized_party = bytes_of(record->authorized_party);
    stored.issued_at_ms = record->issued_at_ms;
    stored.expires_at_ms = record->expires_at_ms;
    stored.revoked_at_ms = record->revoked_at_ms;
    stored.token = bytes_of(record->token);
    stored.number = record->number;
    length = passgate__storage__v1__claim_record__get_packed_size(&stored);
    value = arena_alloc(arena, length + 1);
    value[0] = CLAIM_FORMAT;
    passgate__storage__v1__claim_record__pack(&stored, value + 1);
    return span_of(value, length + 1);
}
