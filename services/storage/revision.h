/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A revision: the opaque text that every write and every answer carries, and that clients only send
 * back.
 *
 * Inside: a format byte, the number of the directive set, the partition and its number, base64url.
 */
#ifndef STORAGE_REVISION_H
#define STORAGE_REVISION_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

/* Longer ones are not looked at. */
enum { REVISION_TEXT_MAX = 40, REVISION_LENGTH_MAX = 64 };

struct revision {
    uint64_t directive_set;
    uint64_t number;
    uint16_t partition;
};

/* Returns `text`, NUL-terminated. */
const char *revision_format(const struct revision *revision, char text[static REVISION_TEXT_MAX]);

/* FIELD_TOO_LONG, FIELD_CHARACTERS or FIELD_REVISION on `field` for anything that revision_format()
 * did not make. */
MUST_CHECK bool revision_parse(struct span text, const char *field, struct revision *ret_revision,
                               struct err *err);

#endif
