/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floors that the server is measured against: gRPC C core and nothing else.
 *
 *     floor_server --bare    sends every CheckEntitlement request back as it came
 *     floor_server --typed   unpacks it, and packs an answer of a real one's size
 *
 * One completion queue and one thread per CPU, as the runtime has them; none of its code.  Prints
 * the port, ends on SIGTERM.
 */
#include "passgate/v1/entitlement.pb-c.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POSTED_CALLS = 256, ARGUMENTS_WRONG = 2 };

static grpc_server *server;
static void *method;
static bool is_typed;

/* One call at a time, used again when it is over. */
struct call {
    grpc_completion_queue *queue;
    grpc_call *core;
    grpc_metadata_array headers;
    gpr_timespec deadline;
    grpc_byte_buffer *request, *response;
    int is_cancelled;
    bool is_answered; /* the next tag is that of the final batch */
};

struct worker {
    pthread_t thread;
    grpc_completion_queue *queue;
};

static void post(struct call *call)
{
    call->is_answered = false;
    if (grpc_server_request_registered_call(server, method, &call->core, &call->deadline,
                                            &call->headers, &call->request, call->queue,
                                            call->queue, call) != GRPC_CALL_OK)
        abort();
}

static size_t pack_answer(uint8_t *buffer)
{
    Google__Protobuf__Timestamp evaluated_at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration max_age = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Protobuf__Duration facts_age = GOOGLE__PROTOBUF__DURATION__INIT;
    Passgate__V1__CheckEntitlementResponse answer = PASSGATE__V1__CHECK_ENTITLEMENT_RESPONSE__INIT;
    char *vary_context[] = {(char *)"location"};

    evaluated_at.seconds = 1781284860;
    evaluated_at.nanos = 123000000;
    max_age.seconds = 30;
    facts_age.nanos = 350000000;
    answer.decision = PASSGATE__V1__DECISION__DECISION_ALLOW;
    answer.reason = PASSGATE__V1__REASON__REASON_ALLOWED;
    answer.revision = (char *)"4711.0.1099511632488";
    answer.directive_set = 4711;
    answer.evaluated_at = &evaluated_at;
    answer.max_age = &max_age;
    answer.facts_age = &facts_age;
    answer.n_vary_context = 1;
    answer.vary_context = vary_context;
    answer.decision_id = (char *)"01J0A7Z5K3X8Q2W4E6R8T0Y1U3";
    if (!buffer)
        return passgate__v1__check_entitlement_response__get_packed_size(&answer);
    return passgate__v1__check_entitlement_response__pack(&answer, buffer);
}

/* With protobuf-c's own allocator, as one would write it first. */
static grpc_byte_buffer *answer_typed(grpc_byte_buffer *request)
{
    Passgate__V1__CheckEntitlementRequest *check;
    grpc_byte_buffer_reader reader;
    grpc_byte_buffer *response;
    grpc_slice bytes, slice;

    if (!grpc_byte_buffer_reader_init(&reader, request))
        abort();
    bytes = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    check = passgate__v1__check_entitlement_request__unpack(NULL, GRPC_SLICE_LENGTH(bytes),
                                                            GRPC_SLICE_START_PTR(bytes));
    grpc_slice_unref(bytes);
    if (!check)
        abort(); /* the load is ours */
    passgate__v1__check_entitlement_request__free_unpacked(check, NULL);
    slice = grpc_slice_malloc(pack_answer(NULL));
    pack_answer(GRPC_SLICE_START_PTR(slice));
    response = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return response;
}

static void answer(struct call *call)
{
    grpc_op ops[4] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER},
    };

    if (!call->request)
        abort();
    if (is_typed) {
        call->response = answer_typed(call->request);
        grpc_byte_buffer_destroy(call->request);
    } else {
        call->response = call->request;
    }
    call->request = NULL;
    ops[1].data.send_message.send_message = call->response;
    ops[2].data.send_status_from_server.status = GRPC_STATUS_OK;
    ops[3].data.recv_close_on_server.cancelled = &call->is_cancelled;
    call->is_answered = true;
    if (grpc_call_start_batch(call->core, ops, 4, call, NULL) != GRPC_CALL_OK)
        abort();
}

static void finish(struct call *call)
{
    grpc_byte_buffer_destroy(call->response);
    grpc_call_unref(call->core);
    call->headers.count = 0;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct call *calls = calloc(POSTED_CALLS, sizeof(*calls));

    if (!calls)
        abort();
    for (int i = 0; i < POSTED_CALLS; i++) {
        calls[i].queue = worker->queue;
        grpc_metadata_array_init(&calls[i].headers);
        post(&calls[i]);
    }
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(worker->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        struct call *call = event.tag;

        if (event.type == GRPC_QUEUE_SHUTDOWN)
            break;
        if (!call) /* the server has stopped */
            grpc_completion_queue_shutdown(worker->queue);
        else if (call->is_answered) {
            finish(call);
            post(call);
        } else if (event.success) {
            answer(call);
        }
    }
    for (int i = 0; i < POSTED_CALLS; i++)
        grpc_metadata_array_destroy(&calls[i].headers);
    free(calls);
    return NULL;
}

static void start(struct worker *workers, long count)
{
    grpc_server_credentials *plaintext = grpc_insecure_server_credentials_create();
    int port;

    server = grpc_server_create(NULL, NULL);
    method = grpc_server_register_method(server, "/passgate.v1.EntitlementService/CheckEntitlement",
                                         NULL, GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    for (long i = 0; i < count; i++) {
        workers[i].queue = grpc_completion_queue_create_for_next(NULL);
        grpc_server_register_completion_queue(server, workers[i].queue, NULL);
    }
    port = grpc_server_add_http2_port(server, "127.0.0.1:0", plaintext);
    grpc_server_credentials_release(plaintext);
    grpc_server_start(server);
    for (long i = 0; i < count; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            abort();
    printf("%d\n", port);
    fflush(stdout);
}

/* Every queue gets the notice that the server has stopped, with the tag NULL. */
static void stop(struct worker *workers, long count)
{
    for (long i = 0; i < count; i++)
        grpc_server_shutdown_and_notify(server, workers[i].queue, NULL);
    grpc_server_cancel_all_calls(server);
    for (long i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    grpc_server_destroy(server);
    for (long i = 0; i < count; i++)
        grpc_completion_queue_destroy(workers[i].queue);
}

int main(int argc, char **argv)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    struct worker *workers = calloc((size_t)count, sizeof(*workers));
    sigset_t signals;
    int received;

    if (argc != 2 || (strcmp(argv[1], "--bare") != 0 && strcmp(argv[1], "--typed") != 0)) {
        fprintf(stderr, "usage: floor_server --bare | --typed\n");
        return ARGUMENTS_WRONG;
    }
    if (!workers)
        abort();
    is_typed = strcmp(argv[1], "--typed") == 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by every thread, core's too */
    grpc_init();
    start(workers, count);
    sigwait(&signals, &received);
    stop(workers, count);
    free(workers);
    grpc_shutdown();
    return 0;
}
