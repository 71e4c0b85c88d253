/* SPDX-License-Identifier: Apache-2.0 */
/* passgated. */
#include "server/findings.h"
#include "server/lifecycle.h"
#include "server/preflight.h"

enum { EXIT_FAILED = 1, EXIT_CONFIG = 2, EXIT_DEAF = 3, CONFIG_ARENA_BYTES = 64 * 1024 };

extern char **environ;

/* Whatever it is: the process ends of it. */
static int fail(const struct err *err)
{
    log_err_at(ERR_LEVEL_ERROR, "server.start", "cannot start", err);
    return err->code == ERR_CONFIG_INVALID || err->code == ERR_FILE_INVALID ? EXIT_CONFIG
                                                                            : EXIT_FAILED;
}

/* As an editor finds them; where the log is read by programs, as events of it. */
static void tell(const struct diagnostics *findings, const struct config *config, const char *event,
                 const char *refused, const char *advised)
{
    if (config->log.format == LOG_FORMAT_JSON)
        findings_log(findings, event, refused, advised);
    else
        diagnostics_print(findings, stderr);
}

static int start(const struct config *config, struct arena *arena)
{
    struct diagnostics findings;
    struct server *server;
    struct err err;
    bool is_started;

    diagnostics_init(&findings, arena);
    if (!lifecycle_prepare(config, &err))
        return fail(&err);
    is_started = server_start(config, &findings, &server, &err);
    tell(&findings, config, "directive.finding", "directives are refused",
         "directives could be better");
    if (!is_started)
        return fail(&err);
    return lifecycle_run(server, config) ? 0 : EXIT_DEAF;
}

static int run(const struct config *config, const struct diagnostics *findings, bool is_good,
               struct arena *arena)
{
    struct err err;

    log_configure(config->log.level, config->log.format);
    tell(findings, config, "config.finding", "the configuration is refused",
         "the configuration could be better");
    if (is_good)
        return start(config, arena);
    err_set(&err, ERR_CONFIG_INVALID, "what the configuration names cannot be used");
    return fail(&err);
}

static int answer(enum config_action action, const struct config *config,
                  const struct diagnostics *findings, bool is_good)
{
    diagnostics_print(findings, stderr);
    if (!is_good)
        return EXIT_CONFIG;
    config_answer(action, config, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct diagnostics findings;
    enum config_action action;
    struct config *config;
    struct arena arena;
    bool is_good = true;
    int status;

    arena_init(&arena, CONFIG_ARENA_BYTES);
    diagnostics_init(&findings, &arena);
    if (!config_load(argc, argv, environ, &arena, &findings, &config, &action)) {
        diagnostics_print(&findings, stderr);
        arena_release(&arena);
        return EXIT_CONFIG;
    }
    if (action == CONFIG_RUN || action == CONFIG_CHECK)
        is_good = preflight(config, &arena, &findings);
    status = action == CONFIG_RUN ? run(config, &findings, is_good, &arena)
                                  : answer(action, config, &findings, is_good);
    arena_release(&arena);
    return status;
}
