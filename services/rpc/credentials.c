/* SPDX-License-Identifier: Apache-2.0 */
/* Server credentials. */
#include "rpc/credentials.h"

#include "base/file.h"
#include "base/secret.h"

enum { PEM_BYTES_MAX = 256 * 1024 };

static bool read_pem(const char *path, struct arena *arena, struct span *ret_pem, struct err *err)
{
    if (file_read(path, PEM_BYTES_MAX, arena, ret_pem, err))
        return true;
    err->code = ERR_CONFIG_INVALID;
    return false;
}

static bool make_tls(const struct rpc_tls *tls, struct arena *arena,
                     grpc_server_credentials **ret_credentials, struct err *err)
{
    struct span certificate, key = {0}, client_ca;
    grpc_ssl_pem_key_cert_pair pair;

    if (!tls->certificate_file || !tls->key_file || !tls->client_ca_file)
        return err_set(err, ERR_CONFIG_INVALID,
                       "TLS needs a certificate, a key and a CA for clients, all three");
    if (!read_pem(tls->certificate_file, arena, &certificate, err) ||
        !read_pem(tls->client_ca_file, arena, &client_ca, err) ||
        !read_pem(tls->key_file, arena, &key, err))
        return false;
    pair.private_key = (const char *)key.data;
    pair.cert_chain = (const char *)certificate.data;
    *ret_credentials = grpc_ssl_server_credentials_create_ex(
        (const char *)client_ca.data, &pair, 1,
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, NULL);
    secret_wipe((void *)key.data, key.length);
    if (!*ret_credentials)
        return err_set(err, ERR_CONFIG_INVALID, "TLS refuses %s with %s", tls->certificate_file,
                       tls->key_file);
    return true;
}

bool rpc_credentials_make(const struct rpc_tls *tls, grpc_server_credentials **ret_credentials,
                          struct err *err)
{
    struct arena arena;
    bool is_made;

    if (!tls->certificate_file && !tls->key_file && !tls->client_ca_file) {
        *ret_credentials = grpc_insecure_server_credentials_create();
        return true;
    }
    arena_init(&arena, 16 * 1024);
    is_made = make_tls(tls, &arena, ret_credentials, err);
    arena_release(&arena);
    return is_made;
}
