/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: a list that keeps its order. */
#include "base/diagnostics.h"

#include <stdarg.h>

void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena)
{
    *diagnostics = (struct diagnostics){.arena = arena, .tail = &diagnostics->first};
}

void diagnostics_add(struct diagnostics *diagnostics, enum diagnostic_severity severity,
                     const char *file, int line, int column, const char *format, ...)
{
    struct diagnostic *entry;
    char message[512];
    va_list arguments;

    if (severity == DIAGNOSTIC_ERROR)
        diagnostics->error_count++;
    else
        diagnostics->warning_count++;
    if (diagnostics->error_count + diagnostics->warning_count > DIAGNOSTICS_KEPT_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    entry = arena_new(diagnostics->arena, struct diagnostic);
    entry->file = arena_text(diagnostics->arena, span_text(file));
    entry->line = line;
    entry->column = column;
    entry->severity = severity;
    entry->message = arena_text(diagnostics->arena, span_text(message));
    *diagnostics->tail = entry;
    diagnostics->tail = &entry->next;
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *stream)
{
    size_t total = diagnostics->error_count + diagnostics->warning_count;

    for (const struct diagnostic *entry = diagnostics->first; entry; entry = entry->next) {
        fprintf(stream, "%s:", entry->file);
        if (entry->line > 0)
            fprintf(stream, "%d:", entry->line);
        if (entry->line > 0 && entry->column > 0)
            fprintf(stream, "%d:", entry->column);
        fprintf(stream, " %s: %s\n", entry->severity == DIAGNOSTIC_ERROR ? "error" : "warning",
                entry->message);
    }
    if (total > DIAGNOSTICS_KEPT_MAX)
        fprintf(stream, "… and %zu more\n", total - DIAGNOSTICS_KEPT_MAX);
}
