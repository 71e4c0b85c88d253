/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as text, against golden files.
 *
 * golden/NAME.json is a reply, golden/NAME.txt what a person sees of it; the first part of NAME is
 * the kind of reply.  PASSGATE_UPDATE_GOLDEN=1 writes the .txt files anew, to be looked at in the
 * diff.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "client/cli/command.h"
#include "client/cli/text.h"
#include "client/src/json_message.h"
#include "client/src/method.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct passgate_check check = {
    .subject = "alice", .resource_type = "model", .resource_id = "mythos-5", .action = "use"};

static void show_decision(const struct output *output, const void *result)
{
    text_decision(output, &check, result);
}

static void show_explanation(const struct output *output, const void *result)
{
    text_explanation(output, &check, result);
}

static void show_list(const struct output *output, const void *result)
{
    text_entitlements(output, result);
}

static void show_subject(const struct output *output, const void *result)
{
    text_subject(output, result);
}

static void show_caller(const struct output *output, const void *result)
{
    text_caller(output, result);
}

static void show_server(const struct output *output, const void *result)
{
    text_server(output, result);
}

static void show_keys(const struct output *output, const void *result)
{
    text_keys(output, result);
}

static const struct kind {
    const char *name;
    const struct method *method;
    void (*show)(const struct output *output, const void *result);
} kinds[] = {
    {"decision", &method_check, show_decision}, {"explanation", &method_explain, show_explanation},
    {"list", &method_list, show_list},          {"subject", &method_get_subject, show_subject},
    {"caller", &method_who_am_i, show_caller},  {"server", &method_get_server, show_server},
    {"keys", &method_list_keys, show_keys},
};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strncmp(name, kinds[i].name, strlen(kinds[i].name)) == 0)
            return &kinds[i];
    fail_msg("%s is of no kind", name);
    return NULL;
}

static void *result_of(const struct method *method, struct span text, struct arena *arena)
{
    ProtobufCMessage *message;
    struct err err = ERR_NONE;
    uint8_t *wire;
    json_t *value;

    if (!json_read(text, &value, &err) ||
        !json_message_read(value, method->reply, arena, &message, &err))
        fail_msg("%s: %s", err.field, err.detail);
    json_decref(value);
    wire = arena_alloc(arena, protobuf_c_message_get_packed_size(message) + 1);
    return method_result(method, wire, protobuf_c_message_pack(message, wire));
}

static void compare(const char *path, const char *text, struct arena *arena)
{
    struct span wanted;
    struct err err = ERR_NONE;

    if (getenv("PASSGATE_UPDATE_GOLDEN"))
        assert_true(file_write_durably(path, span_text(text), 0644, &err));
    if (!file_read(path, 1 << 20, arena, &wanted, &err))
        fail_msg("%s", err.detail);
    if (!span_equal(wanted, span_text(text)))
        fail_msg("%s differs:\n%s", path, text);
}

static void every_reply_reads_as_its_golden_text(void **state)
{
    const char *const *names;
    struct arena arena;
    size_t count;
    struct err err = ERR_NONE;

    (void)state;
    arena_init(&arena, 64 * 1024);
    assert_true(file_list(GOLDEN, ".json", &arena, &names, &count, &err));
    for (size_t i = 0; i < count; i++) {
        const struct kind *kind = kind_of(names[i]);
        struct output output = {0};
        struct span json;
        size_t length;
        void *result;
        char *text;

        assert_true(
            file_read(arena_printf(&arena, GOLDEN "/%s", names[i]), 1 << 20, &arena, &json, &err));
        result = result_of(kind->method, json, &arena);
        output.stream = open_memstream(&text, &length);
        kind->show(&output, result);
        fclose(output.stream);
        compare(arena_printf(&arena, GOLDEN "/%.*s.txt", (int)strlen(names[i]) - 5, names[i]), text,
                &arena);
        free(text);
        passgate_free(result);
    }
    assert_true(count >= ARRAY_LEN(kinds));
    arena_release(&arena);
}

static void what_a_server_says_cannot_steer_a_terminal(void **state)
{
    struct output output = {.is_colored = true};
    size_t length;
    char *text;

    (void)state;
    output.stream = open_memstream(&text, &length);
    output_colored(&output, COLOR_RED, "%s",
                   "a\033[2Jb\x7f\xc2\x9b"
                   "c\xc3\xa9\n");
    fclose(output.stream);
    assert_string_equal(text, "\033[31ma?[2Jb???c\xc3\xa9\n\033[0m");
    free(text);
}

static void help_is_made_for_every_command(void **state)
{
    struct output output = {0};
    size_t length;
    char *text;

    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        output.stream = open_memstream(&text, &length);
        help_command(&output, &command_table[i]);
        fclose(output.stream);
        assert_non_null(strstr(text, command_table[i].name));
        assert_non_null(strstr(text, "--server ADDRESS"));
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            assert_true(strcspn(line, "\n") <= 100);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply_reads_as_its_golden_text),
        cmocka_unit_test(what_a_server_says_cannot_steer_a_terminal),
        cmocka_unit_test(help_is_made_for_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
