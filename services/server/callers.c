/* SPDX-License-Identifier: Apache-2.0 */
/* Callers of the configuration. */
#include "server/callers.h"

#include "base/log.h"
#include "base/memory.h"
#include "server/findings.h"

#include <sys/stat.h>

enum { RELOAD_ARENA_BYTES = 64 * 1024 };

_Static_assert(sizeof(((struct config_api_key *)0)->sha256) == SHA256_BYTES,
               "the configuration keeps what callers are found by");
_Static_assert((int)CONFIG_CALLS_PER_SECOND_MAX == (int)BUDGET_CALLS_PER_SECOND_MAX &&
                   (int)CONFIG_CALLS_IN_FLIGHT_MAX == (int)BUDGET_CALLS_IN_FLIGHT_MAX &&
                   (int)CONFIG_SUBJECTS_PER_HOUR_MAX == (int)BUDGET_SUBJECTS_PER_HOUR_MAX,
               "the configuration takes what a budget bears");

static struct budget_limits budget_limits(const struct config_allowance *allowance)
{
    return (struct budget_limits){allowance->calls_per_second, allowance->calls_in_flight,
                                  allowance->subjects_per_hour};
}

/* Of all callers, each with the row that it belongs to. */
static struct caller_api_key *list_api_keys(const struct config *config, size_t *ret_count)
{
    struct caller_api_key *keys;
    size_t count = 0, next = 0;

    for (size_t i = 0; i < config->caller_count; i++)
        count += config->callers[i].api_key_count;
    keys = memory_new_array(struct caller_api_key, count);
    for (size_t i = 0; i < config->caller_count; i++)
        for (size_t k = 0; k < config->callers[i].api_key_count; k++) {
            const struct config_api_key *key = &config->callers[i].api_keys[k];

            keys[next].row = i;
            keys[next].expires_at_ms = key->expires_at_ms;
            memcpy(keys[next++].hash, key->sha256, SHA256_BYTES);
        }
    *ret_count = count;
    return keys;
}

/* The configuration's words are the interceptor's bits: both count roles from submitter. */
static struct caller_set *make_set(const struct config *config, const struct caller_set *before)
{
    struct caller *rows = memory_new_array(struct caller, config->caller_count);
    struct budget_limits *allowances = memory_new_array(struct budget_limits, config->caller_count);
    struct caller_person *persons = memory_new_array(struct caller_person, config->person_count);
    size_t api_key_count;
    struct caller_api_key *api_keys = list_api_keys(config, &api_key_count);
    struct caller_set *set;

    for (size_t i = 0; i < config->caller_count; i++) {
        allowances[i] = budget_limits(&config->callers[i].allowance);
        rows[i] = (struct caller){
            .id = span_text(config->callers[i].id),
            .roles = config->callers[i].roles | ROLE_ANYONE,
            .disclose = (enum disclose)config->callers[i].disclose,
            .authentication = RPC_MTLS,
            .is_by_api_key = config->callers[i].is_by_api_key,
            .limits = &config->callers[i].limits,
        };
    }
    for (size_t i = 0; i < config->person_count; i++)
        persons[i] = (struct caller_person){
            .id = config->persons[i].id,
            .callers = config->persons[i].callers,
            .caller_count = config->persons[i].caller_count,
            .allowance = budget_limits(&config->persons[i].allowance),
        };
    set = caller_set_new(
        &(struct caller_bindings){
            .rows = rows,
            .allowances = allowances,
            .count = config->caller_count,
            .denied = config->denied,
            .denied_count = config->denied_count,
            .persons = persons,
            .person_count = config->person_count,
            .api_keys = api_keys,
            .api_key_count = api_key_count,
        },
        before);
    memory_free(api_keys);
    memory_free(persons);
    memory_free(allowances);
    memory_free(rows);
    return set;
}

static struct legal_holds *make_holds(const struct config *config)
{
    struct legal_hold *rows = memory_new_array(struct legal_hold, config->legal_hold_count);
    struct legal_holds *holds;

    for (size_t i = 0; i < config->legal_hold_count; i++) {
        const struct config_legal_hold *hold = &config->legal_holds[i];

        rows[i] = (struct legal_hold){hold->id, hold->from_ms, hold->until_ms, hold->reason};
    }
    holds = legal_holds_new(rows, config->legal_hold_count);
    memory_free(rows);
    return holds;
}

/* What stat(2) says; a file that is not there is another one than any. */
static uint64_t signature_of(const char *path)
{
    const uint64_t factor = UINT64_C(0x100000001b3);
    struct stat status = {0};

    if (path[0] == '\0' || stat(path, &status) != 0)
        return 0;
    return ((((uint64_t)status.st_ino * factor ^ (uint64_t)status.st_size) * factor ^
             (uint64_t)status.st_mtim.tv_sec) *
                factor ^
            (uint64_t)status.st_mtim.tv_nsec) |
           1;
}

void callers_init(struct callers *callers, const struct config *config, struct metrics *metrics)
{
    callers->config = config;
    callers->metrics = metrics;
    callers->signature = signature_of(config->file);
    caller_set_snapshot_init(&callers->set, make_set(config, NULL));
    legal_holds_snapshot_init(&callers->holds, make_holds(config));
}

void callers_release(struct callers *callers)
{
    snapshot_release(&callers->holds);
    snapshot_release(&callers->set);
}

static void reload(struct callers *callers, struct arena *arena)
{
    struct diagnostics diagnostics;
    struct config *config;
    bool is_loaded;

    diagnostics_init(&diagnostics, arena);
    is_loaded = config_load_again(callers->config, arena, &diagnostics, &config);
    if (is_loaded) {
        struct caller_set *before = snapshot_get(&callers->set);

        snapshot_replace(&callers->set, make_set(config, before));
        caller_set_unref(before);
        snapshot_replace(&callers->holds, make_holds(config));
        if (callers->on_loaded)
            callers->on_loaded(callers->context);
        LOG(INFO, "callers.loaded", "the callers of the configuration are in force",
            log_number("callers", (int64_t)config->caller_count),
            log_number("denied", (int64_t)config->denied_count));
    } else {
        LOG(ERROR, "callers.refused", "the callers stay as they are",
            log_text("file", callers->config->file),
            log_number("errors", (int64_t)diagnostics.error_count));
    }
    findings_log(&diagnostics, "config.finding", "the configuration is refused",
                 "the configuration could be better");
    metrics_count(metrics_shared(callers->metrics), METRIC_CALLER_LOADS,
                  is_loaded ? METRICS_SUCCESS : METRICS_FAILURE, 1);
}

void callers_look(struct callers *callers, bool is_kicked)
{
    uint64_t signature = signature_of(callers->config->file);
    struct arena arena;

    if (callers->config->file[0] == '\0' || (!is_kicked && signature == callers->signature))
        return;
    callers->signature = signature; /* before the file: what comes later is seen */
    arena_init(&arena, RELOAD_ARENA_BYTES);
    reload(callers, &arena);
    arena_release(&arena);
}
