/* SPDX-License-Identifier: Apache-2.0 */
/* A look at the wire before anything is unpacked: one function per wire shape, a cursor that cannot
 * run over. */
#include "rpc/wire_scan.h"

#include "base/encoding.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

enum { FIELDS_TRACKED_MAX = 64, MAP_KEYS_TRACKED_MAX = 64 };

/* Bytes of a varint: of a number, and of a tag or a length (as protobuf-c has it). */
enum { NUMBER_BYTES_MAX = 10, TAG_BYTES_MAX = 5 };

const struct wire_limits wire_limits_default = {
    .depth_max = 8,
    .elements_max = 1000,
    .map_entries_max = 32,
    .fields_max = 200000,
};

struct scan {
    const struct wire_limits *limits;
    uint32_t fields_left;
    struct err *err;
};

static bool scan_message(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                         struct span bytes, uint32_t depth);

static bool malformed(struct scan *scan, const char *what)
{
    return err_set(scan->err, ERR_MESSAGE_MALFORMED, "%s", what);
}

static bool take_varint(struct span *bytes, size_t length_max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (bytes->length > 0 && bytes->data[0] < 0x80) { /* most are tags and short lengths */
        *ret_value = bytes->data[0];
        *bytes = span_of(bytes->data + 1, bytes->length - 1);
        return true;
    }
    for (size_t i = 0; i < bytes->length && i < length_max; i++) {
        value |= (uint64_t)(bytes->data[i] & 0x7F) << (7 * i);
        if (bytes->data[i] < 0x80) {
            *bytes = span_from(*bytes, i + 1);
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct span *bytes, uint64_t length, struct span *ret_part)
{
    if (length > bytes->length)
        return false;
    *ret_part = span_of(bytes->data, (size_t)length);
    *bytes = span_from(*bytes, (size_t)length);
    return true;
}

/* The value of any wire type: the payload of WIRE_BYTES, the number of a varint. */
static bool take_value(struct span *bytes, uint32_t wire, uint64_t *ret_number,
                       struct span *ret_part)
{
    uint64_t length;

    switch (wire) {
    case WIRE_VARINT: return take_varint(bytes, NUMBER_BYTES_MAX, ret_number);
    case WIRE_FIXED64: return take_bytes(bytes, 8, ret_part);
    case WIRE_FIXED32: return take_bytes(bytes, 4, ret_part);
    case WIRE_BYTES:
        return take_varint(bytes, TAG_BYTES_MAX, &length) && take_bytes(bytes, length, ret_part);
    default: return false; /* groups are of another age */
    }
}

static enum wire_type wire_of(ProtobufCType type)
{
    static const uint8_t wires[] = {
        [PROTOBUF_C_TYPE_FIXED64] = WIRE_FIXED64,  [PROTOBUF_C_TYPE_SFIXED64] = WIRE_FIXED64,
        [PROTOBUF_C_TYPE_DOUBLE] = WIRE_FIXED64,   [PROTOBUF_C_TYPE_FIXED32] = WIRE_FIXED32,
        [PROTOBUF_C_TYPE_SFIXED32] = WIRE_FIXED32, [PROTOBUF_C_TYPE_FLOAT] = WIRE_FIXED32,
        [PROTOBUF_C_TYPE_STRING] = WIRE_BYTES,     [PROTOBUF_C_TYPE_BYTES] = WIRE_BYTES,
        [PROTOBUF_C_TYPE_MESSAGE] = WIRE_BYTES, /* and WIRE_VARINT, which is 0, for the others */
    };

    return (enum wire_type)wires[type];
}

static bool is_map_entry(const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *entry;
    size_t length;

    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    entry = field->descriptor;
    if (entry->n_fields != 2)
        return false;
    length = strlen(entry->short_name);
    return length > 5 && strcmp(entry->short_name + length - 5, "Entry") == 0 &&
           strcmp(entry->fields[0].name, "key") == 0 && strcmp(entry->fields[1].name, "value") == 0;
}

static bool check_enum(struct scan *scan, const ProtobufCFieldDescriptor *field, uint64_t number)
{
    /* An enum is an int32: negative numbers come as ten bytes. */
    int value = (int)(int64_t)number;

    if ((int64_t)number == value && protobuf_c_enum_descriptor_get_value(field->descriptor, value))
        return true;
    return err_set(scan->err, ERR_FIELD_ENUM, "no such number");
}

static bool check_string(struct scan *scan, struct span text)
{
    size_t i = 0;

    while (i < text.length && text.data[i] != 0 && text.data[i] < 0x80)
        i++;
    if (i == text.length)
        return true;
    if (memchr(text.data, '\0', text.length))
        return err_set(scan->err, ERR_FIELD_NUL, "NUL in a string");
    if (!utf8_is_valid(text))
        return err_set(scan->err, ERR_FIELD_UTF8, "not UTF-8");
    return true;
}

/* One element that is not packed. */
static bool check_element(struct scan *scan, const ProtobufCFieldDescriptor *field, uint64_t number,
                          struct span part, uint32_t depth)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_ENUM: return check_enum(scan, field, number);
    case PROTOBUF_C_TYPE_STRING: return check_string(scan, part);
    case PROTOBUF_C_TYPE_MESSAGE:
        if (depth >= scan->limits->depth_max)
            return err_set(scan->err, ERR_FIELD_TOO_DEEP, "more than %u levels",
                           scan->limits->depth_max);
        return scan_message(scan, field->descriptor, part, depth + 1);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_BYTES:
    default: return true;
    }
}

