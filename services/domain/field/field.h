/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields: which texts the outward contract allows where (protos/passgate/v1).  One row per kind of
 * text, so that every door checks the same.
 */
#ifndef DOMAIN_FIELD_FIELD_H
#define DOMAIN_FIELD_FIELD_H

#include "base/err.h"
#include "base/span.h"

/*
 *   X(name, least bytes, most bytes, characters beside letters and digits)
 *
 * "*" means any UTF-8 without control characters, "^" in front that letters are lower-case ones.
 */
#define FIELD_KIND_LIST(X)               \
    X(SUBJECT, 1, 128, "._:@/+=-|")      \
    X(REQUEST_ID, 1, 64, "._:-")         \
    X(RESOURCE_TYPE, 1, 64, "._-")       \
    X(RESOURCE_ID, 1, 256, "._:@/+=-")   \
    X(ACTION, 1, 64, "._:-")             \
    X(CONTEXT_KEY, 1, 64, "^_.-")        \
    X(CONTEXT_VALUE, 0, 256, "*")        \
    X(VENDOR, 1, 64, "^_.-")             \
    X(CHECK_ID, 1, 128, "*")             \
    X(ORGANIZATION, 1, 128, "._:@/+=-|") \
    X(AUDIENCE, 1, 256, "*")             \
    X(SHORT_TEXT, 0, 64, "*")            \
    X(PHRASE, 0, 128, "*")               \
    X(TEXT, 0, 256, "*")                 \
    X(REASON, 1, 256, "*")               \
    X(PURPOSE, 0, 64, "^_")              \
    X(CATEGORY, 0, 3, "")                \
    X(EVIDENCE_ID, 1, 64, "_-")          \
    X(CALLER, 1, 2048, "*")

enum field_kind {
#define X(name, least, most, characters) FIELD_KIND_##name,
    FIELD_KIND_LIST(X)
#undef X
        FIELD_KIND_COUNT
};

/* FIELD_REQUIRED, FIELD_TOO_LONG or FIELD_CHARACTERS on `field`. */
MUST_CHECK bool field_check(enum field_kind kind, struct span text, const char *field,
                            struct err *err);

#endif
