/* SPDX-License-Identifier: Apache-2.0 */
/* Server credentials. */
#include "rpc/credentials.h"

/* Core takes over what it is given, and goes on with what it had when it can make nothing of it. */
static grpc_ssl_certificate_config_reload_status
fetch(void *user_data, grpc_ssl_server_certificate_config **ret_config)
{
    struct rpc_credentials *credentials = user_data;
    grpc_ssl_server_certificate_config *next = NULL;

    if (atomic_load_explicit(&credentials->next, memory_order_relaxed))
        next = atomic_exchange_explicit(&credentials->next, NULL, memory_order_acquire);
    if (!next)
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    *ret_config = next;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

bool rpc_credentials_make(struct rpc_credentials *credentials, const struct rpc_tls *tls,
                          grpc_server_credentials **ret_core, struct err *err)
{
    if (!tls->certificate && !tls->key && !tls->client_ca) {
        *ret_core = grpc_insecure_server_credentials_create();
        return true;
    }
    if (!tls->certificate || !tls->key || !tls->client_ca)
        return err_set(err, ERR_CONFIG_INVALID,
                       "TLS needs a certificate, a key and a CA for clients, all three");
    credentials->is_tls = true;
    rpc_credentials_renew(credentials, tls);
    *ret_core = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch, credentials));
    return true;
}

static void replace(struct rpc_credentials *credentials, grpc_ssl_server_certificate_config *next)
{
    grpc_ssl_server_certificate_config *unused =
        atomic_exchange_explicit(&credentials->next, next, memory_order_acq_rel);

    if (unused)
        grpc_ssl_server_certificate_config_destroy(unused);
}

void rpc_credentials_renew(struct rpc_credentials *credentials, const struct rpc_tls *tls)
{
    grpc_ssl_pem_key_cert_pair pair = {.private_key = tls->key, .cert_chain = tls->certificate};

    if (credentials->is_tls)
        replace(credentials, grpc_ssl_server_certificate_config_create(tls->client_ca, &pair, 1));
}

void rpc_credentials_release(struct rpc_credentials *credentials)
{
    replace(credentials, NULL);
}
