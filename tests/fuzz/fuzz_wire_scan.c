/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request: what the scan passes, protobuf-c unpacks, and what it packs again passes
 * again.  The first byte chooses the message. */
#include "rpc/wire_scan.h"

#include "base/arena.h"
#include "passgate/v1/claim.pb-c.h"
#include "passgate/v1/entitlement.pb-c.h"
#include "passgate/v1/verification.pb-c.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const messages[] = {
    &passgate__v1__check_entitlement_request__descriptor,
    &passgate__v1__batch_check_entitlements_request__descriptor,
    &passgate__v1__stream_check_entitlements_request__descriptor,
    &passgate__v1__explain_entitlement_request__descriptor,
    &passgate__v1__submit_verification_request__descriptor,
    &passgate__v1__set_affiliations_request__descriptor,
    &passgate__v1__issue_claim_request__descriptor,
    &passgate__v1__watch_revisions_request__descriptor,
};

static void *arena_allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void arena_keep(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCMessageDescriptor *descriptor;
    struct err err = ERR_NONE;
    ProtobufCMessage *message;
    struct arena arena;
    uint8_t *again;
    size_t length;

    if (size == 0)
        return 0;
    descriptor = messages[data[0] % ARRAY_LEN(messages)];
    if (!wire_scan(descriptor, span_of(data + 1, size - 1), &wire_limits_default, &err)) {
        expect(err.code == ERR_MESSAGE_MALFORMED ||
               (err.code >= ERR_FIELD_REQUIRED && err.code <= ERR_FIELD_COUNTRY));
        return 0;
    }
    arena_init(&arena, 8192);
    message = protobuf_c_message_unpack(
        descriptor, &(ProtobufCAllocator){arena_allocate, arena_keep, &arena}, size - 1, data + 1);
    expect(message && protobuf_c_message_check(message));
    length = protobuf_c_message_get_packed_size(message);
    again = arena_alloc(&arena, length);
    expect(protobuf_c_message_pack(message, again) == length);
    expect(wire_scan(descriptor, span_of(again, length), &wire_limits_default, &err));
    arena_release(&arena);
    return 0;
}
