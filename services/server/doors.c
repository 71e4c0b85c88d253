/* SPDX-License-Identifier: Apache-2.0 */
/* The doors: gRPC with its interceptors, HTTP and ops. */
#include "server/parts.h"

#include "interceptors/access_log.h"
#include "interceptors/admission.h"
#include "interceptors/trace.h"

enum { LISTENERS_MAX = 16, INTERCEPTORS_MAX = 8 };

static size_t list_listeners(struct server *server, const struct rpc_tls *tls,
                             struct rpc_listener *listeners)
{
    const struct config *config = server->config;
    size_t count = 0;

    for (size_t i = 0; i < config->listen.grpc.count && count < LISTENERS_MAX - 1; i++)
        listeners[count++] =
            (struct rpc_listener){config->listen.grpc.rows[i].text, *tls, "listen.grpc"};
    if (config->listen.grpc_socket[0] != '\0')
        listeners[count++] = (struct rpc_listener){
            .address = arena_printf(&server->arena, "unix:%s", config->listen.grpc_socket),
            .option = "listen.grpc_socket",
        };
    return count;
}

/* Outermost first.  Measured and logged outside of the caller's check, so that refused calls are
 * seen. */
static size_t chain(struct server *server, const struct rpc_interceptor **interceptors)
{
    size_t count = 0;

    server->measure_interceptor = measure_interceptor(&server->measure);
    server->caller_interceptor = caller_interceptor(&server->caller);
    interceptors[count++] = &server->measure_interceptor;
    interceptors[count++] = &access_log_interceptor;
    interceptors[count++] = &trace_interceptor;
    interceptors[count++] = &server->caller_interceptor;
    interceptors[count++] = &admission_interceptor;
    return count;
}

/* A line of metrics per method, known before the first call. */
static void register_methods(struct server *server)
{
    size_t count = 0, next = 0;

    for (size_t i = 0; i < server->service_count; i++)
        count += server->services[i].method_count;
    server->measure.metrics = server->metrics;
    server->measure.methods = arena_new_array(&server->arena, size_t, count + 1);
    for (size_t i = 0; i < server->service_count; i++)
        for (size_t k = 0; k < server->services[i].method_count; k++)
            server->measure.methods[next++] = metrics_add_method(
                server->metrics,
                arena_printf(&server->arena, "%s/%s", server->services[i].descriptor->name,
                             server->services[i].methods[k].name));
}

static struct rpc_tls rpc_tls_of(const struct certificate *certificate)
{
    return (struct rpc_tls){
        .certificate = (const char *)certificate->chain.data,
        .key = (const char *)certificate->key.data,
        .client_ca = (const char *)certificate->client_ca.data,
    };
}

static bool renew_rpc(void *owner, const struct certificate *certificate, struct err *err)
{
    const struct rpc_tls tls = rpc_tls_of(certificate);
    struct server *server = owner;

    (void)err;
    rpc_server_renew_tls(server->rpc, &tls);
    return true;
}

static bool start_core(struct server *server, const struct rpc_tls *tls, uint32_t worker_count,
                       struct err *err)
{
    const struct config *config = server->config;
    const struct rpc_interceptor *interceptors[INTERCEPTORS_MAX];
    struct rpc_listener listeners[LISTENERS_MAX];
    const struct rpc_options options = {
        .listeners = listeners,
        .listener_count = list_listeners(server, tls, listeners),
        .services = server->services,
        .service_count = server->service_count,
        .interceptors = interceptors,
        .interceptor_count = chain(server, interceptors),
        .executor = server->executor,
        .worker_count = worker_count,
        .posted_calls = (uint32_t)config->rpc.calls_per_worker,
        .in_flight_max = (uint32_t)config->rpc.in_flight_max,
        .queue_age_target_ms = config->rpc.queue_age_target_ms,
        .queue_age_interval_ms = config->rpc.queue_age_interval_ms,
        .streams_max = (uint32_t)config->rpc.streams_max,
        .resets_per_second = (uint32_t)config->rpc.resets_per_second,
        .message_bytes_max = (size_t)config->rpc.message_bytes_max,
        .metadata_bytes_max = (size_t)config->rpc.metadata_bytes_max,
        .memory_quota_bytes = (size_t)config->rpc.memory_quota_bytes,
        .connection_age_ms = config->rpc.connection_age_ms,
        .connection_grace_ms = config->rpc.connection_grace_ms,
        .connection_idle_ms = config->rpc.connection_age_ms,
        .keepalive_ms = config->rpc.keepalive_ms,
        .keepalive_timeout_ms = config->rpc.keepalive_timeout_ms,
        .handshake_timeout_ms = config->rpc.handshake_timeout_ms,
    };

    if (!rpc_server_start(&options, &server->rpc, err))
        return false;
    for (size_t i = 0; i < options.listener_count; i++) {
        int port = rpc_server_port(server->rpc, i);

        LOG(INFO, "server.listen", "serving gRPC", log_text("address", listeners[i].address),
            log_number("port", port));
        server->probe_count +=
            rpc_probe_fill(&listeners[i], port, server->probes + server->probe_count,
                           SERVER_PROBES_MAX - server->probe_count);
    }
    return true;
}

