/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refused certificates.
 *
 * gRPC core keeps its SSL_CTX to itself and says no more than "certificate verify failed".  What
 * can be reached from outside is the moment at which a store of trusted certificates is made, where
 * OpenSSL lets every program add data of its own: there each gets a callback that looks on.
 */
#include "keys/refused_certificate.h"

#include "base/clock.h"
#include "base/log.h"

#include <openssl/crypto.h>
#include <openssl/x509_vfy.h>
#include <stdatomic.h>

enum { LINES_PER_SECOND = 10 };

/* Peers can have certificates refused as often as they like. */
static bool may_log(void)
{
    static atomic_llong second;
    static atomic_int lines;
    long long now = clock_now_ns() / 1000000000;

    if (atomic_exchange(&second, now) != now)
        atomic_store(&lines, 0);
    return atomic_fetch_add(&lines, 1) < LINES_PER_SECOND;
}

static int look_on(int is_accepted, X509_STORE_CTX *context)
{
    if (!is_accepted && may_log())
        LOG(WARN, "tls.certificate", "the certificate of a peer is refused",
            log_text("reason", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context))),
            log_number("depth", X509_STORE_CTX_get_error_depth(context)));
    return is_accepted;
}

static void on_store_made(void *store, void *data, CRYPTO_EX_DATA *all, int index, long number,
                          void *pointer)
{
    (void)data;
    (void)all;
    (void)index;
    (void)number;
    (void)pointer;
    X509_STORE_set_verify_cb(store, look_on);
}

void refused_certificate_log_all(void)
{
    CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509_STORE, 0, NULL, on_store_made, NULL, NULL);
}
