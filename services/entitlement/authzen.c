/* SPDX-License-Identifier: Apache-2.0 */
/* The AuthZEN door: routes, and the thread on which requests wait. */
#include "entitlement/authzen.h"

#include "base/log.h"
#include "base/mailbox.h"
#include "base/memory.h"
#include "base/thread.h"
#include "entitlement/authzen_read.h"
#include "entitlement/authzen_write.h"
#include "interceptors/http_caller.h"
#include "interceptors/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

enum { ARENA_BYTES = 8 * 1024, IDLE_MS = 60 * 1000 };

struct request;

struct authzen {
    struct authzen_options options;
    struct http_callers *callers;
    struct mailbox mailbox;
    pthread_t thread;
    atomic_bool is_stopping;
    struct request *first, *last; /* what waits, oldest first: the thread's */
};

/* What varies from one route to the other. */
struct operation {
    const char *name; /* in records and in the log */
    bool (*read)(struct span body, struct arena *arena, struct authzen_questions *ret_questions,
                 struct err *err);
};

static const struct operation evaluation = {"access/v1/evaluation", authzen_read_evaluation};
static const struct operation evaluations = {"access/v1/evaluations", authzen_read_evaluations};

/* One request, in its arena, which is its run's while it waits. */
struct request {
    struct authzen *door;
    struct http_exchange *exchange;
    const struct operation *operation;
    const struct caller *caller; /* NULL while it is not known */
    const struct budget *held;   /* to be given back to */
    bool has_permit;
    int64_t started_ns;
    struct trace trace;

    struct check_run *run; /* while it waits */
    struct task begin;
    int64_t deadline_ms;
    struct request *next, *previous;
};

/* ---- Answers ---- */

static void log_end(const struct request *request, int status, const struct err *err)
{
    enum err_level level = err_log_level(err->code);

    if (!log_is_on(level))
        return;
    log_write(level, "authzen.call", err->code == ERR_OK ? "answered" : "refused",
              (const struct log_field[]){
                  log_text("method", request->operation->name),
                  log_span("caller", request->caller ? request->caller->id : span_text("")),
                  log_number("status", status),
                  log_text("reason", err_reason(err->code)),
                  log_text("field", err->field),
                  log_text("detail", err->detail),
                  log_text("request", http_request_id(request->exchange)),
                  log_text("trace", request->trace.id),
                  log_text("span", request->trace.span),
                  log_number("us", (clock_now_ns() - request->started_ns) / 1000),
                  {0},
              });
}

static void conclude(struct request *request)
{
    if (request->held)
        budget_give_call(request->held);
    if (request->has_permit)
        rpc_server_give_permit(request->door->options.rpc);
}

static void answer(struct request *request, const struct check_order *order, struct arena *arena)
{
    const struct err none = ERR_NONE;

    conclude(request);
    log_end(request, 200, &none);
    http_answer(request->exchange,
                &(struct http_response){
                    .status = 200,
                    .content_type = "application/json",
                    .body = authzen_answer_text(order, request->caller->disclose, arena)});
}

enum { HEADER_VALUE_MAX = 24 };

/* The one header that an error brings along; false: none.  Of the budgets only that of a rate says
 * when it has something again. */
static bool header_of(const struct request *request, enum err_code code,
                      char value[static HEADER_VALUE_MAX], struct http_header_line *ret_header)
{
    int64_t wait_ms = 1000;

    if (code == ERR_UNAUTHENTICATED) {
        *ret_header = (struct http_header_line){"WWW-Authenticate", "Bearer"};
        return true;
    }
    if (code == ERR_BUDGET_RATE)
        wait_ms = budget_wait_ms(request->caller->budget, clock_now_ns());
    else if (err_http_status(code) != 503)
        return false;
    snprintf(value, HEADER_VALUE_MAX, "%" PRId64, (wait_ms + 999) / 1000);
    *ret_header = (struct http_header_line){"Retry-After", value};
    return true;
}

static void fail(struct request *request, const struct err *err, struct arena *arena)
{
    const struct caller_refusal refusal = {
        .caller = request->caller ? request->caller->id : span_of(NULL, 0),
        .method = span_text(request->operation->name),
        .started_ns = request->started_ns,
        .code = err->code,
    };
    struct http_response response = {
        .status = err_http_status(err->code),
        .content_type = "application/json",
        .body = authzen_error_text(err, arena),
    };
    char value[HEADER_VALUE_MAX];
    struct http_header_line header;

    if (header_of(request, err->code, value, &header)) {
        response.headers = &header;
        response.header_count = 1;
    }
    conclude(request);
    if (http_callers_note(request->door->callers, &refusal))
        log_end(request, response.status, err);
    http_answer(request->exchange, &response);
}

