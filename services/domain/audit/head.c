/* SPDX-License-Identifier: Apache-2.0 */
/* Tree heads as text. */
#include "domain/audit/head.h"

#include "base/encoding.h"
#include "domain/audit/files.h"

#include <inttypes.h>
#include <stdio.h>

/* RFC 7519 NumericDate is a double in most readers: beyond 2^53 they disagree. */
static const int64_t integer_max = INT64_C(1) << 53;

enum { ROOT_LENGTH = 43 }; /* SHA-256 in base64url */

size_t audit_head_format(const struct audit_head *head, char text[static AUDIT_HEAD_PAYLOAD_MAX])
{
    char log_id[AUDIT_LOG_ID_LENGTH + 1], root[ROOT_LENGTH + 1];
    int length;

    audit_log_id_encode(head->log_id, log_id);
    base64url_encode(span_of(&head->root, sizeof(head->root)), root);
    length = snprintf(text, AUDIT_HEAD_PAYLOAD_MAX,
                      "{\"iat\":%" PRId64 ",\"log\":\"%s\",\"root\":\"%s\",\"size\":%" PRIu64 "}",
                      head->time_ms / 1000, log_id, root, head->size);
    return (size_t)length;
}

static bool take_integer(const json_t *payload, const char *name, int64_t *ret_number)
{
    const json_t *value = json_object_get(payload, name);

    *ret_number = json_integer_value(value);
    return json_is_integer(value) && *ret_number >= 0 && *ret_number <= integer_max;
}

static struct span take_text(const json_t *payload, const char *name)
{
    const json_t *value = json_object_get(payload, name);

    return span_of(json_string_value(value), json_string_length(value));
}

bool audit_head_parse(const json_t *payload, struct audit_head *ret_head, struct err *err)
{
    struct span log_id = take_text(payload, "log"), root = take_text(payload, "root");
    uint8_t bytes[ROOT_LENGTH * 3 / 4 + 1];
    struct audit_head head;
    int64_t size, seconds;
    size_t length;

    if (!take_integer(payload, "size", &size) || !take_integer(payload, "iat", &seconds))
        return err_set(err, ERR_TOKEN_INVALID, "the tree head's size or iat is no whole number");
    if (!audit_log_id_decode(log_id, &head.log_id))
        return err_set(err, ERR_TOKEN_INVALID, "the tree head's log is not 16 hex digits");
    if (root.length != ROOT_LENGTH || !base64url_decode(root, bytes, &length))
        return err_set(err, ERR_TOKEN_INVALID, "the tree head's root is no SHA-256 in base64url");
    memcpy(head.root.bytes, bytes, sizeof(head.root.bytes));
    head.size = (uint64_t)size;
    head.time_ms = seconds * 1000;
    *ret_head = head;
    return true;
}

static bool parse_text(struct span text, struct audit_head *ret_head, struct err *err)
{
    bool is_parsed;
    json_t *payload;

    if (!json_read(text, &payload, err))
        return err_set(err, ERR_TOKEN_INVALID, "the tree head's payload is no JSON");
    is_parsed = audit_head_parse(payload, ret_head, err);
    json_decref(payload);
    return is_parsed;
}

bool audit_head_peek(struct span jws, struct audit_head *ret_head, struct err *err)
{
    const uint8_t *end = jws.data + jws.length;
    const uint8_t *first = jws.length ? memchr(jws.data, '.', jws.length) : NULL;
    const uint8_t *second = first ? memchr(first + 1, '.', (size_t)(end - first) - 1) : NULL;
    uint8_t payload[AUDIT_HEAD_LINE_MAX];
    size_t length;

    if (jws.length > sizeof(payload) || !second ||
        !base64url_decode(span_of(first + 1, (size_t)(second - first) - 1), payload, &length))
        return err_set(err, ERR_TOKEN_INVALID, "the tree head is no JWS in compact form");
    return parse_text(span_of(payload, length), ret_head, err);
}

bool audit_heads_next(struct span file, size_t *offset, struct span *ret_line, bool *ret_is_whole)
{
    struct span rest = span_from(file, *offset);
    const uint8_t *end = rest.length ? memchr(rest.data, '\n', rest.length) : NULL;

    if (rest.length == 0)
        return false;
    *ret_is_whole = end != NULL;
    *ret_line = span_of(rest.data, end ? (size_t)(end - rest.data) : rest.length);
    *offset += ret_line->length + (end != NULL);
    return true;
}
