/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, written straight into an arena: no tree and no second pass.  With jansson the payload would
 * cost 3.6 µs and through libjwt's grants 10, of the 5 that a claim may cost beside its signature;
 * so it costs 1.
 *
 * The writer puts the commas; names and nesting are the caller's, who writes them side by side.
 */
#ifndef DOMAIN_CLAIM_JSON_WRITER_H
#define DOMAIN_CLAIM_JSON_WRITER_H

#include "base/arena.h"

struct json_writer {
    struct arena *arena;
    char *text;
    size_t length;
    size_t capacity;
    bool needs_comma;
};

/* `capacity` is a guess; the text grows as it must. */
void json_writer_init(struct json_writer *writer, struct arena *arena, size_t capacity);
struct span json_writer_text(const struct json_writer *writer);

void json_write_open(struct json_writer *writer, char bracket);  /* `{` or `[` */
void json_write_close(struct json_writer *writer, char bracket); /* `}` or `]` */

/* A name of ours, without characters that need an escape. */
void json_write_name(struct json_writer *writer, const char *name);
/* A name from outside, and a value: valid UTF-8, escaped as RFC 8259 section 7 demands. */
void json_write_key(struct json_writer *writer, struct span key);
void json_write_text(struct json_writer *writer, struct span text);
void json_write_integer(struct json_writer *writer, int64_t number);
void json_write_bool(struct json_writer *writer, bool value);

#endif
