/* SPDX-License-Identifier: Apache-2.0 */
/* A write about one subject. */
#include "verification/subject_write.h"

#include "base/failpoint.h"
#include "base/memory.h"
#include "domain/field/field.h"
#include "interceptors/caller.h"
#include "storage/revision.h"

#include <assert.h>

/* How long an answered request_id is remembered. */
#define REQUEST_KEPT_MS (24 * INT64_C(3600000))

enum { READ_SUBJECT, READ_REQUEST, READ_CHECK };

static void read_state(struct subject_write *write);

static void write_free(struct subject_write *write)
{
    if (write->reading)
        store_request_free(write->reading);
    if (write->writing)
        store_request_free(write->writing);
    arena_release(&write->arena);
    memory_free(write);
}

static void finish(struct subject_write *write, const struct err *err)
{
    (void)FAILPOINT("before_reply");
    if (write->call && err)
        rpc_call_fail(write->call, err);
    else if (write->call)
        write->respond(write);
    metrics_count(metrics_shared(write->options->metrics), METRIC_VERIFICATIONS,
                  err                  ? METRICS_WRITE_REFUSED
                  : write->is_repeated ? METRICS_WRITE_REPEATED
                                       : METRICS_WRITE_ACCEPTED,
                  1);
    write_free(write);
}

static void on_abandoned(void *owner)
{
    struct subject_write *write = owner;

    write->call = NULL;
}

struct subject_write *subject_write_new(struct rpc_call *call, const ProtobufCMessage *request,
                                        const struct verification_options *options)
{
    struct subject_write *write = memory_new(struct subject_write);

    write->call = call;
    write->request = request;
    write->options = options;
    write->arena = rpc_call_take_arena(call);
    write->caller = caller_of(call)->id;
    write->now_ms = clock_wall_ms(options->clock);
    return write;
}

void subject_write_refuse(struct subject_write *write, const struct err *err)
{
    finish(write, err);
}

void subject_write_note_id(struct subject_write *write, struct span id)
{
    assert(write->audit_id_count < SUBJECT_WRITE_IDS_MAX);
    write->audit_ids[write->audit_id_count++] = id;
}

char *subject_write_revision(struct subject_write *write)
{
    const struct verification_options *options = write->options;
    const struct revision revision = {
        .directive_set = options->directive_set_number(options->context),
        .number = write->number,
        .partition = write->partition,
    };
    char *text = arena_alloc(&write->arena, REVISION_TEXT_MAX);

    revision_format(&revision, text);
    return text;
}

/* A remembered request: the digest of its body, then the note. */
static struct span remembered(struct subject_write *write)
{
    uint8_t *value = arena_alloc(&write->arena, SHA256_BYTES + SUBJECT_WRITE_NOTE_MAX);

    memcpy(value, write->digest, SHA256_BYTES);
    memcpy(value + SHA256_BYTES, write->note, write->note_length);
    return span_of(value, SHA256_BYTES + write->note_length);
}

/* The same request again: the same answer, from what was remembered. */
static void repeat(struct subject_write *write, const struct store_value *value)
{
    struct err err;

    if (value->data.length < SHA256_BYTES ||
        value->data.length > SHA256_BYTES + SUBJECT_WRITE_NOTE_MAX) {
        err_set(&err, ERR_STORE_CORRUPT, "remembered request of %zu bytes", value->data.length);
        finish(write, &err);
        return;
    }
    if (memcmp(value->data.data, write->digest, SHA256_BYTES) != 0) {
        err_field(&err, ERR_REQUEST_ID_REUSED, "request_id", "another body");
        finish(write, &err);
        return;
    }
    write->is_repeated = true;
    write->number = value->version;
    write->note_length = value->data.length - SHA256_BYTES;
    memcpy(write->note, value->data.data + SHA256_BYTES, write->note_length);
    finish(write, NULL);
}

static void on_written(struct store_request *request)
{
    struct subject_write *write = request->owner;

    if (request->is_ok) {
        write->number = request->number;
        (void)FAILPOINT("after_store_write");
        finish(write, write->fails_after ? &write->failure : NULL);
    } else if (request->err.code == ERR_CONFLICT && write->attempts < SUBJECT_WRITE_ATTEMPTS) {
        read_state(write);
    } else {
        finish(write, &request->err);
    }
}

static bool encode_audit(struct subject_write *write, struct span *ret_bytes, struct err *err)
{
    const struct audit_item item = {.subject = write->hash, .directive = AUDIT_NO_DIRECTIVE};
    const struct audit_record record = {
        .kind = write->audit_kind,
        .time_ms = write->now_ms,
        .caller = write->caller,
        .method = span_text(write->call ? rpc_call_method(write->call)->name : ""),
        .outcome = span_text(write->fails_after ? err_reason(write->failure.code) : ""),
        .on_behalf_of = write->on_behalf_of,
        .items = &item,
        .item_count = 1,
        .ids = write->audit_ids,
        .id_count = write->audit_id_count,
    };

    return audit_record_encode(&record, &write->arena, ret_bytes, err);
}

