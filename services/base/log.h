/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log, for operators: one line per event on standard error.
 *
 *     LOG(WARN, "store.reconnect", "the store answers again", log_number("after_ms", 120));
 *
 * The event is a fixed name, the message a fixed sentence, what varies is in fields.  Field values
 * are escaped, so that no input can forge a line.  No personal data: subjects appear as hashes only
 * (log_hash).  Arguments are not evaluated when the level is off.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include "base/keyed_hash.h"
#include "base/span.h"

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum log_field_kind { LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_HASH };

struct log_field {
    const char *name;
    enum log_field_kind kind;
    struct span text;
    int64_t number;
    struct hash128 hash;
};

void log_configure(enum err_level least, enum log_format format);
bool log_is_on(enum err_level level);

static inline struct log_field log_text(const char *name, const char *value)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_TEXT, .text = span_text(value)};
}

static inline struct log_field log_span(const char *name, struct span value)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_TEXT, .text = value};
}

static inline struct log_field log_number(const char *name, int64_t value)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_NUMBER, .number = value};
}

/* The first 64 bits of the hash: enough to follow a subject through the log. */
static inline struct log_field log_hash(const char *name, struct hash128 hash)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_HASH, .hash = hash};
}

#define LOG(level, event, message, ...)                                           \
    do {                                                                          \
        if (log_is_on(ERR_LEVEL_##level))                                         \
            log_write(ERR_LEVEL_##level, event, message,                          \
                      (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}}); \
    } while (0)

/* `event` and `message` are short texts of the program.  `fields` ends with an entry without a
 * name; those that do not fit a line of 4 KiB are left out, and the line says so (`cut`).  One
 * write(2) per line: lines of threads do not mix. */
void log_write(enum err_level level, const char *event, const char *message,
               const struct log_field *fields);

/* An error at the boundary that handles it: at the level of its row, with reason, detail and place.
 */
void log_err(const char *event, const char *message, const struct err *err);

/* At another level: what is the fault of a caller everywhere else may be the end of the program. */
void log_err_at(enum err_level level, const char *event, const char *message,
                const struct err *err);

#endif
