/* SPDX-License-Identifier: Apache-2.0 */
/* The preflight: one function per kind of file. */
#include "server/preflight.h"

#include "base/file.h"
#include "base/secret.h"
#include "domain/country/groups.h"
#include "keys/certificate.h"
#include "server/parts.h"

/* A listener's, and the options that name its files. */
struct listener_files {
    struct certificate_files files;
    struct {
        const char *chain, *key, *client_ca;
    } options;
};

/* What is wrong with a certificate begins with the file that it is about. */
static bool is_about(const struct err *err, const char *path)
{
    size_t length = path ? strlen(path) : 0;

    return length > 0 && strncmp(err->detail, path, length) == 0 && err->detail[length] == ':';
}

static const char *option_of(const struct listener_files *listener, const struct err *err)
{
    if (is_about(err, listener->files.key))
        return listener->options.key;
    if (is_about(err, listener->files.client_ca))
        return listener->options.client_ca;
    return listener->options.chain;
}

static void look_at_certificate(const struct config *config, const struct listener_files *listener,
                                struct diagnostics *diagnostics)
{
    struct certificate certificate;
    struct err err;
    bool is_good;

    if (listener->files.chain[0] == '\0')
        return;
    is_good = certificate_read(&listener->files, &certificate, &err);
    if (is_good) {
        is_good =
            certificate_check(&listener->files, &certificate, clock_wall_ms(&clock_system), &err);
        certificate_release(&certificate);
    }
    if (!is_good)
        config_complain(config, option_of(listener, &err), err.detail, diagnostics);
}

static void look_at_certificates(const struct config *config, struct diagnostics *diagnostics)
{
    const struct listener_files grpc = {
        {config->tls.certificate_file, config->tls.key_file, config->tls.client_ca_file},
        {"tls.certificate_file", "tls.key_file", "tls.client_ca_file"},
    };
    const struct listener_files http = {
        {config->http.tls_certificate_file, config->http.tls_key_file, NULL},
        {"http.tls_certificate_file", "http.tls_key_file", NULL},
    };

    look_at_certificate(config, &grpc, diagnostics);
    look_at_certificate(config, &http, diagnostics);
}

static void look_at_hash_key(const struct config *config, struct diagnostics *diagnostics)
{
    const char *path = config->store.hash_key_file;
    struct hash_key key;
    struct err err;

    if (path[0] != '\0' && !names_read_key(path, false, &key, &err))
        config_complain(config, "store.hash_key_file", err.detail, diagnostics);
    secret_wipe(&key, sizeof(key));
}

/* Its errors have places of their own. */
static void look_at_country_sets(const struct config *config, struct arena *arena,
                                 struct diagnostics *diagnostics)
{
    const char *path = config->directives.country_sets_file;
    struct span content;
    struct err err;

    if (path[0] == '\0')
        return;
    if (!file_read(path, FOUNDATION_COUNTRY_SETS_BYTES_MAX, arena, &content, &err))
        config_complain(config, "directives.country_sets_file", err.detail, diagnostics);
    else if (!country_groups_load(content, path, arena, diagnostics))
        config_complain(config, "directives.country_sets_file", "the country sets have errors",
                        diagnostics);
}

static void look_at_retention_key(const struct config *config, struct diagnostics *diagnostics)
{
    const char *path = config->audit.retention_key_file;
    struct err err;

    if (path[0] != '\0' && !retention_check(path, &err))
        config_complain(config, "audit.retention_key_file", err.detail, diagnostics);
}

bool preflight(const struct config *config, struct arena *arena, struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics->error_count;

    look_at_certificates(config, diagnostics);
    look_at_hash_key(config, diagnostics);
    look_at_country_sets(config, arena, diagnostics);
    look_at_retention_key(config, diagnostics);
    return diagnostics->error_count == errors_before;
}
