/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subject's record, written down and read back.
 *
 * The bytes come from outside of the process: every count, length, character, day and number is
 * checked.  An enum number or a country that this release does not know is refused, not dropped:
 * facts derived without it could allow what it forbids.
 */
#include "storage/record.h"

#include "passgate/storage/v1/record.pb-c.h"
#include "storage/record_field.h"

#include <endian.h>

enum {
    FORMAT = 1,
    HASH_BYTES = sizeof(struct hash128),
    /* Far more than a record within its bounds takes, far less than 64 KiB of the smallest
     * messages. */
    UNPACK_BYTES_MAX = 512 * 1024,
    AFFILIATION_ALL = AFFILIATION_EMPLOYEE | AFFILIATION_CONTRACTOR | AFFILIATION_AGENT,
};

/* The fields of one message that this release does not know. */
struct unknown_fields {
    struct span id; /* of the evidence, or of the affiliation's organization */
    size_t count;
    ProtobufCMessageUnknownField *fields;
};

struct record_unknown {
    struct unknown_fields record;
    struct unknown_fields evidence[FACTS_EVIDENCE_MAX];
    size_t evidence_count;
    struct unknown_fields affiliations[FACTS_AFFILIATIONS_MAX];
    size_t affiliation_count;
};

/* protobuf-c allocates as the bytes tell it to: from the arena, up to a bound. */
struct unpack_memory {
    struct arena *arena;
    size_t left;
};

static void *unpack_alloc(void *data, size_t size)
{
    struct unpack_memory *memory = data;

    if (size > memory->left)
        return NULL;
    memory->left -= size;
    return arena_alloc(memory->arena, size);
}

static void unpack_free(void *data, void *piece)
{
    (void)data;
    (void)piece;
}

static struct hash128 read_hash(const uint8_t *bytes)
{
    uint64_t words[2];

    memcpy(words, bytes, sizeof(words));
    return (struct hash128){.low = le64toh(words[0]), .high = le64toh(words[1])};
}

static void write_hash(struct hash128 hash, uint8_t bytes[static HASH_BYTES])
{
    uint64_t words[2] = {htole64(hash.low), htole64(hash.high)};

    memcpy(bytes, words, sizeof(words));
}

static bool check_owner(const Passgate__Storage__V1__Record *message, struct hash128 subject,
                        struct err *err)
{
    if (message->subject_hash.len != HASH_BYTES)
        return err_set(err, ERR_STORE_CORRUPT, "subject hash of %zu bytes",
                       message->subject_hash.len);
    if (!hash128_equal(read_hash(message->subject_hash.data), subject))
        return err_set(err, ERR_STORE_CORRUPT, "the record belongs to another subject");
    return true;
}

static bool check_counts(const Passgate__Storage__V1__Record *message, struct err *err)
{
    if (message->n_evidence > FACTS_EVIDENCE_MAX ||
        message->n_affiliations > FACTS_AFFILIATIONS_MAX ||
        message->n_principals > RECORD_PRINCIPALS_MAX)
        return err_set(err, ERR_STORE_CORRUPT,
                       "%zu pieces of evidence, %zu affiliations, %zu principals",
                       message->n_evidence, message->n_affiliations, message->n_principals);
    return true;
}

static bool decode_evidence(const Passgate__Storage__V1__Record *message, struct arena *arena,
                            struct record *record, struct err *err)
{
    record->evidence = arena_new_array(arena, struct evidence, message->n_evidence);
    for (size_t i = 0; i < message->n_evidence; i++) {
        if (!record_evidence_decode(message->evidence[i], &record->evidence[i], err))
            return false;
        for (size_t k = 0; k < i; k++)
            if (span_equal(record->evidence[k].id, record->evidence[i].id))
                return err_set(err, ERR_STORE_CORRUPT, "two pieces of evidence with one id");
    }
    record->evidence_count = message->n_evidence;
    return true;
}

static bool decode_affiliation(const Passgate__Storage__V1__Affiliation *message,
                               struct affiliation *ret_affiliation, struct err *err)
{
    if (!field_text(&message->organization, RECORD_ID_BYTES_MAX, true, "organization",
                    &ret_affiliation->organization, err) ||
        !field_day(message->until_day, "until_day", &ret_affiliation->until_day, err) ||
        !field_day(message->review_by_day, "review_by_day", &ret_affiliation->review_by_day, err) ||
        !field_check_ms(message->attested_at_ms, "attested_at_ms", err))
        return false;
    if (message->as > AFFILIATION_ALL)
        return err_set(err, ERR_STORE_CORRUPT, "unknown kind of affiliation");
    ret_affiliation->as = (uint8_t)message->as;
    ret_affiliation->is_complete = message->is_complete;
    ret_affiliation->attested_at_ms = message->attested_at_ms;
    return true;
}

