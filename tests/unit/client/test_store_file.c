/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an export: what was written is read, and what was changed is refused. */
#include "client/cli/store_file.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER                                                                \
    "passgate-store 1 hash_key=0123456789abcdef partitions=2 backend=sqlite " \
    "at=2026-06-12T21:21:00Z issuer=https://passgate.example\n"
#define HASH "00112233445566778899aabbccddeeff"

static const struct store_file_header header = {
    .hash_key = "0123456789abcdef",
    .partitions = 2,
    .backend = "sqlite",
    .at_ms = 1781299260000,
    .issuer = "https://passgate.example",
};

/* A file in memory, and what reading it came to. */
struct file {
    char *bytes;
    size_t length;
};

static struct passgate_store_entry entry_of(const char *data, size_t length)
{
    return (struct passgate_store_entry){
        .space = PASSGATE_STORE_SPACE_SUBJECT,
        .partition = 1,
        .hash = HASH,
        .expires_at_ms = 1781299260000,
        .data = (const uint8_t *)data,
        .length = length,
    };
}

static struct file write_file(const struct passgate_store_entry *entries, size_t count)
{
    struct store_file_writer writer;
    char sha256[SHA256_HEX_MAX];
    struct file file;
    FILE *stream = open_memstream(&file.bytes, &file.length);
    struct err err;

    assert_true(store_file_begin(&writer, stream, &header, &err));
    for (size_t i = 0; i < count; i++)
        assert_true(store_file_put(&writer, &entries[i], &err));
    store_file_end(&writer, sha256);
    store_file_writer_release(&writer);
    fclose(stream);
    return file;
}

/* True when all of it is read; else *err says why not. */
static bool read_file(const char *bytes, size_t length, uint64_t *ret_count, struct err *err)
{
    FILE *stream = fmemopen((void *)(uintptr_t)bytes, length, "r");
    struct store_file_reader reader;
    struct passgate_store_entry entry;
    bool is_end = false, is_read = store_file_open(&reader, stream, err);

    while (is_read && !is_end)
        is_read = store_file_next(&reader, &entry, &is_end, err);
    *ret_count = reader.count;
    store_file_reader_release(&reader);
    fclose(stream);
    return is_read;
}

static void assert_refused(const char *bytes, size_t length, const char *detail)
{
    uint64_t count;
    struct err err;

    assert_false(read_file(bytes, length, &count, &err));
    assert_int_equal(err.code, ERR_FILE_INVALID);
    if (!strstr(err.detail, detail))
        fail_msg("\"%s\" is not in \"%s\"", detail, err.detail);
}

static void what_was_written_is_read(void **state)
{
    static const char bytes[] = "\0any\xff bytes\n";
    const struct passgate_store_entry entries[] = {entry_of(bytes, sizeof(bytes)),
                                                   entry_of("x", 1)};
    struct file file = write_file(entries, ARRAY_LEN(entries));
    FILE *stream = fmemopen(file.bytes, file.length, "r");
    struct store_file_reader reader;
    struct passgate_store_entry entry;
    bool is_end;
    struct err err;

    (void)state;
    assert_true(store_file_open(&reader, stream, &err));
    assert_string_equal(reader.header.hash_key, header.hash_key);
    assert_int_equal(reader.header.partitions, 2);
    assert_string_equal(reader.header.backend, "sqlite");
    assert_true(reader.header.at_ms == header.at_ms);
    assert_string_equal(reader.header.issuer, header.issuer);
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        assert_true(store_file_next(&reader, &entry, &is_end, &err) && !is_end);
        assert_int_equal(entry.space, entries[i].space);
        assert_int_equal(entry.partition, 1);
        assert_string_equal(entry.hash, HASH);
        assert_true(entry.expires_at_ms == entries[i].expires_at_ms);
        assert_int_equal(entry.length, entries[i].length);
        assert_memory_equal(entry.data, entries[i].data, entry.length);
    }
    assert_true(store_file_next(&reader, &entry, &is_end, &err) && is_end);
    store_file_reader_release(&reader);
    fclose(stream);
    free(file.bytes);
}

static void it_looks_as_it_is_documented(void **state)
{
    const struct passgate_store_entry entry = entry_of("data", 4);
    struct file file = write_file(&entry, 1);

    (void)state;
    assert_int_equal(strncmp(file.bytes, HEADER "1 1 " HASH " 1781299260000 ZGF0YQ\nend 1 ",
                             strlen(HEADER "1 1 " HASH " 1781299260000 ZGF0YQ\nend 1 ")),
                     0);
    free(file.bytes);
}

static void the_longest_value_fits_and_a_longer_one_is_refused(void **state)
{
    char *bytes = memory_zalloc(PASSGATE_STORE_VALUE_MAX + 1);
    struct passgate_store_entry entry = entry_of(bytes, PASSGATE_STORE_VALUE_MAX);
    struct file file;
    struct store_file_writer writer;
    FILE *stream;
    uint64_t count;
    struct err err;

    (void)state;
    entry.expires_at_ms = INT64_MAX;
    file = write_file(&entry, 1);
    assert_true(read_file(file.bytes, file.length, &count, &err));
    assert_int_equal(count, 1);
    free(file.bytes);
    stream = open_memstream(&file.bytes, &file.length);
    assert_true(store_file_begin(&writer, stream, &header, &err));
    entry.length++;
    assert_false(store_file_put(&writer, &entry, &err));
    store_file_writer_release(&writer);
    fclose(stream);
    free(file.bytes);
    memory_free(bytes);
}