/* ---- Waiting: on the door's thread ---- */

static void link_last(struct authzen *door, struct request *request)
{
    request->previous = door->last;
    if (door->last)
        door->last->next = request;
    else
        door->first = request;
    door->last = request;
}

static void unlink_request(struct authzen *door, struct request *request)
{
    if (request->previous)
        request->previous->next = request->next;
    else
        door->first = request->next;
    if (request->next)
        request->next->previous = request->previous;
    else
        door->last = request->previous;
}

static void on_done(struct check_run *run)
{
    struct request *request = run->owner;

    if (request) {
        unlink_request(request->door, request);
        if (run->is_ok)
            answer(request, &run->order, &run->arena);
        else
            fail(request, &run->err, &run->arena);
    }
    check_run_free(run);
}

static void begin_waiting(struct task *task)
{
    struct request *request = CONTAINER_OF(task, struct request, begin);

    link_last(request->door, request);
    check_run_go(request->run);
}

/* The run takes its late results, and frees itself and the request with the last of them. */
static void give_up(struct request *request, enum err_code code, const char *why)
{
    struct arena arena;
    struct err err;

    err_set(&err, code, "%s", why);
    unlink_request(request->door, request);
    arena_init(&arena, ARENA_BYTES);
    fail(request, &err, &arena);
    arena_release(&arena);
    check_run_abandon(request->run);
}

static int64_t now_ms(const struct authzen *door)
{
    return clock_monotonic_ms(entitlement_options(door->options.entitlement)->clock);
}

static void *run(void *argument)
{
    struct authzen *door = argument;

    while (!atomic_load(&door->is_stopping)) {
        int64_t idle_ms = door->first ? door->first->deadline_ms - now_ms(door) : IDLE_MS;

        mailbox_wait(&door->mailbox, idle_ms > 0 ? idle_ms : 0);
        while (door->first && door->first->deadline_ms <= now_ms(door))
            give_up(door->first, ERR_DEADLINE, "store or log did not answer in time");
    }
    return NULL;
}

/* Runs go on where their results are posted: so they begin there as well. */
static void wait(struct request *request, const struct check_order *order, struct arena arena)
{
    struct authzen *door = request->door;

    request->run = check_run_new(order, arena, &door->mailbox.inbox, on_done, request);
    request->deadline_ms = now_ms(door) + door->options.deadline_ms;
    request->begin.run = begin_waiting;
    http_park(request->exchange);
    inbox_post(&door->mailbox.inbox, &request->begin);
}

/* ---- Requests: on an HTTP thread ---- */

static struct request *request_new(struct authzen *door, struct http_exchange *exchange,
                                   const struct operation *operation, struct arena *arena)
{
    struct request *request = arena_new(arena, struct request);

    request->door = door;
    request->exchange = exchange;
    request->operation = operation;
    request->started_ns = clock_now_ns();
    return request;
}

static bool find_caller(struct request *request, struct arena *arena, struct err *err)
{
    return http_callers_find(request->door->callers, request->exchange, ROLE_CHECKER, arena,
                             &request->caller, err);
}

/* As much as a call needs that came in over gRPC. */
static bool take_place(struct request *request, struct err *err)
{
    struct rpc_server *rpc = request->door->options.rpc;
    const struct budget *budget = request->caller->budget;

    if (rpc && !rpc_server_take_permit(rpc))
        return err_set(err, ERR_OVERLOADED, "as many calls in flight as there may be");
    request->has_permit = rpc != NULL;
    if (budget && !budget_take_call(budget, request->started_ns, err))
        return false;
    request->held = budget;
    return true;
}

/* RFC 9110, 8.3.1; what parameters say of JSON means nothing (RFC 8259, 11). */
static bool check_content_type(const struct http_exchange *exchange, struct err *err)
{
    static const char json[] = "application/json";
    const char *type = http_header(exchange, "Content-Type");

    if (type && strcspn(type, "; \t") == strlen(json) && strncasecmp(type, json, strlen(json)) == 0)
        return true;
    return err_field(err, ERR_MESSAGE_MALFORMED, "content-type", "not application/json");
}

static bool read_order(struct request *request, struct arena *arena, struct check_order *ret_order,
                       struct err *err)
{
    const struct caller *caller = request->caller;
    struct authzen_questions questions;

    if (!check_content_type(request->exchange, err) ||
        !request->operation->read(http_body(request->exchange), arena, &questions, err))
        return false;
    *ret_order = (struct check_order){
        .entitlement = request->door->options.entitlement,
        .caller = caller->id,
        .method = span_text(request->operation->name),
        .limits = caller->limits,
        .budget = caller->budget,
        .inputs = questions.inputs,
        .count = questions.count,
        .ends = questions.ends,
        .is_batch = questions.is_batch,
        .is_terse = caller->disclose == DISCLOSE_DECISION,
        .worker_index = METRICS_NO_WORKER,
        .started_ns = request->started_ns,
    };
    return true;
}

