/* SPDX-License-Identifier: Apache-2.0 */
/* Logs with signed heads, by a signer that signs nothing, and what verifying them finds. */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H

#include "log_fixture.h"

#include "domain/audit/verify.h"

#include <stdatomic.h>

enum { FINDINGS_MAX = 16, SEGMENT_BYTES = 8 * 1024, RECORDS = 2000 };

extern atomic_int ledger_signatures;
extern atomic_bool ledger_has_key;

/* For cmocka; small segments, and heads that are signed.  Torn down by fixture_tear_down(). */
int ledger_set_up(void **state);

/* One run of the log: so many records, some of them waited for. */
void ledger_append(struct fixture *fixture, struct audit_log *log, uint64_t count);
void ledger_write(struct fixture *fixture, uint64_t count);

/* The index beside segment_path(). */
char *index_path(const char *folder, size_t at);
/* Empty when there is no such file. */
struct span content_of(const char *path, struct arena *arena);
void overwrite(const char *path, struct span bytes);

struct found {
    size_t count;
    enum audit_finding_kind kinds[FINDINGS_MAX];
    char files[FINDINGS_MAX][96];
    uint64_t offsets[FINDINGS_MAX];
    char details[FINDINGS_MAX][256];
    struct audit_verdict verdict;
};

struct found verify(const char *folder);
struct found assert_clean(const char *folder);
/* One of the findings; `file` may be NULL. */
void assert_found(const struct found *found, enum audit_finding_kind kind, const char *file);

#endif
