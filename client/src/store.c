/* SPDX-License-Identifier: Apache-2.0 */
/* The store behind the server, for operators: counted, checked, read whole, written to. */
#include "base/memory.h"
#include "client/src/failure.h"
#include "client/src/method.h"
#include "client/src/project.h"
#include "client/src/stream.h"

#include "passgate/v1/admin.pb-c.h"

static enum passgate_store_space project_space(Passgate__V1__StoreSpace space)
{
    return (unsigned)space <= PASSGATE_STORE_SPACE_REALM ? (enum passgate_store_space)space
                                                         : PASSGATE_STORE_SPACE_UNSPECIFIED;
}

static const struct passgate_store *project_store(const Passgate__V1__StoreDescription *message,
                                                  struct arena *arena)
{
    static const struct passgate_store none = {
        .backend = "", .durability = "", .hash_key = "", .issuer = ""};
    struct passgate_store *store;

    if (!message)
        return &none;
    store = arena_new(arena, struct passgate_store);
    *store = (struct passgate_store){
        .backend = message->backend,
        .durability = message->durability,
        .partitions = message->partitions,
        .hash_key = message->hash_key,
        .issuer = message->issuer,
        .is_up = message->up,
        .pending = message->pending,
        .feed_age_ms = message->feed_age_ms,
    };
    return store;
}

static const char *problem_name(Passgate__V1__StoreProblem problem, struct arena *arena)
{
    static const char prefix[] = "STORE_PROBLEM_";
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &passgate__v1__store_problem__descriptor, (int)problem);

    if (!value)
        return arena_printf(arena, "%d", (int)problem);
    return strncmp(value->name, prefix, sizeof(prefix) - 1) == 0 ? value->name + sizeof(prefix) - 1
                                                                 : value->name;
}

static const struct passgate_store_finding *
project_findings(Passgate__V1__StoreFinding *const *messages, size_t count, struct arena *arena)
{
    struct passgate_store_finding *findings =
        arena_new_array(arena, struct passgate_store_finding, count);

    for (size_t i = 0; i < count; i++)
        findings[i] = (struct passgate_store_finding){
            .problem = problem_name(messages[i]->problem, arena),
            .space = project_space(messages[i]->space),
            .hash = messages[i]->hash,
            .partition = messages[i]->partition,
            .detail = messages[i]->detail,
        };
    return findings;
}

static void project_stats(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__GetStoreStatsResponse *reply =
        (const Passgate__V1__GetStoreStatsResponse *)message;
    struct passgate_store_count *counts =
        arena_new_array(arena, struct passgate_store_count, reply->n_spaces);
    struct passgate_store_partition *partitions =
        arena_new_array(arena, struct passgate_store_partition, reply->n_partitions);

    for (size_t i = 0; i < reply->n_spaces; i++)
        counts[i] = (struct passgate_store_count){
            .partition = reply->spaces[i]->partition,
            .space = project_space(reply->spaces[i]->space),
            .values = reply->spaces[i]->values,
            .bytes = reply->spaces[i]->bytes,
            .expired = reply->spaces[i]->expired,
        };
    for (size_t i = 0; i < reply->n_partitions; i++)
        partitions[i] = (struct passgate_store_partition){
            .partition = reply->partitions[i]->partition,
            .epoch = reply->partitions[i]->epoch,
            .counter = reply->partitions[i]->counter,
            .outbox_records = reply->partitions[i]->outbox_records,
        };
    *(struct passgate_store_stats *)value = (struct passgate_store_stats){
        .count_count = reply->n_spaces,
        .counts = counts,
        .partition_count = reply->n_partitions,
        .partitions = partitions,
        .next_page = {reply->next_page_token.len, reply->next_page_token.data},
        .progress_permille = reply->progress_permille,
        .store = project_store(reply->store, arena),
    };
}

static void project_check(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__CheckStoreResponse *reply =
        (const Passgate__V1__CheckStoreResponse *)message;

    *(struct passgate_store_check *)value = (struct passgate_store_check){
        .finding_count = reply->n_findings,
        .findings = project_findings(reply->findings, reply->n_findings, arena),
        .examined = reply->examined,
        .checks_without_evidence = reply->checks_without_evidence,
        .progress_permille = reply->progress_permille,
        .resume = {reply->resume_token.len, reply->resume_token.data},
        .is_done = reply->done,
    };
}

