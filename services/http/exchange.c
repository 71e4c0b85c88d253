/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges: taking a request in, handing it to its handler, waiting for the answer. */
#include "http/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/secret.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

/* Of a body that is not kept: read so far, so that the client gets to see why; then
 * the connection is closed on it. */
enum { DISCARD_BYTES_MAX = 256 * 1024 };

_Static_assert(RANDOM_ID_MAX <= HTTP_REQUEST_ID_MAX + 1, "an id of our own does not fit");

static void list_add(struct exchange_list *list, struct http_exchange *exchange)
{
    pthread_mutex_lock(&list->lock);
    exchange->next = list->first;
    if (exchange->next)
        exchange->next->previous = exchange;
    list->first = exchange;
    pthread_mutex_unlock(&list->lock);
}

static void list_remove(struct exchange_list *list, struct http_exchange *exchange)
{
    pthread_mutex_lock(&list->lock);
    if (exchange->next)
        exchange->next->previous = exchange->previous;
    if (exchange->previous)
        exchange->previous->next = exchange->next;
    else
        list->first = exchange->next;
    if (!list->first)
        pthread_cond_broadcast(&list->is_empty);
    pthread_mutex_unlock(&list->lock);
}

static void unref(struct http_exchange *exchange)
{
    if (atomic_fetch_sub(&exchange->references, 1) > 1)
        return;
    memory_free(exchange->body);
    memory_free(exchange);
}

