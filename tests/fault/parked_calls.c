/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A million parked calls, at most ten thousand at once: parked_calls [N].
 *
 * Each is completed from another thread; one in three is cancelled by the client, one in three runs
 * into its deadline, and a part of both while its completion is on its way.  Every call carries a
 * number.  None is lost, none is answered twice or with another's number.  They come in rounds:
 * after each, when every call is over, what is still allocated is counted, and it does not grow
 * with the calls that have been.  (Resident memory follows the most calls that were open
 * at once, and malloc keeps it.)  How late deadlines fired is printed.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "fault/live_memory.h"
#include "rpc/call.h"
#include "testing.pb-c.h"
#include "unit/rpc/core_client.h"
#include "unit/rpc/echo_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CALLS_DEFAULT 100000
#else
#define CALLS_DEFAULT 1000000
#endif

enum {
    AT_ONCE = 10000,
    ON_THEIR_WAY = 512, /* to the server: a call that waits in core is no parked call */
    SLOTS = 1 << 16,    /* numbers of calls that are open lie closer together than this */
    WAIT_MS = 500,      /* until a client cancels, a deadline passes, a racing result comes */
    RACES_ONE_IN = 16,  /* of those that will be cancelled or late */
    SURE_MS = 120000,   /* the deadline of those that shall be answered */
    ROUNDS = 10,
    FULL_AFTER = 3, /* rounds: by then what is kept for the next call has its full size */
};

/*
 * Of what is live after the last round, over what was after FULL_AFTER: a call in two hundred that
 * left a piece behind fails.  Bytes are told less exactly, because arrays that double (core's heaps
 * of timers) follow the most calls ever open at once.
 */
static const size_t growth_bytes_max = 2 << 20;

static size_t growth_pieces_max(uint64_t count)
{
    return 1000 + (size_t)count / 200;
}

enum fate { ANSWERED, CANCELLED, LATE };

#define EXPECT(condition)                                                   \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

static enum fate fate_of(uint64_t number)
{
    return (enum fate)(number % 3);
}

static bool is_race(uint64_t number)
{
    return number / 3 % RACES_ONE_IN == 0;
}

/* The server: what a call is parked for. */

struct held {
    struct task done;
    struct inbox *inbox;
    struct rpc_call *call; /* the worker's; NULL when abandoned */
    uint64_t number;
    int64_t parked_ns;
    int64_t deadline_ms;
    struct held *next;
};

/* A queue from the workers to the completer, oldest first. */
struct queue {
    pthread_mutex_t mutex;
    struct held *first, **last;
};

static struct queue at_once = {PTHREAD_MUTEX_INITIALIZER, NULL, &at_once.first};
static struct queue after_a_while = {PTHREAD_MUTEX_INITIALIZER, NULL, &after_a_while.first};
static atomic_bool is_over;
static atomic_ulong parked, unparked, answered, dropped;
static int32_t *late_us; /* of deadlines that the server itself found */
static atomic_size_t late_count;
static size_t late_max;

static void enqueue(struct queue *queue, struct held *held)
{
    held->next = NULL;
    pthread_mutex_lock(&queue->mutex);
    *queue->last = held;
    queue->last = &held->next;
    pthread_mutex_unlock(&queue->mutex);
}

/* Post everything that has been held for so long. */
static void complete(struct queue *queue, int64_t least_ns)
{
    int64_t now_ns = clock_now_ns();
    struct held *held;

    for (;;) {
        pthread_mutex_lock(&queue->mutex);
        held = queue->first;
        if (held && now_ns - held->parked_ns >= least_ns) {
            queue->first = held->next;
            if (!queue->first)
                queue->last = &queue->first;
        } else {
            held = NULL;
        }
        pthread_mutex_unlock(&queue->mutex);
        if (!held)
            return;
        inbox_post(held->inbox, &held->done);
    }
}

static void *run_completer(void *argument)
{
    (void)argument;
    while (!is_over) {
        complete(&at_once, 0);
        complete(&after_a_while, WAIT_MS * INT64_C(1000000));
        usleep(500);
    }
    return NULL;
}

static void on_done(struct task *task)
{
    struct held *held = CONTAINER_OF(task, struct held, done);
    Passgate__Testing__EchoResponse response = PASSGATE__TESTING__ECHO_RESPONSE__INIT;

    if (held->call) {
        response.number = held->number;
        rpc_call_reply(held->call, &response.base);
        atomic_fetch_add(&unparked, 1);
        atomic_fetch_add(&answered, 1);
    } else {
        atomic_fetch_add(&dropped, 1);
    }
    memory_free(held);
}

