/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: made and checked with contexts that are kept, in the form of RFC 7518 section 3.4. */
#include "base/digest.h"
#include "base/memory.h"
#include "keys/key_internal.h"

#include <openssl/ec.h>
#include <openssl/err.h>

enum { HALF_BYTES = KEY_SIGNATURE_BYTES / 2, DER_BYTES_MAX = 72 };

/* The order n of P-256, and n / 2 rounded down (SEC 2 section 2.4.2). */
static const uint8_t order[HALF_BYTES] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
};
static const uint8_t half_order[HALF_BYTES] = {
    0x7F, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0x00, 0x00, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xDE, 0x73, 0x7D, 0x56, 0xD3, 0x8B, 0xCF, 0x42, 0x79, 0xDC, 0xE5, 0x61, 0x7E, 0x31, 0x92, 0xA8,
};

static bool is_low(const uint8_t s[static HALF_BYTES])
{
    return memcmp(s, half_order, HALF_BYTES) <= 0;
}

/* s = n - s; s is public, so nothing here needs to run in constant time. */
static void negate(uint8_t s[static HALF_BYTES])
{
    int borrow = 0;

    for (size_t i = HALF_BYTES; i-- > 0;) {
        int digit = order[i] - s[i] - borrow;

        borrow = digit < 0;
        s[i] = (uint8_t)(digit + (borrow ? 256 : 0));
    }
}

/* -- The shelf -- */

static EVP_PKEY_CTX *shelf_take(struct key_shelf *shelf)
{
    for (size_t i = 0; i < KEY_SHELF_SLOTS; i++) {
        EVP_PKEY_CTX *context;

        if (!atomic_load_explicit(&shelf->slots[i], memory_order_relaxed))
            continue;
        context = atomic_exchange_explicit(&shelf->slots[i], NULL, memory_order_acquire);
        if (context)
            return context;
    }
    return NULL;
}

static void shelf_put(struct key_shelf *shelf, EVP_PKEY_CTX *context)
{
    for (size_t i = 0; i < KEY_SHELF_SLOTS; i++) {
        EVP_PKEY_CTX *empty = NULL;

        if (atomic_compare_exchange_strong_explicit(&shelf->slots[i], &empty, context,
                                                    memory_order_release, memory_order_relaxed))
            return;
    }
    EVP_PKEY_CTX_free(context);
}

void key_shelf_free(struct key_shelf *shelf)
{
    for (size_t i = 0; i < KEY_SHELF_SLOTS; i++)
        EVP_PKEY_CTX_free(atomic_load_explicit(&shelf->slots[i], memory_order_acquire));
    memory_free(shelf);
}

static EVP_PKEY_CTX *context_for(const struct key *key, struct key_shelf *shelf,
                                 int (*prepare)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *context = shelf_take(shelf);

    if (context)
        return context;
    context = EVP_PKEY_CTX_new_from_pkey(NULL, key->handle, NULL);
    if (context && prepare(context) == 1)
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

/* -- ES256 -- */

static bool read_der(const uint8_t *der, size_t length,
                     uint8_t ret_signature[static KEY_SIGNATURE_BYTES])
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)length);
    bool is_read =
        pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret_signature, HALF_BYTES) == HALF_BYTES &&
        BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret_signature + HALF_BYTES, HALF_BYTES) == HALF_BYTES;

    ECDSA_SIG_free(pair);
    return is_read;
}

/* A DER INTEGER: no leading zeros but the one that keeps it positive (X.690 section 8.3). */
static size_t write_der_integer(const uint8_t number[static HALF_BYTES], uint8_t *der)
{
    size_t skip = 0, length;
    bool is_padded;

    while (skip < HALF_BYTES - 1 && number[skip] == 0)
        skip++;
    is_padded = number[skip] & 0x80;
    length = HALF_BYTES - skip;
    der[0] = 0x02;
    der[1] = (uint8_t)(length + is_padded);
    der[2] = 0;
    memcpy(der + 2 + is_padded, number + skip, length);
    return 2 + is_padded + length;
}

