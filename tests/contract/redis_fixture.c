/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas on one redis-server. */
#include "contract/redis_fixture.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { LOOK_MS = 2 };

int redis_fixture_set_up(void **state)
{
    struct redis_fixture *fixture = memory_new(struct redis_fixture);

    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/passgate-redis-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    mailbox_init(&fixture->mailbox);
    redis_server_start(&fixture->server, fixture->folder);
    *state = fixture;
    return 0;
}

int redis_fixture_tear_down(void **state)
{
    struct redis_fixture *fixture = *state;
    char command[128];

    if (fixture->server.pid != 0)
        redis_server_pause(&fixture->server, false);
    for (size_t i = 0; i < REPLICAS_MAX; i++)
        store_free(fixture->replicas[i].store);
    redis_server_kill(&fixture->server);
    mailbox_release(&fixture->mailbox);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
    memory_free(fixture);
    return system(command);
}

struct redis_options redis_fixture_options(const struct redis_fixture *fixture)
{
    struct redis_options options = redis_store_options(&fixture->server, "trouble");

    options.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    options.stall_timeout_ms = STALL_TIMEOUT_MS;
    options.heartbeat_ms = HEARTBEAT_MS;
    return options;
}

static void on_change(struct store_listener *listener, const struct store_change *change)
{
    struct replica *replica = CONTAINER_OF(listener, struct replica, listener);
    size_t count = atomic_load(&replica->change_count);

    if (change->is_ahead) {
        atomic_fetch_add(&replica->ahead_count, 1);
        return;
    }
    if (count < REPLICA_CHANGES_MAX)
        replica->changes[count] = *change;
    atomic_store(&replica->change_count, count + 1);
}

static void on_reset(struct store_listener *listener, uint16_t partition)
{
    (void)partition;
    atomic_fetch_add(&CONTAINER_OF(listener, struct replica, listener)->reset_count, 1);
}

void redis_fixture_open(struct redis_fixture *fixture, size_t index,
                        const struct redis_options *options)
{
    struct replica *replica = &fixture->replicas[index];
    struct err err;

    replica->listener = (struct store_listener){.on_change = on_change, .on_reset = on_reset};
    if (!redis_open(options, &replica->store, &err)) {
        fprintf(stderr, "redis_open: %s %s\n", err_reason(err.code), err.detail);
        abort();
    }
    store_listen(replica->store, &replica->listener);
}

static void on_done(struct store_request *request)
{
    struct redis_fixture *fixture = request->owner;

    fixture->answered++;
}

struct store_request *redis_fixture_request(struct redis_fixture *fixture,
                                            enum store_operation operation)
{
    return store_request_new(operation, 0, &fixture->mailbox.inbox, on_done, fixture);
}

struct store_request *redis_fixture_run(struct redis_fixture *fixture, size_t replica,
                                        struct store_request *request)
{
    size_t before = fixture->answered;

    store_submit(fixture->replicas[replica].store, request);
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, before + 1);
    return request;
}

void redis_fixture_assert_fails(struct redis_fixture *fixture, struct store_request *request,
                                enum err_code code, const char *detail)
{
    redis_fixture_run(fixture, 0, request);
    assert_false(request->is_ok);
    assert_string_equal(err_reason(request->err.code), err_reason(code));
    if (detail && !strstr(request->err.detail, detail))
        fail_msg("\"%s\" is not in \"%s\"", detail, request->err.detail);
    store_request_free(request);
}

struct store_key redis_fixture_key(unsigned number)
{
    return (struct store_key){.space = STORE_SUBJECT, .id = {.low = number, .high = ~number}};
}

struct store_request *redis_fixture_write(struct redis_fixture *fixture, unsigned key,
                                          const char *text)
{
    struct store_request *request = redis_fixture_request(fixture, STORE_WRITE);

    store_request_put(request, redis_fixture_key(key), TIMESTAMP_NEVER_MS, span_text(text));
    store_request_change(request, STORE_CHANGE_SUBJECT, redis_fixture_key(key).id);
    return request;
}

uint64_t redis_fixture_must_write(struct redis_fixture *fixture, unsigned key, const char *text)
{
    struct store_request *request =
        redis_fixture_run(fixture, 0, redis_fixture_write(fixture, key, text));
    uint64_t number = request->number;

    if (!request->is_ok)
        fail_msg("%s: %s", err_reason(request->err.code), request->err.detail);
    store_request_free(request);
    return number;
}

void redis_fixture_assert_value(struct redis_fixture *fixture, size_t replica, unsigned key,
                                const char *text)
{
    struct store_request *request = redis_fixture_request(fixture, STORE_READ);

    store_request_key(request, redis_fixture_key(key));
    redis_fixture_run(fixture, replica, request);
    if (!request->is_ok)
        fail_msg("%s: %s", err_reason(request->err.code), request->err.detail);
    if (text)
        assert_true(span_is(request->values[0].data, text));
    else
        assert_int_equal(request->values[0].version, 0);
    store_request_free(request);
}

void redis_fixture_wait(const atomic_size_t *count, size_t least)
{
    for (int waited_ms = 0; atomic_load(count) < least; waited_ms += LOOK_MS) {
        if (waited_ms > PATIENCE_MS)
            fail_msg("%zu of %zu", atomic_load(count), least);
        usleep(LOOK_MS * 1000);
    }
}
