/* SPDX-License-Identifier: Apache-2.0 */
/* One piece of evidence in a record: tables that pair the fields of the message with those of the
 * struct. */
#include "passgate/storage/v1/record.pb-c.h"
#include "storage/record.h"
#include "storage/record_field.h"

#define MESSAGE_AT(field)  offsetof(Passgate__Storage__V1__Evidence, field)
#define EVIDENCE_AT(field) offsetof(struct evidence, field)
#define PAIR(message_field, field)                                   \
    .name = #message_field, .message_at = MESSAGE_AT(message_field), \
    .evidence_at = EVIDENCE_AT(field)

/* The numbers are the domain's own. */
#define X(name, number, word)                                                             \
    _Static_assert((int)EVIDENCE_##name ==                                                \
                       (int)PASSGATE__STORAGE__V1__EVIDENCE_CLASS__EVIDENCE_CLASS_##name, \
                   "record.proto");
EVIDENCE_CLASS_LIST(X)
#undef X
#define X(name, number, word)                                                            \
    _Static_assert((int)PROOF_##name == (int)PASSGATE__STORAGE__V1__PROOF__PROOF_##name, \
                   "record.proto");
PROOF_LIST(X)
#undef X
#define X(name, number, word)                                                             \
    _Static_assert((int)STATEMENT_##name ==                                               \
                       (int)PASSGATE__STORAGE__V1__STATEMENT_KIND__STATEMENT_KIND_##name, \
                   "record.proto");
STATEMENT_KIND_LIST(X)
#undef X

/* The tables copy enums as ints, whatever their type. */
_Static_assert(sizeof(enum evidence_class) == sizeof(int), "enums are ints");
_Static_assert(sizeof(Passgate__Storage__V1__EvidenceClass) == sizeof(int), "enums are ints");

static const struct {
    const char *name;
    size_t message_at;
    size_t evidence_at;
    size_t bytes_max;
    bool is_required;
} texts[] = {
    {PAIR(id, id), .bytes_max = RECORD_ID_BYTES_MAX, .is_required = true},
    {PAIR(vendor, vendor), .bytes_max = RECORD_TEXT_BYTES_MAX},
    {PAIR(check_id, check_id), .bytes_max = RECORD_TEXT_BYTES_MAX},
};

static const struct {
    const char *name;
    size_t message_at;
    size_t evidence_at;
    int last;
} enums[] = {
    {PAIR(evidence_class, class), .last = EVIDENCE_STATEMENT},
    {PAIR(proof, proof), .last = PROOF_CHIP},
    {PAIR(acquired_precision, acquired.precision), .last = DATE_BEFORE},
    {PAIR(us_endorsement, us_endorsement), .last = US_ENDORSEMENT_NATIONAL},
    {PAIR(i94_class, i94_class), .last = I94_OTHER},
    {PAIR(i797_type, i797_type), .last = I797_OTHER},
    {PAIR(statement, statement), .last = STATEMENT_ACCREDITATION_ENDED},
    {PAIR(source, source), .last = FACT_SOURCE_EMPLOYER},
};

struct pair {
    const char *name;
    size_t message_at;
    size_t evidence_at;
};

static const struct pair countries[] = {
    {PAIR(issuer, issuer)},
    {PAIR(nationality, nationality)},
    {PAIR(accredited_to, accredited_to)},
    {PAIR(birth_country, birth_country)},
    {PAIR(country, country)},
};

static const struct pair days[] = {
    {PAIR(issued_day, issued_day)},     {PAIR(expires_day, expires_day)},
    {PAIR(acquired_day, acquired.day)}, {PAIR(resident_since_day, resident_since_day)},
    {PAIR(as_of_day, as_of_day)},       {PAIR(review_by_day, review_by_day)},
};

static const struct pair categories[] = {
    {PAIR(i551_category, i551_category)},
    {PAIR(ead_category, ead_category)},
};

static const struct pair hashes[] = {
    {PAIR(document_hash, document_hash)},
    {PAIR(person_hash, person_hash)},
};

/* The field at `offset` of a struct. */
static const void *at(const void *base, size_t offset)
{
    return (const uint8_t *)base + offset;
}

static void *into(void *base, size_t offset)
{
    return (uint8_t *)base + offset;
}

static bool decode_country(const ProtobufCBinaryData *bytes, const char *name, country_id *ret_id,
                           struct err *err)
{
    if (bytes->len == 0) {
        *ret_id = COUNTRY_NONE;
        return true;
    }
    *ret_id = country_from_alpha3(span_of(bytes->data, bytes->len));
    if (*ret_id == COUNTRY_NONE)
        return err_set(err, ERR_STORE_CORRUPT, "unknown country in %s", name);
    return true;
}

static bool decode_category(const ProtobufCBinaryData *bytes, const char *name,
                            char category[static EVIDENCE_CATEGORY_MAX], struct err *err)
{
    struct span text;

    if (!field_text(bytes, EVIDENCE_CATEGORY_MAX - 1, false, name, &text, err))
        return false;
    memset(category, 0, EVIDENCE_CATEGORY_MAX);
    if (text.length > 0)
        memcpy(category, text.data, text.length);
    return true;
}

