/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON document that a person wrote: what is wrong with it, and at which line and column. */
#ifndef CLIENT_SRC_JSON_DOCUMENT_H
#define CLIENT_SRC_JSON_DOCUMENT_H

#include "base/err.h"
#include "base/json.h"

/* Both from 1; 0 when it concerns the document as a whole. */
struct json_position {
    int line;
    int column;
};

/* json_read() with the parser's own words in err->detail and the place in *ret_position, which is
 * filled on failure. */
MUST_CHECK bool json_document_read(struct span text, json_t **ret_value,
                                   struct json_position *ret_position, struct err *err);

/*
 * Where what is at `path` begins, "[2].evidence.mrz": the name of a member, or an element of a
 * list; {0, 0} when there is no such path.  `text` has been accepted by json_document_read().
 */
struct json_position json_document_locate(struct span text, const char *path);

#endif
