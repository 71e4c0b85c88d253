/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: daemons behind a socket of ours, from its start to its end. */
#include "base/memory.h"
#include "http/daemon.h"
#include "http/listener.h"

enum {
    THREADS_DEFAULT = 2,
    CONNECTIONS_DEFAULT = 1024,
    HEADER_BYTES_DEFAULT = 16 * 1024,
    BODIES_BYTES_DEFAULT = 64 * 1024 * 1024,
    RECEIVE_MS_DEFAULT = 10 * 1000,
    SEND_MS_DEFAULT = 30 * 1000,
    LAST_RESPONSES_MS = 1000, /* to get the 503s of what was parked out */
    LAST_LOOK_MS = 50,
};

struct http_server {
    struct exchange_home home;
    struct listener listener;
    struct daemon_limits limits;
    bool has_tls;
    bool is_quiesced;
    pthread_mutex_t lock;        /* of the list */
    struct http_daemon *daemons; /* the newest first, the others are retired */
};

static unsigned or_default(unsigned value, unsigned fallback)
{
    return value ? value : fallback;
}

static struct daemon_limits limits_of(const struct http_options *options)
{
    return (struct daemon_limits){
        .thread_count = or_default(options->thread_count, THREADS_DEFAULT),
        .connections_max = or_default(options->connections_max, CONNECTIONS_DEFAULT),
        .header_bytes_max =
            options->header_bytes_max ? options->header_bytes_max : HEADER_BYTES_DEFAULT,
    };
}

/* On the accepting thread, which also frees daemons: the one that is found here stays. */
static bool take(void *owner, int fd, const struct sockaddr *address, socklen_t length)
{
    struct http_server *server = owner;
    struct http_daemon *newest;

    pthread_mutex_lock(&server->lock);
    newest = server->daemons;
    pthread_mutex_unlock(&server->lock);
    return daemon_take(newest, fd, address, length);
}

static struct http_daemon *unlink_one_that_is_over(struct http_server *server)
{
    struct http_daemon **at = &server->daemons, *found;

    pthread_mutex_lock(&server->lock);
    while (*at && !daemon_is_over(*at))
        at = &(*at)->older;
    found = *at;
    if (found)
        *at = found->older;
    pthread_mutex_unlock(&server->lock);
    return found;
}

static void free_what_is_over(void *owner)
{
    struct http_daemon *daemon;

    while ((daemon = unlink_one_that_is_over(owner)))
        daemon_free(daemon);
}

/* Make a daemon the newest. */
static bool add_daemon(struct http_server *server, const struct http_tls *tls, struct err *err)
{
    struct http_daemon *daemon;

    if (!daemon_new(&server->home, &server->limits, tls, &daemon, err))
        return false;
    pthread_mutex_lock(&server->lock);
    daemon->older = server->daemons;
    server->daemons = daemon;
    pthread_mutex_unlock(&server->lock);
    return true;
}

static void retire_all_but_the_newest(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    for (struct http_daemon *daemon = server->daemons->older; daemon; daemon = daemon->older)
        daemon_retire(daemon);
    pthread_mutex_unlock(&server->lock);
}

static void init_home(struct exchange_home *home, const struct http_options *options)
{
    pthread_condattr_t monotonic;

    home->receive_ms_max = or_default(options->receive_ms_max, RECEIVE_MS_DEFAULT);
    home->send_ms_max = or_default(options->send_ms_max, SEND_MS_DEFAULT);
    home->bodies_bytes_max =
        options->bodies_bytes_max ? options->bodies_bytes_max : BODIES_BYTES_DEFAULT;
    home->observe = options->observe;
    home->observer = options->observer;
    pthread_mutex_init(&home->exchanges.lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&home->exchanges.is_empty, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void release(struct http_server *server)
{
    connections_free(server->home.connections);
    pthread_cond_destroy(&server->home.exchanges.is_empty);
    pthread_mutex_destroy(&server->home.exchanges.lock);
    pthread_mutex_destroy(&server->lock);
    listener_close(&server->listener);
    memory_free(server);
}

static bool open_listener(const struct http_options *options, struct listener *ret_listener,
                          struct err *err)
{
    if (!listener_open(options->address, ret_listener, err))
        return false;
    if (options->tls.certificate || options->is_plaintext_allowed || ret_listener->is_local)
        return true;
    listener_close(ret_listener);
    return err_set(err, ERR_CONFIG_INVALID, "http: %s is not loopback and needs TLS",
                   options->address);
}

static struct http_server *server_new(const struct http_options *options,
                                      const struct router *router, const struct listener *listener)
{
    struct http_server *server = memory_new(struct http_server);
    struct exchange_home *home = &server->home;

    server->listener = *listener;
    server->limits = limits_of(options);
    server->has_tls = options->tls.certificate != NULL;
    pthread_mutex_init(&server->lock, NULL);
    home->router = *router;
    init_home(home, options);
    home->connections = connections_new(&(struct connections_options){
        .listen_fd = listener->fd,
        .count_max = server->limits.connections_max,
        .shortest_ms =
            home->receive_ms_max < home->send_ms_max ? home->receive_ms_max : home->send_ms_max,
        .take = take,
        .tend = free_what_is_over,
        .owner = server,
    });
    return server;
}

bool http_server_new(const struct http_options *options, struct http_server **ret_server,
                     struct err *err)
{
    struct http_server *server;
    struct listener listener;
    struct router router;

    if (!router_init(&router, options->groups, options->group_count, err) ||
        !open_listener(options, &listener, err))
        return false;
    server = server_new(options, &router, &listener);
    if (!add_daemon(server, &options->tls, err)) {
        release(server);
        return false;
    }
    connections_start(server->home.connections);
    *ret_server = server;
    return true;
}

bool http_server_renew_tls(struct http_server *server, const struct http_tls *tls, struct err *err)
{
    if (!server->has_tls || !tls->certificate)
        return err_set(err, ERR_CONFIG_INVALID, "http: a listener does not change to or from TLS");
    if (!add_daemon(server, tls, err))
        return false;
    retire_all_but_the_newest(server);
    return true;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->listener.port;
}

void http_server_quiesce(struct http_server *server)
{
    if (server->is_quiesced)
        return;
    server->is_quiesced = true;
    atomic_store(&server->home.is_quiescing, true);
    connections_quiesce(server->home.connections);
}

void http_server_free(struct http_server *server, unsigned grace_ms)
{
    struct exchange_list *exchanges;
    struct http_daemon *daemon;
    int looks_left = LAST_RESPONSES_MS / LAST_LOOK_MS;

    if (!server)
        return;
    exchanges = &server->home.exchanges;
    http_server_quiesce(server);
    exchanges_wait(exchanges, grace_ms);
    atomic_store(&server->home.is_stopping, true);
    /* More than once, because a handler that was running may still have parked: the library must
     * not be stopped with anything suspended. */
    do
        exchanges_abandon(exchanges);
    while (!exchanges_wait(exchanges, LAST_LOOK_MS) && --looks_left > 0);
    connections_stop(server->home.connections);
    while ((daemon = server->daemons)) {
        server->daemons = daemon->older;
        daemon_free(daemon);
    }
    release(server);
}
