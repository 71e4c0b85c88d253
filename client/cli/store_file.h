/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of an export: lines of text, read and written one at a time.
 *
 *     passgate-store 1 hash_key=K partitions=P backend=B at=T issuer=I
 *     SPACE PARTITION HASH EXPIRES DATA          one value; as many as there are
 *     end COUNT SHA256
 *
 * K is 16 hex digits, T an RFC 3339 time in UTC, I the rest of the line.  SPACE is 1 to 6, HASH 32
 * lower-case hex digits, EXPIRES milliseconds since 1970 or 0, DATA base64url without padding.
 * SHA256 is that of every byte before the last line.  Numbers are decimal without leading zeros:
 * a line has one spelling.  docs/storage.md has the same.
 */
#ifndef CLIENT_CLI_STORE_FILE_H
#define CLIENT_CLI_STORE_FILE_H

#include "base/digest.h"
#include "base/err.h"
#include "client/include/passgate/client.h"

#include <stdio.h>

enum {
    STORE_FILE_FORMAT = 1,
    STORE_HASH_KEY_TEXT = 16,
    STORE_HASH_TEXT = 32,
    STORE_BACKEND_MAX = 16,
    STORE_ISSUER_MAX = 512,
    STORE_PARTITIONS_OF_FILE_MAX = 64,
    /* Of an entry with the longest value, and the line feed. */
    STORE_LINE_MAX = 128 + (PASSGATE_STORE_VALUE_MAX + 2) / 3 * 4,
};

struct store_file_header {
    char hash_key[STORE_HASH_KEY_TEXT + 1];
    uint32_t partitions;
    char backend[STORE_BACKEND_MAX + 1];
    int64_t at_ms;
    char issuer[STORE_ISSUER_MAX + 1];
};

/* Writing.  Errors of the stream stay in it: whoever closes it looks. */
struct store_file_writer {
    FILE *stream;
    struct digest *digest;
    uint64_t count;
    uint32_t partitions;
    char *line;
};

/* FIELD_RANGE for what cannot be written. */
MUST_CHECK bool store_file_begin(struct store_file_writer *writer, FILE *stream,
                                 const struct store_file_header *header, struct err *err);
MUST_CHECK bool store_file_put(struct store_file_writer *writer,
                               const struct passgate_store_entry *entry, struct err *err);
/* The last line; `sha256` is what it says. */
void store_file_end(struct store_file_writer *writer, char sha256[static SHA256_HEX_MAX]);
/* Also without an end. */
void store_file_writer_release(struct store_file_writer *writer);

/* Reading.  What it has read is in buffers of its own until the next line. */
struct store_file_reader {
    FILE *stream;
    struct digest *digest;
    struct store_file_header header;
    uint64_t line;   /* of the last one, counted from 1 */
    uint64_t offset; /* at which it begins, in bytes */
    uint64_t count;  /* of the entries so far */
    uint64_t next_offset;
    char *text;
    uint8_t *data;
    char hash[STORE_HASH_TEXT + 1];
};

/* FILE_INVALID with line and offset for everything that is not such a file, or damaged, or cut
 * short; IO. */
MUST_CHECK bool store_file_open(struct store_file_reader *reader, FILE *stream, struct err *err);
/* The next entry; at the end, which has been compared with the digest, *ret_is_end. */
MUST_CHECK bool store_file_next(struct store_file_reader *reader,
                                struct passgate_store_entry *ret_entry, bool *ret_is_end,
                                struct err *err);
void store_file_reader_release(struct store_file_reader *reader);

#endif