static void note_trace(struct request *request)
{
    const char *traceparent = http_header(request->exchange, "traceparent");

    if (traceparent)
        (void)trace_parse(span_text(traceparent), &request->trace);
}

/* True when the arena is the run's. */
static bool decide(struct request *request, struct arena *arena)
{
    struct check_order order;
    struct err err;
    bool is_known = find_caller(request, arena, &err), is_ok;

    http_callers_wipe(request->exchange);
    note_trace(request);
    if (!is_known || !take_place(request, &err) || !read_order(request, arena, &order, &err)) {
        fail(request, &err, arena);
        return false;
    }
    if (!check_try(&order, arena, &is_ok, &err)) {
        wait(request, &order, *arena);
        return true;
    }
    if (is_ok)
        answer(request, &order, arena);
    else
        fail(request, &err, arena);
    check_order_release(&order);
    return false;
}

static void handle(struct http_exchange *exchange, struct authzen *door,
                   const struct operation *operation)
{
    struct arena arena;

    arena_init(&arena, ARENA_BYTES);
    if (!decide(request_new(door, exchange, operation, &arena), &arena))
        arena_release(&arena);
}

/* Nobody's body is taken in.  Whose it is may be another matter when it is there: it is asked
 * again.
 */
static void admit(struct http_exchange *exchange, struct authzen *door,
                  const struct operation *operation)
{
    struct request *request;
    struct arena arena;
    struct err err;

    arena_init(&arena, ARENA_BYTES);
    request = request_new(door, exchange, operation, &arena);
    if (!find_caller(request, &arena, &err)) {
        http_callers_wipe(exchange);
        fail(request, &err, &arena);
    }
    arena_release(&arena);
}

static void post_evaluation(struct http_exchange *exchange, void *door)
{
    handle(exchange, door, &evaluation);
}

static void admit_evaluation(struct http_exchange *exchange, void *door)
{
    admit(exchange, door, &evaluation);
}

static void post_evaluations(struct http_exchange *exchange, void *door)
{
    handle(exchange, door, &evaluations);
}

static void admit_evaluations(struct http_exchange *exchange, void *door)
{
    admit(exchange, door, &evaluations);
}

static void get_configuration(struct http_exchange *exchange, void *owner)
{
    const struct authzen *door = owner;
    struct arena arena;

    arena_init(&arena, ARENA_BYTES);
    http_answer(exchange, &(struct http_response){
                              .status = 200,
                              .content_type = "application/json",
                              .cache_control = "public, max-age=300",
                              .body = authzen_configuration_text(door->options.url, &arena)});
    arena_release(&arena);
}

static const struct http_route routes[] = {
    {
        .method = HTTP_POST,
        .path = "/access/v1/evaluation",
        .handle = post_evaluation,
        .body_bytes_max = AUTHZEN_EVALUATION_BYTES_MAX,
        .admit = admit_evaluation,
    },
    {
        .method = HTTP_POST,
        .path = "/access/v1/evaluations",
        .handle = post_evaluations,
        .body_bytes_max = AUTHZEN_EVALUATIONS_BYTES_MAX,
        .admit = admit_evaluations,
    },
    {
        .method = HTTP_GET,
        .path = "/.well-known/authzen-configuration",
        .handle = get_configuration,
    },
};

struct http_group authzen_group(struct authzen *authzen)
{
    return (struct http_group){routes, ARRAY_LEN(routes), authzen};
}

/* ---- Life ---- */

struct authzen *authzen_new(const struct authzen_options *options)
{
    struct authzen *door = memory_new(struct authzen);

    door->options = *options;
    door->callers = http_callers_new(
        &(struct http_callers_options){.caller = options->caller, .has_local = options->has_local});
    mailbox_init(&door->mailbox);
    thread_start(&door->thread, "authzen", run, door);
    return door;
}

void authzen_stop(struct authzen *authzen)
{
    if (!authzen)
        return;
    atomic_store(&authzen->is_stopping, true);
    mailbox_wake(&authzen->mailbox);
    pthread_join(authzen->thread, NULL);
    while (inbox_run(&authzen->mailbox.inbox) > 0)
        continue;
    while (authzen->first)
        give_up(authzen->first, ERR_DRAINING, "the server stops");
}

void authzen_free(struct authzen *authzen)
{
    if (!authzen)
        return;
    while (inbox_run(&authzen->mailbox.inbox) > 0)
        continue;
    mailbox_release(&authzen->mailbox);
    http_callers_free(authzen->callers);
    memory_free(authzen);
}