static size_t write_der(const uint8_t signature[static KEY_SIGNATURE_BYTES],
                        uint8_t der[static DER_BYTES_MAX])
{
    size_t length = write_der_integer(signature, der + 2);

    length += write_der_integer(signature + HALF_BYTES, der + 2 + length);
    der[0] = 0x30;
    der[1] = (uint8_t)length;
    return 2 + length;
}

static bool sign_es256(const struct key *key, struct span message,
                       uint8_t ret_signature[static KEY_SIGNATURE_BYTES])
{
    uint8_t digest[SHA256_BYTES], der[DER_BYTES_MAX];
    EVP_PKEY_CTX *context = context_for(key, key->sign_shelf, EVP_PKEY_sign_init);
    size_t length = sizeof(der);

    if (!context)
        return false;
    digest_sha256(message, digest);
    if (EVP_PKEY_sign(context, der, &length, digest, sizeof(digest)) != 1) {
        EVP_PKEY_CTX_free(context);
        return false;
    }
    shelf_put(key->sign_shelf, context);
    if (!read_der(der, length, ret_signature))
        return false;
    if (!is_low(ret_signature + HALF_BYTES))
        negate(ret_signature + HALF_BYTES);
    return true;
}

static enum key_verdict verify_es256(const struct key *key, struct span message,
                                     const uint8_t signature[static KEY_SIGNATURE_BYTES])
{
    uint8_t digest[SHA256_BYTES], der[DER_BYTES_MAX];
    EVP_PKEY_CTX *context = context_for(key, key->verify_shelf, EVP_PKEY_verify_init);
    size_t length = write_der(signature, der);
    bool is_good;

    if (!context)
        return KEY_SIGNATURE_BAD;
    digest_sha256(message, digest);
    is_good = EVP_PKEY_verify(context, der, length, digest, sizeof(digest)) == 1;
    shelf_put(key->verify_shelf, context);
    if (!is_good)
        return KEY_SIGNATURE_BAD;
    return is_low(signature + HALF_BYTES) ? KEY_SIGNATURE_GOOD : KEY_SIGNATURE_NOT_LOW;
}

/* -- Ed25519: OpenSSL 3.0 knows it only as one shot with a fresh context -- */

static bool sign_eddsa(const struct key *key, struct span message,
                       uint8_t ret_signature[static KEY_SIGNATURE_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t length = KEY_SIGNATURE_BYTES;
    bool is_signed =
        context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->handle) == 1 &&
        EVP_DigestSign(context, ret_signature, &length, message.data, message.length) == 1 &&
        length == KEY_SIGNATURE_BYTES;

    EVP_MD_CTX_free(context);
    return is_signed;
}

static enum key_verdict verify_eddsa(const struct key *key, struct span message,
                                     const uint8_t signature[static KEY_SIGNATURE_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->handle) == 1 &&
                   EVP_DigestVerify(context, signature, KEY_SIGNATURE_BYTES, message.data,
                                    message.length) == 1;

    EVP_MD_CTX_free(context);
    return is_good ? KEY_SIGNATURE_GOOD : KEY_SIGNATURE_BAD;
}

bool key_sign(const struct key *key, struct span message,
              uint8_t ret_signature[static KEY_SIGNATURE_BYTES], struct err *err)
{
    uint8_t signature[KEY_SIGNATURE_BYTES];
    bool is_signed;

    if (!key->is_private)
        return err_set(err, ERR_INTERNAL, "a public key cannot sign");
    is_signed = key->algorithm == KEY_ES256 ? sign_es256(key, message, signature)
                                            : sign_eddsa(key, message, signature);
    if (!is_signed) {
        ERR_clear_error();
        return err_set(err, ERR_INTERNAL, "OpenSSL does not sign");
    }
    memcpy(ret_signature, signature, sizeof(signature));
    return true;
}

enum key_verdict key_verify(const struct key *key, struct span message,
                            const uint8_t signature[static KEY_SIGNATURE_BYTES])
{
    enum key_verdict verdict = key->algorithm == KEY_ES256 ? verify_es256(key, message, signature)
                                                           : verify_eddsa(key, message, signature);

    if (verdict != KEY_SIGNATURE_GOOD)
        ERR_clear_error();
    return verdict;
}
