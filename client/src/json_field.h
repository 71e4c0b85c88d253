/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of messages and the values in them: what the reader and the writer of JSON share. */
#ifndef CLIENT_SRC_JSON_FIELD_H
#define CLIENT_SRC_JSON_FIELD_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

enum { JSON_FIELD_NAME_MAX = 64 };

/* The name of a field in JSON: "issued_on" is "issuedOn".  False when it is too long. */
bool json_field_name(const ProtobufCFieldDescriptor *field, char name[static JSON_FIELD_NAME_MAX]);

/*
 * A map field is a repeated message that protoc made up: named after the field ("context" has
 * "ContextEntry", inside of the message), with key and value as fields 1 and 2.  protobuf-c does
 * not keep the map_entry option, so that this is how to tell.
 */
bool json_field_is_map(const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *field);

bool json_field_is_oneof(const ProtobufCFieldDescriptor *field);

/* Bytes of one element in the C struct. */
size_t json_field_size(const ProtobufCFieldDescriptor *field);

static inline const void *json_field_slot(const ProtobufCMessage *message,
                                          const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->offset;
}

static inline void *json_field_slot_of(ProtobufCMessage *message,
                                       const ProtobufCFieldDescriptor *field)
{
    return (char *)message + field->offset;
}

/* google.protobuf.Timestamp and Duration, which JSON writes as text. */
bool json_is_timestamp(const ProtobufCMessageDescriptor *type);
bool json_is_duration(const ProtobufCMessageDescriptor *type);

MUST_CHECK bool json_timestamp_read(const char *text, ProtobufCMessage *message, struct err *err);
MUST_CHECK bool json_duration_read(const char *text, ProtobufCMessage *message, struct err *err);

enum { JSON_TIME_TEXT_MAX = 48 };
MUST_CHECK bool json_timestamp_write(const ProtobufCMessage *message,
                                     char text[static JSON_TIME_TEXT_MAX], struct err *err);
MUST_CHECK bool json_duration_write(const ProtobufCMessage *message,
                                    char text[static JSON_TIME_TEXT_MAX], struct err *err);

/* One scalar, enum, text or bytes value; `slot` is json_field_size() bytes. */
MUST_CHECK bool json_scalar_read(const ProtobufCFieldDescriptor *field, const json_t *value,
                                 struct arena *arena, void *slot, struct err *err);
/* The key of a map entry, which JSON always writes as text. */
MUST_CHECK bool json_key_read(const ProtobufCFieldDescriptor *field, const char *key,
                              struct arena *arena, void *slot, struct err *err);
MUST_CHECK bool json_scalar_write(const ProtobufCFieldDescriptor *field, const void *slot,
                                  json_t **ret_value, struct err *err);
/* Is it what the field has when it is not given? */
bool json_scalar_is_default(const ProtobufCFieldDescriptor *field, const void *slot);

#endif
