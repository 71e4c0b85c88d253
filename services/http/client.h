/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client: one request and its response, on the thread that asks.
 *
 * It goes where it is told and nowhere else: https, and http only to loopback; the certificate is
 * verified and must name the host; redirects are not followed, no proxy, netrc or cookie is used,
 * whatever the environment says; HTTP/1.1, TLS 1.2 at least.  Connections are kept between the
 * requests of one client, which belongs to one thread at a time.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/arena.h"
#include "http/http.h"

#include <stdatomic.h>

struct http_client;

struct http_client_options {
    const char *ca_file; /* authorities in PEM, the only ones then; NULL: those of the system */
    int64_t connect_timeout_ms;      /* name, connection and handshake */
    const atomic_bool *is_cancelled; /* or NULL; ends a request about a second after it is set */
};

/* What `options` points to must outlive the client. */
struct http_client *http_client_new(const struct http_client_options *options);
/* NULL is allowed. */
void http_client_free(struct http_client *client);

enum http_client_method {
    HTTP_CLIENT_GET,
    HTTP_CLIENT_HEAD,
    HTTP_CLIENT_PUT,
    HTTP_CLIENT_POST,
};

/* AWS Signature Version 4: over method, path, all headers and the digest of the body. */
struct http_aws_identity {
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token; /* "": none */
    const char *region;
    const char *service; /* "s3" */
};

struct http_request {
    enum http_client_method method;
    const char *url;
    const struct http_header_line *headers;
    size_t header_count;
    struct span body;
    const char *body_file;   /* instead of `body`, or NULL: a file that does not change */
    const char *body_sha256; /* in hex; needed for a file that is signed */
    const struct http_aws_identity *aws; /* or NULL */
    int64_t timeout_ms;                  /* of the whole */
    size_t response_bytes_max;
    /* Or NULL: takes the body of the response piece by piece, instead of the arena. */
    void (*take)(void *context, struct span piece);
    void *context;
};

struct http_reply {
    int status;
    struct span body; /* in the arena */
};

/*
 * Any status is an answer.  CONFIG_INVALID: it may not go to that URL; DEADLINE; CANCELLED;
 * MESSAGE_TOO_LARGE: the response is longer than allowed; IO: everything else, and why.
 */
MUST_CHECK bool http_client_send(struct http_client *client, const struct http_request *request,
                                 struct arena *arena, struct http_reply *ret_reply,
                                 struct err *err);

/* A header of the last response, until the next request; NULL when there is none. */
const char *http_client_header(struct http_client *client, const char *name);

#endif
