/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, read the strict way. */
#include "base/json.h"

#include "base/memory.h"

void json_prepare(void)
{
    json_object_seed(0);
    json_set_alloc_funcs(memory_alloc, memory_free);
}

/* jansson recurses up to 2,048 levels by itself, and takes what comes: look before it does. */
static bool check_limits(struct span text, const struct json_limits *limits, struct err *err)
{
    size_t depth = 0, containers = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];

        if (in_string && byte == '\\')
            i++;
        else if (byte == '"')
            in_string = !in_string;
        else if (!in_string && (byte == '{' || byte == '['))
            depth++, containers++;
        else if (!in_string && (byte == '}' || byte == ']') && depth > 0)
            depth--;
        if (depth > limits->depth)
            return err_set(err, ERR_FIELD_TOO_DEEP, "nested more than %zu levels", limits->depth);
        if (containers > limits->containers)
            return err_set(err, ERR_FIELD_TOO_MANY, "more than %zu objects and arrays",
                           limits->containers);
    }
    return true;
}

bool json_read_within(struct span text, const struct json_limits *limits, json_t **ret_value,
                      struct err *err)
{
    json_error_t error;
    json_t *value;

    if (!check_limits(text, limits, err))
        return false;
    if (text.length == 0)
        return err_set(err, ERR_MESSAGE_MALFORMED, "JSON is empty");
    if (memchr(text.data, '\0', text.length)) /* jansson drops it behind a number */
        return err_set(err, ERR_MESSAGE_MALFORMED, "JSON holds a NUL byte");
    value = json_loadb((const char *)text.data, text.length,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value)
        return err_set(err, ERR_MESSAGE_MALFORMED, "JSON, line %d column %d", error.line,
                       error.column);
    *ret_value = value;
    return true;
}

bool json_read(struct span text, json_t **ret_value, struct err *err)
{
    const struct json_limits limits = {.depth = JSON_DEPTH_MAX, .containers = SIZE_MAX};

    return json_read_within(text, &limits, ret_value, err);
}

struct span json_text(const json_t *value, struct arena *arena)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    size_t length = json_dumpb(value, NULL, 0, flags);
    char *text = arena_alloc(arena, length + 1);

    if (length == 0 || json_dumpb(value, text, length, flags) != length)
        memory_exhausted();
    text[length] = '\0';
    return span_of(text, length);
}
