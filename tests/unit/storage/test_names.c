/* SPDX-License-Identifier: Apache-2.0 */
/* Names: distinct things have distinct names, whatever bytes their ids have. */
#include "base/file.h"
#include "storage/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct names names = {
    .key = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .partition_count = 64,
};

/* What could be taken for a delimiter, and for nothing. */
static const struct {
    const char *bytes;
    size_t length;
} parts[] = {
    {"", 0},     {"a", 1},    {"b", 1},   {"ab", 2},   {"a:b", 3},      {":", 1},
    {"\0", 1},   {"a\0", 2},  {"\0a", 2}, {"{a}", 3},  {"\2", 1},       {"a|b", 3},
    {"\x03", 1}, {"a\0b", 3}, {"::", 2},  {"\xff", 1}, {"\xc3\xa4", 2},
};

enum { PARTS = ARRAY_LEN(parts), TRIPLES = PARTS * PARTS * PARTS };

static struct span part(size_t i)
{
    return span_of(parts[i % PARTS].bytes, parts[i % PARTS].length);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash128));
}

static void different_parts_have_different_names(void **state)
{
    static struct hash128 ids[2 * TRIPLES + 2 * PARTS * PARTS + 2 * PARTS];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < TRIPLES; i++) {
        struct span a = part(i), b = part(i / PARTS), c = part(i / PARTS / PARTS);

        ids[count++] = names_request(&names, a, b, c).id;
        ids[count++] =
            names_claim_cache(&names, names_subject_hash(&names, span_text("alice")), a, b, c).id;
    }
    for (size_t i = 0; i < PARTS * PARTS; i++) {
        ids[count++] = names_check(&names, part(i), part(i / PARTS)).id;
        ids[count++] = names_handle(&names, part(i), names_subject_hash(&names, part(i / PARTS)));
    }
    for (size_t i = 0; i < PARTS; i++) {
        ids[count++] = names_claim(&names, part(i)).id;
        ids[count++] = names_realm(&names, part(i)).id;
    }
    assert_int_equal(count, ARRAY_LEN(ids));
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 1; i < count; i++)
        assert_false(hash128_equal(ids[i - 1], ids[i]));
}

static void a_name_is_the_same_every_time_and_another_with_another_key(void **state)
{
    struct names other = names;
    struct hash128 hash = names_subject_hash(&names, span_text("alice"));

    (void)state;
    other.key.bytes[0] ^= 1;
    assert_true(hash128_equal(hash, names_subject_hash(&names, span_text("alice"))));
    assert_false(hash128_equal(hash, names_subject_hash(&names, span_text("Alice"))));
    assert_false(hash128_equal(hash, names_subject_hash(&other, span_text("alice"))));
    assert_true(hash128_equal(names_subject(hash).id, hash));
}

static void the_space_of_a_name_is_its_kind(void **state)
{
    struct span text = span_text("x");

    (void)state;
    assert_int_equal(names_subject((struct hash128){0}).space, STORE_SUBJECT);
    assert_int_equal(names_request(&names, text, text, text).space, STORE_REQUEST);
    assert_int_equal(names_check(&names, text, text).space, STORE_CHECK);
    assert_int_equal(names_claim(&names, text).space, STORE_CLAIM);
    assert_int_equal(names_claim_cache(&names, (struct hash128){0}, text, text, text).space,
                     STORE_CLAIM_CACHE);
    assert_int_equal(names_realm(&names, text).space, STORE_REALM);
}

static void subjects_spread_over_the_partitions(void **state)
{
    size_t counts[64] = {0};
    char id[16];

    (void)state;
    for (unsigned i = 0; i < 64 * 100; i++) {
        snprintf(id, sizeof(id), "user-%u", i);
        counts[names_partition(&names, names_subject_hash(&names, span_text(id)))]++;
    }
    for (size_t i = 0; i < 64; i++) {
        assert_true(counts[i] > 50);
        assert_true(counts[i] < 200);
    }
}

static void write_text(const char *path, const char *text)
{
    struct err err;

    assert_true(file_write_durably(path, span_text(text), 0600, &err));
}

static void a_key_is_made_once_and_read_from_then_on(void **state)
{
    char folder[] = "/tmp/passgate-names-XXXXXX", path[64];
    struct hash_key first, second;
    struct stat file;
    struct err err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/hash.key", folder);
    assert_false(names_read_key(path, false, &first, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_true(names_read_key(path, true, &first, &err));
    assert_true(names_read_key(path, true, &second, &err));
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);

    write_text(path, "000102030405060708090a0b0c0d0e0f\n");
    assert_true(names_read_key(path, false, &first, &err));
    assert_int_equal(first.bytes[15], 15);
    write_text(path, "000102030405060708090a0b0c0d0e0");
    assert_false(names_read_key(path, true, &first, &err));
    assert_int_equal(err.code, ERR_FILE_INVALID);
    write_text(path, "000102030405060708090a0b0c0d0e0g");
    assert_false(names_read_key(path, true, &first, &err));
    write_text(path, "");
    assert_false(names_read_key(path, true, &first, &err));
    unlink(path);
    rmdir(folder);
}

static void a_key_is_told_by_a_text_that_is_no_others(void **state)
{
    char text[NAMES_KEY_TEXT_MAX], again[NAMES_KEY_TEXT_MAX];
    struct names other = names;

    (void)state;
    assert_int_equal(strspn(names_key_text(&names, text), "0123456789abcdef"), 16);
    other.partition_count = 1;
    assert_string_equal(names_key_text(&other, again), text);
    for (size_t i = 0; i < sizeof(other.key.bytes); i++) {
        other.key = names.key;
        other.key.bytes[i] ^= 1;
        assert_string_not_equal(names_key_text(&other, again), text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(different_parts_have_different_names),
        cmocka_unit_test(a_name_is_the_same_every_time_and_another_with_another_key),
        cmocka_unit_test(the_space_of_a_name_is_its_kind),
        cmocka_unit_test(subjects_spread_over_the_partitions),
        cmocka_unit_test(a_key_is_told_by_a_text_that_is_no_others),
        cmocka_unit_test(a_key_is_made_once_and_read_from_then_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