static bool decode_hash(const ProtobufCBinaryData *bytes, const char *name,
                        uint8_t hash[static EVIDENCE_HASH_BYTES], struct err *err)
{
    if (bytes->len != 0 && bytes->len != EVIDENCE_HASH_BYTES)
        return err_set(err, ERR_STORE_CORRUPT, "%s of %zu bytes", name, bytes->len);
    memset(hash, 0, EVIDENCE_HASH_BYTES);
    if (bytes->len > 0)
        memcpy(hash, bytes->data, EVIDENCE_HASH_BYTES);
    return true;
}

static bool decode_enums(const void *message, struct evidence *evidence, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(enums); i++) {
        int number;

        memcpy(&number, at(message, enums[i].message_at), sizeof(number));
        if (number < 0 || number > enums[i].last)
            return err_set(err, ERR_STORE_CORRUPT, "unknown number %d in %s", number,
                           enums[i].name);
        memcpy(into(evidence, enums[i].evidence_at), &number, sizeof(number));
    }
    return true;
}

static bool decode_tables(const void *message, struct evidence *evidence, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!field_text(at(message, texts[i].message_at), texts[i].bytes_max, texts[i].is_required,
                        texts[i].name, into(evidence, texts[i].evidence_at), err))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(countries); i++)
        if (!decode_country(at(message, countries[i].message_at), countries[i].name,
                            into(evidence, countries[i].evidence_at), err))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        if (!field_day(*(const uint32_t *)at(message, days[i].message_at), days[i].name,
                       into(evidence, days[i].evidence_at), err))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(categories); i++)
        if (!decode_category(at(message, categories[i].message_at), categories[i].name,
                             into(evidence, categories[i].evidence_at), err))
            return false;
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
        if (!decode_hash(at(message, hashes[i].message_at), hashes[i].name,
                         into(evidence, hashes[i].evidence_at), err))
            return false;
    return true;
}

bool record_evidence_decode(const struct Passgate__Storage__V1__Evidence *message,
                            struct evidence *ret_evidence, struct err *err)
{
    struct evidence evidence = {
        .verified_at_ms = message->verified_at_ms,
        .accepted_at_ms = message->accepted_at_ms,
        .has_photo_id = message->has_photo_id,
        .is_revoked = message->is_revoked,
    };

    if (!decode_enums(message, &evidence, err) || !decode_tables(message, &evidence, err) ||
        !field_check_ms(message->verified_at_ms, "verified_at_ms", err) ||
        !field_check_ms(message->accepted_at_ms, "accepted_at_ms", err))
        return false;
    if (message->assurance > ASSURANCE_IAL3)
        return err_set(err, ERR_STORE_CORRUPT, "assurance of %u", message->assurance);
    evidence.assurance = (uint8_t)message->assurance;
    *ret_evidence = evidence;
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
    uint8_t all = 0;

    for (size_t i = 0; i < length; i++)
        all |= bytes[i];
    return all == 0;
}

static void encode_bytes(void *message, size_t offset, const void *data, size_t length)
{
    ProtobufCBinaryData bytes = field_bytes(span_of(data, length));

    memcpy(into(message, offset), &bytes, sizeof(bytes));
}

void record_evidence_encode(const struct evidence *evidence,
                            struct Passgate__Storage__V1__Evidence *ret_message)
{
    passgate__storage__v1__evidence__init(ret_message);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct span *text = at(evidence, texts[i].evidence_at);

        encode_bytes(ret_message, texts[i].message_at, text->data, text->length);
    }
    for (size_t i = 0; i < ARRAY_LEN(enums); i++)
        memcpy(into(ret_message, enums[i].message_at), at(evidence, enums[i].evidence_at),
               sizeof(int));
    for (size_t i = 0; i < ARRAY_LEN(countries); i++) {
        const country_id *id = at(evidence, countries[i].evidence_at);
        const char *alpha3 = country_get(*id)->alpha3;

        encode_bytes(ret_message, countries[i].message_at, alpha3, strlen(alpha3));
    }
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        const int32_t *day = at(evidence, days[i].evidence_at);
        uint32_t stored = field_from_day(*day);

        memcpy(into(ret_message, days[i].message_at), &stored, sizeof(stored));
    }
    for (size_t i = 0; i < ARRAY_LEN(categories); i++) {
        const char *category = at(evidence, categories[i].evidence_at);

        encode_bytes(ret_message, categories[i].message_at, category,
                     strnlen(category, EVIDENCE_CATEGORY_MAX - 1));
    }
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        const uint8_t *hash = at(evidence, hashes[i].evidence_at);

        encode_bytes(ret_message, hashes[i].message_at, hash,
                     is_zero(hash, EVIDENCE_HASH_BYTES) ? 0 : EVIDENCE_HASH_BYTES);
    }
    ret_message->assurance = evidence->assurance;
    ret_message->verified_at_ms = evidence->verified_at_ms;
    ret_message->accepted_at_ms = evidence->accepted_at_ms;
    ret_message->has_photo_id = evidence->has_photo_id;
    ret_message->is_revoked = evidence->is_revoked;
}
