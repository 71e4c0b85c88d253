/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange from the inside: a request on its way in, and its response on its way out. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/connections.h"
#include "http/router.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/*
 * RECEIVING → HANDLING → ANSWERED, or HANDLING → PARKED → ANSWERING → ANSWERED.  Who moves it from
 * PARKED to ANSWERING is the one who answers: the handler's promise, or the server that stops.
 */
enum exchange_state {
    EXCHANGE_RECEIVING,
    EXCHANGE_HANDLING,
    EXCHANGE_PARKED,
    EXCHANGE_ANSWERING, /* another thread is inside MHD_resume_connection() */
    EXCHANGE_ANSWERED,
};

struct http_daemon;

struct exchange_list {
    pthread_mutex_t lock;
    pthread_cond_t is_empty;
    struct http_exchange *first;
};

/* What the exchanges of a server share. */
struct exchange_home {
    struct router router;
    struct connections *connections;
    struct exchange_list exchanges;
    unsigned receive_ms_max;
    unsigned send_ms_max;
    size_t bodies_bytes_max;
    atomic_size_t bodies_bytes; /* held for bodies */
    void (*observe)(void *owner, const struct http_observation *observation);
    void *observer;
    atomic_bool is_quiescing; /* connections end with their response */
    atomic_bool is_stopping;  /* no handler is called any more */
};

struct http_exchange {
    atomic_uint references; /* libmicrohttpd's, and that of who is to answer a parked one */
    _Atomic enum exchange_state state;
    struct exchange_home *home;
    const struct http_daemon *daemon; /* that its connection belongs to */
    struct http_exchange *next;
    struct http_exchange *previous;
    struct MHD_Connection *mhd;
    struct connection *connection;
    struct router_match match;
    char parameter[HTTP_PARAMETER_MAX]; /* a copy: it outlives the connection while parked */
    bool is_parked;                     /* or was */
    bool must_close;
    int body_refusal; /* the status, for a body that is not kept; 0: it is */
    uint8_t *body;
    size_t body_length;
    size_t body_capacity;
    size_t discarded; /* of a body that nobody reads */
    char request_id[HTTP_REQUEST_ID_MAX + 1];
    int64_t started_ns;
    struct MHD_Response *response;
    int status;
};

/* Callbacks of libmicrohttpd; their closures are the daemon and the home. */
enum MHD_Result exchange_on_request(void *daemon, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_length, void **exchange);
void exchange_on_completed(void *home, struct MHD_Connection *mhd, void **exchange,
                           enum MHD_RequestTerminationCode code);

/* Answer with 503 whatever is parked. */
void exchanges_abandon(struct exchange_list *exchanges);

/* Until there are none, but no longer than `ms_max`; false when there still are some. */
bool exchanges_wait(struct exchange_list *exchanges, unsigned ms_max);

/* A response in the making, also for exchanges that are not parked (response.c). */
void exchange_build_response(struct http_exchange *exchange, const struct http_response *response);
/* What the server says by itself: status, its usual phrase as the body, `Allow` or NULL. */
void exchange_build_plain(struct http_exchange *exchange, int status, const char *allow);

#endif
