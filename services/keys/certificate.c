/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate: reading and checking what its files hold. */
#include "keys/certificate.h"

#include "base/file.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "keys/key_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <time.h>

enum { PEM_BYTES_MAX = 256 * 1024, KEY_FILE_BYTES_MAX = 64 * 1024 };

/* -- Reading -- */

static bool read_files(const struct certificate_files *files, struct certificate *certificate,
                       struct err *err)
{
    struct arena *arena = &certificate->arena;

    /* The key last: what was read of it is wiped, also when another file fails. */
    return file_read(files->chain, PEM_BYTES_MAX, arena, &certificate->chain, err) &&
           (!files->client_ca ||
            file_read(files->client_ca, PEM_BYTES_MAX, arena, &certificate->client_ca, err)) &&
           file_read(files->key, KEY_FILE_BYTES_MAX, arena, &certificate->key, err);
}

/* Of the digests, so that bytes cannot move from one file to the next unseen. */
static void digest_all(struct certificate *certificate)
{
    uint8_t digests[3][SHA256_BYTES];

    digest_sha256(certificate->chain, digests[0]);
    digest_sha256(certificate->key, digests[1]);
    digest_sha256(certificate->client_ca, digests[2]);
    digest_sha256(span_of(digests, sizeof(digests)), certificate->digest);
}

bool certificate_read(const struct certificate_files *files, struct certificate *ret_certificate,
                      struct err *err)
{
    struct certificate certificate = {.expires_at_ms = 0};

    arena_init(&certificate.arena, 16 * 1024);
    if (!read_files(files, &certificate, err)) {
        arena_release(&certificate.arena);
        return false;
    }
    digest_all(&certificate);
    *ret_certificate = certificate;
    return true;
}

void certificate_release(struct certificate *certificate)
{
    secret_wipe((void *)(uintptr_t)certificate->key.data, certificate->key.length);
    arena_release(&certificate->arena);
}

/* -- Checking -- */

/* Everything that a check parses, freed together. */
struct parsed {
    STACK_OF(X509) * chain;
    STACK_OF(X509) * authorities;
    EVP_PKEY *key;
    SSL_CTX *context;
};

static void parsed_free(struct parsed *parsed)
{
    sk_X509_pop_free(parsed->chain, X509_free);
    sk_X509_pop_free(parsed->authorities, X509_free);
    EVP_PKEY_free(parsed->key);
    SSL_CTX_free(parsed->context);
    ERR_clear_error();
}

static bool refuse(const char *path, const char *why, struct err *err)
{
    return err_set(err, ERR_CONFIG_INVALID, "%s: %s", path, why);
}

/* With the reason that OpenSSL gives. */
static bool refuse_by_openssl(const char *path, const char *what, struct err *err)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return err_set(err, ERR_CONFIG_INVALID, "%s: %s: %s", path, what,
                   reason ? reason : "no reason was given");
}

/* One that ends in the middle is an error, not a shorter chain. */
static bool parse_certificates(const char *path, struct span pem, STACK_OF(X509) * *ret_stack,
                               struct err *err)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    STACK_OF(X509) *stack = *ret_stack = sk_X509_new_null();
    bool is_whole = false;
    X509 *next;

    while (bio && stack && (next = PEM_read_bio_X509(bio, NULL, key_no_passphrase, NULL)))
        if (!sk_X509_push(stack, next)) {
            X509_free(next);
            stack = NULL;
        }
    is_whole = stack && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    if (!is_whole)
        return refuse_by_openssl(path, "it holds something that is no certificate in PEM", err);
    if (sk_X509_num(stack) == 0)
        return refuse(path, "it holds no certificate in PEM", err);
    ERR_clear_error();
    return true;
}

static bool read_time(const ASN1_TIME *time, int64_t *ret_ms)
{
    struct tm civil;

    if (ASN1_TIME_to_tm(time, &civil) != 1)
        return false;
    *ret_ms = (int64_t)timegm(&civil) * 1000;
    return true;
}

static bool check_dates(const char *path, const X509 *x509, int64_t now_ms, int64_t *ret_until_ms,
                        struct err *err)
{
    char text[TIMESTAMP_TEXT_MAX];
    int64_t from_ms, until_ms;

