/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys in PEM as a ring that can only verify. */
#include "base/timestamp.h"
#include "keys/key_internal.h"
#include "keys/key_ring_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>

static bool add_key(struct key_ring *ring, EVP_PKEY *handle, struct err *err)
{
    struct key *key;

    if (!key_from_handle(handle, &key, err))
        return false;
    if (ring->count == KEY_RING_KEYS_MAX || key_ring_entry_of(ring, span_text(key_id(key)))) {
        key_free(key);
        return err_set(err, ERR_TOKEN_INVALID, "it stands there twice, or there are too many");
    }
    ring->entries[ring->count++] =
        (struct key_ring_entry){.key = key, .published_until_ms = TIMESTAMP_NEVER_MS};
    return true;
}

static bool fill_ring(struct key_ring *ring, BIO *bio, struct err *err)
{
    char *name, *header;
    unsigned char *bytes;
    long length;

    while (PEM_read_bio(bio, &name, &header, &bytes, &length) == 1) {
        const unsigned char *at = bytes;
        bool is_public = strcmp(name, PEM_STRING_PUBLIC) == 0;
        EVP_PKEY *handle = is_public ? d2i_PUBKEY(NULL, &at, length) : NULL;

        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(bytes, (size_t)length); /* somebody may have given a private one */
        if (!handle)
            return err_set(err, ERR_TOKEN_INVALID, "a PEM block is no public key");
        if (!add_key(ring, handle, err)) {
            struct err inner = *err;

            return err_set(err, inner.code, "key %zu in PEM: %s", ring->count, inner.detail);
        }
    }
    /* What ends the loop is the end, or something that only looks like PEM. */
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE || ring->count == 0)
        return err_set(err, ERR_TOKEN_INVALID, "it cannot be read as PEM");
    return true;
}

bool key_ring_from_pem(struct span pem, struct key_ring **ret_ring, struct err *err)
{
    struct key_ring *ring;
    bool is_read;
    BIO *bio;

    if (pem.length > KEY_RING_JWKS_BYTES_MAX)
        return err_set(err, ERR_TOKEN_INVALID, "the keys in PEM are too long");
    ring = key_ring_new();
    bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    is_read =
        bio ? fill_ring(ring, bio, err) : err_set(err, ERR_INTERNAL, "OpenSSL reads no memory");
    BIO_free(bio);
    ERR_clear_error();
    if (is_read)
        *ret_ring = ring;
    else
        key_ring_unref(ring);
    return is_read;
}
