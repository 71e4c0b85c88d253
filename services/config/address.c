/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: no resolver is asked, so that what is loopback is known without one. */
#include "config/address.h"

#include <arpa/inet.h>

enum { HOST_MAX = 253 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool parse_port(struct span text, uint16_t *ret_port)
{
    unsigned port = 0;

    if (text.length == 0 || text.length > 5)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.data[i]))
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    if (port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/* Labels of letters, digits and inner hyphens.  A last label of digits alone would make resolvers
 * read the name as an IPv4 address of another notation (`127.1`). */
static bool is_host_name(struct span host)
{
    size_t label = 0;
    bool is_number = true;

    if (host.length == 0 || host.length > HOST_MAX)
        return false;
    for (size_t i = 0; i < host.length; i++) {
        uint8_t c = host.data[i];
        bool is_last = i + 1 == host.length || host.data[i + 1] == '.';

        if (c == '.') {
            if (label == 0 || is_last)
                return false;
            label = 0;
            is_number = true;
            continue;
        }
        if (!is_alphanumeric(c) && !(c == '-' && label > 0 && !is_last))
            return false;
        is_number = is_number && is_digit(c);
        label++;
    }
    return label > 0 && !is_number;
}

/* `is_bracketed` is how an IPv6 address is told from a name. */
static bool parse_host(const char *host, bool is_bracketed, bool *ret_is_loopback)
{
    struct in6_addr six;
    struct in_addr four;

    if (is_bracketed) {
        if (inet_pton(AF_INET6, host, &six) != 1)
            return false;
        *ret_is_loopback = IN6_IS_ADDR_LOOPBACK(&six);
        return true;
    }
    if (inet_pton(AF_INET, host, &four) == 1) {
        *ret_is_loopback = ntohl(four.s_addr) >> 24 == 127;
        return true;
    }
    *ret_is_loopback = strcmp(host, "localhost") == 0;
    return is_host_name(span_text(host));
}

/* Where the host ends: at the colon before the port, or at the end of `text`. */
static size_t host_length(struct span text)
{
    const uint8_t *end;

    if (text.length > 0 && text.data[0] == '[') {
        end = memchr(text.data, ']', text.length);
        return end ? (size_t)(end - text.data) + 1 : 0;
    }
    end = memchr(text.data, ':', text.length);
    return end ? (size_t)(end - text.data) : text.length;
}

/* The host alone, as C text; false when it is none. */
static bool split_host(struct span text, char host[static HOST_MAX + 1], bool *ret_is_loopback)
{
    bool is_bracketed = text.length >= 2 && text.data[0] == '[';

    if (is_bracketed)
        text = span_of(text.data + 1, text.length - 2);
    if (text.length == 0 || text.length > HOST_MAX || memchr(text.data, '\0', text.length))
        return false;
    memcpy(host, text.data, text.length);
    host[text.length] = '\0';
    return parse_host(host, is_bracketed, ret_is_loopback);
}

bool address_parse(struct span text, struct arena *arena, struct config_address *ret_address)
{
    size_t length = text.length > 0 ? host_length(text) : 0;
    char host[HOST_MAX + 1];
    bool is_loopback;
    uint16_t port;

    if (length == 0 || length >= text.length || text.data[length] != ':')
        return false;
    if (!split_host(span_of(text.data, length), host, &is_loopback) ||
        !parse_port(span_from(text, length + 1), &port))
        return false;
    ret_address->text = arena_text(arena, text);
    ret_address->host = arena_text(arena, span_text(host));
    ret_address->port = port;
    ret_address->is_loopback = is_loopback;
    return true;
}

/* What stands between the scheme and the path; empty when there is no scheme of ours. */
static struct span url_authority(struct span url)
{
    static const char *const schemes[] = {"https://", "http://"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct span scheme = span_text(schemes[i]), rest;
        const uint8_t *slash;

        if (!span_starts_with(url, scheme))
            continue;
        rest = span_from(url, scheme.length);
        slash = rest.length > 0 ? memchr(rest.data, '/', rest.length) : NULL;
        return slash ? span_of(rest.data, (size_t)(slash - rest.data)) : rest;
    }
    return span_of(NULL, 0);
}

/* Unreserved characters of RFC 3986 section 2.3 and slashes: what needs no second thought in `iss`.
 */
static bool is_path(struct span path)
{
    for (size_t i = 0; i < path.length; i++)
        if (!is_alphanumeric(path.data[i]) && !strchr("/-._~", path.data[i]))
            return false;
    return path.length == 0 || path.data[path.length - 1] != '/';
}

bool address_is_url(struct span url)
{
    struct span authority = url_authority(url);
    char host[HOST_MAX + 1];
    bool is_loopback;
    uint16_t port;
    size_t length;

    if (authority.length == 0 || memchr(url.data, '\0', url.length))
        return false;
    length = host_length(authority);
    if (length == 0 || !split_host(span_of(authority.data, length), host, &is_loopback))
        return false;
    if (length < authority.length &&
        (authority.data[length] != ':' || !parse_port(span_from(authority, length + 1), &port)))
        return false;
    return is_path(span_from(url, (size_t)(authority.data - url.data) + authority.length));
}

bool address_url_is_loopback(struct span url)
{
    struct span authority = url_authority(url);
    char host[HOST_MAX + 1];
    bool is_loopback;

    return authority.length > 0 &&
           split_host(span_of(authority.data, host_length(authority)), host, &is_loopback) &&
           is_loopback;
}
