/* SPDX-License-Identifier: Apache-2.0 */
/* A revision: fixed width, most significant byte first, so that one revision has one text. */
#include "storage/revision.h"

#include "base/encoding.h"
#include "storage/store.h"

#include <ctype.h>

enum {
    FORMAT = 1,
    FORMAT_AT = 0,
    DIRECTIVE_SET_AT = 1,
    PARTITION_AT = 9,
    NUMBER_AT = 11,
    REVISION_BYTES = 19,
};

static void put_number(uint8_t *bytes, size_t width, uint64_t number)
{
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> 8 * (width - 1 - i));
}

static uint64_t get_number(const uint8_t *bytes, size_t width)
{
    uint64_t number = 0;

    for (size_t i = 0; i < width; i++)
        number = number << 8 | bytes[i];
    return number;
}

const char *revision_format(const struct revision *revision, char text[static REVISION_TEXT_MAX])
{
    uint8_t bytes[REVISION_BYTES] = {[FORMAT_AT] = FORMAT};

    put_number(bytes + DIRECTIVE_SET_AT, sizeof(revision->directive_set), revision->directive_set);
    put_number(bytes + PARTITION_AT, sizeof(revision->partition), revision->partition);
    put_number(bytes + NUMBER_AT, sizeof(revision->number), revision->number);
    base64url_encode(span_of(bytes, sizeof(bytes)), text);
    return text;
}

static bool is_base64url(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!isalnum(text.data[i]) && text.data[i] != '-' && text.data[i] != '_')
            return false;
    return true;
}

bool revision_parse(struct span text, const char *field, struct revision *ret_revision,
                    struct err *err)
{
    uint8_t bytes[REVISION_TEXT_MAX];
    size_t length;

    if (text.length > REVISION_LENGTH_MAX)
        return err_field(err, ERR_FIELD_TOO_LONG, field, "%zu bytes", text.length);
    if (!is_base64url(text))
        return err_field(err, ERR_FIELD_CHARACTERS, field, "not base64url");
    if (text.length != base64url_length(REVISION_BYTES) ||
        !base64url_decode(text, bytes, &length) || bytes[FORMAT_AT] != FORMAT ||
        get_number(bytes + PARTITION_AT, sizeof(uint16_t)) >= STORE_PARTITIONS_MAX)
        return err_field(err, ERR_FIELD_REVISION, field, "not a revision of this service");
    *ret_revision = (struct revision){
        .directive_set = get_number(bytes + DIRECTIVE_SET_AT, sizeof(uint64_t)),
        .number = get_number(bytes + NUMBER_AT, sizeof(uint64_t)),
        .partition = (uint16_t)get_number(bytes + PARTITION_AT, sizeof(uint16_t)),
    };
    return true;
}