static void project_export(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__ExportStoreResponse *reply =
        (const Passgate__V1__ExportStoreResponse *)message;
    struct passgate_store_entry *entries =
        arena_new_array(arena, struct passgate_store_entry, reply->n_entries);

    for (size_t i = 0; i < reply->n_entries; i++)
        entries[i] = (struct passgate_store_entry){
            .space = project_space(reply->entries[i]->space),
            .partition = reply->entries[i]->partition,
            .hash = reply->entries[i]->hash,
            .expires_at_ms = reply->entries[i]->expires_at_ms,
            .data = reply->entries[i]->data.data,
            .length = reply->entries[i]->data.len,
        };
    *(struct passgate_store_export *)value = (struct passgate_store_export){
        .store = reply->store ? project_store(reply->store, arena) : NULL,
        .entry_count = reply->n_entries,
        .entries = entries,
        .damaged = reply->damaged,
        .progress_permille = reply->progress_permille,
        .resume = {reply->resume_token.len, reply->resume_token.data},
        .is_done = reply->done,
    };
}

static void project_imported(const ProtobufCMessage *message, struct arena *arena, void *value)
{
    const Passgate__V1__ImportStoreResponse *reply =
        (const Passgate__V1__ImportStoreResponse *)message;

    *(struct passgate_store_imported *)value = (struct passgate_store_imported){
        .written = reply->written,
        .same = reply->same,
        .expired = reply->expired,
        .own = reply->own,
        .conflict_count = reply->n_conflicts,
        .conflicts = project_findings(reply->conflicts, reply->n_conflicts, arena),
    };
}

const struct method method_get_store_stats = {
    .path = "/passgate.v1.AdminService/GetStoreStats",
    .reply = &passgate__v1__get_store_stats_response__descriptor,
    .value_size = sizeof(struct passgate_store_stats),
    .project = project_stats,
};

const struct method method_check_store = {
    .path = "/passgate.v1.AdminService/CheckStore",
    .reply = &passgate__v1__check_store_response__descriptor,
    .value_size = sizeof(struct passgate_store_check),
    .project = project_check,
};

const struct method method_export_store = {
    .path = "/passgate.v1.AdminService/ExportStore",
    .reply = &passgate__v1__export_store_response__descriptor,
    .value_size = sizeof(struct passgate_store_export),
    .project = project_export,
};

const struct method method_import_store = {
    .path = "/passgate.v1.AdminService/ImportStore",
    .reply = &passgate__v1__import_store_response__descriptor,
    .value_size = sizeof(struct passgate_store_imported),
    .project = project_imported,
};

struct passgate_store_stats *passgate_get_store_stats(struct passgate_client *client,
                                                      const struct passgate_token *page,
                                                      const struct passgate_call *call,
                                                      struct passgate_error *error)
{
    Passgate__V1__GetStoreStatsRequest request;

    passgate__v1__get_store_stats_request__init(&request);
    if (page)
        request.page_token = (ProtobufCBinaryData){page->length, (uint8_t *)(uintptr_t)page->bytes};
    return method_call(&method_get_store_stats, client, &request.base, call, error);
}

/* Reading it whole: CheckStore and ExportStore, which go on from a token. */

static bool begin_check(struct passgate_stream *stream, struct passgate_error *error)
{
    Passgate__V1__CheckStoreRequest request;

    passgate__v1__check_store_request__init(&request);
    request.resume_token = stream_token(stream);
    return stream_begin(stream, &request.base, error);
}

static bool begin_export(struct passgate_stream *stream, struct passgate_error *error)
{
    Passgate__V1__ExportStoreRequest request;

    passgate__v1__export_store_request__init(&request);
    request.resume_token = stream_token(stream);
    return stream_begin(stream, &request.base, error);
}

/* Open it where it stands. */
typedef bool begin_fn(struct passgate_stream *stream, struct passgate_error *error);

static struct passgate_stream *open_stream(const struct method *method, begin_fn *begin,
                                           struct passgate_client *client,
                                           const struct passgate_call *call,
                                           struct passgate_error *error)
{
    struct passgate_stream *stream = stream_new(method, client, call, error);

    if (stream && !begin(stream, error)) {
        passgate_stream_free(stream);
        return NULL;
    }
    return stream;
}

