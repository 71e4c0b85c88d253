/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log behind the server, for auditors: heads, proofs, records. */
#include "client/src/project.h"
#include "client/src/stream.h"

#include "passgate/v1/audit.pb-c.h"

/* One behind the other.  One of another length reads as zeros, which proves nothing. */
static const uint8_t *project_hashes(const ProtobufCBinaryData *hashes, size_t count,
                                     struct arena *arena)
{
    uint8_t *bytes = arena_zarray(arena, count, PASSGATE_HASH_BYTES);

    for (size_t i = 0; i < count; i++)
        if (hashes[i].len == PASSGATE_HASH_BYTES)
            memcpy(bytes + i * PASSGATE_HASH_BYTES, hashes[i].data, PASSGATE_HASH_BYTES);
    return bytes;
}

/* A head that is missing has no records. */
static struct passgate_tree_head project_tree_head(const Passgate__V1__TreeHead *message,
                                                   struct arena *arena)
{
    static const Passgate__V1__TreeHead none = PASSGATE__V1__TREE_HEAD__INIT;

    message = message ? message : &none;
    return (struct passgate_tree_head){
        .log_id = message->log_id,
        .size = message->size,
        .signed_at_ms = project_timestamp_ms(message->time),
        .root = project_hashes(&message->root, 1, arena),
        .jws = message->jws,
    };
}

static void project_head(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__GetTreeHeadResponse *reply =
        (const Passgate__V1__GetTreeHeadResponse *)message;
    struct passgate_tree_head *head = value;

    *head = project_tree_head(reply->head, arena);
    head->consistency_count = reply->n_consistency;
    head->consistency = project_hashes(reply->consistency, reply->n_consistency, arena);
}

static struct passgate_audit_item project_item(const Passgate__V1__AuditItem *message,
                                               struct arena *arena)
{
    return (struct passgate_audit_item){
        .subject = message->subject,
        .resource = project_resource(message->resource, arena),
        .action = message->action,
        .is_decided = message->decision != PASSGATE__V1__DECISION__DECISION_UNSPECIFIED,
        .was_allowed = message->decision == PASSGATE__V1__DECISION__DECISION_ALLOW,
        .reason = project_reason(message->reason),
        .truth = project_truth(message->truth),
        .directive = message->directive,
        .directive_version = message->directive_version,
        .directive_position = message->directive_position,
        .shadow = project_shadow(message->shadow, arena),
    };
}

static struct passgate_audit_record project_record(const Passgate__V1__AuditRecord *message,
                                                   struct arena *arena)
{
    static const Passgate__V1__AuditRecord none = PASSGATE__V1__AUDIT_RECORD__INIT;
    struct passgate_audit_item *items;

    message = message ? message : &none;
    items = arena_new_array(arena, struct passgate_audit_item, message->n_items);
    for (size_t i = 0; i < message->n_items; i++)
        items[i] = project_item(message->items[i], arena);
    return (struct passgate_audit_record){
        .decision_id = message->decision_id,
        .kind = message->kind,
        .time_ms = project_timestamp_ms(message->time),
        .caller = message->caller,
        .method = message->method,
        .outcome = message->outcome,
        .on_behalf_of = message->on_behalf_of,
        .location = message->location,
        .directive_set = message->directive_set,
        .latency_us = message->latency
                          ? message->latency->seconds * 1000000 + message->latency->nanos / 1000
                          : 0,
        .revision = message->revision,
        .is_stale = message->stale,
        .has_also_subjects = message->also_subjects,
        .is_by_claim = message->by_claim,
        .has_waited = message->waited,
        .is_dry_run = message->dry_run,
        .item_count = message->n_items,
        .items = items,
        .id_count = message->n_ids,
        .ids = (const char *const *)message->ids,
        .shadow_set_digest = message->shadow_set_digest,
    };
}

static void project_inclusion(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__GetInclusionProofResponse *reply =
        (const Passgate__V1__GetInclusionProofResponse *)message;
    struct passgate_audit_record *record = arena_new(arena, struct passgate_audit_record);
    struct passgate_tree_head *head = arena_new(arena, struct passgate_tree_head);

    *head = project_tree_head(reply->head, arena);
    *record = project_record(reply->record, arena);
    *(struct passgate_inclusion *)value = (struct passgate_inclusion){
        .head = head,
        .leaf_index = reply->leaf_index,
        .leaf_length = reply->leaf.len,
        .leaf = reply->leaf.data,
        .path_count = reply->n_path,
        .path = project_hashes(reply->path, reply->n_path, arena),
        .record = record,
    };
}

