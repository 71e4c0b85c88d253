/* SPDX-License-Identifier: Apache-2.0 */
/* A file of requests. */
#include "client/cli/request_file.h"

#include "client/src/json_message.h"

#include <stdio.h>

enum { ERRORS_TOLD_MAX = 20, PATH_TEXT_MAX = 160 };

static void tell(const struct cli *cli, const struct request_file *file,
                 struct json_position position, const struct err *err)
{
    const struct output output = {.stream = stderr};
    struct passgate_error error = {.code = PASSGATE_INVALID_ARGUMENT};
    char place[32] = "";

    snprintf(error.reason, sizeof(error.reason), "%s", err_reason(err->code));
    snprintf(error.field, sizeof(error.field), "%s", err->field);
    if (position.line > 0)
        snprintf(place, sizeof(place), ":%d:%d", position.line, position.column);
    snprintf(error.message, sizeof(error.message), "%.100s%s: error: %s%s%s", file->path, place,
             err->field, err->field[0] ? ": " : "", err->detail);
    if (cli->output.is_json)
        cli_fail(cli, &error);
    else
        output_print(&output, "%s\n", error.message);
}

static bool read_elements(const struct cli *cli, struct request_file *file,
                          const ProtobufCMessageDescriptor *type)
{
    size_t error_count = 0;
    struct err err;

    for (size_t i = 0; i < file->count; i++) {
        if (json_message_read(file->elements[i], type, cli->arena, &file->messages[i], &err))
            continue;
        if (file->is_list)
            err_prefix_field(&err, "[%zu]", i);
        if (error_count++ < (cli->output.is_json ? 1 : ERRORS_TOLD_MAX))
            tell(cli, file, json_document_locate(file->text, err.field), &err);
    }
    return error_count == 0;
}

bool request_file_open(const struct cli *cli, const char *path,
                       const ProtobufCMessageDescriptor *element,
                       const ProtobufCMessageDescriptor *single, struct request_file *ret_file)
{
    struct request_file file = {.path = strcmp(path, "-") == 0 ? "standard input" : path};
    struct json_position position;
    struct err err;

    if (!cli_read_file(cli, path, &file.text))
        return false;
    if (!json_document_read(file.text, &file.root, &position, &err)) {
        tell(cli, &file, position, &err);
        return false;
    }
    file.is_list = json_is_array(file.root);
    file.count = file.is_list ? json_array_size(file.root) : 1;
    file.elements = arena_new_array(cli->arena, json_t *, file.count);
    file.messages = arena_new_array(cli->arena, ProtobufCMessage *, file.count);
    for (size_t i = 0; i < file.count; i++)
        file.elements[i] = file.is_list ? json_array_get(file.root, i) : file.root;
    if (!read_elements(cli, &file, file.is_list ? element : single)) {
        json_decref(file.root);
        return false;
    }
    *ret_file = file;
    return true;
}

void request_file_close(struct request_file *file)
{
    json_decref(file->root);
}

/* "evidence.issued_on" as "evidence.issuedOn". */
static void make_camel(char *path)
{
    char *to = path;

    for (const char *from = path; *from; from++) {
        bool is_joint = *from == '_' && from[1] >= 'a' && from[1] <= 'z';

        *to++ = is_joint ? (char)(*++from - 'a' + 'A') : *from;
    }
    *to = '\0';
}

struct json_position request_file_locate(const struct request_file *file, size_t index,
                                         const char *field)
{
    char element[32] = "", path[PATH_TEXT_MAX];
    struct json_position position;

    if (file->is_list)
        snprintf(element, sizeof(element), "[%zu]", index);
    snprintf(path, sizeof(path), "%s%s%s", element, file->is_list && field[0] ? "." : "", field);
    position = json_document_locate(file->text, path);
    if (position.line == 0) {
        make_camel(path);
        position = json_document_locate(file->text, path);
    }
    return position.line > 0 ? position : json_document_locate(file->text, element);
}