/* A race has its completion on its way already; for the others it is sent now, too late. */
static void on_abandoned(void *owner)
{
    struct held *held = owner;
    int64_t late_ns = clock_now_ns() - held->deadline_ms * 1000000;

    EXPECT(held->call);
    EXPECT(fate_of(held->number) != ANSWERED);
    held->call = NULL;
    atomic_fetch_add(&unparked, 1);
    if (fate_of(held->number) == LATE && late_ns >= 0) {
        size_t index = atomic_fetch_add(&late_count, 1);

        EXPECT(index < late_max);
        late_us[index] = (int32_t)(late_ns / 1000);
    }
    if (!is_race(held->number))
        enqueue(&at_once, held);
}

static void handle_park(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__Testing__EchoRequest *request = (const Passgate__Testing__EchoRequest *)message;
    struct held *held = memory_new(struct held);

    (void)context;
    held->done.run = on_done;
    held->inbox = rpc_call_inbox(call);
    held->call = call;
    held->number = request->number;
    held->parked_ns = clock_now_ns();
    held->deadline_ms = rpc_call_deadline_ms(call);
    atomic_fetch_add(&parked, 1);
    rpc_call_park(call, on_abandoned, held);
    if (fate_of(held->number) == ANSWERED)
        enqueue(&at_once, held);
    else if (is_race(held->number))
        enqueue(&after_a_while, held);
}

/* EchoService with Park as above, and EchoCold as a Park whose row has a short deadline. */
static struct rpc_server *start_server(void)
{
    static struct rpc_method rows[16];
    struct rpc_service service = *echo_service();
    struct rpc_options options = echo_options();
    struct rpc_server *server;
    struct err err;

    memcpy(rows, service.methods, service.method_count * sizeof(rows[0]));
    for (size_t i = 0; i < service.method_count; i++) {
        bool is_park = strcmp(rows[i].name, "Park") == 0;

        rows[i].runs = RPC_RUNS_ON_WORKER; /* there is no executor */
        if (!is_park && strcmp(rows[i].name, "EchoCold") != 0)
            continue;
        rows[i].handle = handle_park;
        rows[i].deadline_cap_ms = is_park ? SURE_MS : WAIT_MS;
    }
    service.methods = rows;
    options.services = &service;
    options.service_count = 1;
    options.in_flight_max = 2 * AT_ONCE;
    EXPECT(rpc_server_start(&options, &server, &err));
    return server;
}

/* The client, on the main thread. */

struct slot {
    uint64_t number; /* 0: free */
    struct core_call *call;
    int64_t started_ns;
};

static struct slot slots[SLOTS];
static struct core_client *client;
static uint64_t started, ended, parked_at_most;
static uint64_t to_cancel = 1; /* all below have been dealt with */
static uint64_t ends[3][17];   /* by fate and status */

static void on_end(struct core_call *call, void *context)
{
    static const grpc_status_code statuses[] = {
        [ANSWERED] = GRPC_STATUS_OK,
        [CANCELLED] = GRPC_STATUS_CANCELLED,
        [LATE] = GRPC_STATUS_DEADLINE_EXCEEDED,
    };
    struct slot *slot = context;
    grpc_status_code status = core_call_status(call);
    const Passgate__Testing__EchoResponse *reply =
        (const Passgate__Testing__EchoResponse *)core_call_reply(
            call, &passgate__testing__echo_response__descriptor);
    enum fate fate = fate_of(slot->number);
    bool is_expected;

    EXPECT(slot->call == call && slot->number != 0);
    EXPECT((reply != NULL) == (status == GRPC_STATUS_OK));
    if (reply)
        EXPECT(reply->number == slot->number);
    is_expected = status == statuses[fate];
    if (fate != ANSWERED && is_race(slot->number) && status == GRPC_STATUS_OK)
        is_expected = true;
    if (!is_expected)
        fprintf(stderr, "call %" PRIu64 " ended after %" PRId64 " ms with status %d: %s\n",
                slot->number, (clock_now_ns() - slot->started_ns) / 1000000, (int)status,
                core_call_text(call));
    EXPECT(is_expected);
    ends[fate][status]++;
    ended++;
    *slot = (struct slot){0};
    core_call_free(call);
}

/* Half of those that shall be late have the row's deadline, half one of their own. */
static void start_call(uint64_t number)
{
    Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;
    bool is_late = fate_of(number) == LATE;
    bool is_rows = is_late && number % 2;
    struct slot *slot = &slots[number % SLOTS];

    request.number = number;
    *slot = (struct slot){.number = number, .started_ns = clock_now_ns()};
    slot->call =
        core_call_start(client, &(struct core_start){
                                    .path = is_rows ? "/passgate.testing.EchoService/EchoCold"
                                                    : "/passgate.testing.EchoService/Park",
                                    .message = &request.base,
                                    .deadline_ms = is_late && !is_rows ? WAIT_MS : SURE_MS,
                                    .on_done = on_end,
                                    .context = slot,
                                });
}

