/* SPDX-License-Identifier: Apache-2.0 */
/* A client: a gRPC channel made from options. */
#include "base/file.h"
#include "base/memory.h"
#include "client/src/channel.h"
#include "client/src/failure.h"

#include <grpc/grpc_security.h>
#include <stdio.h>

enum {
    CHECK_TIMEOUT_DEFAULT_MS = 200,
    WRITE_TIMEOUT_DEFAULT_MS = 5000,
    PEM_MAX_BYTES = 1024 * 1024,
    ATTEMPTS_MAX = 5,
    SERVICE_CONFIG_MAX = 1024,
};

/* How often a lost server is looked for: a check must not fail for long after it is back. */
enum { RECONNECT_FIRST_MS = 100, RECONNECT_MAX_MS = 5000, SECOND_ATTEMPT_MS = 300 };

/* Connections that have died without a sign are found while a call waits; servers accept pings of
 * this distance (they ask for half of it). */
enum { KEEPALIVE_MS = 60000, KEEPALIVE_TIMEOUT_MS = 10000 };

static bool options_are_valid(const struct passgate_options *options, const char *target,
                              bool is_tls, struct passgate_error *error)
{
    if (!options->certificate_file != !options->key_file) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "FIELD_CONFLICT",
                    options->key_file ? "certificate_file" : "key_file",
                    "a certificate and its key are given together");
        return false;
    }
    if (options->max_attempts < 0 || options->max_attempts > ATTEMPTS_MAX) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "FIELD_RANGE", "max_attempts",
                    "0 to %d attempts", ATTEMPTS_MAX);
        return false;
    }
    if (options->check_timeout_ms < 0 || options->write_timeout_ms < 0) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "FIELD_RANGE",
                    options->check_timeout_ms < 0 ? "check_timeout_ms" : "write_timeout_ms",
                    "a timeout is not negative");
        return false;
    }
    if (!is_tls && !target_is_local(target)) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "FIELD_CONFLICT", "target",
                    "%.200s is not on this machine and needs TLS: give the file of its authority",
                    target);
        return false;
    }
    return true;
}

/* NULL paths read as NULL texts.  What is no PEM of that kind would only be told much later, as a
 * connection that never comes up. */
static bool read_pem(const char *path, const char *kind, struct arena *arena, const char **ret_text,
                     struct passgate_error *error)
{
    struct span content;
    struct err err;

    if (!path) {
        *ret_text = NULL;
        return true;
    }
    if (!file_read(path, PEM_MAX_BYTES, arena, &content, &err)) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "FILE_INVALID", "", "%s", err.detail);
        return false;
    }
    if (!strstr((const char *)content.data, kind)) {
        failure_set(error, PASSGATE_INVALID_ARGUMENT, "FILE_INVALID", "",
                    "%.300s: no PEM with %s----- in it", path, kind);
        return false;
    }
    *ret_text = (const char *)content.data;
    return true;
}

/* NULL after filling *error.  Core copies what it is given; the key is wiped here. */
static grpc_channel_credentials *tls_credentials(const struct passgate_options *options,
                                                 struct passgate_error *error)
{
    grpc_channel_credentials *credentials = NULL;
    grpc_ssl_pem_key_cert_pair pair = {0};
    const char *authorities;
    struct arena arena;

    arena_init(&arena, 16 * 1024);
    if (read_pem(options->ca_file, "-----BEGIN CERTIFICATE", &arena, &authorities, error) &&
        read_pem(options->certificate_file, "-----BEGIN CERTIFICATE", &arena, &pair.cert_chain,
                 error) &&
        read_pem(options->key_file, "PRIVATE KEY", &arena, &pair.private_key, error)) {
        credentials =
            grpc_ssl_credentials_create(authorities, pair.private_key ? &pair : NULL, NULL, NULL);
        if (!credentials)
            failure_set(error, PASSGATE_INVALID_ARGUMENT, "FILE_INVALID", "",
                        "the certificates cannot be used");
    }
    if (pair.private_key)
        explicit_bzero((void *)(uintptr_t)pair.private_key, strlen(pair.private_key));
    arena_release(&arena);
    return credentials;
}

/*
 * https://github.com/grpc/grpc/blob/master/doc/service_config.md.  Health checking follows the
 * server as a whole.  Retries are throttled (gRFC A6), so that a server in trouble is not buried.
 * Without a policy core still repeats calls that no server has seen; that is no retry, and it is
 * what makes a server's orderly leaving invisible.
 */
