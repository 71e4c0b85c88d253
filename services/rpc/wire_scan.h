/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at the wire before anything is unpacked.
 *
 * protobuf-c takes any byte in a string (and loses what is behind a NUL), any number in an enum,
 * any count of elements, duplicate map keys and any depth.  One pass over the bytes, driven by the
 * message's descriptor, refuses all that with the path of the field ("checks[3].context[1].key").
 * It allocates nothing.
 */
#ifndef RPC_WIRE_SCAN_H
#define RPC_WIRE_SCAN_H

#include "base/err.h"
#include "base/span.h"

#include <protobuf-c/protobuf-c.h>

struct wire_limits {
    uint32_t depth_max;       /* of nested messages */
    uint32_t elements_max;    /* of one repeated field */
    uint32_t map_entries_max; /* of one map */
    uint32_t fields_max;      /* of the whole message, unknown ones included */
};

/* Used by the runtime for every request. */
extern const struct wire_limits wire_limits_default;

/*
 * MESSAGE_MALFORMED (truncated, a wrong wire type, a group, a field number 0), FIELD_UTF8,
 * FIELD_NUL, FIELD_ENUM, FIELD_TOO_MANY, FIELD_TOO_DEEP, FIELD_DUPLICATE_KEY, FIELD_CONFLICT (a
 * field that may stand once, or a oneof, stands twice: merged parts would not be what a proxy has
 * seen). Unknown fields are stepped over.
 */
MUST_CHECK bool wire_scan(const ProtobufCMessageDescriptor *descriptor, struct span bytes,
                          const struct wire_limits *limits, struct err *err);

/* Whether messages of this type can be scanned: none within has more than 64 fields. */
bool wire_scan_can(const ProtobufCMessageDescriptor *descriptor);

#endif