static bool start_rpc(struct server *server, uint32_t worker_count, struct err *err)
{
    const struct config *config = server->config;
    const struct certificate_files files = {config->tls.certificate_file, config->tls.key_file,
                                            config->tls.client_ca_file};
    const struct certificate_user user = {METRICS_LISTENER_GRPC, renew_rpc, server};
    struct rpc_tls tls = {.certificate = NULL};
    struct certificate certificate;
    bool is_started;

    if (files.chain[0] == '\0')
        return start_core(server, &tls, worker_count, err);
    if (!certificates_begin(server->certificates, &files, &user, &certificate, err))
        return false;
    tls = rpc_tls_of(&certificate);
    is_started = start_core(server, &tls, worker_count, err);
    certificate_release(&certificate);
    return is_started;
}

static void observe_http(void *owner, const struct http_observation *observation)
{
    struct server *server = owner;
    struct metrics_shard *shard = metrics_shared(server->metrics);

    if (observation->status == 0)
        return;
    metrics_count(shard, METRIC_HTTP_REQUESTS, (size_t)observation->status / 100, 1);
    metrics_observe(shard, METRIC_HTTP_DURATION, observation->duration_ns);
}

/* What is served on one address, with what, and where that is kept. */
struct http_door {
    const char *what; /* "serving HTTP" */
    const char *option;
    const struct config_address *address;
    struct http_group groups[HTTP_GROUPS_MAX];
    size_t group_count;
    bool is_ops;
    struct http_server **server;
};

static bool start_listener(struct server *server, const struct http_door *door,
                           const struct http_tls *tls, struct err *err)
{
    const struct http_options options = {
        .address = door->address->text,
        .groups = door->groups,
        .group_count = door->group_count,
        .tls = *tls,
        .is_plaintext_allowed = door->is_ops,
        .observe = observe_http,
        .observer = server,
    };

    if (door->address->text[0] == '\0')
        return true;
    if (!foundation_of(door->option, http_server_new(&options, door->server, err), err))
        return false;
    LOG(INFO, "server.listen", door->what, log_text("address", door->address->text),
        log_number("port", http_server_port(*door->server)));
    return true;
}

static struct http_tls http_tls_of(const struct certificate *certificate)
{
    return (struct http_tls){
        .certificate = (const char *)certificate->chain.data,
        .key = (const char *)certificate->key.data,
    };
}

static bool renew_http(void *owner, const struct certificate *certificate, struct err *err)
{
    const struct http_tls tls = http_tls_of(certificate);
    struct server *server = owner;

    return (!server->http || http_server_renew_tls(server->http, &tls, err)) &&
           (!server->http_authzen || http_server_renew_tls(server->http_authzen, &tls, err));
}

/* AuthZEN has an address of its own, or is served with what is public. */
static bool start_listeners(struct server *server, const struct http_tls *tls, struct err *err)
{
    const struct config *config = server->config;
    bool is_apart = config->listen.authzen.text[0] != '\0';
    const struct http_door public = {
        .what = "serving HTTP",
        .option = "listen.http",
        .address = &config->listen.http,
        .groups = {web_public_group(&server->web), authzen_group(server->authzen)},
        .group_count = is_apart ? 1 : 2,
        .server = &server->http,
    };
    const struct http_door authzen = {
        .what = "serving AuthZEN",
        .option = "listen.authzen",
        .address = &config->listen.authzen,
        .groups = {authzen_group(server->authzen)},
        .group_count = 1,
        .server = &server->http_authzen,
    };

    return start_listener(server, &public, tls, err) && start_listener(server, &authzen, tls, err);
}

static void make_authzen(struct server *server)
{
    const struct config *config = server->config;

    server->authzen = authzen_new(&(struct authzen_options){
        .entitlement = server->entitlement,
        .caller = &server->caller,
        .has_local = config->http.local_caller && config->http.tls_certificate_file[0] == '\0',
        .url = config->http.authzen_url,
        .rpc = server->rpc,
        .deadline_ms = config->rpc.deadline_default_ms,
    });
}

static bool start_http(struct server *server, struct err *err)
{
    const struct config *config = server->config;
    const struct certificate_files files = {config->http.tls_certificate_file,
                                            config->http.tls_key_file, NULL};
    const struct certificate_user user = {METRICS_LISTENER_HTTP, renew_http, server};
    struct http_tls tls = {.certificate = NULL};
    struct certificate certificate;
    bool is_started;

    if (config->listen.http.text[0] == '\0' && config->listen.authzen.text[0] == '\0')
        return true;
    make_authzen(server);
    if (files.chain[0] == '\0')
        return start_listeners(server, &tls, err);
    if (!certificates_begin(server->certificates, &files, &user, &certificate, err))
        return false;
    tls = http_tls_of(&certificate);
    is_started = start_listeners(server, &tls, err);
    certificate_release(&certificate);
    return is_started;
}

static bool start_ops(struct server *server, struct err *err)
{
    const struct http_tls plaintext = {.certificate = NULL};
    const struct http_door ops = {
        .what = "serving ops",
        .option = "listen.ops",
        .address = &server->config->listen.ops,
        .groups = {web_ops_group(&server->web)},
        .group_count = 1,
        .is_ops = true,
        .server = &server->ops,
    };

    return start_listener(server, &ops, &plaintext, err);
}

bool doors_open(struct server *server, uint32_t worker_count, struct err *err)
{
    register_methods(server);
    return start_rpc(server, worker_count, err) && start_http(server, err) &&
           start_ops(server, err);
}
