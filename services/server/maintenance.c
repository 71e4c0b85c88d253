/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance. */
#include "server/maintenance.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "entitlement/lease.h"
#include "keys/key_ring.h"
#include "server/findings.h"

enum { FINDINGS_ARENA_BYTES = 16 * 1024 };

struct maintenance {
    struct maintenance_options options;
    pthread_t thread;
    atomic_bool is_kicked;
    atomic_bool is_stopping;
};

static void look_at_directives(struct maintenance *maintenance, bool is_kicked)
{
    struct diagnostics diagnostics;
    struct arena arena;
    struct err err;

    if (!is_kicked && !directive_folder_has_changed(maintenance->options.directives))
        return;
    arena_init(&arena, FINDINGS_ARENA_BYTES);
    diagnostics_init(&diagnostics, &arena);
    if (!directive_folder_load(maintenance->options.directives, &diagnostics, &err))
        log_err("directive.refused", "the directive set in force stays as it is", &err);
    else
        watches_wake(maintenance->options.watches);
    findings_log(&diagnostics, "directive.finding", "directives are refused",
                 "directive could be better");
    arena_release(&arena);
}

void maintenance_look_at_shadow(struct shadow_folder *folder, bool is_kicked)
{
    struct diagnostics diagnostics;
    struct arena arena;
    struct err err;

    if (!folder || (!is_kicked && !shadow_folder_has_changed(folder)))
        return;
    arena_init(&arena, FINDINGS_ARENA_BYTES);
    diagnostics_init(&diagnostics, &arena);
    if (!shadow_folder_load(folder, &diagnostics, &err))
        log_err("shadow.refused", "what is tried beside the directives in force stays as it is",
                &err);
    findings_log(&diagnostics, "shadow.finding", "directives to be tried are refused",
                 "directive to be tried could be better");
    arena_release(&arena);
}

/* A log that is full has said so itself. */
static void look_at_record(struct maintenance *maintenance)
{
    struct err err;

    if (!directive_folder_record(maintenance->options.directives, &err))
        log_err("directive.record", "what is in force could not be put on record again", &err);
}

static void look_at_register(struct maintenance *maintenance)
{
    struct err err;

    if (!directive_folder_recall(maintenance->options.directives, &err))
        log_err("directive.register", "what is in force could not be registered again", &err);
}

/* A folder that is in the middle of a change, or wrong, leaves the ring as it is. */
static void look_at_keys(struct maintenance *maintenance)
{
    const struct maintenance_options *options = &maintenance->options;
    struct key_ring *ring, *current;
    struct err err;
    bool is_same;

    if (!key_ring_load(options->keys_folder, options->keys_keep_ms, clock_wall_ms(options->clock),
                       &ring, &err)) {
        log_err("keys.refused", "the key ring stays as it is", &err);
        return;
    }
    current = snapshot_get(options->keys);
    is_same = key_ring_equal(ring, current);
    key_ring_unref(current);
    if (is_same) {
        key_ring_unref(ring);
        return;
    }
    LOG(INFO, "keys.loaded", "key ring has changed",
        log_number("keys", (int64_t)key_ring_count(ring)));
    snapshot_replace(options->keys, ring);
}

static void look_at_store(struct maintenance *maintenance)
{
    struct store_state state;

    store_get_state(maintenance->options.store, &state);
    if (state.is_up)
        readiness_meet(maintenance->options.readiness, READINESS_STORE);
    else
        readiness_fail(maintenance->options.readiness, READINESS_STORE,
                       "the store does not answer");
}

/* By the lease of the configuration: what has a shorter one is refused meanwhile, and the rest is
 * worth staying for. */
static void look_at_lease(struct maintenance *maintenance)
{
    const struct maintenance_options *options = &maintenance->options;
    const struct lease lease = {options->lease_ms, store_feed_age_ms(options->store)};

    if (lease_left_ms(&lease, lease.longest_ms) > 0)
        readiness_meet(options->readiness, READINESS_LEASE);
    else
        readiness_fail(options->readiness, READINESS_LEASE,
                       "the change feed is silent: what is restricted is refused");
}

/* What was told stays true: decisions go on, and what others would have to rely on is not issued.
 * Another replica, on another machine, may know better. */
static void look_at_clock(struct maintenance *maintenance)
{
    const struct maintenance_options *options = &maintenance->options;
    struct err err;

    if (clock_check(options->clock, options->needs_synchronized_clock, &err))
        readiness_meet(options->readiness, READINESS_CLOCK);
    else
        readiness_fail(options->readiness, READINESS_CLOCK, err.detail);
}

static void *run(void *argument)
{
    struct maintenance *maintenance = argument;

    while (!atomic_load(&maintenance->is_stopping)) {
        bool is_kicked = atomic_exchange(&maintenance->is_kicked, false);

        callers_look(maintenance->options.callers, is_kicked);
        look_at_directives(maintenance, is_kicked);
        maintenance_look_at_shadow(maintenance->options.shadow, is_kicked);
        look_at_register(maintenance);
        look_at_record(maintenance);
        look_at_keys(maintenance);
        certificates_look(maintenance->options.certificates, is_kicked);
        retention_look(maintenance->options.retention);
        look_at_store(maintenance);
        look_at_lease(maintenance);
        look_at_clock(maintenance);
        /* The store's answers end sleeps of the same mailbox: who kicked or stopped meanwhile has
         * rung in vain. */
        if (!atomic_load(&maintenance->is_kicked) && !atomic_load(&maintenance->is_stopping))
            mailbox_wait(maintenance->options.mailbox, maintenance->options.interval_ms);
    }
    return NULL;
}

struct maintenance *maintenance_start(const struct maintenance_options *options)
{
    struct maintenance *maintenance = memory_new(struct maintenance);

    maintenance->options = *options;
    thread_start(&maintenance->thread, "maintenance", run, maintenance);
    return maintenance;
}

void maintenance_kick(struct maintenance *maintenance)
{
    atomic_store(&maintenance->is_kicked, true);
    mailbox_wake(maintenance->options.mailbox);
}

void maintenance_stop(struct maintenance *maintenance)
{
    if (!maintenance)
        return;
    atomic_store(&maintenance->is_stopping, true);
    mailbox_wake(maintenance->options.mailbox);
    pthread_join(maintenance->thread, NULL);
    memory_free(maintenance);
}
