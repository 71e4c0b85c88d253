/* SPDX-License-Identifier: Apache-2.0 */
/* passgated. */
#include "server/lifecycle.h"

enum { EXIT_FAILED = 1, EXIT_CONFIG = 2, EXIT_DEAF = 3, CONFIG_ARENA_BYTES = 64 * 1024 };

extern char **environ;

static int fail(const struct err *err)
{
    log_err("server.start", "cannot start", err);
    return err->code == ERR_CONFIG_INVALID || err->code == ERR_FILE_INVALID ? EXIT_CONFIG
                                                                            : EXIT_FAILED;
}

static int run(const struct config *config, struct diagnostics *diagnostics)
{
    struct server *server;
    struct err err;
    bool is_started;

    log_configure(config->log.level, config->log.format);
    if (!lifecycle_prepare(config, &err))
        return fail(&err);
    is_started = server_start(config, diagnostics, &server, &err);
    diagnostics_print(diagnostics, stderr);
    if (!is_started)
        return fail(&err);
    return lifecycle_run(server, config) ? 0 : EXIT_DEAF;
}

int main(int argc, char **argv)
{
    struct diagnostics findings, later_findings;
    enum config_action action;
    struct config *config;
    struct arena arena;
    int status = 0;

    arena_init(&arena, CONFIG_ARENA_BYTES);
    diagnostics_init(&findings, &arena);
    diagnostics_init(&later_findings, &arena);
    if (!config_load(argc, argv, environ, &arena, &findings, &config, &action))
        status = EXIT_CONFIG;
    diagnostics_print(&findings, stderr);
    if (status == 0 && !config_answer(action, config, stdout))
        status = run(config, &later_findings);
    arena_release(&arena);
    return status;
}
