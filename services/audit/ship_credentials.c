/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials of an S3-compatible server. */
#include "audit/ship_credentials.h"

#include "base/secret.h"

#include <stddef.h>

static const struct key {
    const char *name;
    size_t offset;
    size_t max;
    bool is_required;
} keys[] = {
    {"aws_access_key_id", offsetof(struct ship_credentials, access_key_id), SHIP_KEY_ID_MAX, true},
    {"aws_secret_access_key", offsetof(struct ship_credentials, secret_access_key), SHIP_SECRET_MAX,
     true},
    {"aws_session_token", offsetof(struct ship_credentials, session_token), SHIP_TOKEN_MAX, false},
};

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct span trim(struct span text)
{
    while (text.length > 0 && is_blank(text.data[0]))
        text = span_from(text, 1);
    while (text.length > 0 && is_blank(text.data[text.length - 1]))
        text.length--;
    return text;
}

/* Up to `mark`, which is not part of either; without one all of it. */
static struct span take_until(struct span *text, uint8_t mark)
{
    const uint8_t *at = text->length > 0 ? memchr(text->data, mark, text->length) : NULL;
    struct span part = span_of(text->data, at ? (size_t)(at - text->data) : text->length);

    *text = span_from(*text, at ? part.length + 1 : text->length);
    return part;
}

/* They become parts of headers. */
static bool is_printable(struct span value)
{
    for (size_t i = 0; i < value.length; i++)
        if (value.data[i] <= ' ' || value.data[i] >= 0x7f)
            return false;
    return value.length > 0;
}

static bool take_line(struct span line, struct ship_credentials *credentials, struct err *err)
{
    struct span name = trim(take_until(&line, '=')), value = trim(line);

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char *field = (char *)credentials + keys[i].offset;

        if (!span_is(name, keys[i].name))
            continue;
        if (!is_printable(value) || value.length > keys[i].max)
            return err_set(err, ERR_FILE_INVALID, "%s must be 1 to %zu printable characters",
                           keys[i].name, keys[i].max);
        memcpy(field, value.data, value.length);
        field[value.length] = '\0';
    }
    return true;
}

static bool take_lines(struct span text, struct ship_credentials *credentials, struct err *err)
{
    bool is_default = true;

    while (text.length > 0) {
        struct span line = trim(take_until(&text, '\n'));

        if (line.length == 0 || line.data[0] == '#' || line.data[0] == ';')
            continue;
        if (line.data[0] == '[')
            is_default = span_is(line, "[default]");
        else if (is_default && !take_line(line, credentials, err))
            return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (keys[i].is_required && ((char *)credentials)[keys[i].offset] == '\0')
            return err_set(err, ERR_FILE_INVALID, "there is no %s", keys[i].name);
    return true;
}

bool ship_credentials_parse(struct span text, struct ship_credentials *ret_credentials,
                            struct err *err)
{
    struct ship_credentials credentials = {.access_key_id = ""};
    bool is_parsed = take_lines(text, &credentials, err);

    if (is_parsed)
        *ret_credentials = credentials;
    secret_wipe(&credentials, sizeof(credentials));
    return is_parsed;
}
