/* SPDX-License-Identifier: Apache-2.0 */
/* Redis under test: a server of its own for every test. */
#include "contract/backend.h"

#include "contract/redis_certificates.h"
#include "contract/redis_store.h"

#include <stdio.h>
#include <stdlib.h>

static void open_redis(struct fixture *fixture)
{
    static struct redis_tls_server tls;
    struct redis_options options;
    struct err err;

    if (fixture->backend->is_tls && tls.port == 0)
        redis_tls_server_init(&tls, "server", true);
    if (fixture->backend->is_tls)
        fixture->redis.arguments = tls.arguments;
    if (fixture->redis.pid == 0)
        redis_server_start(&fixture->redis, fixture->folder);
    options = redis_store_options(&fixture->redis, "contract");
    if (fixture->backend->is_tls)
        redis_tls_options(&options, &tls, "127.0.0.1", "ca", "client");
    options.clock = &fixture->clock.clock;
    options.pending_max = BACKEND_PENDING_MAX;
    backend_must(redis_open(&options, &fixture->store, &err), &err);
    store_listen(fixture->store, &fixture->listener);
}

static void crash_redis(struct fixture *fixture)
{
    redis_server_kill(&fixture->redis);
    fixture_close(fixture);
    open_redis(fixture);
}

static void copy_folder(const struct fixture *fixture, const char *from, const char *to)
{
    char command[3 * BACKEND_PATH_MAX];

    snprintf(command, sizeof(command), "cd '%s' && rm -rf %s && cp -R %s %s", fixture->folder, to,
             from, to);
    if (system(command) != 0)
        abort();
}

static void back_up_redis(struct fixture *fixture)
{
    fixture_close(fixture);
    redis_server_kill(&fixture->redis);
    copy_folder(fixture, "redis", "backup");
}

static void restore_redis(struct fixture *fixture)
{
    fixture_close(fixture);
    redis_server_kill(&fixture->redis);
    copy_folder(fixture, "backup", "redis");
    open_redis(fixture);
}

static void break_redis(struct fixture *fixture)
{
    fixture->is_broken = true;
    redis_server_kill(&fixture->redis);
}

static void mend_redis(struct fixture *fixture)
{
    if (!fixture->is_broken)
        return;
    fixture->is_broken = false;
    redis_server_start(&fixture->redis, fixture->folder);
    redis_store_wait_until_up(fixture->store);
}

static void clean_up_redis(struct fixture *fixture)
{
    redis_server_kill(&fixture->redis);
}

const struct backend backend_redis = {
    .name = "redis",
    .is_installed = redis_server_is_installed,
    .open = open_redis,
    .crash = crash_redis,
    .back_up = back_up_redis,
    .restore = restore_redis,
    .break_down = break_redis,
    .mend = mend_redis,
    .clean_up = clean_up_redis,
};

static bool tls_is_installed(void)
{
    return redis_server_is_installed() && redis_tls_is_built();
}

const struct backend backend_redis_tls = {
    .name = "redis_tls",
    .is_tls = true,
    .is_installed = tls_is_installed,
    .open = open_redis,
    .crash = crash_redis,
    .back_up = back_up_redis,
    .restore = restore_redis,
    .break_down = break_redis,
    .mend = mend_redis,
    .clean_up = clean_up_redis,
};