static bool decode_affiliations(const Passgate__Storage__V1__Record *message, struct arena *arena,
                                struct record *record, struct err *err)
{
    record->affiliations = arena_new_array(arena, struct affiliation, message->n_affiliations);
    for (size_t i = 0; i < message->n_affiliations; i++)
        if (!decode_affiliation(message->affiliations[i], &record->affiliations[i], err))
            return false;
    record->affiliation_count = message->n_affiliations;
    return true;
}

static bool decode_principals(const Passgate__Storage__V1__Record *message, struct arena *arena,
                              struct record *record, struct err *err)
{
    record->principals = arena_new_array(arena, struct span, message->n_principals);
    for (size_t i = 0; i < message->n_principals; i++)
        if (!field_text(&message->principals[i], RECORD_ID_BYTES_MAX, true, "principal",
                        &record->principals[i], err))
            return false;
    record->principal_count = message->n_principals;
    return true;
}

/* protobuf-c lets the number 0 through in one spelling and refuses it in the other. */
static bool check_unknown(const ProtobufCMessage *message, size_t *total, struct err *err)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        if (message->unknown_fields[i].tag == 0)
            return err_set(err, ERR_STORE_CORRUPT, "a field with the number 0");
    *total += message->n_unknown_fields;
    return true;
}

static bool count_unknown(const Passgate__Storage__V1__Record *message, size_t *ret_total,
                          struct err *err)
{
    *ret_total = 0;
    if (!check_unknown(&message->base, ret_total, err))
        return false;
    for (size_t i = 0; i < message->n_evidence; i++)
        if (!check_unknown(&message->evidence[i]->base, ret_total, err))
            return false;
    for (size_t i = 0; i < message->n_affiliations; i++)
        if (!check_unknown(&message->affiliations[i]->base, ret_total, err))
            return false;
    return true;
}

static void keep_unknown(struct unknown_fields *list, size_t *count, struct span id,
                         const ProtobufCMessage *message)
{
    if (message->n_unknown_fields > 0)
        list[(*count)++] = (struct unknown_fields){
            .id = id,
            .count = message->n_unknown_fields,
            .fields = message->unknown_fields,
        };
}

static bool decode_unknown(const Passgate__Storage__V1__Record *message, struct arena *arena,
                           struct record *record, struct err *err)
{
    struct record_unknown *unknown;
    size_t total;

    if (!count_unknown(message, &total, err))
        return false;
    if (total == 0)
        return true;
    unknown = arena_new(arena, struct record_unknown);
    unknown->record.count = message->base.n_unknown_fields;
    unknown->record.fields = message->base.unknown_fields;
    for (size_t i = 0; i < message->n_evidence; i++)
        keep_unknown(unknown->evidence, &unknown->evidence_count, record->evidence[i].id,
                     &message->evidence[i]->base);
    for (size_t i = 0; i < message->n_affiliations; i++)
        keep_unknown(unknown->affiliations, &unknown->affiliation_count,
                     record->affiliations[i].organization, &message->affiliations[i]->base);
    record->unknown = unknown;
    return true;
}

static bool decode_message(const Passgate__Storage__V1__Record *message, struct hash128 subject,
                           struct arena *arena, struct record *ret_record, struct err *err)
{
    struct record record = {
        .hash = subject,
        .kind = (enum subject_kind)message->kind,
        .is_minor = message->is_minor,
        .created_at_ms = message->created_at_ms,
        .changed_at_ms = message->changed_at_ms,
    };

    if (!check_owner(message, subject, err) || !check_counts(message, err) ||
        !field_text(&message->subject, RECORD_ID_BYTES_MAX, true, "subject", &record.subject,
                    err) ||
        !field_check_ms(message->created_at_ms, "created_at_ms", err) ||
        !field_check_ms(message->changed_at_ms, "changed_at_ms", err) ||
        !decode_evidence(message, arena, &record, err) ||
        !decode_affiliations(message, arena, &record, err) ||
        !decode_principals(message, arena, &record, err) ||
        !decode_unknown(message, arena, &record, err))
        return false;
    if ((int)message->kind < 0 || (int)message->kind > SUBJECT_ORGANIZATION)
        return err_set(err, ERR_STORE_CORRUPT, "unknown kind of subject");
    *ret_record = record;
    return true;
}

static Passgate__Storage__V1__Record *unpack(struct span value, struct arena *arena)
{
    struct unpack_memory memory = {.arena = arena, .left = UNPACK_BYTES_MAX};
    ProtobufCAllocator allocator = {unpack_alloc, unpack_free, &memory};

    return passgate__storage__v1__record__unpack(&allocator, value.length - 1, value.data + 1);
}

bool record_owner(struct span value, struct arena *arena, struct hash128 *ret_owner)
{
    const Passgate__Storage__V1__Record *message;

    if (value.length == 0 || value.length > STORE_VALUE_BYTES_MAX)
        return false;
    message = unpack(value, arena);
    if (!message || message->subject_hash.len != HASH_BYTES)
        return false;
    *ret_owner = read_hash(message->subject_hash.data);
    return true;
}

