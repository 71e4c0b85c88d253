/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of messages, and the values that are not messages: numbers, enums, text, bytes. */
#include "client/src/json_field.h"

#include "base/encoding.h"
#include "base/memory.h"
#include "client/src/suggest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool json_field_name(const ProtobufCFieldDescriptor *field, char name[static JSON_FIELD_NAME_MAX])
{
    size_t length = 0;
    bool is_upper = false;

    for (const char *c = field->name; *c; c++) {
        if (*c == '_') {
            is_upper = true;
            continue;
        }
        if (length == JSON_FIELD_NAME_MAX - 1)
            return false;
        name[length++] = is_upper && *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        is_upper = false;
    }
    name[length] = '\0';
    return true;
}

bool json_field_is_map(const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    char name[JSON_FIELD_NAME_MAX], wanted[256];

    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE ||
        entry->n_fields != 2 || strcmp(entry->fields[0].name, "key") != 0 ||
        strcmp(entry->fields[1].name, "value") != 0 || !json_field_name(field, name))
        return false;
    if (name[0] >= 'a' && name[0] <= 'z')
        name[0] = (char)(name[0] - 'a' + 'A');
    snprintf(wanted, sizeof(wanted), "%s.%sEntry", type->name, name);
    return strcmp(entry->name, wanted) == 0;
}

bool json_field_is_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* ---- numbers ---- */

/* What a JSON number or text says, before it is put in a range: magnitude and sign. */
struct integer {
    uint64_t magnitude;
    bool is_negative;
};

static bool integer_of_text(const char *text, struct integer *ret_integer)
{
    struct integer integer = {.is_negative = text[0] == '-'};
    const char *digit = text + integer.is_negative;

    if (*digit == '\0')
        return false;
    for (; *digit; digit++) {
        uint64_t value = (uint64_t)(*digit - '0');

        if (*digit < '0' || *digit > '9' || integer.magnitude > (UINT64_MAX - value) / 10)
            return false;
        integer.magnitude = integer.magnitude * 10 + value;
    }
    *ret_integer = integer;
    return true;
}

/* Integers may also be written as 5.0 or 5e3; up to 2^53, where a double is still exact. */
static bool integer_of(const json_t *value, struct integer *ret_integer)
{
    if (json_is_integer(value)) {
        json_int_t number = json_integer_value(value);

        ret_integer->is_negative = number < 0;
        ret_integer->magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
        return true;
    }
    if (json_is_real(value)) {
        double number = json_real_value(value);

        if (fabs(number) > 9007199254740992.0 || number != trunc(number))
            return false;
        ret_integer->is_negative = number < 0;
        ret_integer->magnitude = (uint64_t)fabs(number);
        return true;
    }
    return json_is_string(value) && integer_of_text(json_string_value(value), ret_integer);
}

static bool read_signed(const json_t *value, int64_t min, int64_t max, int64_t *ret_number,
                        struct err *err)
{
    struct integer integer;
    uint64_t limit;

    if (!integer_of(value, &integer))
        return err_set(err, ERR_MESSAGE_MALFORMED, "a whole number is needed");
    limit = integer.is_negative ? -(uint64_t)min : (uint64_t)max;
    if (integer.magnitude > limit)
        return err_set(err, ERR_FIELD_RANGE, "a number from %" PRId64 " to %" PRId64 " is needed",
                       min, max);
    *ret_number = (int64_t)(integer.is_negative ? -integer.magnitude : integer.magnitude);
    return true;
}

static bool read_unsigned(const json_t *value, uint64_t max, uint64_t *ret_number, struct err *err)
{
    struct integer integer;

    if (!integer_of(value, &integer))
        return err_set(err, ERR_MESSAGE_MALFORMED, "a whole number is needed");
    if (integer.magnitude > max || (integer.is_negative && integer.magnitude > 0))
        return err_set(err, ERR_FIELD_RANGE, "a number from 0 to %" PRIu64 " is needed", max);
    *ret_number = integer.magnitude;
    return true;
}

static bool read_double(const json_t *value, double *ret_number, struct err *err)
{
    static const struct {
        const char *text;
        double value;
    } names[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};

    if (json_is_number(value)) {
        *ret_number = json_number_value(value);
        return true;
    }
    for (size_t i = 0; json_is_string(value) && i < ARRAY_LEN(names); i++) {
        if (strcmp(json_string_value(value), names[i].text) == 0) {
            *ret_number = names[i].value;
            return true;
        }
    }
    return err_set(err, ERR_MESSAGE_MALFORMED, "a number is needed");
}

static json_t *write_double(double number)
{
    if (isnan(number))
        return json_string("NaN");
    if (isinf(number))
        return json_string(number < 0 ? "-Infinity" : "Infinity");
    return json_real(number);
}

static json_t *write_text(const char *format, ...) PRINTF_LIKE(1, 2);

static json_t *write_text(const char *format, ...)
{
    va_list arguments;
    json_t *value;

    va_start(arguments, format);
    value = json_vsprintf(format, arguments);
    va_end(arguments);
    return value;
}

