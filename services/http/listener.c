/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets of TCP and of the unix kind. */
#include "http/listener.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, HOST_MAX = 256 };

static bool bind_and_listen(int fd, const struct sockaddr *address, socklen_t length)
{
    return bind(fd, address, length) == 0 && listen(fd, BACKLOG) == 0;
}

static int new_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Somebody's socket, or what a process left that is no more? */
static bool is_alive(const struct sockaddr_un *name)
{
    int fd = new_socket(AF_UNIX);
    bool is_connected = connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0;
    int error = errno;

    close(fd);
    return is_connected || error == EAGAIN;
}

static bool open_unix(const char *path, struct listener *ret_listener, struct err *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct stat status;
    int fd;

    if (path[0] != '/' || strlen(path) >= sizeof(name.sun_path))
        return err_set(err, ERR_CONFIG_INVALID,
                       "the path of a unix socket is absolute and shorter than %zu bytes",
                       sizeof(name.sun_path));
    memcpy(name.sun_path, path, strlen(path));
    if (stat(path, &status) == 0 && (!S_ISSOCK(status.st_mode) || is_alive(&name)))
        return err_set(err, ERR_IO, "%s is in use", path);
    unlink(path);
    fd = new_socket(AF_UNIX);
    if (fd < 0 || !bind_and_listen(fd, (struct sockaddr *)&name, sizeof(name)) ||
        chmod(path, 0660) != 0) {
        err_set(err, ERR_IO, "cannot listen on %s: %s", path, strerrordesc_np(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    *ret_listener =
        (struct listener){.fd = fd, .is_local = true, .unix_path = memory_text(span_text(path))};
    return true;
}

/* "host:port", "[::1]:port". */
static bool split(const char *address, char host[static HOST_MAX], const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    size_t length = colon ? (size_t)(colon - address) : 0;

    if (length == 0 || colon[1] == '\0')
        return false;
    *ret_port = colon + 1;
    if (address[0] == '[') {
        if (colon[-1] != ']')
            return false;
        address++;
        length -= 2;
    } else if (memchr(address, ':', length)) {
        return false;
    }
    return (size_t)snprintf(host, HOST_MAX, "%.*s", (int)length, address) == length;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;

        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* The port is at the same place in both families. */
static uint16_t port_of(int fd)
{
    struct sockaddr_in6 name = {0};
    socklen_t length = sizeof(name);

    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
        return 0;
    return ntohs(name.sin6_port);
}

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "port_of() reads the wrong bytes");

static bool open_tcp(const struct addrinfo *info, const char *address,
                     struct listener *ret_listener, struct err *err)
{
    int fd = new_socket(info->ai_family), on = 1;

    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || !bind_and_listen(fd, info->ai_addr, info->ai_addrlen)) {
        err_set(err, ERR_IO, "cannot listen on %s: %s", address, strerrordesc_np(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    *ret_listener =
        (struct listener){.fd = fd, .port = port_of(fd), .is_local = is_loopback(info->ai_addr)};
    return true;
}

bool listener_open(const char *address, struct listener *ret_listener, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char host[HOST_MAX];
    const char *port = NULL;
    bool is_open;
    int result;

    if (strncmp(address, "unix:", 5) == 0)
        return open_unix(address + 5, ret_listener, err);
    if (!split(address, host, &port))
        return err_set(err, ERR_CONFIG_INVALID, "\"%s\" is not host:port or unix:/path", address);
    result = getaddrinfo(host, port, &hints, &found);
    if (result != 0)
        return err_set(err, ERR_CONFIG_INVALID, "\"%s\": %s", address, gai_strerror(result));
    is_open = open_tcp(found, address, ret_listener, err);
    freeaddrinfo(found);
    return is_open;
}

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0)
        close(listener->fd);
    if (listener->unix_path)
        unlink(listener->unix_path);
    memory_free(listener->unix_path);
}
