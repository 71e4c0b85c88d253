/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of gRPC: does any address of one lead out of this machine? */
#include "client/src/channel.h"

#include "base/attributes.h"
#include "base/span.h"

#include <arpa/inet.h>
#include <stdio.h>

/* "localhost", 127.0.0.0/8 or ::1, compared as a whole: 127.0.0.1.example.com is not local. */
static bool host_is_local(struct span host)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;

    if (span_is(host, "localhost"))
        return true;
    if (host.length == 0 || host.length >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", SPAN_FORMAT(host));
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* "host", "host:port", "[v6]:port" or a bare v6 address. */
static bool address_is_local(struct span address)
{
    const uint8_t *end = memchr(address.data, ']', address.length);
    const uint8_t *colon = memchr(address.data, ':', address.length);

    if (address.length > 0 && address.data[0] == '[')
        return end && host_is_local(span_of(address.data + 1, (size_t)(end - address.data) - 1));
    if (colon && !memchr(colon + 1, ':', (size_t)(address.data + address.length - colon) - 1))
        return host_is_local(span_of(address.data, (size_t)(colon - address.data)));
    return host_is_local(address);
}

bool target_is_local(const char *target)
{
    static const char *const sockets[] = {"unix:", "unix-abstract:"};
    static const char *const schemes[] = {"ipv4:", "ipv6:", "dns:///", "dns:"};
    struct span rest = span_text(target);

    for (size_t i = 0; i < ARRAY_LEN(sockets); i++)
        if (span_starts_with(rest, span_text(sockets[i])))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (span_starts_with(rest, span_text(schemes[i]))) {
            rest = span_from(rest, strlen(schemes[i]));
            break;
        }
    }
    while (rest.length > 0) { /* ipv4: and ipv6: take lists */
        const uint8_t *comma = memchr(rest.data, ',', rest.length);
        size_t length = comma ? (size_t)(comma - rest.data) : rest.length;

        if (!address_is_local(span_of(rest.data, length)))
            return false;
        rest = span_from(rest, length + 1);
    }
    return target[0] != '\0';
}
