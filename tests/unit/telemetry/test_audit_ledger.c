/* SPDX-License-Identifier: Apache-2.0 */
/* The tree over an audit log: that it goes on over all runs, that its heads say what is there, and
 * that records are proved. */
#include "ledger_fixture.h"

#include "base/log.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void a_log_of_several_runs_is_one_tree(void **state)
{
    struct fixture *fixture = *state;
    struct found found;

    for (int run = 0; run < 3; run++)
        ledger_write(fixture, RECORDS);
    found = assert_clean(fixture->folder);
    assert_int_equal(found.verdict.size, 3 * (RECORDS + 2));
    assert_int_equal(found.verdict.newest.size, found.verdict.size);
    assert_true(found.verdict.segments > 20 && found.verdict.is_closed);
    assert_true(found.verdict.heads >= found.verdict.segments);
    assert_int_equal(found.verdict.heads_met, found.verdict.heads);
}

/* Nothing but time is lost without indices: the next start makes those that are missing. */
static void missing_indices_are_made_again(void **state)
{
    struct fixture *fixture = *state;
    struct arena arena;

    arena_init(&arena, 4096);
    ledger_write(fixture, RECORDS);
    for (size_t i = 0;; i++) {
        char *path = segment_path(fixture->folder, i);
        struct span before;

        if (!path)
            break;
        memory_free(path);
        path = index_path(fixture->folder, i);
        before = content_of(path, &arena);
        assert_true(before.length > 0 && before.length < 2048);
        assert_int_equal(unlink(path), 0);
        memory_free(path);
    }
    assert_clean(fixture->folder);
    ledger_write(fixture, 10);
    for (size_t i = 0;; i++) {
        char *segment = segment_path(fixture->folder, i), *path;

        if (!segment)
            break;
        path = index_path(fixture->folder, i);
        assert_true(content_of(path, &arena).length > 0);
        memory_free(path);
        memory_free(segment);
    }
    assert_clean(fixture->folder);
    arena_release(&arena);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static struct audit_head head_of(struct audit_log *log)
{
    struct audit_head head = {.size = 0}, again;
    struct err err = ERR_NONE;
    struct arena arena;
    struct span jws;

    arena_init(&arena, 4096);
    if (audit_get_head(log, &arena, &head, &jws)) {
        assert_true(audit_head_peek(jws, &again, &err));
        assert_true(again.size == head.size && tree_hash_equal(&again.root, &head.root));
    }
    arena_release(&arena);
    return head;
}

static void a_head_is_signed_within_a_second(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    int64_t started_ns = clock_now_ns();
    uint64_t size = 1;

    /* The first one at once, of the record that the log was opened. */
    assert_int_equal(head_of(log).size, 1);
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(wait_for(log, &fixture->mailbox, fixture_append(log, i)));
        size++;
        while (head_of(log).size != size)
            pause_ms(5);
    }
    assert_in_range((clock_now_ns() - started_ns) / 1000000, 1800, 4000);
    audit_close(log);
    assert_clean(fixture->folder);
}

static void heads_wait_for_the_first_key(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log;
    int before = atomic_load(&ledger_signatures);

    atomic_store(&ledger_has_key, false);
    log = fixture_open(fixture);
    ledger_append(fixture, log, 100);
    assert_int_equal(head_of(log).size, 0);
    assert_int_equal(atomic_load(&ledger_signatures), before);
    atomic_store(&ledger_has_key, true);
    while (head_of(log).size != 101)
        pause_ms(5);
    audit_close(log);
    assert_clean(fixture->folder);
}

static void every_record_is_proved(void **state)
{
    struct fixture *fixture = *state;
    struct audit_inclusion inclusion;
    struct audit_head head;
    struct audit_log *log;
    struct err err = ERR_NONE;

    ledger_write(fixture, RECORDS);
    log = fixture_open(fixture);
    head = head_of(log);
    assert_int_equal(head.size, RECORDS + 3);
    for (uint64_t sequence = 1; sequence <= head.size; sequence += 37) {
        if (!audit_prove_record(log, &head, sequence, &inclusion, &err))
            fail_msg("%llu: %s", (unsigned long long)sequence, err.detail);
        assert_int_equal(inclusion.index, sequence - 1);
    }
    assert_true(audit_prove_record(log, &head, head.size, &inclusion, &err));
    assert_false(audit_prove_record(log, &head, head.size + 1, &inclusion, &err));
    assert_int_equal(err.code, ERR_RECORD_UNKNOWN);
    head.size--;
    assert_false(audit_prove_record(log, &head, head.size + 1, &inclusion, &err));
    assert_int_equal(err.code, ERR_TREE_HEAD_BEHIND);
    head.size++;
    head.root.bytes[5] ^= 1;
    assert_false(audit_prove_record(log, &head, 7, &inclusion, &err));
    assert_int_equal(err.code, ERR_STORE_CORRUPT);
    audit_close(log);
}