static void project_records(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__ListDecisionsResponse *reply =
        (const Passgate__V1__ListDecisionsResponse *)message;
    struct passgate_audit_record *records =
        arena_new_array(arena, struct passgate_audit_record, reply->n_records);

    for (size_t i = 0; i < reply->n_records; i++)
        records[i] = project_record(reply->records[i], arena);
    *(struct passgate_audit_records *)value = (struct passgate_audit_records){
        .record_count = reply->n_records,
        .records = records,
        .resume_token = reply->resume_token,
    };
}

const struct method method_get_tree_head = {
    .path = "/passgate.v1.AuditService/GetTreeHead",
    .reply = &passgate__v1__get_tree_head_response__descriptor,
    .value_size = sizeof(struct passgate_tree_head),
    .project = project_head,
};

const struct method method_get_inclusion_proof = {
    .path = "/passgate.v1.AuditService/GetInclusionProof",
    .reply = &passgate__v1__get_inclusion_proof_response__descriptor,
    .value_size = sizeof(struct passgate_inclusion),
    .project = project_inclusion,
};

const struct method method_list_decisions = {
    .path = "/passgate.v1.AuditService/ListDecisions",
    .reply = &passgate__v1__list_decisions_response__descriptor,
    .value_size = sizeof(struct passgate_audit_records),
    .project = project_records,
};

struct passgate_tree_head *passgate_get_tree_head(struct passgate_client *client,
                                                  const struct passgate_tree_head_query *query,
                                                  const struct passgate_call *call,
                                                  struct passgate_error *error)
{
    Passgate__V1__GetTreeHeadRequest request;

    passgate__v1__get_tree_head_request__init(&request);
    if (query) {
        request.from_size = query->from_size;
        request.wait_for = build_text(query->wait_for);
    }
    return method_call(&method_get_tree_head, client, &request.base, call, error);
}

struct passgate_inclusion *passgate_get_inclusion_proof(struct passgate_client *client,
                                                        const char *decision_id,
                                                        const struct passgate_call *call,
                                                        struct passgate_error *error)
{
    Passgate__V1__GetInclusionProofRequest request;

    passgate__v1__get_inclusion_proof_request__init(&request);
    request.decision_id = build_text(decision_id);
    return method_call(&method_get_inclusion_proof, client, &request.base, call, error);
}

/* Open it where it stands. */
static bool begin_list(struct passgate_stream *stream, struct passgate_error *error)
{
    const struct passgate_audit_query *query = stream_query(stream);
    ProtobufCBinaryData token = stream_token(stream);
    Passgate__V1__ListDecisionsRequest request;
    Passgate__V1__Resource resource;
    struct arena arena;
    bool is_begun;

    arena_init(&arena, BUILD_ARENA_BYTES);
    passgate__v1__resource__init(&resource);
    resource.type = build_text(query->resource_type);
    resource.id = build_text(query->resource_id);
    passgate__v1__list_decisions_request__init(&request);
    request.resume_token = arena_text(&arena, span_of(token.data, token.len));
    request.from = query->from_ms ? build_timestamp(query->from_ms, &arena) : NULL;
    request.until = query->until_ms ? build_timestamp(query->until_ms, &arena) : NULL;
    request.caller = build_text(query->caller);
    request.subject = build_text(query->subject);
    request.resource = query->resource_type ? &resource : NULL;
    request.decision = (Passgate__V1__Decision)query->decision;
    request.all_kinds = query->all_kinds;
    request.shadow_differs = query->shadow_differs;
    is_begun = stream_begin(stream, &request.base, error);
    arena_release(&arena);
    return is_begun;
}

static void keep_place(struct passgate_stream *stream, const char *token)
{
    if (token)
        stream_keep_token(stream, (struct passgate_token){strlen(token), (const uint8_t *)token});
}

struct passgate_stream *passgate_list_decisions(struct passgate_client *client,
                                                const struct passgate_audit_query *query,
                                                const struct passgate_call *call,
                                                struct passgate_error *error)
{
    static const struct passgate_audit_query all;
    struct passgate_stream *stream = stream_new(&method_list_decisions, client, call, error);

    if (!stream)
        return NULL;
    stream_keep_query(stream, query ? query : &all);
    keep_place(stream, query ? query->resume_token : NULL);
    if (begin_list(stream, error))
        return stream;
    passgate_stream_free(stream);
    return NULL;
}

struct passgate_audit_records *passgate_list_decisions_next(struct passgate_stream *stream,
                                                            struct passgate_error *error)
{
    struct passgate_audit_records *part;
    struct passgate_error ignored;

    error = error ? error : &ignored;
    do
        part = stream_read(stream, error);
    while (!part && stream_is_aged(error) && begin_list(stream, error));
    if (part)
        keep_place(stream, part->resume_token);
    return part;
}
