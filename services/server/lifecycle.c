/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the process. */
#include "server/lifecycle.h"

#include "base/clock.h"
#include "base/secret.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static const int handled[] = {SIGTERM, SIGINT, SIGHUP};

static sigset_t handled_set(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(handled); i++)
        sigaddset(&set, handled[i]);
    return set;
}

static bool raise_descriptors(int64_t least, struct err *err)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return err_set(err, ERR_IO, "getrlimit: %s", strerrordesc_np(errno));
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return err_set(err, ERR_IO, "setrlimit: %s", strerrordesc_np(errno));
    if (limit.rlim_cur < (rlim_t)least)
        return err_set(err, ERR_CONFIG_INVALID,
                       "%" PRIu64 " file descriptors may be open, rpc.descriptors_min is %" PRId64
                       ": raise the limit (ulimit -n, LimitNOFILE)",
                       (uint64_t)limit.rlim_cur, least);
    return true;
}

static bool keep_out_of_swap(enum config_memory_lock lock, struct err *err)
{
    if (lock == CONFIG_MEMORY_LOCK_NEVER ||
        (lock == CONFIG_MEMORY_LOCK_SWAP && !secret_is_swap_there()) || secret_lock_process(err))
        return true;
    if (lock == CONFIG_MEMORY_LOCK_ALWAYS)
        return false;
    LOG(WARN, "memory.swap", "keys and facts about people may get into swap",
        log_text("detail", err->detail));
    return true;
}

bool lifecycle_prepare(const struct config *config, struct err *err)
{
    sigset_t set = handled_set();

    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return secret_hide_process(err) && keep_out_of_swap(config->memory.lock, err) &&
           raise_descriptors(config->rpc.descriptors_min, err);
}

/* The next signal within `wait_ms`; 0 when there was none. */
static int next_signal(int64_t wait_ms)
{
    const struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    sigset_t set = handled_set();
    int number = sigtimedwait(&set, NULL, &wait);

    return number > 0 ? number : 0;
}

static void serve_on(struct server *server, int64_t time_ms)
{
    int64_t end_ms = clock_monotonic_ms(&clock_system) + time_ms;
    int64_t left_ms = time_ms;

    LOG(INFO, "server.drain", "serving on until clients have moved", log_number("ms", time_ms));
    while (left_ms > 0) {
        int number = next_signal(left_ms);

        if (number == SIGTERM || number == SIGINT)
            return;
        if (number == SIGHUP)
            server_reload(server);
        left_ms = end_ms - clock_monotonic_ms(&clock_system);
    }
}

bool lifecycle_run(struct server *server, const struct config *config)
{
    const int64_t day_ms = 24 * INT64_C(3600000);
    bool is_deaf;
    int number;

    do {
        number = next_signal(day_ms);
        if (number == SIGHUP)
            server_reload(server);
    } while (number != SIGTERM && number != SIGINT);
    server_announce_drain(server);
    if (number == SIGTERM && !server_is_deaf(server))
        serve_on(server, config->drain.time_ms);
    is_deaf = server_is_deaf(server);
    server_stop(server);
    LOG(INFO, "server.stopped", "stopped");
    return !is_deaf;
}
