/* SPDX-License-Identifier: Apache-2.0 */
/* Shipping. */
#include "audit/ship.h"

#include "audit/segment_list.h"
#include "base/file.h"
#include "base/memory.h"
#include "domain/audit/head.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define NEWEST_HEAD_KEY AUDIT_HEADS_FOLDER "/" AUDIT_NEWEST_HEAD_FILE

enum { DIGEST_BYTES = 256 * 1024, PLACE_DIGITS = 16 };

const char *ship_marks_folder(const char *folder, const char *place_name, struct arena *arena)
{
    char digest[SHA256_HEX_MAX];

    digest_sha256_hex(span_text(place_name), digest);
    return arena_printf(arena, "%s/" AUDIT_MARKS_FOLDER "/%.*s", folder, PLACE_DIGITS, digest);
}

/* ---- objects ---- */

static bool digest_stream(FILE *stream, struct ship_object *object)
{
    uint8_t *buffer = memory_alloc(DIGEST_BYTES);
    struct digest *digest = digest_new();
    size_t got;

    while ((got = fread(buffer, 1, DIGEST_BYTES, stream)) > 0) {
        digest_add(digest, span_of(buffer, got));
        object->bytes += got;
    }
    digest_hex(digest, object->sha256);
    digest_free(digest);
    memory_free(buffer);
    return !ferror(stream);
}

static bool describe_file(struct ship_object *object, struct err *err)
{
    FILE *stream = fopen(object->path, "re");
    bool is_read = stream && digest_stream(stream, object);

    if (!is_read)
        err_set(err, ERR_IO, "cannot read %s: %s", object->path, strerrordesc_np(errno));
    if (stream)
        fclose(stream);
    return is_read;
}

/* ---- a segment ---- */

/* In this order: what is there of a segment that is not there whole contradicts nothing. */
static const struct part {
    const char *folder;
    const char *suffix;
    bool may_be_missing; /* nobody had a key to sign heads with */
} parts[] = {
    {AUDIT_SEGMENTS_FOLDER, AUDIT_SEGMENT_SUFFIX, false},
    {AUDIT_SEGMENTS_FOLDER, AUDIT_INDEX_SUFFIX, false},
    {AUDIT_HEADS_FOLDER, AUDIT_HEADS_SUFFIX, true},
};

static enum ship_result ship_part(const struct ship_route *route, const struct part *part,
                                  uint64_t number, int64_t retain_until_ms, struct arena *arena,
                                  uint64_t *bytes, struct err *err)
{
    const char *name = segment_list_path(part->folder, number, part->suffix, arena);
    struct ship_object object = {
        .key = arena_printf(arena, "%s/%s", route->log_id, name),
        .path = arena_printf(arena, "%s/%s", route->folder, name),
        .retain_until_ms = retain_until_ms,
    };
    enum ship_result result;

    if (part->may_be_missing && access(object.path, F_OK) != 0 && errno == ENOENT)
        return SHIP_SAME;
    if (!describe_file(&object, err))
        return SHIP_FAILED;
    result = route->place->ops->put(route->place, &object, err);
    if (result == SHIP_STORED)
        *bytes += object.bytes;
    return result;
}

static bool mark(const struct ship_route *route, uint64_t number, struct arena *arena,
                 struct err *err)
{
    const char *folder = ship_marks_folder(route->folder, route->place_name, arena);

    return file_make_folder(folder, err) &&
           file_write_durably(segment_list_path(folder, number, AUDIT_MARK_SUFFIX, arena),
                              span_text(arena_printf(arena, "%s\n", route->place_name)), 0600, err);
}

/* Until when the copy is to be kept, by the latest record. */
static bool find_retention(const struct ship_route *route, uint64_t number, struct arena *arena,
                           int64_t *ret_until_ms, struct err *err)
{
    struct audit_index index;

    *ret_until_ms = 0;
    if (route->retain_ms == 0)
        return true;
    if (!segment_list_index(arena_printf(arena, "%s/" AUDIT_SEGMENTS_FOLDER, route->folder), number,
                            &index, err))
        return false;
    *ret_until_ms = index.latest_ms + route->retain_ms;
    audit_index_release(&index);
    return true;
}

enum ship_result ship_segment(const struct ship_route *route, uint64_t number, uint64_t *ret_bytes,
                              struct err *err)
{
    enum ship_result result = SHIP_SAME;
    int64_t retain_until_ms;
    struct arena arena;

    *ret_bytes = 0;
    arena_init(&arena, 4096);
    if (!find_retention(route, number, &arena, &retain_until_ms, err))
        result = SHIP_FAILED;
    for (size_t i = 0; i < ARRAY_LEN(parts) && ship_is_done(result); i++)
        result = ship_part(route, &parts[i], number, retain_until_ms, &arena, ret_bytes, err);
    if (ship_is_done(result) && !mark(route, number, &arena, err))
        result = SHIP_FAILED;
    arena_release(&arena);
    return result;
}

/* ---- the newest head ---- */

enum ship_result ship_head(const struct ship_route *route, struct span jws, struct err *err)
{
    struct ship_object object = {.is_replaceable = true};
    enum ship_result result;
    struct arena arena;

    arena_init(&arena, 4096);
    object.key = arena_printf(&arena, "%s/" NEWEST_HEAD_KEY, route->log_id);
    object.content = span_text(arena_printf(&arena, "%.*s\n", SPAN_FORMAT(jws)));
    object.bytes = object.content.length;
    digest_sha256_hex(object.content, object.sha256);
    result = route->place->ops->put(route->place, &object, err);
    arena_release(&arena);
    return result;
}

static enum ship_result judge_head(const struct ship_route *route, struct span content,
                                   uint64_t size_at_start, struct err *err)
{
    char log_id[AUDIT_LOG_ID_LENGTH + 1];
    struct audit_head head;
    struct span line;
    size_t offset = 0;
    bool is_whole;

    if (!audit_heads_next(content, &offset, &line, &is_whole) ||
        !audit_head_peek(line, &head, err)) {
        err_set(err, ERR_CONFLICT, NEWEST_HEAD_KEY " there is no head of a log");
        return SHIP_OTHER_CONTENT;
    }
    audit_log_id_encode(head.log_id, log_id);
    if (strcmp(log_id, route->log_id) == 0 && head.size <= size_at_start)
        return SHIP_SAME;
    err_set(err, ERR_CONFLICT,
            NEWEST_HEAD_KEY " there speaks of %" PRIu64 " records, this log began with %" PRIu64
                            ": it was cut, or is an older copy",
            head.size, size_at_start);
    return SHIP_OTHER_CONTENT;
}

enum ship_result ship_look_at_head(const struct ship_route *route, uint64_t size_at_start,
                                   struct err *err)
{
    enum ship_result result;
    struct arena arena;
    struct span content;

    arena_init(&arena, 4096);
    result = route->place->ops->get(route->place,
                                    arena_printf(&arena, "%s/" NEWEST_HEAD_KEY, route->log_id),
                                    AUDIT_HEAD_LINE_MAX + 1, &arena, &content, err);
    if (result == SHIP_SAME)
        result = judge_head(route, content, size_at_start, err);
    arena_release(&arena);
    return result;
}
