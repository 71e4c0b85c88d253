/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for an audit log, what it is opened with, and the steps that must not fail. */
#ifndef TESTS_LOG_FIXTURE_H
#define TESTS_LOG_FIXTURE_H

#include "audit_fixture.h"

struct fixture {
    char *folder;
    struct mailbox mailbox;
    struct audit_options options;
};

/* For cmocka. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

struct audit_log *fixture_open(struct fixture *fixture);
/* A decision about this subject; returns its number. */
uint64_t fixture_append(struct audit_log *log, uint64_t subject);
/* To be released. */
struct written fixture_read_back(struct fixture *fixture);

#endif