static void every_changed_byte_and_every_cut_is_found(void **state)
{
    const struct passgate_store_entry entries[] = {entry_of("one", 3), entry_of("two", 3)};
    struct file file = write_file(entries, ARRAY_LEN(entries));
    uint64_t count;
    struct err err;

    (void)state;
    for (size_t i = 0; i < file.length; i++)
        for (int bit = 0; bit < 8; bit++) {
            file.bytes[i] ^= (char)(1 << bit);
            assert_false(read_file(file.bytes, file.length, &count, &err));
            file.bytes[i] ^= (char)(1 << bit);
        }
    for (size_t length = 1; length < file.length; length++)
        assert_refused(file.bytes, length, "line ");
    assert_true(read_file(file.bytes, file.length, &count, &err));
    free(file.bytes);
}

static void what_is_wrong_is_told_with_its_line_and_its_byte(void **state)
{
    static const struct {
        const char *text, *detail;
    } rows[] = {
        {"\n", "line 1 (byte 0): this is no file"},
        {"{}\n", "line 1 (byte 0): this is no file"},
        {"passgate-store 2 x\n", "line 1 (byte 0): of another format"},
        {"passgate-store 1\n", "the first line does not say"},
        {"passgate-store 1 hash_key=0123456789ABCDEF partitions=2 backend=s "
         "at=2026-06-12T21:21:00Z issuer=x\n",
         "the first line does not say"},
        {"passgate-store 1 hash_key=0123456789abcdef partitions=65 backend=s "
         "at=2026-06-12T21:21:00Z issuer=x\n",
         "the first line does not say"},
        {"passgate-store 1 hash_key=0123456789abcdef partitions=0 backend=s "
         "at=2026-06-12T21:21:00Z issuer=x\n",
         "the first line does not say"},
        {"passgate-store 1 hash_key=0123456789abcdef partitions=2 backend=s "
         "at=2026-06-12T23:21:00+02:00 issuer=x\n",
         "the first line does not say"},
        {"passgate-store 1 hash_key=0123456789abcdef partitions=2 backend=s "
         "at=2026-06-12T21:21:00Z issuer=x \n",
         "the first line does not say"},
        {HEADER "1 1 " HASH " 0 eA\n", "line 3 (byte 169): the file ends here"},
        {HEADER "0 1 " HASH " 0 eA\n", "line 2 (byte 127): not a value"},
        {HEADER "7 1 " HASH " 0 eA\n", "not a value"},
        {HEADER "01 1 " HASH " 0 eA\n", "not a value"},
        {HEADER "1 2 " HASH " 0 eA\n", "not a value"},
        {HEADER "1 1 0" HASH " 0 eA\n", "not a value"},
        {HEADER "1 1 " HASH " -1 eA\n", "not a value"},
        {HEADER "1 1 " HASH " 9223372036854775808 eA\n", "not a value"},
        {HEADER "1 1 " HASH " 0 \n", "not a value"},
        {HEADER "1 1 " HASH " 0\n", "not a value"},
        {HEADER "1 1 " HASH " 0 eB\n", "not a value"},
        {HEADER "1 1 " HASH " 0 eA==\n", "not a value"},
        {HEADER "1 1 " HASH " 0 eA eA\n", "not a value"},
        {HEADER "end 1 x\n", "lines are missing"},
        {HEADER "end 0 x\n", "the SHA-256 does not fit"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_refused(rows[i].text, strlen(rows[i].text), rows[i].detail);
}

static void a_line_without_end_is_given_up(void **state)
{
    size_t length = strlen(HEADER) + 2 * STORE_LINE_MAX;
    char *bytes = memory_alloc(length);

    (void)state;
    memset(bytes, '1', length);
    memcpy(bytes, HEADER, strlen(HEADER));
    assert_refused(bytes, length, "longer than a line can be");
    memory_free(bytes);
}

static void what_a_server_may_not_say_is_not_written(void **state)
{
    static const struct passgate_store_entry bad[] = {
        {.space = PASSGATE_STORE_SPACE_UNSPECIFIED,
         .hash = HASH,
         .data = (const uint8_t *)"x",
         .length = 1},
        {.space = PASSGATE_STORE_SPACE_SUBJECT,
         .hash = "1\n2",
         .data = (const uint8_t *)"x",
         .length = 1},
        {.space = PASSGATE_STORE_SPACE_SUBJECT,
         .partition = 2,
         .hash = HASH,
         .data = (const uint8_t *)"x",
         .length = 1},
        {.space = PASSGATE_STORE_SPACE_SUBJECT,
         .hash = HASH,
         .expires_at_ms = -1,
         .data = (const uint8_t *)"x",
         .length = 1},
        {.space = PASSGATE_STORE_SPACE_SUBJECT, .hash = HASH, .length = 0},
    };
    struct store_file_header wrong = header;
    struct store_file_writer writer;
    struct file file;
    FILE *stream = open_memstream(&file.bytes, &file.length);
    struct err err;

    (void)state;
    snprintf(wrong.issuer, sizeof(wrong.issuer), "two\nlines");
    assert_false(store_file_begin(&writer, stream, &wrong, &err));
    store_file_writer_release(&writer);
    assert_true(store_file_begin(&writer, stream, &header, &err));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(store_file_put(&writer, &bad[i], &err));
    assert_int_equal(writer.count, 0);
    store_file_writer_release(&writer);
    fclose(stream);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(it_looks_as_it_is_documented),
        cmocka_unit_test(the_longest_value_fits_and_a_longer_one_is_refused),
        cmocka_unit_test(every_changed_byte_and_every_cut_is_found),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line_and_its_byte),
        cmocka_unit_test(a_line_without_end_is_given_up),
        cmocka_unit_test(what_a_server_may_not_say_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
