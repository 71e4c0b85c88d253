/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server: a libmicrohttpd daemon on a socket of ours, from its start to its end. */
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/exchange.h"
#include "http/listener.h"

#include <signal.h>
#include <stdio.h>

/* The same level of strictness by its old and its new name. */
#if MHD_VERSION >= 0x01000000
#define OPTION_STRICT MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define OPTION_STRICT MHD_OPTION_STRICT_FOR_CLIENT
#endif

enum {
    THREADS_DEFAULT = 2,
    CONNECTIONS_DEFAULT = 1024,
    HEADER_BYTES_DEFAULT = 16 * 1024,
    RECEIVE_MS_DEFAULT = 10 * 1000,
    SEND_MS_DEFAULT = 30 * 1000,
    RESPONSE_HEADER_BYTES = 4 * 1024,
    STACK_BYTES = 512 * 1024,
    FILE_BYTES_MAX = 256 * 1024,
    LAST_RESPONSES_MS = 1000, /* to get the 503s of what was parked out */
    LAST_LOOK_MS = 50,
    /* The limit of the library itself is never reached, by no thread of it: there 0.9.75 refuses a
     * connection with a lock held, and hangs.  Connections are limited where they are accepted. */
    LIBRARY_SLACK = 8,
    DAEMON_OPTIONS_MAX = 16,
};

struct http_server {
    struct exchange_home home;
    struct listener listener;
    struct MHD_Daemon *daemon;
    bool is_quiesced;
};

static unsigned or_default(unsigned value, unsigned fallback)
{
    return value ? value : fallback;
}

static unsigned thread_count(const struct http_options *options)
{
    return or_default(options->thread_count, THREADS_DEFAULT);
}

static unsigned connections_max(const struct http_options *options)
{
    return or_default(options->connections_max, CONNECTIONS_DEFAULT);
}

/* What the library has to say is about clients that went away, and about its own errors. */
static void log_library(void *closure, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void log_library(void *closure, const char *format, va_list arguments)
{
    char text[256];

    (void)closure;
    if (!log_is_on(ERR_LEVEL_DEBUG))
        return;
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    LOG(DEBUG, "http.library", "libmicrohttpd says", log_text("text", text));
}

/* Paths are matched as they were sent: nothing is decoded, so that nothing is decoded twice. */
static size_t keep_escapes(void *closure, struct MHD_Connection *mhd, char *text)
{
    (void)closure, (void)mhd;
    return strlen(text);
}

static void on_connection(void *closure, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct exchange_home *home = closure;
    const union MHD_ConnectionInfo *info;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connections_remove(home->connections, *socket_context);
        return;
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = connections_add(home->connections, info->connect_fd);
    connection_enter(home->connections, *socket_context, CONNECTION_RECEIVES, home->receive_ms_max);
}

struct tls_files {
    const char *certificate;
    const char *key;
};

static bool read_tls_files(const struct http_options *options, struct arena *arena,
                           struct tls_files *ret_files, struct err *err)
{
    struct span certificate, key;

    if (!options->certificate_file || !options->key_file)
        return err_set(err, ERR_CONFIG_INVALID, "http: TLS needs a certificate and its key");
    if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return err_set(err, ERR_CONFIG_INVALID, "http: this libmicrohttpd has no TLS");
    if (!file_read(options->certificate_file, FILE_BYTES_MAX, arena, &certificate, err) ||
        !file_read(options->key_file, FILE_BYTES_MAX, arena, &key, err))
        return false;
    *ret_files = (struct tls_files){(const char *)certificate.data, (const char *)key.data};
    return true;
}

static bool start_daemon(struct http_server *server, const struct http_options *options,
                         const struct tls_files *tls, struct err *err)
{
    struct MHD_OptionItem items[DAEMON_OPTIONS_MAX], *item = items;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
                     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    intptr_t header_bytes =
        (intptr_t)(options->header_bytes_max ? options->header_bytes_max : HEADER_BYTES_DEFAULT);
    sigset_t all, before;

    *item++ = (struct MHD_OptionItem){MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_library, NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, thread_count(options), NULL};
    *item++ = (struct MHD_OptionItem){
        MHD_OPTION_CONNECTION_LIMIT,
        (intptr_t)((connections_max(options) + LIBRARY_SLACK) * thread_count(options)), NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                      header_bytes + RESPONSE_HEADER_BYTES, NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES, NULL};
    *item++ = (struct MHD_OptionItem){OPTION_STRICT, 1, NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)exchange_on_completed,
                                      &server->home};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection,
                                      &server->home};
    if (tls) {
        flags |= MHD_USE_TLS;
        *item++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0,
                                          (void *)(uintptr_t)tls->certificate};
        *item++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)tls->key};
        *item++ = (struct MHD_OptionItem){
            MHD_OPTION_HTTPS_PRIORITIES, 0,
            (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"};
    }
    *item = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};

    /* Signals are for the main thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, exchange_on_request, &server->home,
                                      MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (server->daemon)
        return true;
    return err_set(err, ERR_CONFIG_INVALID, "http: cannot serve %s%s", options->address,
                   tls ? ": do certificate and key belong together?" : "");
}

static bool take(void *owner, int fd, const struct sockaddr *address, socklen_t length)
{
    struct http_server *server = owner;

    return MHD_add_connection(server->daemon, fd, address, length) == MHD_YES;
}

static void init_home(struct exchange_home *home, const struct http_options *options)
{
    pthread_condattr_t monotonic;

    home->receive_ms_max = or_default(options->receive_ms_max, RECEIVE_MS_DEFAULT);
    home->send_ms_max = or_default(options->send_ms_max, SEND_MS_DEFAULT);
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
    listener_close(&server->listener);
    memory_free(server);
}

static bool open_listener(const struct http_options *options, struct listener *ret_listener,
                          struct err *err)
{
    if (!listener_open(options->address, ret_listener, err))
        return false;
    if (options->certificate_file || options->is_plaintext_allowed || ret_listener->is_local)
        return true;
    listener_close(ret_listener);
    return err_set(err, ERR_CONFIG_INVALID, "http: %s is not loopback and needs TLS",
                   options->address);
}

bool http_server_new(const struct http_options *options, struct http_server **ret_server,
                     struct err *err)
{
    bool has_tls = options->certificate_file || options->key_file, is_started;
    struct http_server *server;
    struct tls_files tls = {0};
    struct listener listener;
    struct router router;
    struct arena arena;

    if (!router_init(&router, options->groups, options->group_count, err))
        return false;
    arena_init(&arena, 4096);
    if ((has_tls && !read_tls_files(options, &arena, &tls, err)) ||
        !open_listener(options, &listener, err)) {
        arena_release(&arena);
        return false;
    }
    server = memory_new(struct http_server);
    server->listener = listener;
    server->home.router = router;
    init_home(&server->home, options);
    server->home.connections = connections_new(&(struct connections_options){
        .listen_fd = listener.fd,
        .count_max = connections_max(options),
        .shortest_ms = server->home.receive_ms_max < server->home.send_ms_max
                           ? server->home.receive_ms_max
                           : server->home.send_ms_max,
        .take = take,
        .owner = server,
    });
    is_started = start_daemon(server, options, has_tls ? &tls : NULL, err);
    if (tls.key)
        explicit_bzero((void *)(uintptr_t)tls.key, strlen(tls.key));
    arena_release(&arena);
    if (!is_started) {
        release(server);
        return false;
    }
    connections_start(server->home.connections);
    *ret_server = server;
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
    MHD_stop_daemon(server->daemon);
    release(server);
}
