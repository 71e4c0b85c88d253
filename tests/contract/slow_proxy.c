/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy between unix sockets. */
#include "contract/slow_proxy.h"

#include "base/thread.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK_BYTES = 16384, LOOK_MS = 10 };

static int open_socket(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void accept_link(struct slow_proxy *proxy)
{
    int client = accept(proxy->listener, NULL, NULL);
    struct sockaddr_un address;
    int server = open_socket(proxy->target, &address);

    for (size_t i = 0; i < SLOW_PROXY_LINKS_MAX; i++)
        if (proxy->clients[i] < 0 &&
            connect(server, (struct sockaddr *)&address, sizeof(address)) == 0) {
            proxy->clients[i] = client;
            proxy->servers[i] = server;
            return;
        }
    close(client);
    close(server);
}

static void close_link(struct slow_proxy *proxy, size_t index)
{
    close(proxy->clients[index]);
    close(proxy->servers[index]);
    proxy->clients[index] = proxy->servers[index] = -1;
}

/* Up to `most` bytes; false when one of the two has gone. */
static bool pass_on(int from, int to, size_t most)
{
    char chunk[CHUNK_BYTES];
    ssize_t length = recv(from, chunk, most, 0), sent = 0;

    while (sent < length) {
        ssize_t step = send(to, chunk + sent, (size_t)(length - sent), MSG_NOSIGNAL);

        if (step <= 0)
            return false;
        sent += step;
    }
    return length > 0;
}

static bool has_something(int fd)
{
    struct pollfd what = {.fd = fd, .events = POLLIN};

    return poll(&what, 1, 0) > 0;
}

static void serve_link(struct slow_proxy *proxy, size_t index, enum slow_proxy_mode mode)
{
    int client = proxy->clients[index], server = proxy->servers[index];
    size_t most = mode == SLOW_PROXY_SLOW ? 1 : CHUNK_BYTES;

    if ((has_something(client) && !pass_on(client, server, CHUNK_BYTES)) ||
        (has_something(server) && !pass_on(server, client, most)))
        close_link(proxy, index);
}

static void wait_for_any(const struct slow_proxy *proxy)
{
    struct pollfd what[2 * SLOW_PROXY_LINKS_MAX + 1] = {{.fd = proxy->listener, .events = POLLIN}};
    nfds_t count = 1;

    for (size_t i = 0; i < SLOW_PROXY_LINKS_MAX; i++) {
        what[count++] = (struct pollfd){.fd = proxy->clients[i], .events = POLLIN};
        what[count++] = (struct pollfd){.fd = proxy->servers[i], .events = POLLIN};
    }
    poll(what, count, LOOK_MS);
}

static void *run(void *argument)
{
    struct slow_proxy *proxy = argument;

    while (!atomic_load(&proxy->is_stopping)) {
        enum slow_proxy_mode mode = atomic_load(&proxy->mode);

        atomic_store(&proxy->taken, mode);
        if (mode == SLOW_PROXY_FAST)
            wait_for_any(proxy);
        else
            usleep(SLOW_PROXY_BYTE_MS * 1000);
        if (has_something(proxy->listener))
            accept_link(proxy);
        for (size_t i = 0; i < SLOW_PROXY_LINKS_MAX; i++)
            if (mode != SLOW_PROXY_CUT && proxy->clients[i] >= 0)
                serve_link(proxy, i, mode);
    }
    return NULL;
}

void slow_proxy_start(struct slow_proxy *proxy, const char *path, const char *target)
{
    struct sockaddr_un address;

    snprintf(proxy->path, sizeof(proxy->path), "%s", path);
    snprintf(proxy->target, sizeof(proxy->target), "%s", target);
    proxy->listener = open_socket(path, &address);
    for (size_t i = 0; i < SLOW_PROXY_LINKS_MAX; i++)
        proxy->clients[i] = proxy->servers[i] = -1;
    atomic_init(&proxy->mode, SLOW_PROXY_FAST);
    atomic_init(&proxy->taken, SLOW_PROXY_FAST);
    atomic_init(&proxy->is_stopping, false);
    if (bind(proxy->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(proxy->listener, SLOW_PROXY_LINKS_MAX) != 0)
        abort();
    thread_start(&proxy->thread, "proxy", run, proxy);
}

void slow_proxy_set(struct slow_proxy *proxy, enum slow_proxy_mode mode)
{
    atomic_store(&proxy->mode, mode);
    while (atomic_load(&proxy->taken) != mode)
        usleep(1000);
}

void slow_proxy_stop(struct slow_proxy *proxy)
{
    atomic_store(&proxy->is_stopping, true);
    pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < SLOW_PROXY_LINKS_MAX; i++)
        if (proxy->clients[i] >= 0)
            close_link(proxy, i);
    close(proxy->listener);
    unlink(proxy->path);
}
