/* SPDX-License-Identifier: Apache-2.0 */
/* Fields: rows turned into character maps once, then a look per byte. */
#include "domain/field/field.h"

struct field_row {
    size_t least;
    size_t most;
    const char *characters;
};

static const struct field_row rows[FIELD_KIND_COUNT] = {
#define X(name, least, most, characters) [FIELD_KIND_##name] = {least, most, characters},
    FIELD_KIND_LIST(X)
#undef X
};

static bool is_listed(const char *characters, uint8_t byte)
{
    bool is_lower_only = characters[0] == '^';

    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z'))
        return true;
    if (byte >= 'A' && byte <= 'Z')
        return !is_lower_only;
    return byte != '\0' && strchr(characters + is_lower_only, byte);
}

/* UTF-8 was checked with the message; here only C0, DEL and C1 (0xC2 0x80-0x9F) are looked for. */
static bool is_control(struct span text, size_t i)
{
    uint8_t byte = text.data[i];

    return byte < 0x20 || byte == 0x7F ||
           (byte == 0xC2 && i + 1 < text.length && text.data[i + 1] < 0xA0);
}

bool field_check(enum field_kind kind, struct span text, const char *field, struct err *err)
{
    const struct field_row *row = &rows[kind];
    bool takes_any = row->characters[0] == '*';

    if (text.length < row->least)
        return err_field(err, ERR_FIELD_REQUIRED, field, "empty");
    if (text.length > row->most)
        return err_field(err, ERR_FIELD_TOO_LONG, field, "%zu bytes, at most %zu", text.length,
                         row->most);
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];
        bool is_good = takes_any ? !is_control(text, i) : is_listed(row->characters, byte);

        if (!is_good)
            return err_field(err, ERR_FIELD_CHARACTERS, field, "byte 0x%02x at %zu", byte, i);
    }
    return true;
}
