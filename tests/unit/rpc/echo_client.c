/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to EchoService. */
#include "unit/rpc/echo_client.h"

enum { EXECUTOR_QUEUE = 4, STOP_MS = 5000 };

int echo_set_up_with(void **state, const struct rpc_options *options, size_t executor_queue)
{
    static struct echo_fixture fixture;

    fixture.echo = echo_server_start(options, executor_queue);
    fixture.client = core_client_new(echo_server_address(fixture.echo));
    *state = &fixture;
    return 0;
}

int echo_set_up(void **state)
{
    struct rpc_options options = echo_options();

    return echo_set_up_with(state, &options, EXECUTOR_QUEUE);
}

int echo_tear_down(void **state)
{
    struct echo_fixture *fixture = *state;

    core_client_free(fixture->client);
    echo_server_stop(fixture->echo, STOP_MS);
    return 0;
}

struct core_call *echo_start(struct core_client *client, const char *path, uint64_t number,
                             int64_t deadline_ms)
{
    Passgate__Testing__EchoRequest request = PASSGATE__TESTING__ECHO_REQUEST__INIT;

    request.number = number;
    return core_call(client, path, &request.base, deadline_ms);
}

grpc_status_code echo_status(struct core_client *client, const char *path)
{
    return core_call_end(echo_start(client, path, 1, ECHO_WAIT_MS));
}

uint64_t echo_number(struct core_call *call)
{
    const Passgate__Testing__EchoResponse *reply =
        (const Passgate__Testing__EchoResponse *)core_call_reply(
            call, &passgate__testing__echo_response__descriptor);

    return reply ? reply->number : 0;
}

struct core_call *echo_count(struct core_client *client, const char *path, uint64_t count,
                             uint32_t pad_bytes, int64_t deadline_ms)
{
    struct core_call *call =
        core_stream_start(client, &(struct core_start){.path = path, .deadline_ms = deadline_ms});
    Passgate__Testing__CountRequest request = PASSGATE__TESTING__COUNT_REQUEST__INIT;

    request.count = count;
    request.pad_bytes = pad_bytes;
    core_stream_send(call, &request.base);
    core_stream_half_close(call);
    return call;
}

uint64_t echo_next(struct core_call *call, int64_t wait_ms)
{
    const Passgate__Testing__EchoResponse *message =
        (const Passgate__Testing__EchoResponse *)core_stream_read(
            call, &passgate__testing__echo_response__descriptor, wait_ms);

    return message ? message->number : 0;
}

struct rpc_stats echo_stats(struct echo_server *echo)
{
    struct rpc_stats stats;

    rpc_server_get_stats(echo_server_rpc(echo), &stats);
    return stats;
}
