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

/* A bit per byte that may stand in a field of the kind; of those that take any text none is set. */
static uint64_t maps[FIELD_KIND_COUNT][4];

static bool is_listed(const char *characters, uint8_t byte)
{
    bool is_lower_only = characters[0] == '^';

    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z'))
        return true;
    if (byte >= 'A' && byte <= 'Z')
        return !is_lower_only;
    return byte != '\0' && strchr(characters + is_lower_only, byte);
}

/* Before main(), so that no call asks whether it has been done. */
__attribute__((constructor)) static void make_maps(void)
{
    for (size_t kind = 0; kind < FIELD_KIND_COUNT; kind++)
        for (unsigned byte = 0; byte < 256; byte++)
            if (rows[kind].characters[0] != '*' && is_listed(rows[kind].characters, (uint8_t)byte))
                maps[kind][byte / 64] |= UINT64_C(1) << byte % 64;
}

/* Both: how many bytes are good before the first that is not. */

static size_t count_listed(enum field_kind kind, struct span text)
{
    const uint64_t *map = maps[kind];
    size_t i = 0;

    while (i < text.length && map[text.data[i] / 64] >> text.data[i] % 64 & 1)
        i++;
    return i;
}

/* UTF-8 was checked with the message; here only C0, DEL and C1 (0xC2 0x80-0x9F) are looked for. */
static size_t count_printable(struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];

        if (byte < 0x20 || byte == 0x7F ||
            (byte == 0xC2 && i + 1 < text.length && text.data[i + 1] < 0xA0))
            return i;
    }
    return text.length;
}

bool field_check(enum field_kind kind, struct span text, const char *field, struct err *err)
{
    const struct field_row *row = &rows[kind];
    size_t good;

    if (text.length < row->least)
        return err_field(err, ERR_FIELD_REQUIRED, field, "empty");
    if (text.length > row->most)
        return err_field(err, ERR_FIELD_TOO_LONG, field, "%zu bytes, at most %zu", text.length,
                         row->most);
    good = row->characters[0] == '*' ? count_printable(text) : count_listed(kind, text);
    if (good < text.length)
        return err_field(err, ERR_FIELD_CHARACTERS, field, "byte 0x%02x at %zu", text.data[good],
                         good);
    return true;
}
