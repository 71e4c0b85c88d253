/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kill -9 at random moments and at every failpoint of a write: what was acknowledged is there, and
 * every write is there whole or not at all.
 *
 * The program runs itself as the writer, which reports each acknowledged write through a pipe.
 */
#include "base/attributes.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/timestamp.h"
#include "contract/mailbox.h"
#include "storage/sqlite.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    RANDOM_ROUNDS = 14,
    IN_FLIGHT = 24,
    WRITES_MAX = 100000,
    LIFE_MAX_MS = 60,
    PENDING_MAX = 1000,
};

static struct store *open_store(const char *path)
{
    struct sqlite_options options = {
        .path = path,
        .clock = &clock_system,
        .pending_max = PENDING_MAX,
    };
    struct store *store;
    struct err err;

    if (!sqlite_open(&options, &store, &err)) {
        fprintf(stderr, "sqlite_open: %s\n", err.detail);
        abort();
    }
    return store;
}

static struct store_key key_of(uint32_t index)
{
    return (struct store_key){.space = STORE_SUBJECT, .id = {.low = index, .high = 1}};
}

/* The writer. */

struct writer {
    struct store *store;
    struct mailbox mailbox;
    uint32_t next;
    size_t acknowledged;
};

/* A request that has been answered: `limit`, which a write has no use for, is its index. */
static void on_written(struct store_request *request);

static void write_next(struct writer *writer)
{
    uint32_t index = writer->next++;
    struct store_request *request =
        store_request_new(STORE_WRITE, 0, &writer->mailbox.inbox, on_written, writer);
    struct span data = span_of(&index, sizeof(index));

    request->limit = index;
    store_request_guard(request, key_of(index), 0);
    store_request_put(request, key_of(index), TIMESTAMP_NEVER_MS, data);
    store_request_change(request, STORE_CHANGE_SUBJECT, key_of(index).id);
    store_request_outbox(request, data);
    store_submit(writer->store, request);
}

static void on_written(struct store_request *request)
{
    struct writer *writer = request->owner;
    uint32_t index = (uint32_t)request->limit;

    if (!request->is_ok || write(STDOUT_FILENO, &index, sizeof(index)) != sizeof(index))
        abort();
    writer->acknowledged++;
    store_request_free(request);
    write_next(writer);
}

static noreturn void run_writer(const char *path, uint32_t first)
{
    struct writer writer = {.store = open_store(path), .next = first};

    mailbox_init(&writer.mailbox);
    for (size_t i = 0; i < IN_FLIGHT; i++)
        write_next(&writer);
    mailbox_wait_for(&writer.mailbox, &writer.acknowledged, WRITES_MAX);
    abort(); /* nobody has killed it */
}

/* The test. */

struct life {
    char folder[64];
    char path[80];
    bool *is_acknowledged; /* by index */
    uint32_t next;
};

static void start_writer(const struct life *life, const char *failpoints, int report)
{
    char first[16];

    snprintf(first, sizeof(first), "%u", life->next);
    if (failpoints)
        setenv("PASSGATE_FAILPOINTS", failpoints, 1);
    dup2(report, STDOUT_FILENO);
    execl("/proc/self/exe", "sqlite_kill", life->path, first, (char *)NULL);
    _exit(127);
}

