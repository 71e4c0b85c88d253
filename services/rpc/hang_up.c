/* SPDX-License-Identifier: Apache-2.0 */
/* Hanging up. */
#include "rpc/hang_up.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_MAX = 96, PORT_MAX = 65535 };

static void map(struct in_addr from, struct in6_addr *to)
{
    memset(to, 0, sizeof(*to));
    to->s6_addr[10] = to->s6_addr[11] = 0xFF;
    memcpy(&to->s6_addr[12], &from, sizeof(from));
}

/* "%5B" and "%5D" around an address, "%25" in front of its zone, which a port makes needless. */
static bool parse_host6(const char *text, size_t length, struct in6_addr *ret_host)
{
    char host[HOST_MAX];
    char *zone;

    if (length < 6 || length - 6 >= sizeof(host) || strncmp(text, "%5B", 3) != 0 ||
        strncmp(text + length - 3, "%5D", 3) != 0)
        return false;
    memcpy(host, text + 3, length - 6);
    host[length - 6] = '\0';
    zone = strchr(host, '%');
    if (zone)
        *zone = '\0';
    return inet_pton(AF_INET6, host, ret_host) == 1;
}

static bool parse_host4(const char *text, size_t length, struct in6_addr *ret_host)
{
    char host[INET_ADDRSTRLEN];
    struct in_addr address;

    if (length >= sizeof(host))
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(AF_INET, host, &address) != 1)
        return false;
    map(address, ret_host);
    return true;
}

bool hang_up_parse(const char *peer, struct sockaddr_in6 *ret_address)
{
    const char *host = peer + strlen("ipv4:"), *colon = strrchr(peer, ':');
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    bool is_good = false;
    char *end;
    long port;

    if (!colon || colon < host)
        return false;
    if (strncmp(peer, "ipv4:", strlen("ipv4:")) == 0)
        is_good = parse_host4(host, (size_t)(colon - host), &address.sin6_addr);
    else if (strncmp(peer, "ipv6:", strlen("ipv6:")) == 0)
        is_good = parse_host6(host, (size_t)(colon - host), &address.sin6_addr);
    port = strtol(colon + 1, &end, 10);
    if (!is_good || end == colon + 1 || *end || port < 1 || port > PORT_MAX)
        return false;
    address.sin6_port = htons((uint16_t)port);
    *ret_address = address;
    return true;
}

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *length);

/* One end of a connection over IP. */
static bool end_of(name_fn *name, int fd, struct sockaddr_in6 *ret_end)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_storage room;
    } end = {.any.sa_family = AF_UNSPEC};
    socklen_t length = sizeof(end);

    if (name(fd, &end.any, &length) != 0)
        return false;
    *ret_end = end.six;
    if (end.any.sa_family == AF_INET) {
        ret_end->sin6_port = end.four.sin_port;
        map(end.four.sin_addr, &ret_end->sin6_addr);
    }
    return end.any.sa_family == AF_INET || end.any.sa_family == AF_INET6;
}

static bool is_one_of(uint16_t port, const int *ports, size_t port_count)
{
    for (size_t i = 0; i < port_count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

/* Of the duplicate: whose connection it is does not change any more. */
static bool is_wanted(int fd, const struct sockaddr_in6 *peer, const int *ports, size_t port_count)
{
    struct sockaddr_in6 there, here;

    return end_of(getpeername, fd, &there) && there.sin6_port == peer->sin6_port &&
           memcmp(&there.sin6_addr, &peer->sin6_addr, sizeof(there.sin6_addr)) == 0 &&
           end_of(getsockname, fd, &here) && is_one_of(ntohs(here.sin6_port), ports, port_count);
}

static bool shut(int number, const struct sockaddr_in6 *peer, const int *ports, size_t port_count)
{
    int fd = fcntl(number, F_DUPFD_CLOEXEC, 0);
    bool is_shut;

    if (fd < 0)
        return false;
    is_shut = is_wanted(fd, peer, ports, port_count) && shutdown(fd, SHUT_RDWR) == 0;
    close(fd);
    return is_shut;
}

bool hang_up(const struct sockaddr_in6 *peer, const int *ports, size_t port_count)
{
    DIR *folder = opendir("/proc/self/fd");
    bool is_shut = false;
    struct dirent *entry;

    if (!folder)
        return false;
    while (!is_shut && (entry = readdir(folder))) {
        char *end;
        long number = strtol(entry->d_name, &end, 10);

        if (end != entry->d_name && number != dirfd(folder))
            is_shut = shut((int)number, peer, ports, port_count);
    }
    closedir(folder);
    return is_shut;
}
