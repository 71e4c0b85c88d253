/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drain, as clients see it: two servers, a client that balances between them and watches their
 * health, without a retry policy.  One server goes away under load; no call fails.
 */
#include "base/thread.h"
#include "health/health.h"
#include "rpc/stream.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    AGE_MS = 800,
    GRACE_MS = 500,
    AT_ONCE = 64,
};

/* One of the servers, and what its lifecycle does. */
struct node {
    struct health *health;
    struct echo_server *echo;
    pthread_t lifecycle;
    atomic_bool is_down;
};

static struct node nodes[2];
static struct core_client *client;
static uint64_t calls_ended;
static grpc_status_code worst;
static bool is_over;

static void start_node(struct node *node)
{
    struct rpc_options options = echo_options();
    struct rpc_service service;

    node->health = health_new();
    node->is_down = false;
    service = health_service(node->health);
    options.services = &service;
    options.service_count = 1;
    options.connection_age_ms = AGE_MS;
    options.connection_grace_ms = GRACE_MS;
    node->echo = echo_server_start(&options, 4);
    health_set(node->health, "", HEALTH_SERVING);
}

/* design: NOT_SERVING, serve on for connection age + 15 %, end streams, stop. */
static void *go_away(void *argument)
{
    struct node *node = argument;

    health_set_all(node->health, HEALTH_NOT_SERVING);
    usleep(AGE_MS * 1150);
    rpc_server_end_streams(echo_server_rpc(node->echo));
    rpc_server_stop(echo_server_rpc(node->echo), ECHO_WAIT_MS);
    node->is_down = true;
    return NULL;
}

static void start_one(void);

static void on_done(struct core_call *call, void *context)
{
    (void)context;
    calls_ended++;
    if (core_call_status(call) != GRPC_STATUS_OK) {
        worst = core_call_status(call);
        print_message("%s\n", core_call_text(call));
    }
    core_call_free(call);
    if (!is_over)
        start_one();
}

static void start_one(void)
{
    static uint64_t number;
    Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;

    request.number = ++number;
    core_call_start(client, &(struct core_start){
                                .path = number % 3 ? ECHO_PATH "Echo" : ECHO_PATH "EchoCold",
                                .message = &request.base,
                                .deadline_ms = 2 * ECHO_WAIT_MS,
                                .on_done = on_done,
                            });
}

static struct core_client *balancing_client(void)
{
    static const char config[] = "{\"loadBalancingConfig\":[{\"round_robin\":{}}],"
                                 "\"healthCheckConfig\":{\"serviceName\":\"\"}}";
    const grpc_arg argument = {
        .type = GRPC_ARG_STRING,
        .key = (char *)GRPC_ARG_SERVICE_CONFIG,
        .value.string = (char *)config,
    };
    char target[160];

    snprintf(target, sizeof(target), "ipv4:%s,%s", echo_server_address(nodes[0].echo),
             echo_server_address(nodes[1].echo));
    return core_client_new_with(&(struct core_client_options){
        .target = target, .arguments = &argument, .argument_count = 1});
}

static void no_call_fails_while_a_server_goes_away(void **state)
{
    uint64_t served_before;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        start_node(&nodes[i]);
    client = balancing_client();
    WAIT_FOR(client, echo_status(client, ECHO_PATH "Echo") == GRPC_STATUS_OK);
    for (int i = 0; i < AT_ONCE; i++)
        start_one();
    WAIT_FOR(client,
             echo_stats(nodes[0].echo).calls > 200 && echo_stats(nodes[1].echo).calls > 200);
    thread_start(&nodes[0].lifecycle, "lifecycle", go_away, &nodes[0]);
    while (!nodes[0].is_down)
        core_client_pump(client, 10);
    pthread_join(nodes[0].lifecycle, NULL);
    served_before = echo_stats(nodes[1].echo).calls;
    WAIT_FOR(client, echo_stats(nodes[1].echo).calls > served_before + 200);
    is_over = true;
    WAIT_FOR(client, echo_stats(nodes[1].echo).in_flight <= 1); /* the client's own Watch */
    while (core_client_pump(client, 100))
        continue;
    assert_int_equal(worst, GRPC_STATUS_OK);
    assert_true(calls_ended > 600);
    core_client_free(client);
    rpc_server_stop(echo_server_rpc(nodes[1].echo), ECHO_WAIT_MS);
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        echo_server_discard(nodes[i].echo);
        health_free(nodes[i].health);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_call_fails_while_a_server_goes_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
