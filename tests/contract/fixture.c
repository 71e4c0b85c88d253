/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the contract do with a store, one request at a time. */
#include "contract/fixture.h"

#include "base/memory.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

const struct backend *backend_under_test;

static void on_done(struct store_request *request)
{
    struct fixture *fixture = request->owner;

    fixture->answered++;
}

struct store_request *fixture_request(struct fixture *fixture, enum store_operation operation)
{
    return store_request_new(operation, 0, &fixture->mailbox.inbox, on_done, fixture);
}

struct store_request *fixture_run(struct fixture *fixture, struct store_request *request)
{
    size_t before = fixture->answered;

    store_submit(fixture->store, request);
    mailbox_wait_for(&fixture->mailbox, &fixture->answered, before + 1);
    return request;
}

struct store_key fixture_key(unsigned number)
{
    return (struct store_key){.space = STORE_SUBJECT, .id = {.low = number, .high = ~number}};
}

uint64_t fixture_write(struct fixture *fixture, unsigned key, const char *text)
{
    struct store_request *request = fixture_request(fixture, STORE_WRITE);
    uint64_t number;

    store_request_put(request, fixture_key(key), TIMESTAMP_NEVER_MS, span_text(text));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    number = request->number;
    store_request_free(request);
    return number;
}

void fixture_assert_value(struct fixture *fixture, unsigned key, const char *text)
{
    struct store_request *request = fixture_request(fixture, STORE_READ);

    store_request_key(request, fixture_key(key));
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    if (text)
        assert_true(span_is(request->values[0].data, text));
    else
        assert_int_equal(request->values[0].version, 0);
    store_request_free(request);
}

void fixture_assert_fails(struct fixture *fixture, struct store_request *request,
                          enum err_code code)
{
    fixture_run(fixture, request);
    assert_false(request->is_ok);
    assert_int_equal(request->err.code, code);
    store_request_free(request);
}

struct store_request *fixture_read_outbox(struct fixture *fixture, size_t limit)
{
    struct store_request *request = fixture_request(fixture, STORE_OUTBOX_READ);

    request->limit = limit;
    fixture_run(fixture, request);
    assert_true(request->is_ok);
    return request;
}

static void on_change(struct store_listener *listener, const struct store_change *change)
{
    struct fixture *fixture = CONTAINER_OF(listener, struct fixture, listener);

    if (fixture->change_count < BACKEND_CHANGES_MAX)
        fixture->changes[fixture->change_count++] = *change;
}

static void on_reset(struct store_listener *listener, uint16_t partition)
{
    (void)partition;
    CONTAINER_OF(listener, struct fixture, listener)->reset_count++;
}

int fixture_set_up(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);

    fixture->backend = backend_under_test;
    fixture->listener = (struct store_listener){.on_change = on_change, .on_reset = on_reset};
    test_clock_init(&fixture->clock);
    mailbox_init(&fixture->mailbox);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/passgate-contract-XXXXXX");
    if (!mkdtemp(fixture->folder))
        return -1;
    fixture->backend->open(fixture);
    *state = fixture;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[BACKEND_PATH_MAX + 16];

    fixture->backend->mend(fixture);
    fixture_close(fixture);
    if (fixture->backend->clean_up)
        fixture->backend->clean_up(fixture);
    mailbox_release(&fixture->mailbox);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
    memory_free(fixture);
    return system(command);
}
