/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document about a change of a subject, which is sealed into the audit record of the write:
 * what was on record and what followed from it, before and after, in JSON.
 *
 * docs/audit.md describes its members.  It holds the subject's id, and like the record itself no
 * name, number or image: of documents and of vendors' persons only which pieces are of the same.
 */
#ifndef VERIFICATION_CHANGE_DOCUMENT_H
#define VERIFICATION_CHANGE_DOCUMENT_H

#include "domain/country/groups.h"
#include "storage/record.h"

enum {
    CHANGE_DOCUMENT_FORMAT = 1,
    /* Sealed and encoded it fits into a record of the outbox beside everything else. */
    CHANGE_DOCUMENT_BYTES_MAX = 40 * 1024,
    CHANGE_DOCUMENT_BYTES_MIN = 16 * 1024, /* whatever has no list of any length fits */
};

_Static_assert(CHANGE_DOCUMENT_BYTES_MAX / 3 * 4 + 8 * 1024 < STORE_VALUE_BYTES_MAX,
               "a sealed document fits into the outbox");

/* On what terms the write was made: a name of ours and what the caller said. */
struct circumstance {
    const char *name;
    struct span text;
};

struct change_document {
    const struct record *before; /* NULL: nothing was known */
    uint64_t before_number;      /* of the write that made it */
    uint16_t partition;
    const struct record *after;
    const struct circumstance *circumstances;
    size_t circumstance_count;
    const struct country_groups *groups; /* or NULL */
    int64_t now_ms;                      /* facts are those of this moment */
};

/*
 * The text, in the arena: at most `bytes_max`, from CHANGE_DOCUMENT_BYTES_MIN on.  Of a subject
 * with more on record than that, what counts for nothing any more is left out first, then the
 * oldest; `left_out` says how much.
 */
struct span change_document_write(const struct change_document *document, size_t bytes_max,
                                  struct arena *arena);

#endif
