/* SPDX-License-Identifier: Apache-2.0 */
/* A write about one subject. */
#include "verification/subject_write.h"

#include "base/failpoint.h"
#include "base/memory.h"
#include "domain/field/field.h"
#include "interceptors/caller.h"
#include "keys/sealed.h"
#include "storage/revision.h"

#include <assert.h>
#include <endian.h>

/* How long an answered request_id is remembered. */
#define REQUEST_KEPT_MS (24 * INT64_C(3600000))

enum { READ_SUBJECT, READ_REQUEST, READ_CHECK };

/* What is stored of a check: whose it is, and when the vendor's newest word about it was said. */
enum { CHECK_BYTES = HASH128_BYTES + sizeof(int64_t) };

static void read_state(struct subject_write *write);

static void write_free(struct subject_write *write)
{
    store_request_free(write->reading);
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
    write->method = span_text(rpc_call_method(call)->name);
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

void subject_write_note_circumstance(struct subject_write *write, const char *name,
                                     struct span text)
{
    assert(write->circumstance_count < SUBJECT_WRITE_CIRCUMSTANCES_MAX);
    write->circumstances[write->circumstance_count++] = (struct circumstance){name, text};
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

/* A remembered request: the hash of its body, then the note. */
static struct span remembered(struct subject_write *write)
{
    uint8_t *value = arena_alloc(&write->arena, HASH128_BYTES + SUBJECT_WRITE_NOTE_MAX);

    hash128_store(write->body, value);
    memcpy(value + HASH128_BYTES, write->note, write->note_length);
    return span_of(value, HASH128_BYTES + write->note_length);
}

/* The same request again: the same answer, from what was remembered. */
static void repeat(struct subject_write *write, const struct store_value *value)
{
    struct err err;

    if (value->data.length < HASH128_BYTES ||
        value->data.length > HASH128_BYTES + SUBJECT_WRITE_NOTE_MAX) {
        err_set(&err, ERR_STORE_CORRUPT, "remembered request of %zu bytes", value->data.length);
        finish(write, &err);
        return;
    }
    if (!hash128_equal(hash128_load(value->data.data), write->body)) {
        err_field(&err, ERR_REQUEST_ID_REUSED, "request_id", "another body");
        finish(write, &err);
        return;
    }
    write->is_repeated = true;
    write->number = value->version;
    write->note_length = value->data.length - HASH128_BYTES;
    memcpy(write->note, value->data.data + HASH128_BYTES, write->note_length);
    finish(write, write->failure);
}

static void on_written(struct store_request *request)
{
    struct subject_write *write = request->owner;

    if (request->is_ok) {
        write->number = request->number;
        (void)FAILPOINT("after_store_write");
        finish(write, write->failure);
    } else if (request->err.code == ERR_CONFLICT && write->attempts < SUBJECT_WRITE_ATTEMPTS) {
        read_state(write);
    } else {
        finish(write, &request->err);
    }
}

/* What came of it, for the record. */
static const char *outcome_word(const struct subject_write *write, bool is_changed)
{
    if (write->failure)
        return err_reason(write->failure->code);
    return is_changed ? "" : "UNCHANGED";
}

/* `change` has worked on the record that was read: what it was before is read once more. */
static bool write_document(struct subject_write *write, const struct record *after,
                           struct span *ret_text, struct err *err)
{
    const struct verification_options *options = write->options;
    const struct store_value *value = &write->reading->values[READ_SUBJECT];
    struct record before;

    if (value->version > 0 && !record_decode(value->data, write->hash, &write->arena, &before, err))
        return false;
    *ret_text = change_document_write(
        &(struct change_document){
            .before = value->version > 0 ? &before : NULL,
            .before_number = value->version,
            .partition = write->partition,
            .after = after,
            .circumstances = write->circumstances,
            .circumstance_count = write->circumstance_count,
            .groups = options->groups,
            .now_ms = write->now_ms,
        },
        options->change_document_bytes_max, &write->arena);
    return true;
}

/* On the worker: it takes about as long as a signature, and no more than the rest of a write. */
static bool seal_document(struct subject_write *write, const struct record *after,
                          struct span *ret_sealed, struct err *err)
{
    struct snapshot *retention_key = write->options->retention_key;
    struct seal_key *key = after && retention_key ? snapshot_get(retention_key) : NULL;
    bool is_sealed = true;
    struct span text;

    *ret_sealed = span_of(NULL, 0);
    if (key)
        is_sealed = write_document(write, after, &text, err) &&
                    sealed_make(key, SEALED_FACTS_TYPE, text, &write->arena, ret_sealed, err);
    seal_key_unref(key);
    return is_sealed;
}

static bool encode_audit(struct subject_write *write, bool is_changed, struct span sealed,
                         struct span *ret_bytes, struct err *err)
{
    const struct audit_item item = {.subject = write->hash, .directive = AUDIT_NO_DIRECTIVE};
    const struct audit_record record = {
        .kind = write->audit_kind,
        .time_ms = write->now_ms,
        .caller = write->caller,
        .method = write->method,
        .outcome = span_text(outcome_word(write, is_changed)),
        .on_behalf_of = write->on_behalf_of,
        .items = &item,
        .item_count = 1,
        .ids = write->audit_ids,
        .id_count = write->audit_id_count,
        .payload = sealed,
    };

    return audit_record_encode(&record, &write->arena, ret_bytes, err);
}

static struct span check_value(const struct subject_write *write, uint8_t value[static CHECK_BYTES])
{
    bool is_newest = write->said_at_ms > write->last_said_at_ms;
    uint64_t word = htole64((uint64_t)(is_newest ? write->said_at_ms : write->last_said_at_ms));

    hash128_store(write->hash, value);
    memcpy(value + HASH128_BYTES, &word, sizeof(word));
    return span_of(value, CHECK_BYTES);
}

/* `record` is NULL when it stays as it is. */
static void put_state(struct subject_write *write, const struct record *record,
                      struct store_request *request)
{
    const struct store_value *values = write->reading->values;
    struct store_key subject = names_subject(write->hash);
    struct store_key remembering = write->reading->keys[READ_REQUEST];
    uint8_t check[CHECK_BYTES];

    store_request_guard(request, subject, values[READ_SUBJECT].version);
    if (record) {
        store_request_put(request, subject, TIMESTAMP_NEVER_MS,
                          record_encode(record, &write->arena));
        store_request_change(request, STORE_CHANGE_SUBJECT, write->hash);
    }
    store_request_guard(request, remembering, values[READ_REQUEST].version);
    store_request_put(request, remembering, write->now_ms + REQUEST_KEPT_MS, remembered(write));
    if (write->has_check) {
        store_request_guard(request, write->check, values[READ_CHECK].version);
        store_request_put(request, write->check, TIMESTAMP_NEVER_MS, check_value(write, check));
    }
}

static void write_state(struct subject_write *write, const struct record *record)
{
    const struct verification_options *options = write->options;
    struct store_request *request;
    struct span sealed, audit;
    struct err err;

    if (!seal_document(write, record, &sealed, &err) ||
        !encode_audit(write, record != NULL, sealed, &audit, &err)) {
        finish(write, &err);
        return;
    }
    store_request_free(write->writing);
    request = write->writing = store_request_new(STORE_WRITE, write->partition,
                                                 write->reading->reply_to, on_written, write);
    request->deadline_ms = clock_monotonic_ms(options->clock) + options->write_timeout_ms;
    put_state(write, record, request);
    store_request_outbox(request, audit);
    store_submit(options->store, request);
}

/* A vendor's check belongs to one subject for ever. */
static bool read_check(struct subject_write *write, struct err *err)
{
    const struct store_value *value = &write->reading->values[READ_CHECK];
    uint64_t word;

    write->last_said_at_ms = INT64_MIN;
    if (!write->has_check || value->version == 0)
        return true;
    if (value->data.length != CHECK_BYTES)
        return err_set(err, ERR_STORE_CORRUPT, "check of %zu bytes", value->data.length);
    if (!hash128_equal(hash128_load(value->data.data), write->hash))
        return err_field(err, ERR_CHECK_ID_REUSED, "evidence.check_id", "another subject's");
    memcpy(&word, value->data.data + HASH128_BYTES, sizeof(word));
    write->last_said_at_ms = (int64_t)le64toh(word);
    return true;
}

static bool load_record(struct subject_write *write, struct record *ret_record, struct err *err)
{
    const struct store_value *value = &write->reading->values[READ_SUBJECT];

    write->is_stored = value->version > 0;
    if (write->is_stored)
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

    if (!read_check(write, &err) || !load_record(write, &record, &err)) {
        finish(write, &err);
        return;
    }
    write->number = write->reading->number;
    outcome = write->change(write, &record, &err);
    input = record_facts_input(&record);
    if (outcome == CHANGE_WRITE && write->audit_kind != AUDIT_EVIDENCE_REVOKED &&
        !facts_check_capacity(&input, &err)) /* taking back is never refused */
        outcome = CHANGE_REFUSED;
    if (outcome == CHANGE_REFUSED) {
        finish(write, &err);
        return;
    }
    record.changed_at_ms = write->now_ms;
    if (write->is_dry_run)
        finish(write, write->failure);
    else
        write_state(write, outcome == CHANGE_WRITE ? &record : NULL);
}

static void on_read(struct store_request *request)
{
    struct subject_write *write = request->owner;

    if (!request->is_ok)
        finish(write, &request->err);
    else if (request->values[READ_REQUEST].version > 0)
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

/* Evidence proves something of a person; what an organization is says the configuration.  What was
 * stored of it before it was registered may still be taken back. */
static bool check_is_person(const struct subject_write *write, struct err *err)
{
    if (write->audit_kind == AUDIT_EVIDENCE_REVOKED ||
        !organization_find(write->options->organizations, write->subject))
        return true;
    return err_field(err, ERR_SUBJECT_ORGANIZATION, "subject", "a registered organization");
}

/* What the body is: the message as this program packs it, unknown fields included. */
static struct hash128 hash_body(struct subject_write *write)
{
    size_t length = protobuf_c_message_get_packed_size(write->request);
    uint8_t *packed = arena_alloc(&write->arena, length);

    protobuf_c_message_pack(write->request, packed);
    return keyed_hash(&write->options->names->key, span_of(packed, length));
}

void subject_write_start(struct subject_write *write)
{
    struct err err;

    if (!field_check(FIELD_KIND_REQUEST_ID, write->request_id, "request_id", &err) ||
        !field_check(FIELD_KIND_SUBJECT, write->subject, "subject", &err) ||
        !caller_reaches(caller_of(write->call), write->subject, &err) ||
        !check_is_person(write, &err)) {
        finish(write, &err);
        return;
    }
    write->hash = names_subject_hash(write->options->names, write->subject);
    if (!budget_take_subject(caller_of(write->call)->budget, write->hash,
                             clock_monotonic_ms(write->options->clock), &err)) {
        finish(write, &err);
        return;
    }
    write->partition = names_partition(write->options->names, write->hash);
    write->body = hash_body(write);
    rpc_call_park(write->call, on_abandoned, write);
    read_state(write);
}