static void write_service_config(const struct passgate_options *options,
                                 char text[static SERVICE_CONFIG_MAX])
{
    char retry[512] = "";

    if (options->max_attempts > 1)
        snprintf(retry, sizeof(retry),
                 ",\"retryThrottling\":{\"maxTokens\":100,\"tokenRatio\":0.1},"
                 "\"methodConfig\":[{\"name\":[{}],\"retryPolicy\":{\"maxAttempts\":%d,"
                 "\"initialBackoff\":\"0.02s\",\"maxBackoff\":\"1s\",\"backoffMultiplier\":2,"
                 "\"retryableStatusCodes\":[\"UNAVAILABLE\"]}}]",
                 options->max_attempts);
    snprintf(text, SERVICE_CONFIG_MAX, "{\"loadBalancingConfig\":[{\"%s\":{}}]%s%s}",
             options->round_robin ? "round_robin" : "pick_first",
             options->round_robin ? ",\"healthCheckConfig\":{\"serviceName\":\"\"}" : "", retry);
}

static grpc_arg text_argument(const char *key, const char *value)
{
    grpc_arg argument = {.type = GRPC_ARG_STRING, .key = (char *)(uintptr_t)key};

    argument.value.string = (char *)(uintptr_t)value; /* core copies both */
    return argument;
}

static grpc_arg number_argument(const char *key, int value)
{
    grpc_arg argument = {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key};

    argument.value.integer = value;
    return argument;
}

static grpc_channel *channel_new(const struct passgate_options *options, const char *target,
                                 grpc_channel_credentials *credentials)
{
    char service_config[SERVICE_CONFIG_MAX] = "";
    grpc_arg arguments[] = {
        text_argument(GRPC_ARG_SERVICE_CONFIG, service_config),
        number_argument(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        text_argument(GRPC_ARG_PRIMARY_USER_AGENT_STRING, "passgate/" PASSGATE_VERSION),
        number_argument(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS),
        number_argument(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS),
        number_argument(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
        number_argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        text_argument(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, options->server_name),
    };
    grpc_channel_args list = {ARRAY_LEN(arguments), arguments};

    write_service_config(options, service_config);
    if (!options->server_name)
        list.num_args--;
    return grpc_channel_create(target, credentials, &list);
}

struct passgate_client *passgate_client_new(const struct passgate_options *options,
                                            struct passgate_error *error)
{
    static const struct passgate_options defaults;
    grpc_channel_credentials *credentials;
    struct passgate_client *client;
    const char *target;
    bool is_tls;

    options = options ? options : &defaults;
    target = options->target ? options->target : PASSGATE_DEFAULT_TARGET;
    is_tls = options->tls || options->ca_file || options->certificate_file || options->key_file ||
             options->server_name;
    if (!options_are_valid(options, target, is_tls, error))
        return NULL;
    grpc_init();
    credentials = is_tls ? tls_credentials(options, error) : grpc_insecure_credentials_create();
    if (!credentials) {
        grpc_shutdown();
        return NULL;
    }
    client = memory_new(struct passgate_client);
    client->channel = channel_new(options, target, credentials);
    client->check_timeout_ms =
        options->check_timeout_ms ? options->check_timeout_ms : CHECK_TIMEOUT_DEFAULT_MS;
    client->write_timeout_ms =
        options->write_timeout_ms ? options->write_timeout_ms : WRITE_TIMEOUT_DEFAULT_MS;
    grpc_channel_credentials_release(credentials);
    return client;
}

static gpr_timespec in_ms(int64_t ms)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

/*
 * One failed attempt proves little: core 1.51 looks at errno after it has done more than
 * connect(2), and when something else has set it meanwhile (a file below /sys that is not there) it
 * takes a connection that is under way for one that was refused.  Core does not tell how the next
 * attempt ends, unless well.
 */
bool passgate_client_wait_ready(struct passgate_client *client, int timeout_ms)
{
    gpr_timespec deadline = in_ms(timeout_ms);
    grpc_completion_queue *queue = grpc_completion_queue_create_for_pluck(NULL);
    grpc_connectivity_state state;
    bool is_changed = true, has_failed = false;

    for (;;) {
        state = grpc_channel_check_connectivity_state(client->channel, 1);
        if (!is_changed || state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_SHUTDOWN)
            break;
        if (state == GRPC_CHANNEL_TRANSIENT_FAILURE && !has_failed) {
            has_failed = true;
            deadline = gpr_time_min(deadline, in_ms(SECOND_ATTEMPT_MS));
        }
        grpc_channel_watch_connectivity_state(client->channel, state, deadline, queue, client);
        is_changed =
            grpc_completion_queue_pluck(queue, client, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
                .success;
    }
    grpc_completion_queue_shutdown(queue);
    grpc_completion_queue_destroy(queue);
    return state == GRPC_CHANNEL_READY;
}

void passgate_client_free(struct passgate_client *client)
{
    if (!client)
        return;
    grpc_channel_destroy(client->channel);
    memory_free(client);
    grpc_shutdown();
}
