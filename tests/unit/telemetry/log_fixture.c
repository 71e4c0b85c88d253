/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for an audit log. */
#include "log_fixture.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

int fixture_set_up(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);

    fixture->folder = folder_new();
    mailbox_init(&fixture->mailbox);
    fixture->options = (struct audit_options){.folder = fixture->folder, .clock = &clock_system};
    *state = fixture;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;

    folder_free(fixture->folder);
    mailbox_release(&fixture->mailbox);
    memory_free(fixture);
    return 0;
}

struct audit_log *fixture_open(struct fixture *fixture)
{
    struct audit_log *log;
    struct err err = ERR_NONE;

    if (!audit_open(&fixture->options, &log, &err))
        fail_msg("%s", err.detail);
    return log;
}

uint64_t fixture_append(struct audit_log *log, uint64_t subject)
{
    struct decision decision;
    struct err err = ERR_NONE;
    uint64_t sequence = 0;

    decision_init(&decision, subject);
    if (!audit_append(log, &decision.record, &sequence, &err))
        fail_msg("%s", err.detail);
    return sequence;
}

struct written fixture_read_back(struct fixture *fixture)
{
    struct written written;
    struct err err = ERR_NONE;

    if (!written_read(fixture->folder, &written, &err))
        fail_msg("%s", err.detail);
    return written;
}
