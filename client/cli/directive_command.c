/* SPDX-License-Identifier: Apache-2.0 */
/* passgate directive lint: directive files, compiled as the server does. */
#include "base/file.h"
#include "base/memory.h"
#include "client/cli/command.h"
#include "domain/directive/directive.h"

#include <sys/stat.h>

enum { DIRECTIVE_FILE_MAX_BYTES = 1024 * 1024, FILES_MAX = 10000 };

struct files {
    struct directive_file *items;
    size_t count;
    struct diagnostics diagnostics;
};

static bool add_file(const struct cli *cli, struct files *files, const char *path)
{
    struct span content;
    struct err err;

    if (files->count == FILES_MAX) {
        cli_fail_with(cli, "more than %d files", FILES_MAX);
        return false;
    }
    if (file_read(path, DIRECTIVE_FILE_MAX_BYTES, cli->arena, &content, &err))
        files->items[files->count++] = (struct directive_file){path, content};
    else /* the others are still looked at */
        diagnostics_add(&files->diagnostics, DIAGNOSTIC_ERROR, path, 0, 0, "%s", err.detail);
    return true;
}

static bool add_folder(const struct cli *cli, struct files *files, const char *folder)
{
    const char *const *names;
    size_t count;
    struct err err;

    if (!file_list(folder, ".yaml", cli->arena, &names, &count, &err)) {
        cli_fail_err(cli, &err);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!add_file(cli, files, arena_printf(cli->arena, "%s/%s", folder, names[i])))
            return false;
    return true;
}

static bool add_all(const struct cli *cli, struct files *files)
{
    for (size_t i = 0; i < cli->operand_count; i++) {
        const char *path = cli->operands[i];
        struct stat status;
        bool is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);

        if (is_folder ? !add_folder(cli, files, path) : !add_file(cli, files, path))
            return false;
    }
    if (files->count == 0 && files->diagnostics.error_count == 0) {
        cli_fail_with(cli, "no .yaml file there");
        return false;
    }
    return true;
}

static void print_json(const struct output *output, const struct diagnostics *diagnostics)
{
    json_t *list = json_array();

    for (const struct diagnostic *one = diagnostics->first; one; one = one->next)
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:i, s:s, s:s}", "file", one->file, "line",
                                        one->line, "column", one->column, "severity",
                                        one->severity == DIAGNOSTIC_ERROR ? "error" : "warning",
                                        "message", one->message));
    output_json(output, list);
    json_decref(list);
}

static int lint(const struct cli *cli, struct files *files)
{
    struct directive_environment environment = {.is_partial = true};
    const struct organizations organizations = {0};
    struct diagnostics *diagnostics = &files->diagnostics;

    environment.organizations = &organizations;
    environment.groups = country_groups_load(country_groups_default(), "the built-in groups",
                                             cli->arena, diagnostics);
    directive_set_unref(
        directive_set_compile(files->items, files->count, &environment, diagnostics));
    if (cli->output.is_json) {
        print_json(&cli->output, diagnostics);
    } else {
        diagnostics_print(diagnostics, cli->output.stream);
        output_print(&cli->output, "%zu file%s, %zu error%s, %zu warning%s.\n", files->count,
                     files->count == 1 ? "" : "s", diagnostics->error_count,
                     diagnostics->error_count == 1 ? "" : "s", diagnostics->warning_count,
                     diagnostics->warning_count == 1 ? "" : "s");
    }
    if (diagnostics->error_count > 0)
        return EXIT_ERROR;
    return cli->flags.strict && diagnostics->warning_count > 0 ? EXIT_DENY : EXIT_ALLOW;
}

int run_directive_lint(struct cli *cli)
{
    struct files files = {.items = memory_new_array(struct directive_file, FILES_MAX)};
    int status = EXIT_ERROR;

    diagnostics_init(&files.diagnostics, cli->arena);
    if (add_all(cli, &files))
        status = lint(cli, &files);
    memory_free(files.items);
    return status;
}
