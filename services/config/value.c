/* SPDX-License-Identifier: Apache-2.0 */
/* Values: one row per type. */
#include "config/value.h"

#include "base/encoding.h"
#include "config/address.h"
#include "config/nearest.h"

#include <inttypes.h>
#include <limits.h>

enum { LIST_MAX = 64 };

struct unit {
    const char *suffix;
    int64_t factor;
};

/* Largest first: numbers are printed in the first that divides them. */
static const struct unit byte_units[] = {
    {"GiB", INT64_C(1) << 30},
    {"MiB", INT64_C(1) << 20},
    {"KiB", INT64_C(1) << 10},
    {"", 1},
    {NULL, 0},
};

/* `m`, `h` and `d` are read, and printed as seconds: a reader compares `300s` with `30s` at a
 * glance. */
static const struct unit duration_units[] = {
    {"s", 1000}, {"ms", 1}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 3600 * 1000},
    {NULL, 0},
};

static const struct unit plain_units[] = {{"", 1}, {NULL, 0}};

struct kind {
    const char *placeholder;
    const char *noun;         /* of expectations; numbers add their range, words their list */
    const char *example;      /* of numbers */
    const struct unit *units; /* of numbers */
    bool (*read)(const struct option *option, struct span text, struct loader *loader, void *field);
    void (*print)(const struct option *option, const void *field, FILE *stream);
};

static const struct kind kinds[OPTION_TYPE_COUNT];

static int64_t text_max(const struct option *option)
{
    return option->max > 0 ? option->max : PATH_MAX - 1;
}

static bool is_text(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    return utf8_is_valid(text);
}

static bool read_text(const struct option *option, struct span text, struct loader *loader,
                      void *field)
{
    if (text.length == 0 && !(option->flags & OPTION_MAY_BE_EMPTY))
        return false;
    if (text.length > (size_t)text_max(option) || !is_text(text))
        return false;
    *(const char **)field = arena_text(loader->arena, text);
    return true;
}

static bool read_name(const struct option *option, struct span text, struct loader *loader,
                      void *field)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        bool is_hyphen = c == '-' && i > 0 && i + 1 < text.length;

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !is_hyphen)
            return false;
    }
    return read_text(option, text, loader, field);
}

static bool read_url(const struct option *option, struct span text, struct loader *loader,
                     void *field)
{
    return (text.length == 0 || address_is_url(text)) && read_text(option, text, loader, field);
}

static bool read_bool(const struct option *option, struct span text, struct loader *loader,
                      void *field)
{
    (void)option;
    (void)loader;
    if (!span_is(text, "true") && !span_is(text, "false"))
        return false;
    *(bool *)field = span_is(text, "true");
    return true;
}

/* Decimal digits, then one of the units. 0 needs no unit. */
static bool parse_number(struct span text, const struct unit *units, int64_t *ret_number)
{
    int64_t number = 0;
    size_t digits = 0;
    struct span suffix;

    while (digits < text.length && text.data[digits] >= '0' && text.data[digits] <= '9')
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text.data[digits++] - '0', &number))
            return false;
    suffix = span_from(text, digits);
    if (digits == 0)
        return false;
    if (number == 0 && suffix.length == 0) {
        *ret_number = 0;
        return true;
    }
    for (; units->suffix; units++)
        if (span_is(suffix, units->suffix))
            return !__builtin_mul_overflow(number, units->factor, ret_number);
    return false;
}

static bool read_number(const struct option *option, struct span text, struct loader *loader,
                        void *field)
{
    int64_t number;

    (void)loader;
    if (!parse_number(text, kinds[option->type].units, &number) || number < option->min ||
        number > option->max)
        return false;
    *(int64_t *)field = number;
    return true;
}

static bool read_word(const struct option *option, struct span text, struct loader *loader,
                      void *field)
{
    (void)loader;
    for (unsigned i = 0; option->words[i]; i++)
        if (span_is(text, option->words[i])) {
            memcpy(field, &i, sizeof(i));
            return true;
        }
    return false;
}