/* Returns how many writes were acknowledged. */
static size_t live_and_die(struct life *life, const char *failpoints)
{
    uint32_t index, last = life->next;
    size_t acknowledged = 0;
    int ends[2], status;
    pid_t writer;

    assert_int_equal(pipe(ends), 0);
    writer = fork();
    if (writer == 0) {
        close(ends[0]);
        start_writer(life, failpoints, ends[1]);
    }
    close(ends[1]);
    while (read(ends[0], &index, sizeof(index)) == sizeof(index)) {
        assert_true(index < WRITES_MAX);
        life->is_acknowledged[index] = true;
        last = index > last ? index : last;
        if (acknowledged++ == 0 && !failpoints) {
            usleep((useconds_t)(random_u64() % (LIFE_MAX_MS * 1000)));
            kill(writer, SIGKILL);
        }
    }
    close(ends[0]);
    waitpid(writer, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    life->next = last + 2 * IN_FLIGHT;
    return acknowledged;
}

struct examiner {
    struct mailbox mailbox;
    size_t answered;
};

static void on_examined(struct store_request *request)
{
    struct examiner *examiner = request->owner;

    examiner->answered++;
}

static void wait_for(struct store *store, struct examiner *examiner, struct store_request *request)
{
    size_t before = examiner->answered;

    store_submit(store, request);
    mailbox_wait_for(&examiner->mailbox, &examiner->answered, before + 1);
    assert_true(request->is_ok);
}

/* Which writes have their record in the outbox. */
static void read_records(struct store *store, struct examiner *examiner, bool *is_recorded)
{
    size_t count = 1;

    while (count > 0) {
        struct store_request *request = store_request_new(
            STORE_OUTBOX_READ, 0, &examiner->mailbox.inbox, on_examined, examiner);
        uint64_t last = 0;

        request->limit = STORE_OUTBOX_LIMIT_MAX;
        wait_for(store, examiner, request);
        count = request->outbox_count;
        for (size_t i = 0; i < count; i++) {
            uint32_t index;

            assert_int_equal(request->outbox[i].record.length, sizeof(index));
            memcpy(&index, request->outbox[i].record.data, sizeof(index));
            is_recorded[index] = true;
            assert_true(request->outbox[i].number > last);
            last = request->outbox[i].number;
        }
        store_request_free(request);
        if (count == 0)
            break;
        request = store_request_new(STORE_OUTBOX_REMOVE, 0, &examiner->mailbox.inbox, on_examined,
                                    examiner);
        request->number = last;
        wait_for(store, examiner, request);
        store_request_free(request);
    }
}

static bool has_value(struct store *store, struct examiner *examiner, uint32_t index)
{
    struct store_request *request =
        store_request_new(STORE_READ, 0, &examiner->mailbox.inbox, on_examined, examiner);
    bool is_there;

    store_request_key(request, key_of(index));
    wait_for(store, examiner, request);
    is_there = request->values[0].version != 0;
    if (is_there)
        assert_true(span_equal(request->values[0].data, span_of(&index, sizeof(index))));
    store_request_free(request);
    return is_there;
}

/* What was written since `first`. */
static void examine(struct life *life, uint32_t first)
{
    bool *is_recorded = memory_new_array(bool, WRITES_MAX);
    struct store *store = open_store(life->path);
    struct examiner examiner = {.answered = 0};

    mailbox_init(&examiner.mailbox);
    read_records(store, &examiner, is_recorded);
    for (uint32_t index = first; index < life->next; index++) {
        bool is_there = has_value(store, &examiner, index);

        assert_true(is_there || !life->is_acknowledged[index]);
        assert_int_equal(is_there, is_recorded[index]);
    }
    store_free(store);
    mailbox_release(&examiner.mailbox);
    memory_free(is_recorded);
}

static void at_random_moments_nothing_acknowledged_is_lost(void **state)
{
    struct life *life = *state;
    size_t acknowledged = 0;

    for (size_t round = 0; round < RANDOM_ROUNDS; round++) {
        uint32_t first = life->next;

        acknowledged += live_and_die(life, NULL);
        examine(life, first);
    }
    assert_true(acknowledged > 0);
}

static void at_every_failpoint_nothing_acknowledged_is_lost(void **state)
{
    static const char *const points[] = {
        "before_store_write=kill@5", "in_store_transaction=kill@50", "before_store_commit=kill@5",
        "after_store_commit=kill@5", "before_store_reply=kill@5",    "after_store_commit=kill@1",
    };
    struct life *life = *state;

    if (!PASSGATE_FAILPOINTS)
        skip();
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        uint32_t first = life->next;

        live_and_die(life, points[i]);
        examine(life, first);
    }
}

static int set_up(void **state)
{
    struct life *life = memory_new(struct life);

    snprintf(life->folder, sizeof(life->folder), "/tmp/passgate-kill-XXXXXX");
    if (!mkdtemp(life->folder))
        return -1;
    snprintf(life->path, sizeof(life->path), "%s/passgate.db", life->folder);
    life->is_acknowledged = memory_new_array(bool, WRITES_MAX);
    *state = life;
    return 0;
}

static int tear_down(void **state)
{
    struct life *life = *state;
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", life->folder);
    memory_free(life->is_acknowledged);
    memory_free(life);
    return system(command);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(at_random_moments_nothing_acknowledged_is_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(at_every_failpoint_nothing_acknowledged_is_lost, set_up,
                                        tear_down),
    };

    if (argc == 3)
        run_writer(argv[1], (uint32_t)strtoul(argv[2], NULL, 10));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