static void write_state(struct subject_write *write, const struct record *record)
{
    const struct verification_options *options = write->options;
    const struct store_value *values = write->reading->values;
    struct store_request *request;
    struct span audit;
    struct err err;

    if (!encode_audit(write, &audit, &err)) {
        finish(write, &err);
        return;
    }
    if (write->writing)
        store_request_free(write->writing);
    request = write->writing = store_request_new(STORE_WRITE, write->partition,
                                                 write->reading->reply_to, on_written, write);
    request->deadline_ms = clock_monotonic_ms(options->clock) + options->write_timeout_ms;
    store_request_guard(request, names_subject(write->hash), values[READ_SUBJECT].version);
    store_request_put(request, names_subject(write->hash), TIMESTAMP_NEVER_MS,
                      record_encode(record, &write->arena));
    if (write->request_id.length > 0) {
        struct store_key key = write->reading->keys[READ_REQUEST];

        store_request_guard(request, key, values[READ_REQUEST].version);
        store_request_put(request, key, write->now_ms + REQUEST_KEPT_MS, remembered(write));
    }
    if (write->has_check) {
        store_request_guard(request, write->check, values[READ_CHECK].version);
        store_request_put(request, write->check, TIMESTAMP_NEVER_MS,
                          span_of(&write->hash, sizeof(write->hash)));
    }
    store_request_change(request, STORE_CHANGE_SUBJECT, write->hash);
    store_request_outbox(request, audit);
    store_submit(options->store, request);
}

/* A vendor's check belongs to one subject for ever. */
static bool check_owner(const struct subject_write *write, struct err *err)
{
    const struct store_value *value = &write->reading->values[READ_CHECK];

    if (!write->has_check || value->version == 0)
        return true;
    if (span_equal(value->data, span_of(&write->hash, sizeof(write->hash))))
        return true;
    return err_field(err, ERR_CHECK_ID_REUSED, "evidence.check_id", "another subject's");
}

static bool load_record(struct subject_write *write, struct record *ret_record, struct err *err)
{
    const struct store_value *value = &write->reading->values[READ_SUBJECT];

    if (value->version > 0)
        return record_decode(value->data, write->hash, &write->arena, ret_record, err);
    *ret_record = (struct record){
        .subject = write->subject,
        .hash = write->hash,
        .kind = SUBJECT_USER,
        .created_at_ms = write->now_ms,
    };
    return true;
}

static void decide(struct subject_write *write)
{
    struct facts_input input;
    struct record record;
    enum change_outcome outcome;
    struct err err;

    if (!check_owner(write, &err) || !load_record(write, &record, &err)) {
        finish(write, &err);
        return;
    }
    write->number = write->reading->number;
    outcome = write->change(write, &record, &err);
    if (outcome == CHANGE_REFUSED) {
        finish(write, &err);
        return;
    }
    if (outcome == CHANGE_NOTHING) {
        finish(write, NULL);
        return;
    }
    input = record_facts_input(&record);
    if (outcome == CHANGE_WRITE && !facts_check_capacity(&input, &err)) {
        finish(write, &err);
        return;
    }
    write->fails_after = outcome == CHANGE_THEN_FAIL;
    write->failure = write->fails_after ? err : ERR_NONE;
    record.changed_at_ms = write->now_ms;
    if (write->is_dry_run)
        finish(write, write->fails_after ? &err : NULL);
    else
        write_state(write, &record);
}

static void on_read(struct store_request *request)
{
    struct subject_write *write = request->owner;

    if (!request->is_ok)
        finish(write, &request->err);
    else if (write->request_id.length > 0 && request->values[READ_REQUEST].version > 0)
        repeat(write, &request->values[READ_REQUEST]);
    else
        decide(write);
}

static void read_state(struct subject_write *write)
{
    const struct verification_options *options = write->options;
    struct inbox *reply_to =
        write->reading ? write->reading->reply_to : rpc_call_inbox(write->call);
    struct store_request *request;

    if (write->reading)
        store_request_free(write->reading);
    write->attempts++;
    request = write->reading =
        store_request_new(STORE_READ, write->partition, reply_to, on_read, write);
    request->deadline_ms = clock_monotonic_ms(options->clock) + options->read_timeout_ms;
    store_request_key(request, names_subject(write->hash));
    store_request_key(request, names_request(options->names, write->caller,
                                             span_text(write->request->descriptor->name),
                                             write->request_id));
    if (write->has_check)
        store_request_key(request, write->check);
    store_submit(options->store, request);
}

/* What the body is: the message as this program packs it, unknown fields included. */
static void digest_body(struct subject_write *write)
{
    size_t length = protobuf_c_message_get_packed_size(write->request);
    uint8_t *packed = arena_alloc(&write->arena, length);

    protobuf_c_message_pack(write->request, packed);
    digest_sha256(span_of(packed, length), write->digest);
}

void subject_write_start(struct subject_write *write)
{
    struct err err;

    if (!field_check(FIELD_KIND_REQUEST_ID, write->request_id, "request_id", &err) ||
        !field_check(FIELD_KIND_SUBJECT, write->subject, "subject", &err)) {
        finish(write, &err);
        return;
    }
    write->hash = names_subject_hash(write->options->names, write->subject);
    write->partition = names_partition(write->options->names, write->hash);
    digest_body(write);
    rpc_call_park(write->call, on_abandoned, write);
    read_state(write);
}
