/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an export. */
#include "client/cli/store_file.h"

#include "base/encoding.h"
#include "base/memory.h"
#include "base/span.h"
#include "base/timestamp.h"

#include <inttypes.h>

#define MAGIC "passgate-store"

static const char hex_digits[] = "0123456789abcdef";

/* Fields. */

/* The text up to the next blank, which is passed; the last field has none behind it. */
static struct span take_field(struct span *line)
{
    const uint8_t *blank = line->length > 0 ? memchr(line->data, ' ', line->length) : NULL;
    size_t length = blank ? (size_t)(blank - line->data) : line->length;
    struct span field = span_of(line->data, length);

    *line = span_from(*line, length + 1);
    return field;
}

/* "name=value", value to be kept as text. */
static bool take_named(struct span *line, const char *name, size_t length_max, char *ret_value)
{
    struct span prefix = span_text(name);
    struct span field = take_field(line);
    struct span value = span_from(field, prefix.length);

    if (!span_starts_with(field, prefix) || value.length == 0 || value.length > length_max ||
        memchr(value.data, '\0', value.length))
        return false;
    memcpy(ret_value, value.data, value.length);
    ret_value[value.length] = '\0';
    return true;
}

/* Digits without leading zeros. */
static bool read_number(struct span text, uint64_t most, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (text.length == 0 || text.length >= DECIMAL_MAX || (text.length > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';

        if (digit > 9 || number > (most - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return number <= most;
}

static bool is_hex(struct span text, size_t length)
{
    if (text.length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!memchr(hex_digits, text.data[i], sizeof(hex_digits) - 1))
            return false;
    return true;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text == 0x7F)
            return false;
    return true;
}

/* Writing. */

static void put_line(struct store_file_writer *writer, size_t length)
{
    digest_add(writer->digest, span_of(writer->line, length));
    fwrite(writer->line, 1, length, writer->stream);
}

bool store_file_begin(struct store_file_writer *writer, FILE *stream,
                      const struct store_file_header *header, struct err *err)
{
    char at[TIMESTAMP_TEXT_MAX];

    *writer = (struct store_file_writer){.stream = stream, .partitions = header->partitions};
    if (!is_hex(span_text(header->hash_key), STORE_HASH_KEY_TEXT) || header->partitions == 0 ||
        header->partitions > STORE_PARTITIONS_OF_FILE_MAX || !header->backend[0] ||
        !is_printable(header->backend) || !header->issuer[0] || !is_printable(header->issuer))
        return err_set(err, ERR_FIELD_RANGE,
                       "the server describes its store as nothing that fits "
                       "into the first line of a file");
    writer->digest = digest_new();
    writer->line = memory_alloc(STORE_LINE_MAX + 1);
    put_line(writer, (size_t)snprintf(writer->line, STORE_LINE_MAX,
                                      MAGIC " %d hash_key=%s partitions=%" PRIu32
                                            " backend=%s at=%s issuer=%s\n",
                                      STORE_FILE_FORMAT, header->hash_key, header->partitions,
                                      header->backend, timestamp_format(header->at_ms, at),
                                      header->issuer));
    return true;
}

bool store_file_put(struct store_file_writer *writer, const struct passgate_store_entry *entry,
                    struct err *err)
{
    int length;

    if (entry->space < PASSGATE_STORE_SPACE_SUBJECT || entry->space > PASSGATE_STORE_SPACE_REALM ||
        entry->partition >= writer->partitions || entry->expires_at_ms < 0 || entry->length == 0 ||
        entry->length > PASSGATE_STORE_VALUE_MAX ||
        !is_hex(span_text(entry->hash), STORE_HASH_TEXT))
        return err_set(err, ERR_FIELD_RANGE, "the server has sent a value that cannot be one");
    length = snprintf(writer->line, STORE_LINE_MAX, "%d %" PRIu32 " %s %" PRId64 " ",
                      (int)entry->space, entry->partition, entry->hash, entry->expires_at_ms);
    length +=
        (int)base64url_encode(span_of(entry->data, entry->length), writer->line + (size_t)length);
    writer->line[length] = '\n';
    put_line(writer, (size_t)length + 1);
    writer->count++;
    return true;
}

void store_file_end(struct store_file_writer *writer, char sha256[static SHA256_HEX_MAX])
{
    digest_hex(writer->digest, sha256);
    fprintf(writer->stream, "end %" PRIu64 " %s\n", writer->count, sha256);
}

void store_file_writer_release(struct store_file_writer *writer)
{
    digest_free(writer->digest);
    memory_free(writer->line);
}

/* Reading. */

static bool damaged(const struct store_file_reader *reader, const char *what, struct err *err)
{
    return err_set(err, ERR_FILE_INVALID, "line %" PRIu64 " (byte %" PRIu64 "): %s", reader->line,
                   reader->offset, what);
}

/* One line without its line feed. */
static bool read_line(struct store_file_reader *reader, struct span *ret_line, struct err *err)
{
    size_t length = 0;
    int character;

    reader->line++;
    reader->offset = reader->next_offset;
    while ((character = getc_unlocked(reader->stream)) != EOF && character != '\n') {
        if (length == STORE_LINE_MAX - 1)
            return damaged(reader, "longer than a line can be", err);
        reader->text[length++] = (char)character;
    }
    if (ferror(reader->stream))
        return err_set(err, ERR_IO, "cannot read on at byte %" PRIu64, reader->offset + length);
    if (character == EOF)
        return damaged(reader,
                       length == 0 ? "the file ends here, and not with an end"
                                   : "the file is cut off in this line",
                       err);
    reader->next_offset += length + 1;
    *ret_line = span_of(reader->text, length);
    return true;
}

static void add_line(struct store_file_reader *reader, struct span line)
{
    digest_add(reader->digest, line);
    digest_add(reader->digest, span_text("\n"));
}

static bool read_header(struct span line, struct store_file_header *header)
{
    char partitions[DECIMAL_MAX], at[TIMESTAMP_TEXT_MAX], again[TIMESTAMP_TEXT_MAX];
    uint64_t number;

    if (!take_named(&line, "hash_key=", STORE_HASH_KEY_TEXT, header->hash_key) ||
        !is_hex(span_text(header->hash_key), STORE_HASH_KEY_TEXT) ||
        !take_named(&line, "partitions=", sizeof(partitions) - 1, partitions) ||
        !read_number(span_text(partitions), STORE_PARTITIONS_OF_FILE_MAX, &number) || number == 0 ||
        !take_named(&line, "backend=", STORE_BACKEND_MAX, header->backend) ||
        !is_printable(header->backend) || !take_named(&line, "at=", sizeof(at) - 1, at) ||
        !timestamp_parse(span_text(at), &header->at_ms) ||
        strcmp(timestamp_format(header->at_ms, again), at) != 0 ||
        !take_named(&line, "issuer=", STORE_ISSUER_MAX, header->issuer) ||
        !is_printable(header->issuer))
        return false;
    header->partitions = (uint32_t)number;
    return line.length == 0;
}

bool store_file_open(struct store_file_reader *reader, FILE *stream, struct err *err)
{
    struct span line, whole;

    *reader = (struct store_file_reader){.stream = stream};
    reader->digest = digest_new();
    reader->text = memory_alloc(STORE_LINE_MAX);
    reader->data = memory_alloc(STORE_LINE_MAX);
    if (!read_line(reader, &line, err))
        return false;
    whole = line;
    if (!span_is(take_field(&line), MAGIC))
        return damaged(reader, "this is no file of `passgate store export`", err);
    if (!span_is(take_field(&line), "1"))
        return damaged(reader, "of another format than 1: use the release that has written it",
                       err);
    if (whole.data[whole.length - 1] == ' ' || !read_header(line, &reader->header))
        return damaged(reader, "the first line does not say what it should", err);
    add_line(reader, whole);
    return true;
}

/* "end COUNT SHA256", and nothing behind it. */
static bool read_end(struct store_file_reader *reader, struct span line, struct err *err)
{
    char sha256[SHA256_HEX_MAX];
    uint64_t count;

    take_field(&line);
    if (!read_number(take_field(&line), UINT64_MAX, &count) || count != reader->count)
        return damaged(reader, "lines are missing, or too many", err);
    digest_hex(reader->digest, sha256);
    if (!span_is(line, sha256))
        return damaged(reader, "the SHA-256 does not fit: a line above was changed", err);
    reader->line++;
    reader->offset = reader->next_offset;
    if (getc_unlocked(reader->stream) != EOF)
        return damaged(reader, "something stands behind the end", err);
    return true;
}

static bool read_entry(struct store_file_reader *reader, struct span line,
                       struct passgate_store_entry *ret_entry)
{
    uint64_t space, partition, expires_at_ms;
    struct span hash;
    size_t length;

    if (!read_number(take_field(&line), PASSGATE_STORE_SPACE_REALM, &space) || space == 0 ||
        !read_number(take_field(&line), reader->header.partitions - 1, &partition))
        return false;
    hash = take_field(&line);
    if (!is_hex(hash, STORE_HASH_TEXT) ||
        !read_number(take_field(&line), INT64_MAX, &expires_at_ms) || line.length == 0 ||
        !base64url_decode(line, reader->data, &length) || length == 0 ||
        length > PASSGATE_STORE_VALUE_MAX)
        return false;
    memcpy(reader->hash, hash.data, STORE_HASH_TEXT);
    *ret_entry = (struct passgate_store_entry){
        .space = (enum passgate_store_space)space,
        .partition = (uint32_t)partition,
        .hash = reader->hash,
        .expires_at_ms = (int64_t)expires_at_ms,
        .data = reader->data,
        .length = length,
    };
    return true;
}

bool store_file_next(struct store_file_reader *reader, struct passgate_store_entry *ret_entry,
                     bool *ret_is_end, struct err *err)
{
    struct span line;

    if (!read_line(reader, &line, err))
        return false;
    *ret_is_end = span_starts_with(line, span_text("end "));
    if (*ret_is_end)
        return read_end(reader, line, err);
    if (!read_entry(reader, line, ret_entry))
        return damaged(reader, "not a value", err);
    add_line(reader, line);
    reader->count++;
    return true;
}

void store_file_reader_release(struct store_file_reader *reader)
{
    digest_free(reader->digest);
    memory_free(reader->text);
    memory_free(reader->data);
}
