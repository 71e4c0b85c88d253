/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as messages: what is read must be written, and must then read as the same message; places of
 * errors must be found without running past the text. */
#include "client/src/json_document.h"
#include "client/src/json_message.h"

#include "passgate/v1/entitlement.pb-c.h"
#include "passgate/v1/verification.pb-c.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_as(const json_t *value, struct span text, const ProtobufCMessageDescriptor *type,
                   struct arena *arena)
{
    ProtobufCMessage *message, *again;
    struct err err = ERR_NONE;
    json_t *written, *rewritten;

    if (!json_message_read(value, type, arena, &message, &err)) {
        (void)json_document_locate(text, err.field);
        return;
    }
    if (!json_message_write(message, &written, &err))
        abort();
    if (!json_message_read(written, type, arena, &again, &err) ||
        !json_message_write(again, &rewritten, &err) || !json_equal(written, rewritten))
        abort();
    json_decref(written);
    json_decref(rewritten);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_position position;
    struct span text = span_of(data, size);
    struct arena arena;
    struct err err;
    json_t *value;

    if (!json_document_read(text, &value, &position, &err))
        return 0;
    arena_init(&arena, 4096);
    try_as(value, text, &passgate__v1__submit_verification_request__descriptor, &arena);
    try_as(value, text, &passgate__v1__explain_entitlement_response__descriptor, &arena);
    try_as(value, text, &passgate__v1__batch_check_entitlements_request__descriptor, &arena);
    json_decref(value);
    arena_release(&arena);
    return 0;
}
