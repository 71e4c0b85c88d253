/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture of the configuration tests. */
#include "unit/config/load.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 32 };

static const struct {
    const char *name;
    const char *content;
    unsigned mode;
} files[] = {
    {"cert.pem", "certificate", 0644}, {"ca.pem", "authorities", 0644},
    {"sets.yaml", "sets: []", 0644},   {"key.pem", "key", 0600},
    {"hash.key", "hash key", 0600},    {"open.pem", "key", 0644},
    {"empty.pem", "", 0600},
};

static char folder[] = "/tmp/passgate-config-XXXXXX";

int load_folder_make(void **state)
{
    struct err err;

    (void)state;
    umask(022);
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (!file_write_durably(files[i].name, span_text(files[i].content), files[i].mode, &err))
            return -1;
    return 0;
}

int load_folder_remove(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(files[i].name);
    unlink(LOAD_FILE);
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static size_t append(char **list, size_t count, const char *const *texts, struct arena *arena)
{
    for (; texts && *texts; texts++) {
        assert_true(count < ARGUMENTS_MAX);
        list[count++] = arena_text(arena, span_text(*texts));
    }
    list[count] = NULL;
    return count;
}

void load(struct load *load, const char *file, const char *const *flags,
          const char *const *environment)
{
    char *argv[ARGUMENTS_MAX + 1], *variables[ARGUMENTS_MAX + 1];
    size_t argc;

    *load = (struct load){0};
    arena_init(&load->arena, 16 * 1024);
    diagnostics_init(&load->diagnostics, &load->arena);
    argc = append(argv, 0, (const char *const[]){"passgated", NULL}, &load->arena);
    if (file) {
        FILE *stream = fopen(LOAD_FILE, "w");

        assert_non_null(stream);
        assert_true(fputs(file, stream) >= 0 && fclose(stream) == 0);
        argc = append(argv, argc, (const char *const[]){"--config", LOAD_FILE, NULL}, &load->arena);
    }
    argc = append(argv, argc, flags, &load->arena);
    append(variables, 0, environment, &load->arena);
    load->is_good = config_load((int)argc, argv, variables, &load->arena, &load->diagnostics,
                                &load->config, &load->action);
    assert_int_equal(load->is_good, load->diagnostics.error_count == 0);
}

void load_release(struct load *load)
{
    arena_release(&load->arena);
}

static const char *keep(struct arena *arena, FILE *stream, char **text)
{
    const char *kept;

    assert_int_equal(fclose(stream), 0);
    kept = arena_text(arena, span_text(*text));
    free(*text);
    return kept;
}

const char *load_findings(struct load *load)
{
    size_t size;
    char *text;
    FILE *stream = open_memstream(&text, &size);

    diagnostics_print(&load->diagnostics, stream);
    return keep(&load->arena, stream, &text);
}

const char *load_printed(struct load *load)
{
    size_t size;
    char *text;
    FILE *stream = open_memstream(&text, &size);

    assert_true(config_answer(load->action, load->config, stream));
    return keep(&load->arena, stream, &text);
}

const char *load_repository_file(struct arena *arena, const char *path)
{
    const char *root = getenv("PASSGATE_SOURCE_DIR");
    struct span content;
    struct err err;

    assert_non_null(root);
    if (!file_read(arena_printf(arena, "%s/%s", root, path), 1 << 20, arena, &content, &err))
        fail_msg("%s", err.detail);
    return (const char *)content.data;
}
