/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of a connection to Redis, by hiredis and OpenSSL. */
#include "storage/redis_tls.h"

#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* Why a certificate was not believed.  What is not here is said in OpenSSL's words. */
static const struct verdict {
    long code;
    const char *text;
} verdicts[] = {
    {X509_V_ERR_HOSTNAME_MISMATCH, "it is not for the name in store.url (subjectAltName)"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "it is not for the address in store.url (subjectAltName)"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "it has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "it is not valid yet"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "no authority of store.ca_file signed it"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "no authority of store.ca_file signed it"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "no authority of store.ca_file signed it"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "no authority of store.ca_file signed it"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "no authority of store.ca_file signed it"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "no authority of store.ca_file signed it"},
};

/* What ends a handshake, and what to do about it. */
static const struct ending {
    int reason;
    const char *text;
} endings[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the server does not speak TLS on this port"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the server has neither TLS 1.2 nor 1.3"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the server has neither TLS 1.2 nor 1.3"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
     "the server wants a certificate of its clients: set store.certificate_file and "
     "store.key_file"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
     "the server refuses the handshake; if it wants a certificate of its clients, set "
     "store.certificate_file and store.key_file"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA,
     "the server does not know the authority that signed store.certificate_file"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the server refuses store.certificate_file"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
     "the server refuses store.certificate_file: it is not for clients"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "store.certificate_file has expired, says the server"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
     "store.certificate_file has been revoked, says the server"},
};

/* In words; never NULL. */
static const char *reason_text(unsigned long error)
{
    const char *text = ERR_reason_error_string(error);

    if (!text && ERR_SYSTEM_ERROR(error))
        text = strerror(ERR_GET_REASON(error));
    return text ? text : "no reason was given";
}

/* The files. */

/* Nobody is there to be asked for one. */
static int no_passphrase(char *buffer, int size, int is_writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)data;
    return -1;
}

static bool refuse_file(const char *option, const char *path, struct err *err)
{
    return err_set(err, ERR_CONFIG_INVALID, "%s: %s: %s", option, path,
                   reason_text(ERR_peek_error()));
}

static bool load(const struct redis_options *options, SSL_CTX *trust, struct err *err)
{
    const char *ca = options->tls_ca_file, *certificate = options->tls_certificate_file,
               *key = options->tls_key_file;

    SSL_CTX_set_default_passwd_cb(trust, no_passphrase);
    if (SSL_CTX_load_verify_file(trust, ca) != 1)
        return refuse_file("store.ca_file", ca, err);
    if (certificate && SSL_CTX_use_certificate_chain_file(trust, certificate) != 1)
        return refuse_file("store.certificate_file", certificate, err);
    if (certificate && (SSL_CTX_use_PrivateKey_file(trust, key, SSL_FILETYPE_PEM) != 1 ||
                        SSL_CTX_check_private_key(trust) != 1))
        return refuse_file("store.key_file", key, err);
    return true;
}

/* NULL and `err`, or what sessions begin with. */
static SSL_CTX *trust_new(const struct redis_options *options, struct err *err)
{
    SSL_CTX *trust = SSL_CTX_new(TLS_client_method());

    if (!trust || SSL_CTX_set_min_proto_version(trust, TLS1_2_VERSION) != 1) {
        err_set(err, ERR_STORE_UNAVAILABLE, "TLS: %s", reason_text(ERR_peek_error()));
    } else if (load(options, trust, err)) {
        SSL_CTX_set_verify(trust, SSL_VERIFY_PEER, NULL);
        /* hiredis says a write again from a buffer that may have grown meanwhile. */
        SSL_CTX_set_mode(trust,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        return trust;
    }
    SSL_CTX_free(trust);
    ERR_clear_error();
    return NULL;
}

bool redis_tls_check(const struct redis_options *options, struct err *err)
{
    SSL_CTX *trust;

    if (!options->host || !options->tls_ca_file)
        return err_set(err, ERR_CONFIG_INVALID, "TLS needs a host and store.ca_file");
    if (!options->tls_certificate_file != !options->tls_key_file)
        return err_set(err, ERR_CONFIG_INVALID,
                       "store.certificate_file and store.key_file need one another");
    trust = trust_new(options, err);
    SSL_CTX_free(trust);
    return trust != NULL;
}

/* Why a session ended. */

static void explain_verdict(long verdict, struct err *err)
{
    const char *text = X509_verify_cert_error_string(verdict);

    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
        if (verdicts[i].code == verdict)
            text = verdicts[i].text;
    err_set(err, ERR_CONFIG_INVALID, "the server's certificate is refused: %s", text);
}

static void explain_error(unsigned long error, struct err *err)
{
    int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;

    err_set(err, ERR_STORE_UNAVAILABLE, "TLS: %s", reason_text(error));
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (endings[i].reason == reason)
            err_set(err, ERR_CONFIG_INVALID, "%s", endings[i].text);
}

/* False when OpenSSL does not know. */
static bool explain(const SSL *session, struct err *err)
{
    long verdict = SSL_get_verify_result(session);
    unsigned long error = ERR_peek_last_error();

    if (verdict != X509_V_OK)
        explain_verdict(verdict, err);
    else if (error != 0)
        explain_error(error, err);
    return verdict != X509_V_OK || error != 0;
}

void redis_tls_explain(const struct ssl_st *session, struct err *err)
{
    const struct err before = *err;

    if (!explain(session, err) && !SSL_is_init_finished(session))
        err_set(err, before.code, "in the TLS handshake: %s", before.detail);
}

void redis_tls_forget(void)
{
    ERR_clear_error();
}

/* A session. */

/* An address must be in the certificate as an address, a name as a name, and never as its subject
 * (RFC 9525 section 2). */
static bool expect_host(SSL *session, const char *host)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(session);

    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1)
        return true;
    return SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
}

bool redis_tls_begin(const struct redis_options *options, const char *host,
                     redisAsyncContext *context, struct ssl_st **ret_session, struct err *err)
{
    SSL_CTX *trust = trust_new(options, err);
    SSL *session;

    if (!trust)
        return false;
    session = SSL_new(trust);
    SSL_CTX_free(trust); /* the session holds it */
    if (!session || !expect_host(session, host)) {
        err_set(err, ERR_STORE_UNAVAILABLE, "TLS: %s", reason_text(ERR_peek_error()));
    } else if (redisInitiateSSL(&context->c, session) != REDIS_OK) {
        /* Where the server is near, all of it may have happened in there. */
        err_set(err, ERR_STORE_UNAVAILABLE, "%s", context->c.errstr);
        explain(session, err);
    } else {
        *ret_session = session;
        return true;
    }
    SSL_free(session);
    ERR_clear_error();
    return false;
}
