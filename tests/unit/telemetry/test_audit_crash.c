/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log when the process dies or the disk does not take it.
 *
 * Each case runs this program again as a child, because failpoints are read once from the
 * environment and a process dies only once.  The child tells through a pipe which records it was
 * told are durable.
 */
#include "audit_fixture.h"

#include "base/attributes.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child says about a record: two numbers, written at once. */
struct said {
    uint64_t sequence;
    uint64_t subject;
};

static void say(int fd, uint64_t sequence, uint64_t subject)
{
    struct said said = {sequence, subject};

    if (write(fd, &said, sizeof(said)) != (ssize_t)sizeof(said))
        _exit(3);
}

static struct audit_log *open_log(const char *folder, size_t buffer_bytes)
{
    struct audit_options options = {.folder = folder,
                                    .clock = &clock_system,
                                    .buffer_bytes = buffer_bytes,
                                    .segment_bytes = 64 * 1024};
    struct audit_log *log;
    struct err err = ERR_NONE;

    if (!audit_open(&options, &log, &err)) {
        fprintf(stderr, "%s\n", err.detail);
        _exit(4);
    }
    return log;
}

static bool append(struct audit_log *log, uint64_t subject, uint64_t *ret_sequence)
{
    struct decision decision;
    struct err err = ERR_NONE;

    decision_init(&decision, subject);
    return audit_append(log, &decision.record, ret_sequence, &err);
}

/* Append for ever, wait for every tenth, and tell about it. */
static int child_append(const char *folder, int fd)
{
    struct audit_log *log = open_log(folder, 0);
    struct mailbox mailbox;

    mailbox_init(&mailbox);
    for (uint64_t subject = 0; subject < 1000000; subject++) {
        uint64_t sequence;

        if (!append(log, subject, &sequence))
            return 1;
        if (subject % 10 == 9 && wait_for(log, &mailbox, sequence))
            say(fd, sequence, subject);
    }
    return 0;
}

/* A file may not grow past the limit, which is what a full disk looks like. */
static int child_disk_full(const char *folder, int fd)
{
    struct rlimit limit = {24 * 1024, RLIM_INFINITY};
    struct audit_log *log;
    struct audit_state state;
    struct mailbox mailbox;
    uint64_t sequence, subject = 0;

    signal(SIGXFSZ, SIG_IGN);
    mailbox_init(&mailbox);
    log = open_log(folder, AUDIT_BUFFER_BYTES_MIN);
    setrlimit(RLIMIT_FSIZE, &limit);
    do {
        while (append(log, subject, &sequence))
            say(fd, sequence, subject++);
        audit_get_state(log, &state);
    } while (!state.is_failing);
    while (append(log, subject, &sequence))
        say(fd, sequence, subject++);
    if (wait_for(log, &mailbox, state.durable_sequence + 1) ||
        !wait_for(log, &mailbox, state.durable_sequence))
        return 5;
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    while (!append(log, subject, &sequence))
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    say(fd, sequence, subject);
    /* The retry may still be running. */
    while (!wait_for(log, &mailbox, sequence))
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    audit_close(log);
    return 0;
}

/* The first attempts fail, which is told to who waits; a later one writes everything. */
static int child_errors(const char *folder, int fd)
{
    struct audit_log *log = open_log(folder, 0);
    struct mailbox mailbox;
    uint64_t sequence = 0, failures = 0;

    mailbox_init(&mailbox);
    for (uint64_t subject = 0; subject < 50; subject++) {
        if (!append(log, subject, &sequence))
            return 1;
        say(fd, sequence, subject);
        failures += !wait_for(log, &mailbox, sequence);
    }
    while (!wait_for(log, &mailbox, sequence))
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    audit_close(log);
    return failures > 0 ? 0 : 6;
}

static const struct scenario {
    const char *name;
    int (*run)(const char *folder, int fd);
} scenarios[] = {
    {"append", child_append},
    {"disk_full", child_disk_full},
    {"errors", child_errors},
};

struct outcome {
    struct said *said;
    size_t count;
    int status;
};

static void start_child(const char *scenario, const char *folder, const char *failpoints, int fd)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", fd);
    if (failpoints)
        setenv("PASSGATE_FAILPOINTS", failpoints, 1);
    execl("/proc/self/exe", "test_audit_crash", scenario, folder, number, (char *)NULL);
    _exit(127);
}

