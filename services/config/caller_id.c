/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of callers. */
#include "config/caller_id.h"

#include "domain/field/pattern.h"

enum { CALLER_ID_MAX = 2048 }; /* the SPIFFE standard's bound for an id */

static bool is_of(struct span text, const char *others)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr(others, c))
            return false;
    }
    return text.length > 0;
}

/* SPIFFE-ID section 2: a trust domain of lower-case letters, digits, `.-_`, and a path of segments
 * that are not empty, `.` or `..`; here with stars in them. */
static bool is_spiffe_id(struct span rest)
{
    const uint8_t *slash = rest.length > 0 ? memchr(rest.data, '/', rest.length) : NULL;
    size_t domain = slash ? (size_t)(slash - rest.data) : rest.length;

    if (!slash || !is_of(span_of(rest.data, domain), ".-_"))
        return false;
    rest = span_from(rest, domain);
    while (rest.length > 0) {
        struct span segment = span_from(rest, 1);
        const uint8_t *end = segment.length ? memchr(segment.data, '/', segment.length) : NULL;

        if (end)
            segment.length = (size_t)(end - segment.data);
        if (!is_of(segment, ".-_*ABCDEFGHIJKLMNOPQRSTUVWXYZ") || span_is(segment, ".") ||
            span_is(segment, ".."))
            return false;
        rest = span_from(rest, segment.length + 1);
    }
    return true;
}

static const char scheme[] = "spiffe://";

/* A star in a trust domain would let in whom other authorities vouch for. */
static bool check_pattern(struct loader *loader, const struct yaml_node *value, struct span id)
{
    struct span rest = span_from(id, strlen(scheme));
    const uint8_t *slash = rest.length > 0 ? memchr(rest.data, '/', rest.length) : NULL;

    if (!span_starts_with(id, span_text(scheme)) || !slash ||
        pattern_literal_length(id) < (size_t)(slash - id.data)) {
        loader_error(loader, section_place(loader, value),
                     "id %s: a star stands in the path of a SPIFFE id only, not in its trust "
                     "domain and in no other id",
                     loader_quote(loader, id));
        return false;
    }
    if (pattern_is_valid(id))
        return true;
    loader_error(loader, section_place(loader, value),
                 "id %s: a pattern has at most %d bytes and %d stars, and no two in a row",
                 loader_quote(loader, id), PATTERN_BYTES_MAX, PATTERN_STARS_MAX);
    return false;
}

bool caller_id_read(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    struct span *ret_id)
{
    struct span id;

    if (!section_read_text(loader, field, value, CALLER_ID_MAX, &id))
        return false;
    if (span_is(id, "local")) {
        loader_error(loader, section_place(loader, value),
                     "`local` is the caller of plaintext listeners and takes no item here: "
                     "remove it");
        return false;
    }
    if (pattern_is_one(id) && !check_pattern(loader, value, id))
        return false;
    if (span_starts_with(id, span_text(scheme)) && !is_spiffe_id(span_from(id, strlen(scheme)))) {
        section_complain(loader, field, value, NULL);
        return false;
    }
    *ret_id = id;
    return true;
}
