/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and statuses as gRPC core has them. */
#include "client/src/channel.h"
#include "client/src/failure.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>

grpc_byte_buffer *wire_pack(const ProtobufCMessage *request)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(request));
    grpc_byte_buffer *buffer;

    protobuf_c_message_pack(request, GRPC_SLICE_START_PTR(slice));
    buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

void *wire_result(const struct method *method, grpc_byte_buffer *reply,
                  struct passgate_error *error)
{
    grpc_byte_buffer_reader reader;
    void *value = NULL;

    if (reply && grpc_byte_buffer_reader_init(&reader, reply)) {
        grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);

        value = method_result(method, GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes));
        grpc_slice_unref(bytes);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    if (!value)
        failure_set(error, PASSGATE_INTERNAL, "MESSAGE_MALFORMED", "",
                    "the reply of %s cannot be read", method->path);
    return value;
}

struct span wire_status_details(const grpc_metadata_array *trailing)
{
    for (size_t i = 0; i < trailing->count; i++) {
        const grpc_metadata *metadata = &trailing->metadata[i];

        if (grpc_slice_str_cmp(metadata->key, "grpc-status-details-bin") == 0)
            return span_of(GRPC_SLICE_START_PTR(metadata->value),
                           GRPC_SLICE_LENGTH(metadata->value));
    }
    return span_of(NULL, 0);
}

bool wire_call_is_valid(const struct passgate_call *call, struct passgate_error *error)
{
    grpc_slice value;
    bool is_legal;

    if (call->timeout_ms < 0) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "FIELD_RANGE", "timeout_ms",
                    "a timeout is not negative");
        return false;
    }
    if (!call->traceparent)
        return true;
    value = grpc_slice_from_copied_string(call->traceparent);
    is_legal = grpc_header_nonbin_value_is_legal(value);
    grpc_slice_unref(value);
    if (!is_legal)
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "FIELD_CHARACTERS", "traceparent",
                    "traceparent has characters that it may not have");
    return is_legal;
}

size_t wire_metadata(const struct passgate_call *call, grpc_metadata *ret_metadata)
{
    if (!call->traceparent)
        return 0;
    ret_metadata->key = grpc_slice_from_static_string("traceparent");
    ret_metadata->value = grpc_slice_from_copied_string(call->traceparent);
    return 1;
}
