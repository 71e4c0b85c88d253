/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case: one record of an audit log, and what the logs of all replicas say that explains it: the
 * changes of its subjects next to it, who reviewed them, and the directives in force.
 *
 * How a decision is explained by changes stands in docs/audit.md.
 */
#ifndef CLIENT_CLI_AUDIT_CASE_H
#define CLIENT_CLI_AUDIT_CASE_H

#include "client/cli/log_folder.h"

#include <jansson.h>

/* The record of a change of a subject. */
struct audit_change {
    bool is_there;
    uint64_t log_id;
    uint64_t sequence;
    enum audit_kind kind;
    int64_t time_ms;
    uint16_t partition;
    uint64_t number;
    struct span sealed; /* the document about it; empty: none was written */
};

/* A subject of the record. */
struct audit_person {
    struct hash128 subject;
    struct audit_change last; /* at the revision of the record or before it */
    struct audit_change next; /* behind it */
    json_t *reviewers;        /* by whom, what, in which record, when */
};

struct audit_case {
    struct arena *arena;
    uint64_t log_id;
    uint64_t sequence;
    const struct log_folder *folder; /* that has it */
    struct audit_record record;
    struct audit_person *persons;
    size_t person_count;

    json_t *directives; /* of its set, in order; NULL: in none of the logs */
    json_t *countries;  /* the sets in use then; NULL: not told */
    const char *set_digest;
};

/* The record itself; RECORD_UNKNOWN when none of the folders has it. */
MUST_CHECK bool audit_case_find(struct audit_case *found, const struct log_folder *folders,
                                size_t count, struct err *err);

/* Everything that explains it.  Reads all logs whole. */
MUST_CHECK bool audit_case_gather(struct audit_case *found, const struct log_folder *folders,
                                  size_t count, struct err *err);
void audit_case_release(struct audit_case *found);

/* Whether the directive, as the log tells it, names the resource. */
bool audit_case_names(const json_t *directive, struct span resource);

#endif