/* ---- one reader and one writer for each kind of value ---- */

struct reading {
    const ProtobufCFieldDescriptor *field;
    const json_t *value;
    struct arena *arena;
    struct err *err;
};

static bool read_int32(const struct reading *reading, void *slot)
{
    int64_t number;

    if (!read_signed(reading->value, INT32_MIN, INT32_MAX, &number, reading->err))
        return false;
    *(int32_t *)slot = (int32_t)number;
    return true;
}

static bool read_int64(const struct reading *reading, void *slot)
{
    return read_signed(reading->value, INT64_MIN, INT64_MAX, slot, reading->err);
}

static bool read_uint32(const struct reading *reading, void *slot)
{
    uint64_t number;

    if (!read_unsigned(reading->value, UINT32_MAX, &number, reading->err))
        return false;
    *(uint32_t *)slot = (uint32_t)number;
    return true;
}

static bool read_uint64(const struct reading *reading, void *slot)
{
    return read_unsigned(reading->value, UINT64_MAX, slot, reading->err);
}

static bool read_float(const struct reading *reading, void *slot)
{
    double number;

    if (!read_double(reading->value, &number, reading->err))
        return false;
    *(float *)slot = (float)number;
    return true;
}

static bool read_real(const struct reading *reading, void *slot)
{
    return read_double(reading->value, slot, reading->err);
}

static bool read_bool(const struct reading *reading, void *slot)
{
    if (!json_is_boolean(reading->value))
        return err_set(reading->err, ERR_MESSAGE_MALFORMED, "true or false is needed");
    *(protobuf_c_boolean *)slot = json_boolean_value(reading->value);
    return true;
}

/* Numbers are open in proto3; names are those that this version knows. */
static bool read_enum(const struct reading *reading, void *slot)
{
    const ProtobufCEnumDescriptor *type = reading->field->descriptor;
    const ProtobufCEnumValue *known;
    struct suggestion suggestion;

    if (!json_is_string(reading->value))
        return read_int32(reading, slot);
    known = protobuf_c_enum_descriptor_get_value_by_name(type, json_string_value(reading->value));
    if (known) {
        *(int32_t *)slot = known->value;
        return true;
    }
    suggestion = (struct suggestion){.meant = json_string_value(reading->value)};
    for (unsigned i = 0; i < type->n_value_names; i++)
        suggestion_consider(&suggestion, type->values_by_name[i].name);
    if (suggestion.best)
        return err_set(reading->err, ERR_FIELD_ENUM, "no such value of %s; did you mean %s?",
                       type->short_name, suggestion.best);
    return err_set(reading->err, ERR_FIELD_ENUM, "no such value of %s; one is %s", type->short_name,
                   type->values[type->n_values - 1].name);
}

static bool read_string(const struct reading *reading, void *slot)
{
    if (!json_is_string(reading->value))
        return err_set(reading->err, ERR_MESSAGE_MALFORMED, "a text is needed");
    *(char **)slot = arena_text(reading->arena, span_of(json_string_value(reading->value),
                                                        json_string_length(reading->value)));
    return true;
}

/* Both alphabets of RFC 4648, padded or not; the strict decoder behind it knows one of them. */
static bool read_bytes(const struct reading *reading, void *slot)
{
    ProtobufCBinaryData *bytes = slot;
    struct span text;
    char *url;
    uint8_t *data;

    if (!json_is_string(reading->value))
        return err_set(reading->err, ERR_MESSAGE_MALFORMED, "a text in base64 is needed");
    text = span_of(json_string_value(reading->value), json_string_length(reading->value));
    if (text.length > 0 && text.length % 4 == 0)
        for (int padding = 0; padding < 2 && text.data[text.length - 1] == '='; padding++)
            text.length--;
    url = arena_text(reading->arena, text);
    for (char *c = url; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    data = arena_alloc(reading->arena, text.length + 1);
    if (!base64url_decode(span_of(url, text.length), data, &bytes->len))
        return err_set(reading->err, ERR_MESSAGE_MALFORMED, "this is not base64");
    bytes->data = data;
    return true;
}

static json_t *write_int32(const ProtobufCFieldDescriptor *field, const void *slot)
{
    (void)field;
    return json_integer(*(const int32_t *)slot);
}

static json_t *write_int64(const ProtobufCFieldDescriptor *field, const void *slot)
{
    (void)field;
    return write_text("%" PRId64, *(const int64_t *)slot);
}

static json_t *write_uint32(const ProtobufCFieldDescriptor *field, const void *slot)
{
    (void)field;
    return json_integer(*(const uint32_t *)slot);
}

static json_t *write_uint64(const ProtobufCFieldDescriptor *field, const void *slot)
{
    (void)field;
    return write_text("%" PRIu64, *(const uint64_t *)slot);
}

static json_t *write_float(const ProtobufCFieldDescriptor *field, const void *slot)
{
    (void)field;
    return write_double((double)*(const float *)slot);
}

static json_t *write_real(const ProtobufCFieldDescriptor *field, const void *slot)
{
    (void)field;
    return write_double(*(const double *)slot);
}

static json_t *write_bool(const ProtobufCFieldDescriptor *field, const void *slot)
{
    (void)field;
    return json_boolean(*(const protobuf_c_boolean *)slot);
}

static json_t *write_enum(const ProtobufCFieldDescriptor *field, const void *slot)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int32_t *)slot);

    return value ? json_string(value->name) : json_integer(*(const int32_t *)slot);
}

