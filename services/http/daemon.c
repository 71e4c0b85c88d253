/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon: how the library is started, and what it tells us. */
#include "http/daemon.h"

#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The same level of strictness by its old and its new name. */
#if MHD_VERSION >= 0x01000000
#define OPTION_STRICT MHD_OPTION_CLIENT_DISCIPLINE_LVL
#else
#define OPTION_STRICT MHD_OPTION_STRICT_FOR_CLIENT
#endif

enum {
    RESPONSE_HEADER_BYTES = 4 * 1024,
    STACK_BYTES = 512 * 1024,
    /* The limit of the library itself is never reached, by no thread of it: there 0.9.75 refuses a
     * connection with a lock held, and hangs.  Connections are limited where they are accepted. */
    LIBRARY_SLACK = 8,
    DAEMON_OPTIONS_MAX = 16,
};

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

/* The one who accepts frees a daemon that is over. */
static void lose_connection(struct http_daemon *daemon)
{
    struct connections *connections = daemon->home->connections;

    if (atomic_fetch_sub(&daemon->connection_count, 1) == 1 && atomic_load(&daemon->is_retired))
        connections_wake(connections);
}

static void on_connection(void *closure, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_daemon *daemon = closure;
    struct exchange_home *home = daemon->home;
    const union MHD_ConnectionInfo *info;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connections_remove(home->connections, *socket_context);
        lose_connection(daemon);
        return;
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = connections_add(home->connections, info->connect_fd);
    connection_enter(home->connections, *socket_context, CONNECTION_RECEIVES, home->receive_ms_max);
}

/* Behind the last item; `flags` as for the library. */
static unsigned fill_options(struct http_daemon *daemon, const struct daemon_limits *limits,
                             const struct http_tls *tls, struct MHD_OptionItem *item)
{
    unsigned threads = limits->thread_count;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
                     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

    *item++ = (struct MHD_OptionItem){MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_library, NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, threads, NULL};
    *item++ = (struct MHD_OptionItem){
        MHD_OPTION_CONNECTION_LIMIT,
        (intptr_t)((limits->connections_max + LIBRARY_SLACK) * threads), NULL};
    *item++ =
        (struct MHD_OptionItem){MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                (intptr_t)limits->header_bytes_max + RESPONSE_HEADER_BYTES, NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES, NULL};
    *item++ = (struct MHD_OptionItem){OPTION_STRICT, 1, NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL};
    *item++ = (struct MHD_OptionItem){MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)exchange_on_completed,
                                      daemon->home};
    *item++ =
        (struct MHD_OptionItem){MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, daemon};
    if (tls->certificate) {
        flags |= MHD_USE_TLS;
        *item++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0,
                                          (void *)(uintptr_t)tls->certificate};
        *item++ = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)tls->key};
        *item++ = (struct MHD_OptionItem){
            MHD_OPTION_HTTPS_PRIORITIES, 0,
            (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"};
    }
    *item = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return flags;
}

bool daemon_new(struct exchange_home *home, const struct daemon_limits *limits,
                const struct http_tls *tls, struct http_daemon **ret_daemon, struct err *err)
{
    struct MHD_OptionItem items[DAEMON_OPTIONS_MAX];
    struct http_daemon *daemon;
    sigset_t all, before;
    unsigned flags;
    int error;

    if (!tls->certificate != !tls->key)
        return err_set(err, ERR_CONFIG_INVALID, "http: TLS needs a certificate and its key");
    if (tls->certificate && MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
        return err_set(err, ERR_CONFIG_INVALID, "http: this libmicrohttpd has no TLS");
    daemon = memory_new(struct http_daemon);
    daemon->home = home;
    flags = fill_options(daemon, limits, tls, items);
    /* Signals are for the main thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    errno = 0;
    daemon->mhd = MHD_start_daemon(flags, 0, NULL, NULL, exchange_on_request, daemon,
                                   MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (daemon->mhd) {
        *ret_daemon = daemon;
        return true;
    }
    memory_free(daemon);
    return err_set(err, ERR_CONFIG_INVALID, "http: libmicrohttpd does not start (%s)%s",
                   strerrordesc_np(error),
                   tls->certificate ? ": do certificate and key belong together?" : "");
}

bool daemon_take(struct http_daemon *daemon, int fd, const struct sockaddr *address,
                 socklen_t length)
{
    atomic_fetch_add(&daemon->connection_count, 1);
    if (MHD_add_connection(daemon->mhd, fd, address, length) == MHD_YES)
        return true;
    lose_connection(daemon);
    return false;
}

void daemon_retire(struct http_daemon *daemon)
{
    atomic_store(&daemon->is_retired, true);
    connections_wake(daemon->home->connections);
}

bool daemon_is_over(const struct http_daemon *daemon)
{
    return atomic_load(&daemon->is_retired) && atomic_load(&daemon->connection_count) == 0;
}

void daemon_free(struct http_daemon *daemon)
{
    MHD_stop_daemon(daemon->mhd);
    memory_free(daemon);
}
