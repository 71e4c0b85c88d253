/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: between core's byte buffers and protobuf-c, through the call's arena. */
#include "rpc/call_state.h"
#include "rpc/wire_scan.h"

static void *arena_allocate(void *data, size_t size)
{
    return arena_alloc(data, size);
}

static void arena_ignore_free(void *data, void *piece)
{
    (void)data;
    (void)piece;
}

grpc_byte_buffer *rpc_message_pack(const ProtobufCMessage *message)
{
    size_t length = protobuf_c_message_get_packed_size(message);
    grpc_slice slice = grpc_slice_malloc(length);
    grpc_byte_buffer *buffer;

    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static bool unpack_span(struct span bytes, const ProtobufCMessageDescriptor *descriptor,
                        struct arena *arena, ProtobufCMessage **ret_message, struct err *err)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_ignore_free, arena};
    ProtobufCMessage *message;

    if (!wire_scan(descriptor, bytes, &wire_limits_default, err))
        return false;
    message = protobuf_c_message_unpack(descriptor, &allocator, bytes.length, bytes.data);
    if (!message)
        return err_set(err, ERR_MESSAGE_MALFORMED, "protobuf-c refuses what the scan took");
    *ret_message = message;
    return true;
}

bool rpc_message_unpack(grpc_byte_buffer *buffer, const ProtobufCMessageDescriptor *descriptor,
                        size_t bytes_max, struct arena *arena, ProtobufCMessage **ret_message,
                        struct err *err)
{
    size_t length = grpc_byte_buffer_length(buffer);
    grpc_byte_buffer_reader reader;
    grpc_slice whole, *first;
    bool is_unpacked;

    if (length > bytes_max)
        return err_set(err, ERR_MESSAGE_TOO_LARGE, "%zu bytes, at most %zu", length, bytes_max);
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return err_set(err, ERR_MESSAGE_MALFORMED, "the message cannot be read");
    if (grpc_byte_buffer_reader_peek(&reader, &first) && GRPC_SLICE_LENGTH(*first) == length) {
        is_unpacked = unpack_span(span_of(GRPC_SLICE_START_PTR(*first), length), descriptor, arena,
                                  ret_message, err);
        grpc_byte_buffer_reader_destroy(&reader);
        return is_unpacked;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return err_set(err, ERR_MESSAGE_MALFORMED, "the message cannot be read");
    whole = grpc_byte_buffer_reader_readall(&reader);
    is_unpacked = unpack_span(span_of(GRPC_SLICE_START_PTR(whole), GRPC_SLICE_LENGTH(whole)),
                              descriptor, arena, ret_message, err);
    grpc_slice_unref(whole);
    grpc_byte_buffer_reader_destroy(&reader);
    return is_unpacked;
}
