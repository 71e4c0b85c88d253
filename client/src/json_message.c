/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as JSON: objects, lists and maps over the descriptors. */
#include "client/src/json_message.h"

#include "base/memory.h"
#include "client/src/json_field.h"
#include "client/src/suggest.h"

/* ---- reading ---- */

static const ProtobufCFieldDescriptor *field_named(const ProtobufCMessageDescriptor *type,
                                                   const char *key)
{
    char name[JSON_FIELD_NAME_MAX];

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];

        if (strcmp(field->name, key) == 0 ||
            (json_field_name(field, name) && strcmp(name, key) == 0))
            return field;
    }
    return NULL;
}

static bool unknown_field(const ProtobufCMessageDescriptor *type, const char *key, struct err *err)
{
    struct suggestion suggestion = {.meant = key};

    for (unsigned i = 0; i < type->n_fields; i++)
        suggestion_consider(&suggestion, type->fields[i].name);
    if (suggestion.best)
        return err_field(err, ERR_MESSAGE_MALFORMED, key, "no such field in %s; did you mean %s?",
                         type->short_name, suggestion.best);
    return err_field(err, ERR_MESSAGE_MALFORMED, key, "no such field in %s", type->short_name);
}

static bool read_sub_message(const ProtobufCFieldDescriptor *field, const json_t *value,
                             struct arena *arena, void *slot, struct err *err)
{
    ProtobufCMessage *message;

    if (!json_message_read(value, field->descriptor, arena, &message, err))
        return false;
    *(ProtobufCMessage **)slot = message;
    return true;
}

static bool read_value(const ProtobufCFieldDescriptor *field, const json_t *value,
                       struct arena *arena, void *slot, struct err *err)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_sub_message(field, value, arena, slot, err);
    return json_scalar_read(field, value, arena, slot, err);
}

static bool read_list(const ProtobufCFieldDescriptor *field, const json_t *value,
                      struct arena *arena, ProtobufCMessage *message, struct err *err)
{
    size_t size = json_field_size(field);
    size_t count = json_array_size(value);
    char *elements;

    if (!json_is_array(value))
        return err_set(err, ERR_MESSAGE_MALFORMED, "a list is needed");
    elements = arena_zarray(arena, count, size);
    for (size_t i = 0; i < count; i++) {
        if (!read_value(field, json_array_get(value, i), arena, elements + i * size, err)) {
            err_prefix_field(err, "[%zu]", i);
            return false;
        }
    }
    *(void **)json_field_slot_of(message, field) = elements;
    *(size_t *)(void *)((char *)message + field->quantifier_offset) = count;
    return true;
}

static bool read_map_entry(const ProtobufCMessageDescriptor *type, const char *key,
                           const json_t *value, struct arena *arena, ProtobufCMessage **ret_entry,
                           struct err *err)
{
    ProtobufCMessage *entry = arena_alloc(arena, type->sizeof_message);

    type->message_init(entry);
    if (!json_key_read(&type->fields[0], key, arena, json_field_slot_of(entry, &type->fields[0]),
                       err) ||
        !read_value(&type->fields[1], value, arena, json_field_slot_of(entry, &type->fields[1]),
                    err))
        return false;
    *ret_entry = entry;
    return true;
}

static bool read_map(const ProtobufCFieldDescriptor *field, json_t *value, struct arena *arena,
                     ProtobufCMessage *message, struct err *err)
{
    size_t count = 0;
    ProtobufCMessage **entries;
    const char *key;
    json_t *member;

    if (!json_is_object(value))
        return err_set(err, ERR_MESSAGE_MALFORMED, "an object is needed");
    entries = arena_new_array(arena, ProtobufCMessage *, json_object_size(value));
    json_object_foreach(value, key, member)
    {
        if (!read_map_entry(field->descriptor, key, member, arena, &entries[count++], err)) {
            err_prefix_field(err, "%s", key);
            return false;
        }
    }
    *(void **)json_field_slot_of(message, field) = entries;
    *(size_t *)(void *)((char *)message + field->quantifier_offset) = count;
    return true;
}

static bool read_oneof(const ProtobufCFieldDescriptor *field, const json_t *value,
                       struct arena *arena, ProtobufCMessage *message, struct err *err)
{
    uint32_t *chosen = (uint32_t *)(void *)((char *)message + field->quantifier_offset);

    if (*chosen != 0)
        return err_set(err, ERR_FIELD_CONFLICT, "only one of several alternatives may be given");
    if (!read_value(field, value, arena, json_field_slot_of(message, field), err))
        return false;
    *chosen = field->id;
    return true;
}

static bool read_field(const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *field, json_t *value, struct arena *arena,
                       ProtobufCMessage *message, struct err *err)
{
    if (json_is_null(value))
        return true;
    if (json_field_is_map(type, field))
        return read_map(field, value, arena, message, err);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_list(field, value, arena, message, err);
    if (json_field_is_oneof(field))
        return read_oneof(field, value, arena, message, err);
    return read_value(field, value, arena, json_field_slot_of(message, field), err);
}

