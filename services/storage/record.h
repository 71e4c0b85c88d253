/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subject's record: what is stored about one subject, and how it is written down.
 *
 * A value begins with a format byte, then protobuf (protos/passgate/storage/v1/record.proto), which
 * carries the hash of the subject that it belongs to: record_decode() refuses a value that is
 * somebody else's. Format N reads N - 1 and N + 1: unknown fields are kept.
 */
#ifndef STORAGE_RECORD_H
#define STORAGE_RECORD_H

#include "domain/facts/facts.h"
#include "storage/store.h"

enum { RECORD_PRINCIPALS_MAX = 16, RECORD_ID_BYTES_MAX = 128, RECORD_TEXT_BYTES_MAX = 256 };

struct record_unknown;

struct record {
    struct span subject; /* the id itself: GetSubject and corrections need it; never a key */
    struct hash128 hash;
    enum subject_kind kind;
    bool is_minor;
    struct evidence *evidence;
    size_t evidence_count;
    struct affiliation *affiliations;
    size_t affiliation_count;
    struct span *principals; /* ids of the natural persons behind a service */
    size_t principal_count;
    int64_t created_at_ms;
    int64_t changed_at_ms;
    /* What a newer format has added, as far as it belongs to the record or to a piece of evidence
     * or an affiliation that is still there; NULL in a new record. */
    const struct record_unknown *unknown;
};

/* STORE_CORRUPT when it cannot be read or belongs to another subject.  Everything lives in the
 * arena. */
MUST_CHECK bool record_decode(struct span value, struct hash128 subject, struct arena *arena,
                              struct record *ret_record, struct err *err);

/* Whom a value that record_decode() refuses says that it belongs to; false when it does not say. */
MUST_CHECK bool record_owner(struct span value, struct arena *arena, struct hash128 *ret_owner);

/* The value, in the arena.  The record keeps the bounds that record_decode() checks. */
struct span record_encode(const struct record *record, struct arena *arena);

/* The same view for the derivation. */
struct facts_input record_facts_input(const struct record *record);

#endif