/* From every size, wherever in whichever segment that is. */
static void every_older_tree_is_proved_to_be_a_prefix(void **state)
{
    struct fixture *fixture = *state;
    struct tree_proof proof, other;
    struct audit_head head;
    struct audit_log *log;
    struct err err = ERR_NONE;

    ledger_write(fixture, RECORDS);
    log = fixture_open(fixture);
    head = head_of(log);
    for (uint64_t size = 1; size <= head.size; size += size < 3 ? 1 : 29) {
        if (!audit_prove_old_size(log, &head, size, &proof, &err))
            fail_msg("%llu: %s", (unsigned long long)size, err.detail);
        assert_true(proof.count > 0 && proof.count <= 2 * 12);
    }
    assert_true(audit_prove_old_size(log, &head, head.size, &proof, &err));
    assert_int_equal(proof.count, 0);
    assert_false(audit_prove_old_size(log, &head, head.size + 1, &proof, &err));
    assert_int_equal(err.code, ERR_TREE_HEAD_BEHIND);
    /* An older head is proved to go on from those before it, from the files of today. */
    head.root.bytes[5] ^= 1;
    assert_false(audit_prove_old_size(log, &head, 7, &other, &err));
    assert_int_equal(err.code, ERR_STORE_CORRUPT);
    audit_close(log);
}

/* What retention took away cannot be a tree's boundary any more; what is there can. */
static void sizes_of_records_that_were_taken_away_are_not_proved(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log;
    struct tree_proof proof;
    struct audit_head head;
    struct err err = ERR_NONE;
    uint64_t first_index;

    ledger_write(fixture, RECORDS);
    for (int i = 0; i < 3; i++) {
        char *segment = segment_path(fixture->folder, 0), *index = index_path(fixture->folder, 0);

        assert_true(unlink(segment) == 0 && unlink(index) == 0);
        memory_free(segment);
        memory_free(index);
    }
    first_index = assert_clean(fixture->folder).verdict.first_index;
    log = fixture_open(fixture);
    head = head_of(log);
    assert_false(audit_prove_old_size(log, &head, first_index - 1, &proof, &err));
    assert_int_equal(err.code, ERR_RECORD_UNKNOWN);
    assert_true(audit_prove_old_size(log, &head, first_index, &proof, &err));
    assert_true(audit_prove_old_size(log, &head, first_index + 1, &proof, &err));
    audit_close(log);
}

static void who_waits_for_a_head_is_told_when_it_covers_the_record(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log = fixture_open(fixture);
    struct audit_state log_state;
    uint64_t sequence;

    assert_true(wait_for_head(log, &fixture->mailbox, 1));
    for (uint64_t i = 0; i < 2; i++) {
        sequence = fixture_append(log, i);
        assert_true(wait_for_head(log, &fixture->mailbox, sequence));
        audit_get_state(log, &log_state);
        assert_true(log_state.covered_sequence >= sequence);
        assert_true(head_of(log).size >= sequence);
    }
    assert_false(wait_for_head(log, &fixture->mailbox, sequence + 1)); /* nothing has that number */
    assert_false(wait_for_head(log, &fixture->mailbox, 0));
    audit_close(log);
}

static void who_waits_for_a_head_does_not_wait_for_a_key(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log;

    atomic_store(&ledger_has_key, false);
    log = fixture_open(fixture);
    assert_false(wait_for_head(log, &fixture->mailbox, fixture_append(log, 1)));
    atomic_store(&ledger_has_key, true);
    assert_true(wait_for_head(log, &fixture->mailbox, fixture_append(log, 2)) ||
                wait_for_head(log, &fixture->mailbox, 1));
    audit_close(log);
}

/* What retention takes away is not missed: the index of the next segment has its tree. */
static void a_log_may_begin_later(void **state)
{
    struct fixture *fixture = *state;
    struct found found;

    ledger_write(fixture, RECORDS);
    for (int i = 0; i < 3; i++) {
        char *segment = segment_path(fixture->folder, 0), *index = index_path(fixture->folder, 0);

        assert_true(unlink(segment) == 0 && unlink(index) == 0);
        memory_free(segment);
        memory_free(index);
    }
    found = assert_clean(fixture->folder);
    assert_true(found.verdict.first_index > 100 && found.verdict.size == RECORDS + 2);
    ledger_write(fixture, 10);
    assert_clean(fixture->folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_of_several_runs_is_one_tree),
        TEST(missing_indices_are_made_again),
        TEST(a_head_is_signed_within_a_second),
        TEST(heads_wait_for_the_first_key),
        TEST(every_record_is_proved),
        TEST(every_older_tree_is_proved_to_be_a_prefix),
        TEST(sizes_of_records_that_were_taken_away_are_not_proved),
        TEST(who_waits_for_a_head_is_told_when_it_covers_the_record),
        TEST(who_waits_for_a_head_does_not_wait_for_a_key),
        TEST(a_log_may_begin_later),
    };

    log_configure(ERR_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
