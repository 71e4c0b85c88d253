/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of damage to an audit log is found, and nothing else. */
#include "ledger_fixture.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "domain/audit/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static void every_flipped_byte_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct arena arena;

    arena_init(&arena, 4096);
    ledger_write(fixture, RECORDS);
    for (size_t at = 0; at < 6; at++) {
        char *path = at % 2 ? segment_path(fixture->folder, at) : index_path(fixture->folder, at);
        struct span bytes = content_of(path, &arena);
        uint8_t *copy = arena_alloc(&arena, bytes.length);

        memcpy(copy, bytes.data, bytes.length);
        for (size_t i = 3 + at; i < bytes.length; i += bytes.length / 20) {
            struct found found;

            copy[i] ^= 0x10;
            overwrite(path, span_of(copy, bytes.length));
            found = verify(fixture->folder);
            assert_true(found.count >= 1);
            assert_string_equal(found.files[0], path);
            assert_true(found.offsets[0] <= i);
            copy[i] ^= 0x10;
        }
        overwrite(path, bytes);
        memory_free(path);
    }
    assert_clean(fixture->folder);
    arena_release(&arena);
}

/* One who knows the format changes a record and makes all checksums right, but for the index. */
static void a_record_that_was_rewritten_is_found(void **state)
{
    struct fixture *fixture = *state;
    char *path, *index;
    struct found found;
    struct arena arena;
    struct span bytes;
    uint8_t *copy;

    arena_init(&arena, 4096);
    ledger_write(fixture, RECORDS);
    path = segment_path(fixture->folder, 2);
    index = index_path(fixture->folder, 2);
    bytes = content_of(path, &arena);
    copy = arena_alloc(&arena, bytes.length);
    memcpy(copy, bytes.data, bytes.length);
    copy[bytes.length - 3] ^= 1;
    audit_frames_seal(copy + AUDIT_SEGMENT_HEADER_BYTES, bytes.length - AUDIT_SEGMENT_HEADER_BYTES);
    overwrite(path, span_of(copy, bytes.length));
    found = verify(fixture->folder);
    assert_found(&found, AUDIT_FINDING_INDEX, index);
    assert_found(&found, AUDIT_FINDING_ROOT, NULL);
    memory_free(index);
    assert_int_equal(found.count, 3); /* its index, the next one, and the heads */
    for (size_t at = 0; (index = index_path(fixture->folder, at)); at++) {
        assert_int_equal(unlink(index), 0);
        memory_free(index);
    }
    found = verify(fixture->folder);
    assert_int_equal(found.count, 1);
    assert_found(&found, AUDIT_FINDING_ROOT, NULL);
    memory_free(path);
    arena_release(&arena);
}

/* The last frame of a segment, whose end is then a sound one. */
static void a_record_that_was_removed_is_found(void **state)
{
    struct fixture *fixture = *state;

    ledger_write(fixture, RECORDS);
    for (size_t at = 0; at < 3; at++) {
        char *path = segment_path(fixture->folder, at);
        struct audit_segment_header header;
        struct audit_cursor cursor;
        struct arena arena;
        struct span bytes, payload;
        struct err err = ERR_NONE;
        struct found found;
        uint64_t sequence;

        arena_init(&arena, 4096);
        bytes = content_of(path, &arena);
        assert_true(audit_segment_header_get(bytes, &header, &err));
        audit_cursor_init(&cursor, bytes, &header);
        while (audit_cursor_next(&cursor, &payload, &sequence) == AUDIT_STEP_RECORD)
            ;
        overwrite(path, span_of(bytes.data, cursor.record_offset));
        found = verify(fixture->folder);
        assert_found(&found, AUDIT_FINDING_ORDER, NULL);
        overwrite(path, bytes);
        arena_release(&arena);
        memory_free(path);
    }
    assert_clean(fixture->folder);
}