static bool read_fields(const json_t *object, const ProtobufCMessageDescriptor *type,
                        struct arena *arena, ProtobufCMessage *message, struct err *err)
{
    bool *is_given = arena_new_array(arena, bool, type->n_fields);
    void *members = (void *)(uintptr_t)object; /* jansson iterates over what is not const */
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)members, key, value)
    {
        const ProtobufCFieldDescriptor *field = field_named(type, key);

        if (!field)
            return unknown_field(type, key, err);
        if (is_given[field - type->fields])
            return err_field(err, ERR_FIELD_DUPLICATE_KEY, key,
                             "given twice, under both of its names");
        is_given[field - type->fields] = true;
        if (!read_field(type, field, value, arena, message, err)) {
            err_prefix_field(err, "%s", key);
            return false;
        }
    }
    return true;
}

bool json_message_read(const json_t *value, const ProtobufCMessageDescriptor *type,
                       struct arena *arena, ProtobufCMessage **ret_message, struct err *err)
{
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);
    bool is_read;

    type->message_init(message);
    if (json_is_timestamp(type) || json_is_duration(type)) {
        if (!json_is_string(value))
            return err_set(err, ERR_MESSAGE_MALFORMED, "a text is needed, such as %s",
                           json_is_duration(type) ? "\"1.5s\"" : "\"2026-06-12T21:21:00Z\"");
        is_read = json_is_duration(type)
                      ? json_duration_read(json_string_value(value), message, err)
                      : json_timestamp_read(json_string_value(value), message, err);
    } else {
        if (!json_is_object(value))
            return err_set(err, ERR_MESSAGE_MALFORMED, "an object is needed");
        is_read = read_fields(value, type, arena, message, err);
    }
    if (is_read)
        *ret_message = message;
    return is_read;
}

/* ---- writing ---- */

static bool write_value(const ProtobufCFieldDescriptor *field, const void *slot, json_t **ret_value,
                        struct err *err)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return json_message_write(*(ProtobufCMessage *const *)slot, ret_value, err);
    return json_scalar_write(field, slot, ret_value, err);
}

static bool write_list(const ProtobufCFieldDescriptor *field, const char *elements, size_t count,
                       json_t **ret_value, struct err *err)
{
    json_t *list = json_array();
    json_t *value;

    for (size_t i = 0; i < count; i++) {
        if (!write_value(field, elements + i * json_field_size(field), &value, err)) {
            err_prefix_field(err, "[%zu]", i);
            json_decref(list);
            return false;
        }
        json_array_append_new(list, value);
    }
    *ret_value = list;
    return true;
}

static bool write_map_entry(const ProtobufCMessage *entry, json_t *map, struct err *err)
{
    const ProtobufCFieldDescriptor *fields = entry->descriptor->fields;
    json_t *key, *value;
    char *text;

    if (!json_scalar_write(&fields[0], json_field_slot(entry, &fields[0]), &key, err))
        return false;
    if (!write_value(&fields[1], json_field_slot(entry, &fields[1]), &value, err)) {
        json_decref(key);
        return false;
    }
    if (json_is_string(key)) {
        json_object_set_new(map, json_string_value(key), value);
    } else {
        text = json_dumps(key, JSON_ENCODE_ANY);
        json_object_set_new(map, text, value);
        free(text);
    }
    json_decref(key);
    return true;
}

static bool write_map(ProtobufCMessage *const *entries, size_t count, json_t **ret_value,
                      struct err *err)
{
    json_t *map = json_object();

    for (size_t i = 0; i < count; i++) {
        if (!write_map_entry(entries[i], map, err)) {
            json_decref(map);
            return false;
        }
    }
    *ret_value = map;
    return true;
}

/* Is there anything to write?  What is repeated is there when it has elements, an alternative of a
 * oneof when it was chosen, a message when it is not NULL, a value when it is not its default. */
static bool has_value(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *quantifier = (const char *)message + field->quantifier_offset;

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)(const void *)quantifier > 0;
    if (json_field_is_oneof(field) && *(const uint32_t *)(const void *)quantifier != field->id)
        return false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(ProtobufCMessage *const *)json_field_slot(message, field) != NULL;
    return json_field_is_oneof(field) ||
           !json_scalar_is_default(field, json_field_slot(message, field));
}

static bool write_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                        json_t **ret_value, struct err *err)
{
    const void *slot = json_field_slot(message, field);
    size_t count;

    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return write_value(field, slot, ret_value, err);
    count = *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
    if (json_field_is_map(message->descriptor, field))
        return write_map(*(ProtobufCMessage * *const *)slot, count, ret_value, err);
    return write_list(field, *(char *const *)slot, count, ret_value, err);
}

static bool write_fields(const ProtobufCMessage *message, json_t **ret_value, struct err *err)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    json_t *object = json_object();
    char name[JSON_FIELD_NAME_MAX];
    json_t *value;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];

        if (!has_value(message, field))
            continue;
        if (!write_field(message, field, &value, err)) {
            err_prefix_field(err, "%s", field->name);
            json_decref(object);
            return false;
        }
        if (!json_field_name(field, name))
            snprintf(name, sizeof(name), "%s", field->name);
        json_object_set_new(object, name, value);
    }
    *ret_value = object;
    return true;
}

bool json_message_write(const ProtobufCMessage *message, json_t **ret_value, struct err *err)
{
    char text[JSON_TIME_TEXT_MAX];

    if (json_is_timestamp(message->descriptor)) {
        if (!json_timestamp_write(message, text, err))
            return false;
        *ret_value = json_string(text);
    } else if (json_is_duration(message->descriptor)) {
        if (!json_duration_write(message, text, err))
            return false;
        *ret_value = json_string(text);
    } else {
        return write_fields(message, ret_value, err);
    }
    return true;
}
