/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that documents are sealed for: read from PEM, counted. */
#include "base/memory.h"
#include "keys/seal_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define PRIVATE_IN_PLACE_OF_PUBLIC                                                           \
    "it holds a private key, and only the public half belongs here (openssl pkey -pubout): " \
    "whoever runs the server could read what is sealed"
#define CERTIFICATE_IN_PLACE_OF_KEY \
    "it holds a certificate; the key alone is needed (openssl x509 -pubkey -noout)"

/* What may stand in a file, for each half; anything else is a mistake that is better told than
 * skipped. */
static const struct block_row {
    const char *label;
    bool is_ignored;
    const char *complaints[2]; /* by enum seal_half; NULL: it is what is wanted */
} block_rows[] = {
    {"PUBLIC KEY",
     .complaints = {[SEAL_PRIVATE] = "it holds a public key; a private one is needed"}},
    {"PRIVATE KEY", .complaints = {[SEAL_PUBLIC] = PRIVATE_IN_PLACE_OF_PUBLIC}},
    {"EC PRIVATE KEY", .complaints = {[SEAL_PUBLIC] = PRIVATE_IN_PLACE_OF_PUBLIC}},
    {"EC PARAMETERS", .is_ignored = true}, /* `openssl ecparam -genkey` writes it in front */
    {"ENCRYPTED PRIVATE KEY",
     .complaints = {PRIVATE_IN_PLACE_OF_PUBLIC, "the key is encrypted; it must not be"}},
    {"RSA PRIVATE KEY",
     .complaints = {PRIVATE_IN_PLACE_OF_PUBLIC, "it is an RSA key; EC P-256 is needed"}},
    {"CERTIFICATE", .complaints = {CERTIFICATE_IN_PLACE_OF_KEY, CERTIFICATE_IN_PLACE_OF_KEY}},
};

static const struct block_row *row_of(const char *label)
{
    for (size_t i = 0; i < ARRAY_LEN(block_rows); i++)
        if (strcmp(block_rows[i].label, label) == 0)
            return &block_rows[i];
    return NULL;
}

/* One block; *handle is set by the one that is wanted. */
static bool take_block(const char *label, const unsigned char *bytes, long length,
                       enum seal_half half, EVP_PKEY **handle, struct err *err)
{
    const struct block_row *row = row_of(label);

    if (!row)
        return err_set(err, ERR_CONFIG_INVALID, "it holds a PEM block of an unknown kind");
    if (row->is_ignored)
        return true;
    if (row->complaints[half])
        return err_set(err, ERR_CONFIG_INVALID, "%s", row->complaints[half]);
    if (*handle)
        return err_set(err, ERR_CONFIG_INVALID, "it holds more than one key");
    *handle = half == SEAL_PUBLIC ? d2i_PUBKEY(NULL, &bytes, length)
                                  : d2i_AutoPrivateKey(NULL, &bytes, length);
    return *handle || err_set(err, ERR_CONFIG_INVALID, "its key cannot be parsed");
}

static bool read_blocks(BIO *bio, enum seal_half half, EVP_PKEY **handle, struct err *err)
{
    char *label, *header;
    unsigned char *bytes;
    long length;

    while (PEM_read_bio(bio, &label, &header, &bytes, &length) == 1) {
        bool is_taken = take_block(label, bytes, length, half, handle, err);

        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(bytes, (size_t)length);
        if (!is_taken)
            return false;
    }
    /* What ends the loop is the end, or something that only looks like PEM. */
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE || !*handle)
        return err_set(err, ERR_CONFIG_INVALID, "it holds no key in PEM");
    return true;
}

/* Once, when the key is read: the agreement itself does not look again. */
static bool is_sound(EVP_PKEY *handle, enum seal_half half)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, handle, NULL);
    bool is_good = context && EVP_PKEY_public_check(context) == 1 &&
                   (half == SEAL_PUBLIC || EVP_PKEY_pairwise_check(context) == 1);

    EVP_PKEY_CTX_free(context);
    return is_good;
}

/* Takes the handle over, also when it fails. */
static bool wrap(EVP_PKEY *handle, enum seal_half half, struct seal_key **ret_key, struct err *err)
{
    enum key_algorithm algorithm;
    struct seal_key *sealing;
    EVP_CIPHER *cipher;
    struct key *key;

    if (!key_algorithm_of_handle(handle, &algorithm) || algorithm != KEY_ES256) {
        EVP_PKEY_free(handle);
        return err_set(err, ERR_CONFIG_INVALID, "its key is not EC P-256");
    }
    if (!is_sound(handle, half)) {
        EVP_PKEY_free(handle);
        return err_set(err, ERR_CONFIG_INVALID,
                       "its key is no point of P-256, or not that of its "
                       "other half");
    }
    key = key_of_handle(KEY_ES256, handle, half == SEAL_PRIVATE);
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!key || !cipher) {
        EVP_CIPHER_free(cipher);
        key_free(key);
        return err_set(err, ERR_INTERNAL, "OpenSSL cannot use the key");
    }
    sealing = memory_new(struct seal_key);
    atomic_init(&sealing->references, 1);
    sealing->key = key;
    sealing->cipher = cipher;
    *ret_key = sealing;
    return true;
}

bool seal_key_from_pem(struct span pem, enum seal_half half, struct seal_key **ret_key,
                       struct err *err)
{
    EVP_PKEY *handle = NULL;
    bool is_read;
    BIO *bio;

    if (pem.length > KEY_PEM_BYTES_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "it is too long for a key");
    bio = BIO_new_mem_buf(pem.length ? (const char *)pem.data : "", (int)pem.length);
    is_read = bio ? read_blocks(bio, half, &handle, err)
                  : err_set(err, ERR_INTERNAL, "OpenSSL reads no memory");
    BIO_free(bio);
    if (is_read)
        is_read = wrap(handle, half, ret_key, err);
    else
        EVP_PKEY_free(handle);
    ERR_clear_error();
    return is_read;
}

struct seal_key *seal_key_ref(struct seal_key *key)
{
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    return key;
}

void seal_key_unref(struct seal_key *key)
{
    if (!key || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) != 1)
        return;
    EVP_CIPHER_free(key->cipher);
    key_free(key->key);
    memory_free(key);
}

static void *ref_version(void *version)
{
    return seal_key_ref(version);
}

static void unref_version(void *version)
{
    seal_key_unref(version);
}

void seal_key_snapshot_init(struct snapshot *snapshot, struct seal_key *key)
{
    snapshot_init(snapshot, key, ref_version, unref_version);
}

const char *seal_key_id(const struct seal_key *key)
{
    return key_id(key->key);
}
