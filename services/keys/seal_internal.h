/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing from the inside: for seal_key.c, which reads keys, and sealed.c, which uses them. */
#ifndef KEYS_SEAL_INTERNAL_H
#define KEYS_SEAL_INTERNAL_H

#include "keys/key_internal.h"
#include "keys/sealed.h"

enum { SEAL_SECRET_BYTES = 32 };

struct seal_key {
    atomic_uint references;
    struct key *key;    /* for its handle and its thumbprint: it signs nothing */
    EVP_CIPHER *cipher; /* A256GCM, fetched once */
};

/*
 * RFC 7518 section 4.6.2: the key that both sides of an agreement on P-256 derive, of at most
 * SEAL_SECRET_BYTES, so that there is one round.  `own` is private; `peer` was checked to lie on
 * the curve.
 */
MUST_CHECK bool seal_agree(EVP_PKEY *own, EVP_PKEY *peer, struct span algorithm,
                           struct span party_u, struct span party_v, uint8_t *ret_secret,
                           size_t secret_bytes);

#endif