    if (!read_time(X509_get0_notBefore(x509), &from_ms) ||
        !read_time(X509_get0_notAfter(x509), &until_ms))
        return refuse(path, "its dates cannot be read", err);
    if (now_ms < from_ms)
        return err_set(err, ERR_CONFIG_INVALID, "%s: it is not valid before %s", path,
                       timestamp_format(from_ms, text));
    if (now_ms >= until_ms)
        return err_set(err, ERR_CONFIG_INVALID, "%s: it has expired on %s", path,
                       timestamp_format(until_ms, text));
    *ret_until_ms = until_ms;
    return true;
}

/* RFC 9525 section 2: the subject's CN is no name. */
static bool has_name(const X509 *x509)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    bool is_found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;

        is_found |= type == GEN_DNS || type == GEN_IPADD || type == GEN_URI;
    }
    GENERAL_NAMES_free(names);
    return is_found;
}

static bool check_chain(const char *path, const struct parsed *parsed, int64_t now_ms,
                        int64_t *ret_expires_at_ms, struct err *err)
{
    X509 *own = sk_X509_value(parsed->chain, 0);
    int64_t first_ms = TIMESTAMP_NEVER_MS, until_ms;

    for (int i = 0; i < sk_X509_num(parsed->chain); i++) {
        if (!check_dates(path, sk_X509_value(parsed->chain, i), now_ms, &until_ms, err))
            return false;
        if (until_ms < first_ms)
            first_ms = until_ms;
    }
    if (!has_name(own))
        return refuse(path, "it names nothing: no DNS, IP or URI as subjectAltName", err);
    if (X509_check_purpose(own, X509_PURPOSE_SSL_SERVER, 0) != 1)
        return refuse(path, "it is not for servers (extendedKeyUsage, keyUsage)", err);
    *ret_expires_at_ms = first_ms;
    return true;
}

/* As the configuration asks of every secret at the start. */
static bool is_for_everybody(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && status.st_mode & S_IRWXO;
}

/* X509_check_private_key() knows whose the key is; whether both are strong enough is known to a
 * context, which is what they will serve in. */
static bool check_key(const struct certificate_files *files, struct span pem, struct parsed *parsed,
                      struct err *err)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
    X509 *own = sk_X509_value(parsed->chain, 0);

    parsed->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, key_no_passphrase, NULL) : NULL;
    BIO_free(bio);
    if (is_for_everybody(files->key))
        return refuse(files->key, "it is open to everybody: chmod o= it", err);
    if (!parsed->key)
        return refuse(files->key, "it holds no private key in PEM, or one with a passphrase", err);
    if (X509_check_private_key(own, parsed->key) != 1)
        return err_set(err, ERR_CONFIG_INVALID, "%s: it is not the key of %s", files->key,
                       files->chain);
    parsed->context = SSL_CTX_new(TLS_server_method());
    if (!parsed->context || SSL_CTX_use_certificate(parsed->context, own) != 1 ||
        SSL_CTX_use_PrivateKey(parsed->context, parsed->key) != 1)
        return refuse_by_openssl(files->chain, "OpenSSL does not serve with it", err);
    return true;
}

/* Bundles hold old authorities too; one that is good for something is enough. */
static bool check_authorities(const char *path, struct span pem, struct parsed *parsed,
                              int64_t now_ms, struct err *err)
{
    int64_t until_ms;

    if (!parse_certificates(path, pem, &parsed->authorities, err))
        return false;
    refuse(path, "it holds no authority", err);
    for (int i = 0; i < sk_X509_num(parsed->authorities); i++) {
        X509 *authority = sk_X509_value(parsed->authorities, i);

        if (X509_check_ca(authority) != 0 && check_dates(path, authority, now_ms, &until_ms, err))
            return true;
    }
    return false;
}

static bool is_text(struct span pem)
{
    return memchr(pem.data, '\0', pem.length) == NULL;
}

bool certificate_check(const struct certificate_files *files, struct certificate *certificate,
                       int64_t now_ms, struct err *err)
{
    struct parsed parsed = {.chain = NULL};
    bool is_good;

    /* Libraries take what stands before a NUL. */
    if (!is_text(certificate->chain) || !is_text(certificate->key) ||
        (files->client_ca && !is_text(certificate->client_ca)))
        return refuse(files->chain, "it, its key or the authorities hold a NUL byte", err);
    ERR_clear_error();
    is_good = parse_certificates(files->chain, certificate->chain, &parsed.chain, err) &&
              check_chain(files->chain, &parsed, now_ms, &certificate->expires_at_ms, err) &&
              check_key(files, certificate->key, &parsed, err) &&
              (!files->client_ca ||
               check_authorities(files->client_ca, certificate->client_ca, &parsed, now_ms, err));
    parsed_free(&parsed);
    return is_good;
}
