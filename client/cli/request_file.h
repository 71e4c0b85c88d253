/* SPDX-License-Identifier: Apache-2.0 */
/* A file of requests: JSON, one object or a list, looked at as a whole before any of it is sent. */
#ifndef CLIENT_CLI_REQUEST_FILE_H
#define CLIENT_CLI_REQUEST_FILE_H

#include "client/cli/command.h"
#include "client/src/json_document.h"

#include <protobuf-c/protobuf-c.h>

struct request_file {
    const char *path; /* for messages; "standard input" */
    struct span text;
    json_t *root;
    bool is_list;
    size_t count;
    json_t **elements;           /* borrowed from `root` */
    ProtobufCMessage **messages; /* the same, read; in the arena */
};

/*
 * Elements of a list are `element` messages, an object is one `single`.  On failure everything that
 * is wrong has been told, as PATH:LINE:COLUMN.
 */
MUST_CHECK bool request_file_open(const struct cli *cli, const char *path,
                                  const ProtobufCMessageDescriptor *element,
                                  const ProtobufCMessageDescriptor *single,
                                  struct request_file *ret_file);
void request_file_close(struct request_file *file);

/* Where a field is that the server names, in either spelling; of the element when it has no such
 * field. */
struct json_position request_file_locate(const struct request_file *file, size_t index,
                                         const char *field);

#endif
