/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: listeners, routes, and exchanges of a request and its response.
 *
 * A route is a row of a table; tables with one purpose and one owner are a group; a server is one
 * listener that serves some groups.  Handlers run on the server's threads and do not block: what
 * takes time is parked and answered later, from any thread.
 *
 * The server answers by itself: 400 (ambiguous framing), 404, 405 with Allow, 413, 414, 429 (no
 * room for another body), 431, HEAD for every GET route, and 304 for a GET with the entity tag that
 * the client has.  Nothing that a client sent is ever part of what the server says about an error.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/err.h"
#include "base/span.h"

struct http_exchange;

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_METHOD_COUNT };

/*
 * A path is matched as it was sent, percent-encoding and all: "/livez", or with a last segment that
 * varies, "/webhooks/{vendor}".  That parameter is 1 to HTTP_PARAMETER_MAX of the characters that
 * RFC 3986 calls unreserved; anything else is not found.
 */
struct http_route {
    enum http_method method;
    const char *path;
    /* Before it returns it answers or parks. */
    void (*handle)(struct http_exchange *exchange, void *owner);
    size_t body_bytes_max; /* 0: a body is refused */
    /* NULL, or called with the header alone, before memory is taken for a body.  It may answer:
     * then `handle` is not called, and the body is dropped as it comes.  It never parks. */
    void (*admit)(struct http_exchange *exchange, void *owner);
};

struct http_group {
    const struct http_route *routes;
    size_t route_count;
    void *owner;
};

enum {
    HTTP_PARAMETER_MAX = 128,
    HTTP_REQUEST_ID_MAX = 64,
    HTTP_GROUPS_MAX = 8,
    HTTP_BODY_BYTES_MAX = 1024 * 1024, /* of any route */
};

/* What is known when an exchange is over. */
struct http_observation {
    const char *route; /* the row's path; NULL: there was none */
    int status;        /* 0: the client was gone before there was one */
    int64_t duration_ns;
    const char *request_id;
};

/* PEM. */
struct http_tls {
    const char *certificate; /* intermediates behind it; NULL: plaintext */
    const char *key;
};

struct http_options {
    const char *address; /* "127.0.0.1:8080", "[::1]:0", "unix:/run/passgate/http.sock" */
    const struct http_group *groups;
    size_t group_count;

    struct http_tls tls; /* need not stay */
    /* Plaintext on an address that is not loopback: for what is public by nature (the ops
     * listener), else such an address needs TLS. */
    bool is_plaintext_allowed;

    unsigned thread_count;    /* 0: 2 */
    unsigned connections_max; /* 0: 1,024 */
    size_t bodies_bytes_max;  /* of all requests together, beyond is 429; 0: 64 MiB */
    size_t header_bytes_max;  /* request line and header together, roughly; 0: 16 KiB */
    unsigned receive_ms_max;  /* from the last response (or the connection's start) to the end of
                                 the next request, however slowly it drips; 0: 10 s */
    unsigned send_ms_max;     /* for a response; 0: 30 s */

    void (*observe)(void *owner, const struct http_observation *observation); /* or NULL */
    void *observer;
};

struct http_server;

/* CONFIG_INVALID for an address, a certificate or routes that cannot be; IO when the address is
 * taken.  Groups are copied, their tables are not. */
MUST_CHECK bool http_server_new(const struct http_options *options, struct http_server **ret_server,
                                struct err *err);

/* The port, for an address that ended in ":0"; 0 for unix sockets. */
uint16_t http_server_port(const struct http_server *server);

/*
 * Another certificate for a server that has one: connections that come get it, those that are there
 * keep theirs, and end with their next response at the latest.  No request is lost.  CONFIG_INVALID
 * when certificate and key cannot be used; then nothing has changed.  Any thread that is not the
 * server's own.
 */
MUST_CHECK bool http_server_renew_tls(struct http_server *server, const struct http_tls *tls,
                                      struct err *err);

/* Take no more connections, close those that are idle, tell the others to go after their response.
 */
void http_server_quiesce(struct http_server *server);

/*
 * Quiesce, wait until exchanges are over but no longer than `grace_ms`, answer what is still parked
 * with 503, stop, free.  Whoever answers one of those later does no harm.  NULL is allowed.
 */
void http_server_free(struct http_server *server, unsigned grace_ms);

/* The request: valid until it is answered. */
struct span http_parameter(const struct http_exchange *exchange);
struct span http_body(const struct http_exchange *exchange);
/* The first header of that name, any case; NULL when there is none.  Only in the handler: while the
 * exchange is parked its connection may end. */
const char *http_header(const struct http_exchange *exchange, const char *name);
/* Overwrite the value of that header where it stands, for secrets: from then on it is empty.  Only
 * in the handler; behind http_header() of the same name. */
void http_wipe_header(struct http_exchange *exchange, const char *name);
/* The client's X-Request-ID if it is presentable (letters, digits, - _ . up to the maximum), else
 * one of our own; the response carries it. */
const char *http_request_id(const struct http_exchange *exchange);

struct http_header_line {
    const char *name;
    const char *value;
};

/* Everything is copied. */
struct http_response {
    int status;
    const char *content_type; /* NULL: no body */
    struct span body;
    const char *etag;          /* with its quotes, or NULL */
    const char *cache_control; /* NULL: no-store */
    const struct http_header_line *headers;
    size_t header_count;
};

/*
 * Promise an answer for later, in the handler.  From then on the exchange belongs to whoever is to
 * answer it, on whatever thread, and must be answered exactly once, also when nobody wants the
 * answer any more.
 */
void http_park(struct http_exchange *exchange);

/* Any thread.  The exchange must not be used afterwards. */
void http_answer(struct http_exchange *exchange, const struct http_response *response);

/* The same for an error: its HTTP status, its reason and its public text. */
void http_answer_err(struct http_exchange *exchange, const struct err *err);

#endif
