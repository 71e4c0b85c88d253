/* SPDX-License-Identifier: Apache-2.0 */
/* A probe of a listener: what it says, and what counts as an answer. */
#include "rpc/probe.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

/*
 * RFC 8446 4.1.2, and a RFC 5246 hello for servers without TLS 1.3.  It offers no key share (4.2.8
 * allows that), so that a server of TLS 1.3 asks for one (HelloRetryRequest) and has neither signed
 * nor computed anything when the connection ends.
 */
static const uint8_t client_hello[] = {
    0x16, 0x03, 0x01, 0x00, 0x7B, /* a record of type handshake */
    0x01, 0x00, 0x00, 0x77,       /* ClientHello */
    0x03, 0x03,                   /* legacy_version */
    'a',  ' ',  's',  'e',  'r',  'v',  'e',  'r',  ' ',  'a',  's',  'k',
    's',  ' ',  'w',  'h',  'e',  't',  'h',  'e',  'r',  ' ',  'i',  't',
    ' ',  'h',  'e',  'a',  'r',  's',  ' ',  '?',  0x00, /* no session */
    0x00, 0x12, 0x13, 0x01, 0x13, 0x02, 0x13, 0x03,       /* cipher suites of 1.3 */
    0xC0, 0x2B, 0xC0, 0x2F, 0xC0, 0x2C, 0xC0, 0x30, 0xCC, 0xA9, 0xCC, 0xA8, /* and of 1.2 */
    0x01, 0x00,                                                             /* no compression */
    0x00, 0x3C,                                                             /* extensions */
    0x00, 0x2B, 0x00, 0x05, 0x04, 0x03, 0x04, 0x03, 0x03,                   /* supported_versions */
    0x00, 0x0A, 0x00, 0x08, 0x00, 0x06, 0x00, 0x17, 0x00, 0x1D, 0x00, 0x18, /* supported_groups */
    0x00, 0x0D, 0x00, 0x14, 0x00, 0x12, 0x04, 0x03, 0x05, 0x03, 0x06, 0x03, /* signatures */
    0x08, 0x04, 0x08, 0x05, 0x08, 0x06, 0x04, 0x01, 0x05, 0x01, 0x06, 0x01,
    0x00, 0x33, 0x00, 0x02, 0x00, 0x00,                  /* key_share: none */
    0x00, 0x10, 0x00, 0x05, 0x00, 0x03, 0x02, 'h',  '2', /* ALPN */
};
static_assert(sizeof(client_hello) == 5 + 0x7B, "the lengths in it are its own");

/* RFC 9113 3.4: the preface, and a SETTINGS frame without settings, the last byte of which is the
 * NUL of the text. */
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                              "\0\0\0\4\0\0\0\0";

enum {
    TLS_RECORD_HEADER = 5,
    TLS_RECORD_ALERT = 21,
    TLS_RECORD_HANDSHAKE = 22,
    FRAME_HEADER = 9,
    FRAME_SETTINGS = 4,
};

static bool is_record(const uint8_t *header)
{
    return (header[0] == TLS_RECORD_HANDSHAKE || header[0] == TLS_RECORD_ALERT) && header[1] == 3;
}

static bool is_settings(const uint8_t *header)
{
    return header[3] == FRAME_SETTINGS;
}

static const struct language {
    struct span question;
    size_t answer_bytes;
    bool (*is_answer)(const uint8_t *header);
} languages[] = {
    [false] = {{(const uint8_t *)preface, sizeof(preface)}, FRAME_HEADER, is_settings},
    [true] = {{client_hello, sizeof(client_hello)}, TLS_RECORD_HEADER, is_record},
};

static bool say_failed(const struct rpc_probe *probe, const char *what, struct err *err)
{
    return err_set(err, ERR_IO, "%s: %s: %s", probe->name, what,
                   errno == EAGAIN || errno == EINPROGRESS ? "no answer in time"
                                                           : strerrordesc_np(errno));
}

static bool ask(int fd, const struct rpc_probe *probe, struct err *err)
{
    const struct language *language = &languages[probe->is_tls];
    uint8_t answer[FRAME_HEADER];
    ssize_t length;

    if (connect(fd, (const struct sockaddr *)&probe->address, probe->address_length) != 0)
        return errno == EADDRNOTAVAIL || say_failed(probe, "connect", err);
    if (send(fd, language->question.data, language->question.length, MSG_NOSIGNAL) >= 0)
        length = recv(fd, answer, language->answer_bytes, MSG_WAITALL);
    else
        length = -1;
    if (length == 0 || (length < 0 && (errno == ECONNRESET || errno == EPIPE)))
        return true; /* taken, and turned away */
    if (length < 0)
        return say_failed(probe, "connected", err);
    if ((size_t)length < language->answer_bytes || !language->is_answer(answer))
        return err_set(err, ERR_IO, "%s: something else answers", probe->name);
    return true;
}

bool rpc_probe_run(const struct rpc_probe *probe, int64_t timeout_ms, struct err *err)
{
    const struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    const struct linger at_once = {.l_onoff = 1}; /* no address is kept in TIME_WAIT */
    int fd = socket(probe->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_alive;

    if (fd < 0)
        return say_failed(probe, "socket", err);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    is_alive = ask(fd, probe, err);
    close(fd);
    return is_alive;
}

/* Core serves IPv4 as well where it is told `::`. */
static const char *reachable(const char *host)
{
    static const char *const wildcards[] = {"", "0.0.0.0", "::"};

    for (size_t i = 0; i < ARRAY_LEN(wildcards); i++)
        if (strcmp(host, wildcards[i]) == 0)
            return "127.0.0.1";
    return host;
}

/* "[::1]:50051" → "::1"; false for what has no port. */
static bool host_of(const char *address, char *ret_host, size_t size)
{
    const char *colon = strrchr(address, ':');
    size_t length;

    if (strncmp(address, "unix:", strlen("unix:")) == 0 || !colon)
        return false;
    length = (size_t)(colon - address);
    if (length >= 2 && address[0] == '[' && address[length - 1] == ']') {
        address++;
        length -= 2;
    }
    if (length >= size)
        return false;
    memcpy(ret_host, address, length);
    ret_host[length] = '\0';
    return true;
}

static void fill(struct rpc_probe *probe, const struct addrinfo *found, bool is_tls)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];

    *probe = (struct rpc_probe){.address_length = found->ai_addrlen, .is_tls = is_tls};
    memcpy(&probe->address, found->ai_addr, found->ai_addrlen);
    if (getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(probe->name, sizeof(probe->name),
                 found->ai_family == AF_INET6 ? "[%.48s]:%.8s" : "%.48s:%.8s", host, port);
}

size_t rpc_probe_fill(const struct rpc_listener *listener, int port, struct rpc_probe *probes,
                      size_t capacity)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char host[NI_MAXHOST], service[NI_MAXSERV];
    struct addrinfo *found;
    size_t count = 0;

    snprintf(service, sizeof(service), "%d", port);
    if (!host_of(listener->address, host, sizeof(host)) ||
        getaddrinfo(reachable(host), service, &wanted, &found) != 0)
        return 0;
    for (const struct addrinfo *next = found; next && count < capacity; next = next->ai_next)
        fill(&probes[count++], next, listener->tls.certificate != NULL);
    freeaddrinfo(found);
    return count;
}
