/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as JSON, in the mapping of proto3
 * (https://protobuf.dev/programming-guides/json/), for any protobuf-c descriptor.
 *
 * Read: names in lowerCamelCase or as in the .proto file; enums by name or number; 64-bit numbers
 * as text or number; Timestamp and Duration in their text forms; bytes in either alphabet of
 * base64; null is "not given" for fields.  Names that the message does not have are refused, and so
 * is a field that is given under both of its names.
 *
 * Written: names in lowerCamelCase, fields with their default left out, 64-bit numbers as text.
 *
 * Not covered, because no message here has them: Any, Struct, wrappers, groups, and fields with
 * presence other than messages and oneofs.
 */
#ifndef CLIENT_SRC_JSON_MESSAGE_H
#define CLIENT_SRC_JSON_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/*
 * The message lives in the arena; `value` may be released afterwards.  `value` comes from
 * json_read(), which bounds its depth.  On failure err->field is the path as it is spelled in the
 * JSON text ("evidence.document.issuedOn") and err->detail says what would be right.
 */
MUST_CHECK bool json_message_read(const json_t *value, const ProtobufCMessageDescriptor *type,
                                  struct arena *arena, ProtobufCMessage **ret_message,
                                  struct err *err);

/* To be released with json_decref().  Fails for text that is not UTF-8 and for instants that have
 * no text form. */
MUST_CHECK bool json_message_write(const ProtobufCMessage *message, json_t **ret_value,
                                   struct err *err);

#endif
