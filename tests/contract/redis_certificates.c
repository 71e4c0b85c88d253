/* SPDX-License-Identifier: Apache-2.0 */
/* TLS under test. */
#include "contract/redis_certificates.h"

#include "contract/redis_server.h"

#include <stdio.h>
#include <stdlib.h>

enum { COMMAND_MAX = 1024 };

static char folder[64];

bool redis_tls_is_built(void)
{
    return PASSGATE_HIREDIS_TLS;
}

static void remove_folder(void)
{
    char command[COMMAND_MAX];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command) != 0)
        perror(folder);
}

const char *redis_certificates(void)
{
    char command[COMMAND_MAX];

    if (folder[0])
        return folder;
    snprintf(folder, sizeof(folder), "/tmp/passgate-tls-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    atexit(remove_folder);
    snprintf(command, sizeof(command),
             "'%s/tests/contract/redis_certificates.sh' %s >%s/log 2>&1 || { cat %s/log; false; }",
             getenv("PASSGATE_SOURCE_DIR"), folder, folder, folder);
    if (system(command) != 0)
        abort();
    return folder;
}

static const char *keep(char text[REDIS_TLS_TEXT_MAX], const char *name, const char *suffix)
{
    snprintf(text, REDIS_TLS_TEXT_MAX, "%s/%s.%s", redis_certificates(), name, suffix);
    return text;
}

void redis_tls_server_init(struct redis_tls_server *server, const char *name, bool asks_clients)
{
    const char *arguments[] = {
        "--tls-port",         server->port_text,
        "--tls-cert-file",    keep(server->certificate, name, "pem"),
        "--tls-key-file",     keep(server->key, name, "key"),
        "--tls-ca-cert-file", keep(server->authority, "ca", "pem"),
        "--tls-auth-clients", asks_clients ? "yes" : "no",
    };

    if (server->port == 0)
        server->port = redis_server_free_port();
    snprintf(server->port_text, sizeof(server->port_text), "%u", server->port);
    memset(server->arguments, 0, sizeof(server->arguments));
    memcpy(server->arguments, arguments, sizeof(arguments));
}

void redis_tls_options(struct redis_options *options, const struct redis_tls_server *server,
                       const char *host, const char *authority, const char *client)
{
    static char texts[3][REDIS_TLS_TEXT_MAX];

    options->unix_path = NULL;
    options->host = host;
    options->port = server->port;
    options->is_tls = true;
    options->tls_ca_file = keep(texts[0], authority, "pem");
    options->tls_certificate_file = client ? keep(texts[1], client, "pem") : NULL;
    options->tls_key_file = client ? keep(texts[2], client, "key") : NULL;
}
