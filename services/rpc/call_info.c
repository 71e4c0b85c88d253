/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler and an interceptor may know of a call. */
#include "rpc/worker.h"

#include <assert.h>

struct arena *rpc_call_arena(struct rpc_call *call)
{
    return &call->arena;
}

struct arena rpc_call_take_arena(struct rpc_call *call)
{
    struct arena arena = call->arena;

    arena_init(&call->arena, CALL_ARENA_BYTES); /* not the worker's: this may be the executor */
    return arena;
}

struct inbox *rpc_call_inbox(struct rpc_call *call)
{
    return &call->worker->inbox;
}

const struct rpc_method *rpc_call_method(const struct rpc_call *call)
{
    static const struct rpc_method unknown = {.name = ""};

    return call->entry ? call->entry->method : &unknown;
}

size_t rpc_call_method_index(const struct rpc_call *call)
{
    return call->entry ? call->entry->index : rpc_registry_count(call->worker->server->registry);
}

const char *rpc_call_path(const struct rpc_call *call)
{
    return call->entry ? call->entry->path : "";
}

int64_t rpc_call_deadline_ms(const struct rpc_call *call)
{
    return call->deadline_ms;
}

int64_t rpc_call_started_ns(const struct rpc_call *call)
{
    return call->started_ns;
}

uint32_t rpc_call_worker_index(const struct rpc_call *call)
{
    return call->worker->index;
}

bool rpc_call_metadata(const struct rpc_call *call, const char *name, struct span *ret_value)
{
    struct span wanted = span_text(name);

    for (size_t i = 0; i < call->headers.count; i++) {
        const grpc_metadata *header = &call->headers.metadata[i];
        struct span key =
            span_of(GRPC_SLICE_START_PTR(header->key), GRPC_SLICE_LENGTH(header->key));

        if (!span_equal(key, wanted))
            continue;
        *ret_value = span_of(GRPC_SLICE_START_PTR(header->value), GRPC_SLICE_LENGTH(header->value));
        return true;
    }
    return false;
}

/* Core refuses a whole batch for one value that HTTP/2 does not allow. */
static bool is_header_value(const char *name, struct span value)
{
    size_t length = strlen(name);
    grpc_slice slice = grpc_slice_from_static_buffer(value.data, value.length);

    return (length > 4 && strcmp(name + length - 4, "-bin") == 0) ||
           grpc_header_nonbin_value_is_legal(slice);
}

void rpc_call_add_trailer(struct rpc_call *call, const char *name, struct span value)
{
    assert(call->trailer_count < CALL_TRAILERS_MAX);
    if (!is_header_value(name, value))
        return;
    call->trailers[call->trailer_count].name = name;
    call->trailers[call->trailer_count++].value = arena_copy(&call->arena, value);
}

void rpc_call_attach(struct rpc_call *call, const void *key, void *value)
{
    assert(call->attached_count < CALL_ATTACHED_MAX);
    call->attached[call->attached_count].key = key;
    call->attached[call->attached_count++].value = value;
}

void *rpc_call_attached(const struct rpc_call *call, const void *key)
{
    for (size_t i = 0; i < call->attached_count; i++)
        if (call->attached[i].key == key)
            return call->attached[i].value;
    return NULL;
}

/* Of a SAN we take what a name can be made of: a DNS name that reads like a URI, or holds a NUL, is
 * somebody's trick. */
static bool is_name(struct span value)
{
    for (size_t i = 0; i < value.length; i++) {
        uint8_t c = value.data[i];

        if (c <= ' ' || c >= 0x7F || c == '/' || c == ':')
            return false;
    }
    return value.length > 0;
}

static bool is_any(struct span value)
{
    return value.length > 0 && !memchr(value.data, '\0', value.length);
}

/* Copies the good values of a property of the transport's context; they are no NUL-terminated text.
 */
static size_t copy_property(struct rpc_call *call, const grpc_auth_context *context,
                            const char *name, bool (*is_good)(struct span value),
                            struct span *values, size_t most)
{
    grpc_auth_property_iterator iterator = grpc_auth_context_find_properties_by_name(context, name);
    const grpc_auth_property *property;
    size_t count = 0;

    while (count < most && (property = grpc_auth_property_iterator_next(&iterator))) {
        struct span value = span_of(property->value, property->value_length);

        if (is_good(value))
            values[count++] = arena_copy(&call->arena, value);
    }
    return count;
}

static size_t count_property(const grpc_auth_context *context, const char *name)
{
    grpc_auth_property_iterator iterator = grpc_auth_context_find_properties_by_name(context, name);
    size_t count = 0;

    while (grpc_auth_property_iterator_next(&iterator))
        count++;
    return count;
}

/* Verified, and not of two identities at once. */
static bool check_certificate(const grpc_auth_context *context, struct err *err)
{
    size_t uris;

    if (!grpc_auth_context_peer_is_authenticated(context))
        return err_set(err, ERR_UNAUTHENTICATED, "TLS without a verified client certificate");
    uris = count_property(context, GRPC_PEER_URI_PROPERTY_NAME);
    if (uris > 1)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "the certificate has %zu URI SANs, and may have one", uris);
    return true;
}

bool rpc_call_peer(struct rpc_call *call, struct rpc_peer *ret_peer, struct err *err)
{
    enum { NAMES_MAX = 16 };
    struct rpc_peer peer = {.authentication = RPC_PLAINTEXT};
    grpc_auth_context *context;
    struct span type, *names;
    bool is_tls;

    *ret_peer = peer;
    if (!call->worker->server->has_tls)
        return true;
    context = grpc_call_auth_context(call->core);
    is_tls = copy_property(call, context, GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME, is_any, &type,
                           1) == 1 &&
             span_is(type, GRPC_SSL_TRANSPORT_SECURITY_TYPE);
    if (is_tls && !check_certificate(context, err)) {
        grpc_auth_context_release(context);
        return false;
    }
    if (is_tls) {
        names = arena_new_array(&call->arena, struct span, NAMES_MAX);
        peer.authentication = RPC_MTLS;
        copy_property(call, context, GRPC_PEER_SPIFFE_ID_PROPERTY_NAME, is_any, &peer.spiffe_id, 1);
        peer.names = names;
        peer.name_count =
            copy_property(call, context, GRPC_PEER_DNS_PROPERTY_NAME, is_name, names, NAMES_MAX);
    }
    grpc_auth_context_release(context);
    *ret_peer = peer;
    return true;
}
