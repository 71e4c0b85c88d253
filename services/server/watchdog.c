/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog. */
#include "server/watchdog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/memory.h"
#include "base/thread.h"
#include "telemetry/process.h"

#include <fcntl.h>
#include <unistd.h>

enum {
    /* What a probe takes: its own end of the connection, core's, and one that stays free, because
     * core calls accept() until nobody waits, and with a full table that fails for nobody as well.
     * With less, the probe itself would make the listener deaf. */
    SPARES = 3,
    FULL_PERCENT = 80,
    ROOM_PERCENT = 70,
};

struct watchdog {
    struct watchdog_options options;
    struct mailbox mailbox;
    pthread_t thread;
    atomic_bool is_stopping;
    int spares[SPARES]; /* on /dev/null; -1: could not be had */
    bool *has_answered; /* per probe: what never did is an address that core did not bind */
    uint32_t failures;  /* rounds in a row */
};

static bool take_spares(struct watchdog *watchdog)
{
    bool has_all = true;

    for (size_t i = 0; i < SPARES; i++) {
        if (watchdog->spares[i] < 0)
            watchdog->spares[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        has_all &= watchdog->spares[i] >= 0;
    }
    return has_all;
}

static void give_spares(struct watchdog *watchdog)
{
    for (size_t i = 0; i < SPARES; i++) {
        if (watchdog->spares[i] >= 0)
            close(watchdog->spares[i]);
        watchdog->spares[i] = -1;
    }
}

static bool knock(struct watchdog *watchdog, const struct rpc_probe *probe, struct err *err)
{
    bool is_alive;

    if (!take_spares(watchdog))
        return err_set(err, ERR_IO, "%s: no descriptor is left", probe->name);
    give_spares(watchdog);
    is_alive = rpc_probe_run(probe, watchdog->options.interval_ms, err);
    take_spares(watchdog);
    return is_alive;
}

/* The first that is silent ends the round: what waits for it is the time until the end. */
static bool look_at_doors(struct watchdog *watchdog, struct err *err)
{
    const struct watchdog_options *options = &watchdog->options;

    for (size_t i = 0; i < options->probe_count; i++) {
        if (knock(watchdog, &options->probes[i], err))
            watchdog->has_answered[i] = true;
        else if (watchdog->has_answered[i])
            return false;
    }
    return true;
}

static bool is_deaf(struct watchdog *watchdog)
{
    const struct watchdog_options *options = &watchdog->options;
    struct err err = ERR_NONE;

    if (look_at_doors(watchdog, &err)) {
        if (watchdog->failures > 0)
            LOG(INFO, "probe.answered", "every listener answers again",
                log_number("failures", watchdog->failures));
        watchdog->failures = 0;
        return false;
    }
    watchdog->failures++;
    metrics_count(metrics_shared(options->metrics), METRIC_PROBE_FAILURES, 0, 1);
    LOG(WARN, "probe.failed", "a listener does not take connections",
        log_text("detail", err.detail), log_number("failures", watchdog->failures));
    return watchdog->failures == options->failures_max;
}

static void look_at_descriptors(const struct watchdog *watchdog)
{
    uint64_t count = process_count_descriptors(), max = process_max_descriptors();

    if (count * 100 > max * FULL_PERCENT)
        readiness_fail(watchdog->options.readiness, READINESS_DESCRIPTORS,
                       "most file descriptors are in use");
    else if (count * 100 <= max * ROOM_PERCENT)
        readiness_meet(watchdog->options.readiness, READINESS_DESCRIPTORS);
}

/* Whose they were is not said: an address is a person's, now and then. */
static void hang_up(const struct watchdog *watchdog)
{
    uint32_t count = rpc_server_hang_up(watchdog->options.rpc);

    if (count == 0)
        return;
    metrics_count(metrics_shared(watchdog->options.metrics), METRIC_HUNG_UP, 0, count);
    LOG(WARN, "rpc.hung_up", "ended connections that gave up most of their calls",
        log_number("connections", count));
}

/* What a name also stands for need not be bound; an address that is never answered is worth a line.
 */
static void log_unanswered(const struct watchdog *watchdog)
{
    for (size_t i = 0; i < watchdog->options.probe_count; i++)
        if (!watchdog->has_answered[i])
            LOG(INFO, "probe.unanswered", "not watched until it has answered once",
                log_text("address", watchdog->options.probes[i].name));
}

static void *run(void *argument)
{
    struct watchdog *watchdog = argument;
    const struct watchdog_options *options = &watchdog->options;
    bool is_first = true;

    while (!atomic_load(&watchdog->is_stopping)) {
        int64_t began_ms = clock_monotonic_ms(&clock_system), left_ms;

        look_at_descriptors(watchdog);
        hang_up(watchdog);
        if (is_deaf(watchdog)) {
            options->on_deaf(options->context);
            break;
        }
        if (is_first)
            log_unanswered(watchdog);
        is_first = false;
        left_ms = began_ms + options->interval_ms - clock_monotonic_ms(&clock_system);
        if (left_ms > 0 && !atomic_load(&watchdog->is_stopping))
            mailbox_wait(&watchdog->mailbox, left_ms);
    }
    return NULL;
}

struct watchdog *watchdog_start(const struct watchdog_options *options)
{
    struct watchdog *watchdog = memory_new(struct watchdog);

    watchdog->options = *options;
    watchdog->has_answered = memory_new_array(bool, options->probe_count);
    for (size_t i = 0; i < SPARES; i++)
        watchdog->spares[i] = -1;
    mailbox_init(&watchdog->mailbox);
    thread_start(&watchdog->thread, "watchdog", run, watchdog);
    return watchdog;
}

void watchdog_stop(struct watchdog *watchdog)
{
    if (!watchdog)
        return;
    atomic_store(&watchdog->is_stopping, true);
    mailbox_wake(&watchdog->mailbox);
    pthread_join(watchdog->thread, NULL);
    give_spares(watchdog);
    mailbox_release(&watchdog->mailbox);
    memory_free(watchdog->has_answered);
    memory_free(watchdog);
}
