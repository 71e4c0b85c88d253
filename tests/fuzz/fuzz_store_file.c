/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of `passgate store export` with any bytes: refused, or read within its bounds, and every
 * line of it the same when it is written again.
 */
#include "client/cli/store_file.h"

#include <stdlib.h>

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

/* Writes what it reads; true when the file is whole. */
static bool copy(struct store_file_reader *reader, struct store_file_writer *writer)
{
    struct passgate_store_entry entry;
    char sha256[SHA256_HEX_MAX];
    bool is_end = false;
    struct err err;

    while (!is_end) {
        if (!store_file_next(reader, &entry, &is_end, &err)) {
            must(err.code == ERR_FILE_INVALID);
            return false;
        }
        must(is_end || store_file_put(writer, &entry, &err));
    }
    store_file_end(writer, sha256);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *input = fmemopen((void *)(uintptr_t)data, size ? size : 1, "r"), *output;
    struct store_file_reader reader;
    struct store_file_writer writer;
    char *again = NULL;
    size_t length = 0;
    struct err err;

    must(input != NULL);
    if (size > 0 && store_file_open(&reader, input, &err)) {
        output = open_memstream(&again, &length);
        must(store_file_begin(&writer, output, &reader.header, &err));
        if (copy(&reader, &writer)) {
            must(fflush(output) == 0);
            must(length == size && memcmp(again, data, size) == 0);
        } else {
            must(fflush(output) == 0);
            must(length <= size && memcmp(again, data, length) == 0);
        }
        store_file_writer_release(&writer);
        fclose(output);
        free(again);
    }
    if (size > 0)
        store_file_reader_release(&reader);
    fclose(input);
    return 0;
}
