/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys: read from PEM, tried, and made.  Apart from key.c, so that who only verifies does
 * not bring the cross-check and its library along. */
#include "base/memory.h"
#include "base/secret.h"
#include "keys/key_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* What may stand in a key file; anything else is a mistake that is better told than skipped. */
static const struct pem_label {
    const char *label;
    bool is_private;
    const char *complaint;
} pem_labels[] = {
    {"PRIVATE KEY", .is_private = true},
    {"EC PRIVATE KEY", .is_private = true},
    {"EC PARAMETERS", .is_private = false}, /* `openssl ecparam -genkey` writes it in front */
    {"ENCRYPTED PRIVATE KEY", .complaint = "the key is encrypted; it must not be"},
    {"PUBLIC KEY", .complaint = "it holds a public key; a private one is needed"},
    {"RSA PRIVATE KEY", .complaint = "it is an RSA key; EC P-256 or Ed25519 is needed"},
    {"CERTIFICATE", .complaint = "it holds a certificate; only a private key belongs here"},
};

static const struct pem_label *find_label(struct span label)
{
    for (size_t i = 0; i < ARRAY_LEN(pem_labels); i++)
        if (span_is(label, pem_labels[i].label))
            return &pem_labels[i];
    return NULL;
}

static bool check_pem_blocks(struct span pem, struct err *err)
{
    static const char begin[] = "-----BEGIN ", dashes[] = "-----";
    size_t private_count = 0;

    for (;;) {
        const uint8_t *start =
            pem.length ? memmem(pem.data, pem.length, begin, sizeof(begin) - 1) : NULL;
        const struct pem_label *row;
        const uint8_t *end;

        if (!start)
            break;
        pem = span_from(pem, (size_t)(start - pem.data) + sizeof(begin) - 1);
        end = pem.length ? memmem(pem.data, pem.length, dashes, sizeof(dashes) - 1) : NULL;
        row = end ? find_label(span_of(pem.data, (size_t)(end - pem.data))) : NULL;
        if (!row)
            return err_set(err, ERR_CONFIG_INVALID, "it holds a PEM block of an unknown kind");
        if (row->complaint)
            return err_set(err, ERR_CONFIG_INVALID, "%s", row->complaint);
        private_count += row->is_private;
    }
    if (private_count != 1)
        return err_set(err, ERR_CONFIG_INVALID, "%s",
                       private_count ? "it holds more than one private key"
                                     : "it holds no private key in PEM");
    return true;
}

int key_no_passphrase(char *buffer, int size, int is_writing, void *unused)
{
    (void)buffer, (void)size, (void)is_writing, (void)unused;
    return -1;
}

/* SEC1 and PKCS#8 may carry a public half that is not that of the private one: a JWKS with it would
 * make every token unverifiable. */
static bool proves_itself(const struct key *key)
{
    static const char probe[] = "passgate key check";
    struct span message = span_of(probe, sizeof(probe) - 1);
    uint8_t signature[KEY_SIGNATURE_BYTES];
    BIO *pem = BIO_new(BIO_s_mem());
    struct err ignored;
    char *text = NULL;
    long length;
    bool is_good;

    is_good = key_sign(key, message, signature, &ignored) &&
              key_verify(key, message, signature) == KEY_SIGNATURE_GOOD;
    if (is_good) {
        is_good = pem && PEM_write_bio_PUBKEY(pem, key->handle) == 1 &&
                  (length = BIO_get_mem_data(pem, &text)) > 0 &&
                  key_is_read_by_libjwt(key, span_of(text, (size_t)length));
    }
    BIO_free(pem);
    return is_good;
}

bool key_from_pem(struct span pem, struct key **ret_key, struct err *err)
{
    enum key_algorithm algorithm;
    struct key *key;
    EVP_PKEY *handle;
    BIO *bio;

    if (pem.length > KEY_PEM_BYTES_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "it is too long for a key");
    if (!check_pem_blocks(pem, err))
        return false;
    bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    handle = bio ? PEM_read_bio_PrivateKey(bio, NULL, key_no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!handle)
        return err_set(err, ERR_CONFIG_INVALID, "its private key cannot be parsed");
    if (!key_algorithm_of_handle(handle, &algorithm)) {
        EVP_PKEY_free(handle);
        return err_set(err, ERR_CONFIG_INVALID, "its key is neither EC P-256 nor Ed25519");
    }
    key = key_of_handle(algorithm, handle, true);
    if (!key || !proves_itself(key)) {
        ERR_clear_error();
        key_free(key);
        return err_set(err, ERR_CONFIG_INVALID,
                       "the private and the public half of its key do not belong together");
    }
    *ret_key = key;
    return true;
}

bool key_generate_pem(enum key_algorithm algorithm, struct arena *arena, struct span *ret_pem,
                      struct err *err)
{
    EVP_PKEY *handle =
        algorithm == KEY_ES256 ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length = 0;
    bool is_made = handle && bio &&
                   PEM_write_bio_PKCS8PrivateKey(bio, handle, NULL, NULL, 0, NULL, NULL) == 1 &&
                   (length = BIO_get_mem_data(bio, &text)) > 0;

    if (is_made) {
        *ret_pem = arena_copy(arena, span_of(text, (size_t)length));
        secret_wipe(text, (size_t)length);
    }
    BIO_free(bio);
    EVP_PKEY_free(handle);
    ERR_clear_error();
    return is_made || err_set(err, ERR_INTERNAL, "OpenSSL makes no key");
}