static void swapped_and_missing_segments_are_found(void **state)
{
    struct fixture *fixture = *state;
    char *one, *two;
    struct found found;
    struct arena arena;
    struct span first, second;

    arena_init(&arena, 4096);
    ledger_write(fixture, RECORDS);
    one = segment_path(fixture->folder, 1);
    two = segment_path(fixture->folder, 2);
    first = content_of(one, &arena);
    second = content_of(two, &arena);
    overwrite(one, second);
    overwrite(two, first);
    found = verify(fixture->folder);
    assert_found(&found, AUDIT_FINDING_ORDER, one);
    assert_found(&found, AUDIT_FINDING_ORDER, two);
    overwrite(one, first);
    assert_int_equal(unlink(two), 0);
    found = verify(fixture->folder);
    assert_found(&found, AUDIT_FINDING_ORDER, NULL);
    overwrite(two, second);
    assert_clean(fixture->folder);
    memory_free(one);
    memory_free(two);
    arena_release(&arena);
}

static void a_tail_that_was_cut_is_found_and_stops_the_start(void **state)
{
    struct fixture *fixture = *state;
    struct audit_log *log;
    struct err err = ERR_NONE;
    struct found found;
    struct arena arena;
    size_t last = 0;
    char *path, *index;
    struct span bytes;

    arena_init(&arena, 4096);
    ledger_write(fixture, RECORDS);
    while ((path = segment_path(fixture->folder, last + 1))) {
        memory_free(path);
        last++;
    }
    path = segment_path(fixture->folder, last);
    index = index_path(fixture->folder, last);
    bytes = content_of(path, &arena);
    overwrite(path, span_of(bytes.data, bytes.length - 5));
    found = verify(fixture->folder);
    assert_found(&found, AUDIT_FINDING_FRAME, path);
    assert_int_equal(unlink(index), 0);
    found = verify(fixture->folder);
    assert_found(&found, AUDIT_FINDING_CUT, path);
    assert_false(audit_open(&fixture->options, &log, &err));
    assert_int_equal(err.code, ERR_STORE_CORRUPT);
    memory_free(path);
    memory_free(index);
    arena_release(&arena);
}

static void a_head_that_was_replaced_is_found(void **state)
{
    struct fixture *fixture = *state;
    char text[AUDIT_HEAD_PAYLOAD_MAX], encoded[2 * AUDIT_HEAD_PAYLOAD_MAX];
    struct audit_head head = {.size = 500, .time_ms = 1};
    const char *const *names;
    const char *path;
    struct err err = ERR_NONE;
    struct found found;
    struct arena arena;
    size_t count;

    arena_init(&arena, 4096);
    ledger_write(fixture, RECORDS);
    head.log_id = assert_clean(fixture->folder).verdict.log_id;
    base64url_encode(span_of(text, audit_head_format(&head, text)), encoded);
    assert_true(file_list(arena_printf(&arena, "%s/heads", fixture->folder), AUDIT_HEADS_SUFFIX,
                          &arena, &names, &count, &err));
    path = arena_printf(&arena, "%s/heads/%s", fixture->folder, names[4]);
    overwrite(path, span_text(arena_printf(&arena, "e30.%s.c2ln\n", encoded)));
    found = verify(fixture->folder);
    assert_int_equal(found.count, 1);
    assert_found(&found, AUDIT_FINDING_HEAD, path);
    /* The last one: nobody else vouches for those records. */
    assert_int_equal(unlink(path), 0);
    path = arena_printf(&arena, "%s/heads/%s", fixture->folder, names[count - 1]);
    head.size = RECORDS + 2;
    base64url_encode(span_of(text, audit_head_format(&head, text)), encoded);
    overwrite(path, span_text(arena_printf(&arena, "e30.%s.c2ln\n", encoded)));
    found = verify(fixture->folder);
    assert_found(&found, AUDIT_FINDING_ROOT, NULL);
    assert_int_equal(unlink(path), 0);
    found = verify(fixture->folder);
    assert_found(&found, AUDIT_FINDING_UNSIGNED, NULL);
    arena_release(&arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ledger_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_flipped_byte_is_found),
        TEST(a_record_that_was_rewritten_is_found),
        TEST(a_record_that_was_removed_is_found),
        TEST(swapped_and_missing_segments_are_found),
        TEST(a_tail_that_was_cut_is_found_and_stops_the_start),
        TEST(a_head_that_was_replaced_is_found),
    };

    log_configure(ERR_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