bool record_decode(struct span value, struct hash128 subject, struct arena *arena,
                   struct record *ret_record, struct err *err)
{
    const Passgate__Storage__V1__Record *message;

    if (value.length == 0 || value.length > STORE_VALUE_BYTES_MAX)
        return err_set(err, ERR_STORE_CORRUPT, "record of %zu bytes", value.length);
    if (value.data[0] < FORMAT || value.data[0] > FORMAT + 1)
        return err_set(err, ERR_STORE_CORRUPT, "record of format %u, this release reads up to %d",
                       value.data[0], FORMAT + 1);
    message = unpack(value, arena);
    if (!message)
        return err_set(err, ERR_STORE_CORRUPT, "the record cannot be parsed");
    return decode_message(message, subject, arena, ret_record, err);
}

/* Give back what was kept for the message with this id. */
static void attach_unknown(const struct unknown_fields *list, size_t count, struct span id,
                           ProtobufCMessage *message)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(list[i].id, id)) {
            message->n_unknown_fields = (unsigned)list[i].count;
            message->unknown_fields = list[i].fields;
        }
}

static void encode_evidence(const struct record *record, struct arena *arena,
                            Passgate__Storage__V1__Record *message)
{
    Passgate__Storage__V1__Evidence *rows =
        arena_new_array(arena, Passgate__Storage__V1__Evidence, record->evidence_count);

    message->evidence =
        arena_new_array(arena, Passgate__Storage__V1__Evidence *, record->evidence_count);
    message->n_evidence = record->evidence_count;
    for (size_t i = 0; i < record->evidence_count; i++) {
        record_evidence_encode(&record->evidence[i], &rows[i]);
        if (record->unknown)
            attach_unknown(record->unknown->evidence, record->unknown->evidence_count,
                           record->evidence[i].id, &rows[i].base);
        message->evidence[i] = &rows[i];
    }
}

static void encode_affiliations(const struct record *record, struct arena *arena,
                                Passgate__Storage__V1__Record *message)
{
    Passgate__Storage__V1__Affiliation *rows =
        arena_new_array(arena, Passgate__Storage__V1__Affiliation, record->affiliation_count);

    message->affiliations =
        arena_new_array(arena, Passgate__Storage__V1__Affiliation *, record->affiliation_count);
    message->n_affiliations = record->affiliation_count;
    for (size_t i = 0; i < record->affiliation_count; i++) {
        const struct affiliation *affiliation = &record->affiliations[i];

        passgate__storage__v1__affiliation__init(&rows[i]);
        rows[i].organization = field_bytes(affiliation->organization);
        rows[i].as = affiliation->as;
        rows[i].is_complete = affiliation->is_complete;
        rows[i].until_day = field_from_day(affiliation->until_day);
        rows[i].review_by_day = field_from_day(affiliation->review_by_day);
        rows[i].attested_at_ms = affiliation->attested_at_ms;
        if (record->unknown)
            attach_unknown(record->unknown->affiliations, record->unknown->affiliation_count,
                           affiliation->organization, &rows[i].base);
        message->affiliations[i] = &rows[i];
    }
}

struct span record_encode(const struct record *record, struct arena *arena)
{
    Passgate__Storage__V1__Record message = PASSGATE__STORAGE__V1__RECORD__INIT;
    uint8_t hash[HASH_BYTES];
    uint8_t *value;
    size_t length;

    write_hash(record->hash, hash);
    message.subject_hash = field_bytes(span_of(hash, sizeof(hash)));
    message.subject = field_bytes(record->subject);
    message.kind = (Passgate__Storage__V1__SubjectKind)record->kind;
    message.is_minor = record->is_minor;
    message.created_at_ms = record->created_at_ms;
    message.changed_at_ms = record->changed_at_ms;
    encode_evidence(record, arena, &message);
    encode_affiliations(record, arena, &message);
    message.principals = arena_new_array(arena, ProtobufCBinaryData, record->principal_count);
    message.n_principals = record->principal_count;
    for (size_t i = 0; i < record->principal_count; i++)
        message.principals[i] = field_bytes(record->principals[i]);
    if (record->unknown) {
        message.base.n_unknown_fields = (unsigned)record->unknown->record.count;
        message.base.unknown_fields = record->unknown->record.fields;
    }
    length = 1 + passgate__storage__v1__record__get_packed_size(&message);
    value = arena_alloc(arena, length);
    value[0] = FORMAT;
    passgate__storage__v1__record__pack(&message, value + 1);
    return span_of(value, length);
}

struct facts_input record_facts_input(const struct record *record)
{
    return (struct facts_input){
        .kind = record->kind,
        .evidence = record->evidence,
        .evidence_count = record->evidence_count,
        .affiliations = record->affiliations,
        .affiliation_count = record->affiliation_count,
        .is_minor = record->is_minor,
    };
}