/* A packed array: counts its elements into *count. */
static bool check_packed(struct scan *scan, const ProtobufCFieldDescriptor *field,
                         struct span array, uint32_t *count)
{
    enum wire_type wire = wire_of(field->type);

    while (array.length > 0) {
        struct span part;
        uint64_t number = 0;

        if (!take_value(&array, wire, &number, &part))
            return malformed(scan, "a packed array is cut off");
        if (++*count > scan->limits->elements_max)
            return err_set(scan->err, ERR_FIELD_TOO_MANY, "more than %u elements",
                           scan->limits->elements_max);
        if (field->type == PROTOBUF_C_TYPE_ENUM && !check_enum(scan, field, number))
            return false;
    }
    return true;
}

/* The key of a map entry: text, or a number. */
struct map_key {
    struct span text;
    uint64_t number;
    unsigned map; /* the index of the map's field */
};

/* What is remembered of one message while it is scanned. */
struct seen {
    uint64_t fields;                           /* bit i: descriptor field i stood once */
    uint32_t counts[FIELDS_TRACKED_MAX];       /* elements of repeated fields */
    struct map_key keys[MAP_KEYS_TRACKED_MAX]; /* so far, of all maps of the message */
    uint32_t key_count;
};

/* The bytes of a fixed-size number, little-endian; of anything else the first eight. */
static uint64_t read_fixed(struct span part)
{
    uint64_t number = 0;

    for (size_t i = 0; i < part.length && i < 8; i++)
        number |= (uint64_t)part.data[i] << (8 * i);
    return number;
}

/* As protobuf-c will read it: a number that does not fit its type is cut. */
static uint64_t cut_number(ProtobufCType type, uint64_t number)
{
    if (type == PROTOBUF_C_TYPE_BOOL)
        return number != 0;
    if (type == PROTOBUF_C_TYPE_INT32 || type == PROTOBUF_C_TYPE_UINT32 ||
        type == PROTOBUF_C_TYPE_SINT32)
        return (uint32_t)number;
    return number;
}

/* An entry without a key has the empty key, or 0. */
static struct map_key map_key(const ProtobufCFieldDescriptor *map, struct span entry)
{
    const ProtobufCMessageDescriptor *descriptor = map->descriptor;
    ProtobufCType type = descriptor->fields[0].type;
    struct map_key key = {.text = {NULL, 0}};

    while (entry.length > 0) {
        struct span part = {0};
        uint64_t tag, number = 0;

        if (!take_varint(&entry, TAG_BYTES_MAX, &tag) ||
            !take_value(&entry, tag & 7, &number, &part))
            break; /* told when the entry is scanned */
        if (tag >> 3 != 1)
            continue;
        key.text = (tag & 7) == WIRE_BYTES ? part : span_of(NULL, 0);
        key.number = (tag & 7) == WIRE_VARINT  ? cut_number(type, number)
                     : (tag & 7) == WIRE_BYTES ? 0
                                               : read_fixed(part);
    }
    return key;
}

static bool note_map_key(struct scan *scan, struct seen *seen,
                         const ProtobufCFieldDescriptor *field, unsigned index, struct span entry)
{
    struct map_key key = map_key(field, entry);
    uint32_t most = scan->limits->map_entries_max;

    key.map = index;
    if (seen->counts[index] > most || seen->key_count == MAP_KEYS_TRACKED_MAX)
        return err_set(scan->err, ERR_FIELD_TOO_MANY, "more than %u entries", most);
    for (uint32_t i = 0; i < seen->key_count; i++)
        if (seen->keys[i].map == index && seen->keys[i].number == key.number &&
            span_equal(seen->keys[i].text, key.text))
            return err_set(scan->err, ERR_FIELD_DUPLICATE_KEY, "the same key again");
    seen->keys[seen->key_count++] = key;
    return true;
}

