/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the contract do with a store, one request at a time. */
#ifndef CONTRACT_FIXTURE_H
#define CONTRACT_FIXTURE_H

#include "contract/backend.h"

/* The backend whose turn it is. */
extern const struct backend *backend_under_test;

/* For cmocka: an empty store of the backend under test. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

struct store_request *fixture_request(struct fixture *fixture, enum store_operation operation);
/* Submit and wait.  The request stays the caller's. */
struct store_request *fixture_run(struct fixture *fixture, struct store_request *request);
/* … and it must fail like this, and is freed. */
void fixture_assert_fails(struct fixture *fixture, struct store_request *request,
                          enum err_code code);

struct store_key fixture_key(unsigned number);
/* A write that must succeed; returns its number. */
uint64_t fixture_write(struct fixture *fixture, unsigned key, const char *text);
/* The value is this text, or there is none (NULL). */
void fixture_assert_value(struct fixture *fixture, unsigned key, const char *text);

/* A read of the outbox that must succeed. */
struct store_request *fixture_read_outbox(struct fixture *fixture, size_t limit);

/* The parts of the suite; they return how many tests failed. */
int contract_run_data_tests(void);
int contract_run_scan_tests(void);
int contract_run_world_tests(void);

#endif