/* The next part, if need be of another stream from where this one has ended. */
static void *next_part(struct passgate_stream *stream, begin_fn *begin,
                       struct passgate_error *error)
{
    void *part;

    do
        part = stream_read(stream, error);
    while (!part && stream_is_aged(error) && begin(stream, error));
    return part;
}

struct passgate_stream *passgate_check_store(struct passgate_client *client,
                                             const struct passgate_call *call,
                                             struct passgate_error *error)
{
    return open_stream(&method_check_store, begin_check, client, call, error);
}

struct passgate_store_check *passgate_check_store_next(struct passgate_stream *stream,
                                                       struct passgate_error *error)
{
    struct passgate_error ignored;
    struct passgate_store_check *part = next_part(stream, begin_check, error ? error : &ignored);

    if (part)
        stream_keep_token(stream, part->resume);
    return part;
}

struct passgate_stream *passgate_export_store(struct passgate_client *client,
                                              const struct passgate_call *call,
                                              struct passgate_error *error)
{
    return open_stream(&method_export_store, begin_export, client, call, error);
}

struct passgate_store_export *passgate_export_store_next(struct passgate_stream *stream,
                                                         struct passgate_error *error)
{
    struct passgate_error ignored;
    struct passgate_store_export *part = next_part(stream, begin_export, error ? error : &ignored);

    if (part)
        stream_keep_token(stream, part->resume);
    return part;
}

/* Writing. */

/* Send it and wait for its answer; on a stream that has ended for its age, on another one. */
static void *exchange(struct passgate_stream *stream, const ProtobufCMessage *request,
                      struct passgate_error *error)
{
    void *answer;

    do {
        stream_write(stream, request);
        answer = stream_read(stream, error);
    } while (!answer && stream_is_aged(error) && stream_begin(stream, NULL, error));
    if (!answer && error->code == PASSGATE_OK)
        failure_set(error, PASSGATE_INTERNAL, "MESSAGE_MALFORMED", "",
                    "the stream has ended without an answer");
    return answer;
}

static void init_request(Passgate__V1__ImportStoreRequest *request,
                         const struct passgate_import *import)
{
    passgate__v1__import_store_request__init(request);
    request->hash_key = build_text(import->hash_key);
    request->partitions = import->partitions;
    request->merge = import->merge;
}

struct passgate_stream *passgate_import_store(struct passgate_client *client,
                                              const struct passgate_import *import,
                                              const struct passgate_call *call,
                                              struct passgate_error *error)
{
    struct passgate_stream *stream = stream_new(&method_import_store, client, call, error);
    struct passgate_store_imported *answer = NULL;
    Passgate__V1__ImportStoreRequest request;
    struct passgate_error ignored;

    if (!stream)
        return NULL;
    error = error ? error : &ignored;
    stream_keep_import(stream, import);
    init_request(&request, import);
    if (stream_begin(stream, NULL, error))
        answer = exchange(stream, &request.base, error);
    passgate_free(answer);
    if (answer)
        return stream;
    passgate_stream_free(stream);
    return NULL;
}

static Passgate__V1__StoreEntry *build_entry(const struct passgate_store_entry *entry,
                                             struct arena *arena)
{
    Passgate__V1__StoreEntry *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__store_entry__init(message);
    message->space = (Passgate__V1__StoreSpace)entry->space;
    message->partition = entry->partition;
    message->hash = build_text(entry->hash);
    message->expires_at_ms = entry->expires_at_ms;
    message->data =
        (ProtobufCBinaryData){.len = entry->length, .data = (uint8_t *)(uintptr_t)entry->data};
    return message;
}

struct passgate_store_imported *
passgate_import_store_batch(struct passgate_stream *stream,
                            const struct passgate_store_entry *entries, size_t count,
                            struct passgate_error *error)
{
    struct passgate_store_imported *answer;
    Passgate__V1__ImportStoreRequest request;
    struct passgate_error ignored;
    struct arena arena;

    arena_init(&arena, BUILD_ARENA_BYTES);
    init_request(&request, stream_import(stream));
    request.entries = arena_new_array(&arena, Passgate__V1__StoreEntry *, count);
    for (size_t i = 0; i < count; i++)
        request.entries[request.n_entries++] = build_entry(&entries[i], &arena);
    answer = exchange(stream, &request.base, error ? error : &ignored);
    arena_release(&arena);
    return answer;
}