static bool read_address(const struct option *option, struct span text, struct loader *loader,
                         void *field)
{
    struct config_address *address = field;

    if (text.length == 0 && option->flags & OPTION_MAY_BE_EMPTY) {
        *address = (struct config_address){.text = "", .host = ""};
        return true;
    }
    return address_parse(text, loader->arena, address);
}

/* "must be …, not …", and for words the nearest. */
static void complain(struct loader *loader, const struct option *option, struct value_text item)
{
    struct nearest nearest = nearest_to(item.text);
    char expectation[VALUE_EXPECTATION_MAX];

    for (size_t i = 0; option->words && option->words[i]; i++)
        nearest_offer(&nearest, option->words[i]);
    loader_error(loader, item.place, "%s must be %s, not %s%s", option->name,
                 value_expectation(option, expectation), loader_quote(loader, item.text),
                 loader_suggest(loader, nearest.best));
}

static bool read_addresses(struct loader *loader, const struct option *option,
                           const struct value_text *items, size_t count)
{
    struct config_addresses *list = loader_field(loader, option);
    struct config_address *rows = arena_new_array(loader->arena, struct config_address, count);
    bool is_good = true;

    if (count > LIST_MAX) {
        loader_error(loader, items[LIST_MAX].place, "%s has at most %d items", option->name,
                     LIST_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i].place = items[i].place;
        if (!address_parse(items[i].text, loader->arena, &rows[i])) {
            complain(loader, option, items[i]);
            is_good = false;
        }
    }
    if (is_good)
        *list = (struct config_addresses){rows, count};
    return is_good;
}

bool value_is_list(const struct option *option)
{
    return option->type == OPTION_ADDRESSES;
}

bool value_read(struct loader *loader, const struct option *option, const struct value_text *items,
                size_t count)
{
    if (value_is_list(option))
        return read_addresses(loader, option, items, count);
    if (!kinds[option->type].read(option, items[0].text, loader, loader_field(loader, option))) {
        complain(loader, option, items[0]);
        return false;
    }
    if (option->type == OPTION_ADDRESS)
        ((struct config_address *)loader_field(loader, option))->place = items[0].place;
    return true;
}

/* Characters that mean nothing to YAML wherever they stand. */
static bool is_plain(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "~"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i]) == 0)
            return false;
    for (const char *at = text; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/", *at) &&
            !(*at == '-' && at > text))
            return false;
    return text[0] != '\0';
}

void value_print_text(const char *text, FILE *stream)
{
    if (is_plain(text)) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (const char *at = text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fputc('\\', stream);
        fputc(*at, stream);
    }
    fputc('"', stream);
}

static void print_text(const struct option *option, const void *field, FILE *stream)
{
    (void)option;
    value_print_text(*(const char *const *)field, stream);
}

static void print_bool(const struct option *option, const void *field, FILE *stream)
{
    (void)option;
    fputs(*(const bool *)field ? "true" : "false", stream);
}

enum { NUMBER_TEXT_MAX = 32 };

static const char *format_number(const struct option *option, int64_t number,
                                 char text[static NUMBER_TEXT_MAX])
{
    const struct unit *unit = kinds[option->type].units;

    while (unit->factor > 1 && number % unit->factor != 0)
        unit++;
    snprintf(text, NUMBER_TEXT_MAX, "%" PRId64 "%s", number / unit->factor,
             number != 0 ? unit->suffix : "");
    return text;
}

static void print_number(const struct option *option, const void *field, FILE *stream)
{
    char text[NUMBER_TEXT_MAX];

    fputs(format_number(option, *(const int64_t *)field, text), stream);
}

static void print_word(const struct option *option, const void *field, FILE *stream)
{
    unsigned value;

    memcpy(&value, field, sizeof(value));
    fputs(option->words[value], stream);
}

static void print_address(const struct option *option, const void *field, FILE *stream)
{
    (void)option;
    value_print_text(((const struct config_address *)field)->text, stream);
}

static void print_addresses(const struct option *option, const void *field, FILE *stream)
{
    const struct config_addresses *list = field;

    (void)option;
    fputc('[', stream);
    for (size_t i = 0; i < list->count; i++) {
        fputs(i > 0 ? ", " : "", stream);
        value_print_text(list->rows[i].text, stream);
    }
    fputc(']', stream);
}

