/* SPDX-License-Identifier: Apache-2.0 */
/* Legal holds. */
#include "audit/legal_holds.h"

#include "base/memory.h"
#include "base/timestamp.h"

#include <stdatomic.h>

struct legal_holds {
    atomic_int references;
    struct arena arena;
    const struct legal_hold *rows;
    size_t count;
};

struct legal_holds *legal_holds_new(const struct legal_hold *rows, size_t count)
{
    struct legal_holds *holds = memory_new(struct legal_holds);
    struct legal_hold *kept;

    atomic_init(&holds->references, 1);
    arena_init(&holds->arena, 1024);
    kept = arena_new_array(&holds->arena, struct legal_hold, count);
    for (size_t i = 0; i < count; i++) {
        kept[i] = rows[i];
        kept[i].id = arena_copy(&holds->arena, rows[i].id);
        kept[i].reason = arena_copy(&holds->arena, rows[i].reason);
    }
    holds->rows = kept;
    holds->count = count;
    return holds;
}

static void *ref(void *version)
{
    if (version)
        atomic_fetch_add(&((struct legal_holds *)version)->references, 1);
    return version;
}

void legal_holds_unref(struct legal_holds *holds)
{
    if (!holds || atomic_fetch_sub(&holds->references, 1) > 1)
        return;
    arena_release(&holds->arena);
    memory_free(holds);
}

static void unref(void *version)
{
    legal_holds_unref(version);
}

void legal_holds_snapshot_init(struct snapshot *snapshot, struct legal_holds *holds)
{
    snapshot_init(snapshot, holds, ref, unref);
}

size_t legal_holds_count(const struct legal_holds *holds)
{
    return holds->count;
}

const struct legal_hold *legal_holds_cover(const struct legal_holds *holds, int64_t earliest_ms,
                                           int64_t latest_ms)
{
    for (size_t i = 0; i < holds->count; i++)
        if (holds->rows[i].from_ms <= latest_ms && earliest_ms < holds->rows[i].until_ms)
            return &holds->rows[i];
    return NULL;
}

static const char *moment(int64_t ms, char text[static TIMESTAMP_TEXT_MAX])
{
    return ms == INT64_MIN || ms == INT64_MAX ? "-" : timestamp_format(ms, text);
}

struct span legal_holds_lines(const struct legal_holds *holds, struct arena *arena)
{
    char from[TIMESTAMP_TEXT_MAX], until[TIMESTAMP_TEXT_MAX];
    const char *text = "";

    for (size_t i = 0; i < holds->count; i++) {
        const struct legal_hold *hold = &holds->rows[i];

        text = arena_printf(arena, "%sid=%.*s from=%s until=%s reason=%.*s\n", text,
                            SPAN_FORMAT(hold->id), moment(hold->from_ms, from),
                            moment(hold->until_ms, until), SPAN_FORMAT(hold->reason));
    }
    return span_text(text);
}

static struct span take_line(struct span *lines)
{
    const uint8_t *end = memchr(lines->data, '\n', lines->length);
    struct span line = span_of(lines->data, end ? (size_t)(end - lines->data) : lines->length);

    *lines = span_from(*lines, line.length + 1);
    return line;
}

static bool has_line(struct span lines, struct span line)
{
    while (lines.length > 0)
        if (span_equal(take_line(&lines), line))
            return true;
    return false;
}

void legal_holds_each_new(struct span lines, struct span others,
                          void (*each)(void *context, struct span line), void *context)
{
    while (lines.length > 0) {
        struct span line = take_line(&lines);

        if (line.length > 0 && !has_line(others, line))
            each(context, line);
    }
}
