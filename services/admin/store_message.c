/* SPDX-License-Identifier: Apache-2.0 */
/* What the methods about the store say. */
#include "admin/store_message.h"

#include "base/encoding.h"
#include "interceptors/caller.h"

#include <endian.h>
#include <inttypes.h>

/* One list: an entry's problem is told by its number. */
_Static_assert((int)ENTRY_VALUE_FOREIGN ==
                       (int)PASSGATE__V1__STORE_PROBLEM__STORE_PROBLEM_VALUE_FOREIGN &&
                   (int)ENTRY_DATA_FOREIGN ==
                       (int)PASSGATE__V1__STORE_PROBLEM__STORE_PROBLEM_DATA_FOREIGN &&
                   (int)ENTRY_CHECK_UNREADABLE ==
                       (int)PASSGATE__V1__STORE_PROBLEM__STORE_PROBLEM_CHECK_UNREADABLE,
               "the numbers of problems");
_Static_assert((int)STORE_SUBJECT == (int)PASSGATE__V1__STORE_SPACE__STORE_SPACE_SUBJECT &&
                   (int)STORE_REALM == (int)PASSGATE__V1__STORE_SPACE__STORE_SPACE_REALM,
               "the numbers of spaces");

Passgate__V1__StoreDescription *store_description(const struct admin_options *options,
                                                  struct arena *arena)
{
    Passgate__V1__StoreDescription *message = arena_alloc(arena, sizeof(*message));
    struct store_state state;

    passgate__v1__store_description__init(message);
    store_get_state(options->store, &state);
    message->backend = arena_text(arena, span_text(options->store->ops->name));
    message->durability = arena_text(arena, span_text(options->store->durability));
    message->partitions = options->store->partition_count;
    message->hash_key =
        (char *)names_key_text(options->names, arena_alloc(arena, NAMES_KEY_TEXT_MAX));
    message->issuer = arena_text(arena, span_text(options->issuer));
    message->up = state.is_up;
    message->pending = state.pending;
    message->feed_age_ms = state.feed_age_ms;
    return message;
}

Passgate__V1__StoreSpace store_space_message(enum store_space space)
{
    return space >= STORE_SUBJECT && space <= STORE_REALM
               ? (Passgate__V1__StoreSpace)space
               : PASSGATE__V1__STORE_SPACE__STORE_SPACE_UNSPECIFIED;
}

Passgate__V1__StoreFinding *store_finding(struct store_key key, uint16_t partition,
                                          Passgate__V1__StoreProblem problem, const char *detail,
                                          struct arena *arena)
{
    Passgate__V1__StoreFinding *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__store_finding__init(message);
    message->problem = problem;
    message->space = store_space_message(key.space);
    message->hash = store_hash_text(key.id, arena);
    message->partition = partition;
    message->detail = arena_text(arena, span_text(detail));
    return message;
}

char *store_hash_text(struct hash128 hash, struct arena *arena)
{
    return arena_printf(arena, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
}

bool store_hash_read(const char *text, struct hash128 *ret_hash, struct err *err)
{
    uint64_t halves[2];

    if (strlen(text) != 2 * sizeof(halves) ||
        strspn(text, "0123456789abcdef") != 2 * sizeof(halves) ||
        !hex_decode(span_text(text), (uint8_t *)halves))
        return err_field(err, ERR_FIELD_CHARACTERS, "hash", "not 32 lower-case hex digits");
    *ret_hash = (struct hash128){.high = be64toh(halves[0]), .low = be64toh(halves[1])};
    return true;
}

ProtobufCBinaryData store_bytes(struct span span)
{
    return (ProtobufCBinaryData){.len = span.length, .data = (uint8_t *)(uintptr_t)span.data};
}

struct span store_span(ProtobufCBinaryData bytes)
{
    return span_of(bytes.data, bytes.len);
}

bool store_audit(const struct rpc_call *call, const struct admin_options *options, struct err *err)
{
    const struct audit_record record = {
        .kind = AUDIT_ADMINISTRATION,
        .time_ms = clock_wall_ms(options->clock),
        .caller = caller_of(call)->id,
        .method = span_text(rpc_call_method(call)->name),
    };
    uint64_t sequence;

    return caller_reaches_all(caller_of(call), err) &&
           audit_append(options->audit, &record, &sequence, err);
}