/* Run the child; kill it `kill_after_ms` after its first word, unless that is negative. */
static struct outcome run_child(const char *scenario, const char *folder, const char *failpoints,
                                int kill_after_ms)
{
    struct outcome outcome = {0};
    struct said said;
    int ends[2];
    pid_t child;

    assert_int_equal(pipe2(ends, 0), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        start_child(scenario, folder, failpoints, ends[1]);
    close(ends[1]);
    while (read(ends[0], &said, sizeof(said)) == (ssize_t)sizeof(said)) {
        outcome.said = memory_grow(outcome.said, outcome.count + 1, sizeof(said));
        outcome.said[outcome.count++] = said;
        if (outcome.count == 1 && kill_after_ms >= 0) {
            nanosleep(&(struct timespec){0, kill_after_ms * 1000000L}, NULL);
            kill(child, SIGKILL);
        }
    }
    close(ends[0]);
    waitpid(child, &outcome.status, 0);
    return outcome;
}

/* Everything that was said to be there is there, under its number. */
static void assert_all_there(const char *folder, const struct outcome *outcome)
{
    struct written written;
    struct err err = ERR_NONE;
    size_t at = 0;

    if (!written_read(folder, &written, &err))
        fail_msg("%s", err.detail);
    for (size_t i = 0; i < outcome->count; i++) {
        while (at < written.count && written.sequences[at] < outcome->said[i].sequence)
            at++;
        assert_true(at < written.count);
        assert_int_equal(written.sequences[at], outcome->said[i].sequence);
        assert_int_equal(written.subjects[at], outcome->said[i].subject);
    }
    written_release(&written);
}

/* The next run goes on, and gives no number that the one before may have given. */
static void assert_goes_on(const char *folder)
{
    struct written before, after;
    struct audit_log *log;
    struct err err = ERR_NONE;
    uint64_t sequence = 0;

    assert_true(written_read(folder, &before, &err));
    log = open_log(folder, 0);
    assert_true(append(log, 7777777, &sequence));
    /* One more when the kill left a segment with a header and without a record: its first number
     * may have been given. */
    assert_in_range(sequence, before.last_sequence + AUDIT_SEQUENCE_SKIP + 2,
                    before.last_sequence + AUDIT_SEQUENCE_SKIP + 3);
    audit_close(log);
    if (!written_read(folder, &after, &err))
        fail_msg("%s", err.detail);
    assert_int_equal(after.count, before.count + 1);
    written_release(&before);
    written_release(&after);
}

/* A child that appends is killed, after a while or at a failpoint. */
static void assert_survives_kill(const char *failpoints, int kill_after_ms)
{
    char *folder = folder_new();
    struct outcome outcome = run_child("append", folder, failpoints, kill_after_ms);

    assert_true(WIFSIGNALED(outcome.status));
    assert_true(outcome.count > 0);
    assert_all_there(folder, &outcome);
    assert_goes_on(folder);
    memory_free(outcome.said);
    folder_free(folder);
}

/* The scenario comes to its end; returns how many records it told of. */
static size_t assert_recovers(const char *scenario, const char *failpoints)
{
    char *folder = folder_new();
    struct outcome outcome = run_child(scenario, folder, failpoints, -1);

    assert_true(WIFEXITED(outcome.status));
    assert_int_equal(WEXITSTATUS(outcome.status), 0);
    assert_all_there(folder, &outcome);
    memory_free(outcome.said);
    folder_free(folder);
    return outcome.count;
}

static void what_was_waited_for_survives_a_kill_at_any_moment(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++)
        assert_survives_kill(NULL, (int)(random_u64() % 200));
}

static void a_full_disk_refuses_and_recovers_by_itself(void **state)
{
    (void)state;
    assert_true(assert_recovers("disk_full", NULL) > 100);
}

#if PASSGATE_FAILPOINTS
static void what_was_waited_for_survives_a_kill_at_every_failpoint(void **state)
{
    (void)state;
    assert_survives_kill("before_audit_write=kill@5", -1);
    assert_survives_kill("before_audit_fsync=kill@5", -1);
    assert_survives_kill("after_audit_fsync=kill@5", -1);
}

static void a_failed_write_or_sync_is_tried_again(void **state)
{
    static const char *const failpoints[] = {
        "audit_write_error=error@4",
        "audit_fsync_error=error@4",
        "after_audit_fsync=error@4",
        "before_audit_fsync=delay:20@4;audit_write_error=error@5;audit_fsync_error=error@7",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(failpoints); i++)
        assert_int_equal(assert_recovers("errors", failpoints[i]), 50);
}
#endif

static int run_scenario(char **arguments)
{
    log_configure(ERR_LEVEL_ERROR, LOG_FORMAT_TEXT);
    for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
        if (strcmp(scenarios[i].name, arguments[1]) == 0)
            return scenarios[i].run(arguments[2], (int)strtol(arguments[3], NULL, 10));
    return 2;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_waited_for_survives_a_kill_at_any_moment),
        cmocka_unit_test(a_full_disk_refuses_and_recovers_by_itself),
#if PASSGATE_FAILPOINTS
        cmocka_unit_test(what_was_waited_for_survives_a_kill_at_every_failpoint),
        cmocka_unit_test(a_failed_write_or_sync_is_tried_again),
#endif
    };

    if (argc == 4)
        return run_scenario(argv);
    log_configure(ERR_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
