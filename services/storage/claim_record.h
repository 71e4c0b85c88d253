/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is stored about one issued claim, under its jti: whom it is about, for whom it is, whether
 * it was revoked; and in the claim cache the token itself.
 *
 * Protobuf (protos/passgate/storage/v1/claim.proto) behind a format byte; the jti that it belongs
 * to is in it and checked after every read.
 */
#ifndef STORAGE_CLAIM_RECORD_H
#define STORAGE_CLAIM_RECORD_H

#include "storage/store.h"

struct claim_record {
    struct span jti;
    struct hash128 subject;
    struct span audience;
    struct span authorized_party;
    int64_t issued_at_ms;
    int64_t expires_at_ms;
    int64_t revoked_at_ms; /* 0: it was not */
    struct span token;     /* only in the claim cache */
    uint64_t number;       /* of the subject's facts that it states */
};

/* STORE_CORRUPT for anything that claim_record_encode() did not make. */
MUST_CHECK bool claim_record_decode(struct span value, struct arena *arena,
                                    struct claim_record *ret_record, struct err *err);
struct span claim_record_encode(const struct claim_record *record, struct arena *arena);

#endif