static void choose_request_id(struct http_exchange *exchange)
{
    static const char presentable[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789-_.";
    const char *given = http_header(exchange, "X-Request-ID");
    size_t length = given ? strlen(given) : 0;

    if (length > 0 && length <= HTTP_REQUEST_ID_MAX && strspn(given, presentable) == length)
        memcpy(exchange->request_id, given, length + 1);
    else
        random_id(exchange->request_id);
}

struct framing {
    unsigned lengths;
    unsigned encodings;
    unsigned hosts;
    bool is_chunked;
    uint64_t length;
};

static enum MHD_Result note_framing(void *closure, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct framing *framing = closure;

    (void)kind;
    if (strcasecmp(name, "Content-Length") == 0) {
        framing->lengths++;
        framing->length = value ? strtoull(value, NULL, 10) : 0;
    }
    if (strcasecmp(name, "Transfer-Encoding") == 0) {
        framing->encodings++;
        framing->is_chunked = value && strcasecmp(value, "chunked") == 0;
    }
    framing->hosts += strcasecmp(name, "Host") == 0;
    return MHD_YES;
}

/* RFC 9112, 6.3 and 3.2: what two parsers could understand differently is not understood at all. */
static bool is_ambiguous(const struct framing *framing)
{
    return framing->lengths + framing->encodings > 1 || framing->hosts > 1 ||
           (framing->encodings > 0 && !framing->is_chunked);
}

/* With the header alone; 0 when there is nothing against the request. */
static int refusal_of(const struct http_exchange *exchange, const struct framing *framing)
{
    const struct http_route *route = exchange->match.route;
    bool has_body = framing->length > 0 || framing->encodings > 0;

    if (is_ambiguous(framing))
        return 400;
    if (!exchange->match.is_path_known)
        return 404;
    if (!route)
        return 405;
    if (framing->length > route->body_bytes_max || (has_body && route->body_bytes_max == 0))
        return 413;
    return 0;
}

static struct http_exchange *begin(const struct http_daemon *daemon, struct MHD_Connection *mhd,
                                   const char *url, const char *method)
{
    struct exchange_home *home = daemon->home;
    struct http_exchange *exchange = memory_new(struct http_exchange);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    atomic_init(&exchange->references, 1);
    atomic_init(&exchange->state, EXCHANGE_RECEIVING);
    exchange->home = home;
    exchange->daemon = daemon;
    exchange->mhd = mhd;
    exchange->connection = info->socket_context;
    exchange->match = router_find(&home->router, method, url);
    if (exchange->match.route)
        memcpy(exchange->parameter, exchange->match.parameter.data,
               exchange->match.parameter.length);
    exchange->started_ns = clock_now_ns();
    choose_request_id(exchange);
    list_add(&home->exchanges, exchange);
    return exchange;
}

static enum MHD_Result queue(struct http_exchange *exchange)
{
    struct exchange_home *home = exchange->home;
    enum MHD_Result result;

    connection_enter(home->connections, exchange->connection, CONNECTION_SENDS, home->send_ms_max);
    result = MHD_queue_response(exchange->mhd, (unsigned)exchange->status, exchange->response);
    MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    return result;
}

/* Whoever is refused here is told when his body is through: else he would write into a connection
 * that is closed, and not read why. */
static void admit(struct http_exchange *exchange)
{
    const struct http_route *route = exchange->match.route;

    if (!route->admit || atomic_load(&exchange->home->is_stopping))
        return;
    atomic_store(&exchange->state, EXCHANGE_HANDLING);
    route->admit(exchange, exchange->match.owner);
    if (atomic_load(&exchange->state) == EXCHANGE_HANDLING)
        atomic_store(&exchange->state, EXCHANGE_RECEIVING);
}

/* After the header, before the body. */
static enum MHD_Result receive_header(const struct http_daemon *daemon, struct MHD_Connection *mhd,
                                      const char *url, const char *method, void **ret_exchange)
{
    struct http_exchange *exchange = begin(daemon, mhd, url, method);
    struct framing framing = {0};
    char allow[ROUTER_ALLOW_MAX];
    int refusal;

    *ret_exchange = exchange;
    MHD_get_connection_values(mhd, MHD_HEADER_KIND, note_framing, &framing);
    refusal = refusal_of(exchange, &framing);
    if (refusal == 0) {
        admit(exchange);
        return MHD_YES;
    }
    exchange->must_close = refusal == 400 || framing.length > 0 || framing.encodings > 0;
    exchange_build_plain(exchange, refusal,
                         refusal == 405 ? router_allow(&exchange->match, allow) : NULL);
    return queue(exchange);
}

static enum MHD_Result discard(struct http_exchange *exchange, size_t *length)
{
    exchange->discarded += *length;
    *length = 0;
    return exchange->discarded > DISCARD_BYTES_MAX ? MHD_NO : MHD_YES;
}

/* False: all bodies together have as much memory as they may have. */
static bool grow_body(struct http_exchange *exchange, size_t capacity)
{
    struct exchange_home *home = exchange->home;
    size_t more = capacity - exchange->body_capacity;

    if (atomic_fetch_add(&home->bodies_bytes, more) + more > home->bodies_bytes_max) {
        atomic_fetch_sub(&home->bodies_bytes, more);
        return false;
    }
    exchange->body = memory_grow(exchange->body, capacity, 1);
    exchange->body_capacity = capacity;
    return true;
}

static enum MHD_Result receive_body(struct http_exchange *exchange, const char *bytes,
                                    size_t *length)
{
    size_t maximum = exchange->match.route->body_bytes_max, needed;

    if (atomic_load(&exchange->state) == EXCHANGE_ANSWERED)
        return discard(exchange, length);
    if (exchange->body_refusal == 0 && *length > maximum - exchange->body_length)
        exchange->body_refusal = 413;
    needed = exchange->body_length + *length;
    if (exchange->body_refusal == 0 && needed > exchange->body_capacity &&
        !grow_body(exchange, needed > maximum / 2 ? maximum : 2 * needed))
        exchange->body_refusal = 429;
    if (exchange->body_refusal != 0)
        return discard(exchange, length);
    memcpy(exchange->body + exchange->body_length, bytes, *length);
    exchange->body_length = needed;
    *length = 0;
    return MHD_YES;
}

static enum MHD_Result handle(struct http_exchange *exchange)
{
    struct exchange_home *home = exchange->home;

    connection_enter(home->connections, exchange->connection, CONNECTION_WAITS, 0);
    if (exchange->body_refusal != 0) {
        exchange->must_close = true;
        exchange_build_plain(exchange, exchange->body_refusal, NULL);
        return queue(exchange);
    }
    if (atomic_load(&home->is_stopping)) {
        exchange_build_plain(exchange, 503, NULL);
        return queue(exchange);
    }
    atomic_store(&exchange->state, EXCHANGE_HANDLING);
    exchange->match.route->handle(exchange, exchange->match.owner);
    if (atomic_load(&exchange->state) == EXCHANGE_HANDLING) {
        LOG(ERROR, "http.unanswered", "a handler neither answered nor parked",
            log_text("route", exchange->match.route->path));
        exchange_build_plain(exchange, 500, NULL);
        atomic_store(&exchange->state, EXCHANGE_ANSWERED);
    } else if (exchange->is_parked) {
        return MHD_YES; /* called again when it is answered, also if it is by now */
    }
    return queue(exchange);
}

enum MHD_Result exchange_on_request(void *daemon, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_length, void **ret_exchange)
{
    struct http_exchange *exchange = *ret_exchange;

    (void)version;
    if (!exchange)
        return receive_header(daemon, mhd, url, method, ret_exchange);
    if (*upload_length > 0)
        return receive_body(exchange, upload, upload_length);
    if (atomic_load(&exchange->state) == EXCHANGE_RECEIVING)
        return handle(exchange);
    return queue(exchange);
}

static void observe(const struct http_exchange *exchange)
{
    const struct exchange_home *home = exchange->home;

    if (!home->observe)
        return;
    home->observe(home->observer,
                  &(struct http_observation){
                      .route = exchange->match.route ? exchange->match.route->path : NULL,
                      .status = exchange->status,
                      .duration_ns = clock_now_ns() - exchange->started_ns,
                      .request_id = exchange->request_id,
                  });
}

void exchange_on_completed(void *closure, struct MHD_Connection *mhd, void **ret_exchange,
                           enum MHD_RequestTerminationCode code)
{
    struct exchange_home *home = closure;
    struct http_exchange *exchange = *ret_exchange;

    (void)mhd, (void)code;
    if (!exchange)
        return;
    *ret_exchange = NULL;
    /* The daemon may be stopped once this one is off the list, and the other thread must have left
     * the library by then: a few instructions. */
    while (atomic_load(&exchange->state) == EXCHANGE_ANSWERING)
        sched_yield();
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    observe(exchange);
    atomic_fetch_sub(&home->bodies_bytes, exchange->body_capacity);
    connection_enter(home->connections, exchange->connection, CONNECTION_RECEIVES,
                     home->receive_ms_max);
    list_remove(&home->exchanges, exchange);
    unref(exchange);
}

void http_park(struct http_exchange *exchange)
{
    exchange->is_parked = true;
    atomic_fetch_add(&exchange->references, 1);
    MHD_suspend_connection(exchange->mhd);
    atomic_store(&exchange->state, EXCHANGE_PARKED);
}

/* True for the one who may answer. */
static bool claim(struct http_exchange *exchange)
{
    enum exchange_state parked = EXCHANGE_PARKED;

    return atomic_compare_exchange_strong(&exchange->state, &parked, EXCHANGE_ANSWERING);
}

static void resume(struct http_exchange *exchange)
{
    MHD_resume_connection(exchange->mhd);
    atomic_store(&exchange->state, EXCHANGE_ANSWERED);
}

void http_answer(struct http_exchange *exchange, const struct http_response *response)
{
    if (atomic_load(&exchange->state) == EXCHANGE_HANDLING) {
        exchange_build_response(exchange, response);
        atomic_store(&exchange->state, EXCHANGE_ANSWERED);
        return;
    }
    if (claim(exchange)) {
        exchange_build_response(exchange, response);
        resume(exchange);
    }
    unref(exchange);
}

void exchanges_abandon(struct exchange_list *exchanges)
{
    pthread_mutex_lock(&exchanges->lock);
    for (struct http_exchange *e = exchanges->first; e; e = e->next) {
        if (!claim(e))
            continue;
        exchange_build_plain(e, 503, NULL);
        resume(e);
    }
    pthread_mutex_unlock(&exchanges->lock);
}

bool exchanges_wait(struct exchange_list *exchanges, unsigned ms_max)
{
    int64_t until_ns = clock_now_ns() + (int64_t)ms_max * 1000000;
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    bool is_empty;

    pthread_mutex_lock(&exchanges->lock);
    while (exchanges->first)
        if (pthread_cond_timedwait(&exchanges->is_empty, &exchanges->lock, &until) == ETIMEDOUT)
            break;
    is_empty = exchanges->first == NULL;
    pthread_mutex_unlock(&exchanges->lock);
    return is_empty;
}

struct span http_parameter(const struct http_exchange *exchange)
{
    return span_of(exchange->parameter, exchange->match.parameter.length);
}

struct span http_body(const struct http_exchange *exchange)
{
    return span_of(exchange->body, exchange->body_length);
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

/* libmicrohttpd hands out values of its connection's own buffer as constant; nobody else reads
 * them. */
void http_wipe_header(struct http_exchange *exchange, const char *name)
{
    char *value = (char *)(uintptr_t)http_header(exchange, name);

    if (value)
        secret_wipe(value, strlen(value));
}

const char *http_request_id(const struct http_exchange *exchange)
{
    return exchange->request_id;
}
