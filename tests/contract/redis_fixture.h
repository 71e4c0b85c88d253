/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas on one redis-server, and what the server goes through. */
#ifndef CONTRACT_REDIS_FIXTURE_H
#define CONTRACT_REDIS_FIXTURE_H

#include "contract/mailbox.h"
#include "contract/redis_store.h"

#include <stdatomic.h>

enum {
    REPLICA_CHANGES_MAX = 4096,
    REPLICAS_MAX = 2,
    CONNECT_TIMEOUT_MS = 3000,
    STALL_TIMEOUT_MS = 1000,
    HEARTBEAT_MS = 50,
    PATIENCE_MS = 15000,
};

/* One store, and what its listener was told. */
struct replica {
    struct store *store;
    struct store_listener listener;
    atomic_size_t change_count; /* in their turn */
    atomic_size_t ahead_count;
    atomic_size_t reset_count;
    struct store_change changes[REPLICA_CHANGES_MAX];
};

struct redis_fixture {
    char folder[64];
    struct redis_server_process server;
    struct mailbox mailbox;
    size_t answered;
    struct replica replicas[REPLICAS_MAX];
};

int redis_fixture_set_up(void **state);
int redis_fixture_tear_down(void **state);

/* Options that the tests begin with: one partition, times that are short. */
struct redis_options redis_fixture_options(const struct redis_fixture *fixture);
void redis_fixture_open(struct redis_fixture *fixture, size_t replica,
                        const struct redis_options *options);

struct store_request *redis_fixture_request(struct redis_fixture *fixture,
                                            enum store_operation operation);
struct store_request *redis_fixture_run(struct redis_fixture *fixture, size_t replica,
                                        struct store_request *request);
/* … which must fail like that, and is freed. */
void redis_fixture_assert_fails(struct redis_fixture *fixture, struct store_request *request,
                                enum err_code code, const char *detail);

struct store_key redis_fixture_key(unsigned number);
/* A write of one value and one change, not submitted. */
struct store_request *redis_fixture_write(struct redis_fixture *fixture, unsigned key,
                                          const char *text);
/* Submit to replica 0, must succeed; returns its number. */
uint64_t redis_fixture_must_write(struct redis_fixture *fixture, unsigned key, const char *text);
/* Of any replica: the value is this text, or there is none (NULL). */
void redis_fixture_assert_value(struct redis_fixture *fixture, size_t replica, unsigned key,
                                const char *text);

/* Wait until the count has grown to that; aborts when it does not. */
void redis_fixture_wait(const atomic_size_t *count, size_t least);

/* The parts; they return how many tests failed. */
int redis_run_trouble_tests(void);
int redis_run_damage_tests(void);
int redis_run_failover_tests(void);
int redis_run_late_tests(size_t wanted);
int redis_run_replica_tests(void);
int redis_run_scan_tests(void);
int redis_run_slow_tests(void);
int redis_run_wait_tests(void);

#endif