static json_t *write_string(const ProtobufCFieldDescriptor *field, const void *slot)
{
    const char *text = *(char *const *)slot;

    (void)field;
    return json_string(text ? text : "");
}

static json_t *write_bytes(const ProtobufCFieldDescriptor *field, const void *slot)
{
    const ProtobufCBinaryData *bytes = slot;
    char *text = memory_alloc(base64url_length(bytes->len) + 4);
    size_t length = base64url_encode(span_of(bytes->data, bytes->len), text);
    json_t *value;

    (void)field;
    for (char *c = text; *c; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    while (length % 4 != 0)
        text[length++] = '=';
    value = json_stringn(text, length);
    memory_free(text);
    return value;
}

static const struct kind {
    size_t size;
    bool (*read)(const struct reading *reading, void *slot);
    json_t *(*write)(const ProtobufCFieldDescriptor *field, const void *slot);
} kinds[] = {
    [PROTOBUF_C_TYPE_INT32] = {sizeof(int32_t), read_int32, write_int32},
    [PROTOBUF_C_TYPE_SINT32] = {sizeof(int32_t), read_int32, write_int32},
    [PROTOBUF_C_TYPE_SFIXED32] = {sizeof(int32_t), read_int32, write_int32},
    [PROTOBUF_C_TYPE_INT64] = {sizeof(int64_t), read_int64, write_int64},
    [PROTOBUF_C_TYPE_SINT64] = {sizeof(int64_t), read_int64, write_int64},
    [PROTOBUF_C_TYPE_SFIXED64] = {sizeof(int64_t), read_int64, write_int64},
    [PROTOBUF_C_TYPE_UINT32] = {sizeof(uint32_t), read_uint32, write_uint32},
    [PROTOBUF_C_TYPE_FIXED32] = {sizeof(uint32_t), read_uint32, write_uint32},
    [PROTOBUF_C_TYPE_UINT64] = {sizeof(uint64_t), read_uint64, write_uint64},
    [PROTOBUF_C_TYPE_FIXED64] = {sizeof(uint64_t), read_uint64, write_uint64},
    [PROTOBUF_C_TYPE_FLOAT] = {sizeof(float), read_float, write_float},
    [PROTOBUF_C_TYPE_DOUBLE] = {sizeof(double), read_real, write_real},
    [PROTOBUF_C_TYPE_BOOL] = {sizeof(protobuf_c_boolean), read_bool, write_bool},
    [PROTOBUF_C_TYPE_ENUM] = {sizeof(int32_t), read_enum, write_enum},
    [PROTOBUF_C_TYPE_STRING] = {sizeof(char *), read_string, write_string},
    [PROTOBUF_C_TYPE_BYTES] = {sizeof(ProtobufCBinaryData), read_bytes, write_bytes},
    [PROTOBUF_C_TYPE_MESSAGE] = {sizeof(ProtobufCMessage *), NULL, NULL},
};

size_t json_field_size(const ProtobufCFieldDescriptor *field)
{
    return kinds[field->type].size;
}

bool json_scalar_read(const ProtobufCFieldDescriptor *field, const json_t *value,
                      struct arena *arena, void *slot, struct err *err)
{
    struct reading reading = {field, value, arena, err};

    return kinds[field->type].read(&reading, slot);
}

bool json_key_read(const ProtobufCFieldDescriptor *field, const char *key, struct arena *arena,
                   void *slot, struct err *err)
{
    json_t *value = field->type != PROTOBUF_C_TYPE_BOOL ? json_string(key)
                    : strcmp(key, "true") == 0          ? json_true()
                    : strcmp(key, "false") == 0         ? json_false()
                                                        : json_string(key);
    bool is_read = json_scalar_read(field, value, arena, slot, err);

    json_decref(value);
    return is_read;
}

bool json_scalar_write(const ProtobufCFieldDescriptor *field, const void *slot, json_t **ret_value,
                       struct err *err)
{
    json_t *value = kinds[field->type].write(field, slot);

    /* jansson takes no text that is not UTF-8, and protobuf-c does not look at it. */
    if (!value)
        return err_set(err, ERR_FIELD_UTF8, "text is not valid UTF-8");
    *ret_value = value;
    return true;
}

bool json_scalar_is_default(const ProtobufCFieldDescriptor *field, const void *slot)
{
    static const char zeros[sizeof(ProtobufCBinaryData)];

    if (field->type == PROTOBUF_C_TYPE_STRING)
        return !*(char *const *)slot || **(char *const *)slot == '\0';
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)slot)->len == 0;
    return memcmp(slot, zeros, kinds[field->type].size) == 0;
}