static const struct kind kinds[OPTION_TYPE_COUNT] = {
    [OPTION_TEXT] = {.placeholder = "TEXT", .noun = "text", .read = read_text, .print = print_text},
    [OPTION_NAME] = {.placeholder = "NAME",
                     .noun = "a name of lower-case letters, digits and inner hyphens",
                     .read = read_name,
                     .print = print_text},
    [OPTION_URL] = {.placeholder = "URL",
                    .noun = "an http or https URL without user, query, fragment and final slash",
                    .read = read_url,
                    .print = print_text},
    [OPTION_BOOL] = {.placeholder = "true|false",
                     .noun = "true or false",
                     .read = read_bool,
                     .print = print_bool},
    [OPTION_INTEGER] = {.placeholder = "NUMBER",
                        .noun = "a whole number",
                        .units = plain_units,
                        .read = read_number,
                        .print = print_number},
    [OPTION_BYTES] = {.placeholder = "SIZE",
                      .noun = "a size",
                      .example = "64MiB or 512KiB",
                      .units = byte_units,
                      .read = read_number,
                      .print = print_number},
    [OPTION_DURATION] = {.placeholder = "DURATION",
                         .noun = "a duration",
                         .example = "300s or 50ms",
                         .units = duration_units,
                         .read = read_number,
                         .print = print_number},
    [OPTION_WORD] = {.placeholder = "WORD",
                     .noun = "one of",
                     .read = read_word,
                     .print = print_word},
    [OPTION_PATH] = {.placeholder = "PATH",
                     .noun = "a path",
                     .read = read_text,
                     .print = print_text},
    [OPTION_FILE] = {.placeholder = "FILE",
                     .noun = "the path of a readable file",
                     .read = read_text,
                     .print = print_text},
    [OPTION_SECRET_FILE] = {.placeholder = "FILE",
                            .noun = "the path of a file that is not for everybody",
                            .read = read_text,
                            .print = print_text},
    [OPTION_ADDRESS] = {.placeholder = "HOST:PORT",
                        .noun = "host:port, such as 127.0.0.1:8080 or [::1]:8080, or \"\" for off",
                        .read = read_address,
                        .print = print_address},
    [OPTION_ADDRESSES] = {.placeholder = "HOST:PORT,…",
                          .noun = "a list of host:port, such as 127.0.0.1:50051 or [::1]:50051",
                          .print = print_addresses},
};

void value_print(const struct config *config, const struct option *option, FILE *stream)
{
    kinds[option->type].print(option, (const char *)config + option->offset, stream);
}

const char *value_placeholder(const struct option *option)
{
    return kinds[option->type].placeholder;
}

static void expect_words(const struct option *option, char *text, size_t size)
{
    size_t length = strlen(text);

    for (size_t i = 0; option->words[i] && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s %s", i > 0 ? "," : "",
                                   option->words[i]);
}

static void expect_range(const struct option *option, char *text, size_t size)
{
    const char *example = kinds[option->type].example;
    char min[NUMBER_TEXT_MAX], max[NUMBER_TEXT_MAX];
    size_t length = strlen(text);

    snprintf(text + length, size - length, " from %s to %s%s%s",
             format_number(option, option->min, min), format_number(option, option->max, max),
             example ? ", such as " : "", example ? example : "");
}

const char *value_expectation(const struct option *option, char text[static VALUE_EXPECTATION_MAX])
{
    const struct kind *kind = &kinds[option->type];
    size_t length = (size_t)snprintf(text, VALUE_EXPECTATION_MAX, "%s", kind->noun);

    if (option->words)
        expect_words(option, text, VALUE_EXPECTATION_MAX);
    else if (kind->units)
        expect_range(option, text, VALUE_EXPECTATION_MAX);
    else if (option->max > 0)
        snprintf(text + length, VALUE_EXPECTATION_MAX - length, ", at most %" PRId64 " bytes",
                 option->max);
    return text;
}