/* In the order in which they were started; one in eight at once, perhaps before it has arrived.
 */
static void cancel_due(void)
{
    int64_t now_ns = clock_now_ns();

    for (; to_cancel <= started; to_cancel++) {
        struct slot *slot = &slots[to_cancel % SLOTS];

        if (slot->number != to_cancel || fate_of(to_cancel) != CANCELLED)
            continue;
        if (to_cancel % 8 != 0 && now_ns - slot->started_ns < WAIT_MS * INT64_C(1000000))
            return;
        core_call_cancel(slot->call);
    }
}

static bool may_start(void)
{
    uint64_t gone = atomic_load(&unparked);
    uint64_t parked_now = atomic_load(&parked) - gone; /* read later: never too few */

    if (parked_now > parked_at_most)
        parked_at_most = parked_now;
    return started - ended < AT_ONCE && started - ended < parked_now + ON_THEIR_WAY &&
           slots[(started + 1) % SLOTS].number == 0;
}

/* Start, cancel and end calls until so many have ended. */
static void run_calls(uint64_t count)
{
    int64_t quiet_since_ns = clock_now_ns();

    while (ended < count) {
        uint64_t before = ended;

        for (int i = 0; i < 64 && started < count && may_start(); i++)
            start_call(++started);
        cancel_due();
        for (int i = 0; i < 64 && core_client_pump(client, i == 0); i++)
            continue;
        if (ended != before)
            quiet_since_ns = clock_now_ns();
        EXPECT(clock_now_ns() - quiet_since_ns < 60 * INT64_C(1000000000)); /* one is lost */
    }
}

/* The server's side may end a moment after the client's. */
static void wait_until_idle(struct rpc_server *server, struct rpc_stats *ret_stats)
{
    while (atomic_load(&answered) + atomic_load(&dropped) < atomic_load(&parked))
        usleep(1000);
    do
        rpc_server_get_stats(server, ret_stats);
    while (ret_stats->in_flight > 0 && !usleep(1000));
    EXPECT(ret_stats->parked == 0);
    while (core_client_pump(client, 100)) /* and core's, a moment after ours */
        continue;
}

static int by_size(const void *a, const void *b)
{
    return (*(const int32_t *)a > *(const int32_t *)b) -
           (*(const int32_t *)a < *(const int32_t *)b);
}

static void report(uint64_t count)
{
    size_t late = atomic_load(&late_count);

    qsort(late_us, late, sizeof(late_us[0]), by_size);
    printf("%" PRIu64 " calls: %" PRIu64 " answered, %" PRIu64 " cancelled, %" PRIu64 " late\n",
           count, ends[0][GRPC_STATUS_OK] + ends[1][GRPC_STATUS_OK] + ends[2][GRPC_STATUS_OK],
           ends[CANCELLED][GRPC_STATUS_CANCELLED], ends[LATE][GRPC_STATUS_DEADLINE_EXCEEDED]);
    printf("%lu were parked, %" PRIu64 " at once; results: %lu answered, %lu dropped\n",
           atomic_load(&parked), parked_at_most, atomic_load(&answered), atomic_load(&dropped));
    printf("deadlines fired late by: p50 %d us, p99 %d us, max %d us\n",
           late ? late_us[late / 2] : 0, late ? late_us[late * 99 / 100] : 0,
           late ? late_us[late - 1] : 0);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : CALLS_DEFAULT;
    struct rpc_server *server = start_server();
    struct live_memory live[ROUNDS + 1];
    struct rpc_stats stats;
    pthread_t completer;
    char target[64];

    late_max = count / 3 + 1;
    late_us = memory_new_array(int32_t, late_max);
    snprintf(target, sizeof(target), "127.0.0.1:%d", rpc_server_port(server, 0));
    client = core_client_new(target);
    thread_start(&completer, "completer", run_completer, NULL);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        run_calls(count * round / ROUNDS);
        wait_until_idle(server, &stats);
        live[round] = live_memory();
        printf("%" PRIu64 " calls have been: %zu KiB are allocated in %zu pieces\n", ended,
               live[round].bytes / 1024, live[round].pieces);
        fflush(stdout);
    }
    is_over = true;
    pthread_join(completer, NULL);
    report(count);
    EXPECT(live[ROUNDS].pieces <= live[FULL_AFTER].pieces + growth_pieces_max(count));
    EXPECT(live[ROUNDS].bytes <= live[FULL_AFTER].bytes + growth_bytes_max);
    core_client_free(client);
    rpc_server_stop(server, 5000);
    rpc_server_free(server);
    memory_free(late_us);
    return 0;
}