/* Has another member of this field's oneof been there? */
static bool has_rival(const struct seen *seen, const ProtobufCMessageDescriptor *descriptor,
                      const ProtobufCFieldDescriptor *field)
{
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        return false;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *other = &descriptor->fields[i];

        if ((seen->fields >> i & 1) && (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
            other->quantifier_offset == field->quantifier_offset)
            return true;
    }
    return false;
}

static bool note_element(struct scan *scan, struct seen *seen,
                         const ProtobufCMessageDescriptor *descriptor,
                         const ProtobufCFieldDescriptor *field, struct span part)
{
    unsigned index = (unsigned)(field - descriptor->fields);

    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        if ((seen->fields >> index & 1) || has_rival(seen, descriptor, field))
            return err_set(scan->err, ERR_FIELD_CONFLICT, "the field stands twice");
        seen->fields |= UINT64_C(1) << index;
        return true;
    }
    if (++seen->counts[index] > scan->limits->elements_max)
        return err_set(scan->err, ERR_FIELD_TOO_MANY, "more than %u elements",
                       scan->limits->elements_max);
    return !is_map_entry(field) || note_map_key(scan, seen, field, index, part);
}

static bool scan_field(struct scan *scan, struct seen *seen,
                       const ProtobufCMessageDescriptor *descriptor,
                       const ProtobufCFieldDescriptor *field, uint32_t wire, struct span *bytes,
                       uint32_t depth)
{
    unsigned index = (unsigned)(field - descriptor->fields);
    bool is_repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    enum wire_type wanted = wire_of(field->type);
    bool is_packed = is_repeated && wire == WIRE_BYTES && wanted != WIRE_BYTES;
    struct span part = {0};
    uint64_t number = 0;
    bool is_good;

    if (!take_value(bytes, wire, &number, &part) || (wire != wanted && !is_packed))
        is_good = malformed(scan, "a field is cut off or has another type");
    else if (is_packed)
        is_good = check_packed(scan, field, part, &seen->counts[index]);
    else
        is_good = note_element(scan, seen, descriptor, field, part) &&
                  check_element(scan, field, number, part, depth);
    if (is_good)
        return true;
    if (is_repeated && !is_packed && seen->counts[index] > 0)
        err_prefix_field(scan->err, "%s[%u]", field->name, seen->counts[index] - 1);
    else
        err_prefix_field(scan->err, "%s", field->name);
    return false;
}

/* Most messages number their fields from 1 on without a gap, in the order of the descriptor. */
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *descriptor,
                                                  uint32_t number)
{
    if (number <= descriptor->n_fields && descriptor->fields[number - 1].id == number)
        return &descriptor->fields[number - 1];
    return protobuf_c_message_descriptor_get_field(descriptor, number);
}

static bool scan_message(struct scan *scan, const ProtobufCMessageDescriptor *descriptor,
                         struct span bytes, uint32_t depth)
{
    struct seen seen;

    seen.fields = 0;
    seen.key_count = 0;
    memset(seen.counts, 0, descriptor->n_fields * sizeof(seen.counts[0]));
    while (bytes.length > 0) {
        const ProtobufCFieldDescriptor *field;
        struct span part;
        uint64_t tag, number;

        if (scan->fields_left-- == 0)
            return err_set(scan->err, ERR_FIELD_TOO_MANY, "more than %u fields",
                           scan->limits->fields_max);
        if (!take_varint(&bytes, TAG_BYTES_MAX, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF)
            return malformed(scan, "a tag is cut off or impossible");
        field = find_field(descriptor, (uint32_t)(tag >> 3));
        if (!field) {
            if (!take_value(&bytes, tag & 7, &number, &part))
                return malformed(scan, "an unknown field is cut off");
            continue;
        }
        if (!scan_field(scan, &seen, descriptor, field, (uint32_t)(tag & 7), &bytes, depth))
            return false;
    }
    return true;
}

static bool can_scan(const ProtobufCMessageDescriptor *descriptor, uint32_t depth)
{
    if (descriptor->n_fields > FIELDS_TRACKED_MAX)
        return false;
    for (unsigned i = 0; i < descriptor->n_fields && depth < wire_limits_default.depth_max; i++)
        if (descriptor->fields[i].type == PROTOBUF_C_TYPE_MESSAGE &&
            !can_scan(descriptor->fields[i].descriptor, depth + 1))
            return false;
    return true;
}

bool wire_scan_can(const ProtobufCMessageDescriptor *descriptor)
{
    return can_scan(descriptor, 1);
}

bool wire_scan(const ProtobufCMessageDescriptor *descriptor, struct span bytes,
               const struct wire_limits *limits, struct err *err)
{
    struct scan scan = {.limits = limits, .fields_left = limits->fields_max, .err = err};

    return scan_message(&scan, descriptor, bytes, 1);
}
