/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directives from a folder: every `*.yaml` in it, compiled as one set, numbered by the store.
 *
 * A set whose digest differs from the one in force is the next number; a directive whose digest
 * differs is its next version.  A folder that does not compile changes nothing: the set in force
 * stays.  A directive whose file is gone is reported, and is lifted by that as little as a law by
 * a lost paper: the set is refused until the file is back, or the moment has come at which the
 * directive is lifted in it.
 */
#ifndef DIRECTIVE_FOLDER_H
#define DIRECTIVE_FOLDER_H

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/snapshot.h"
#include "directive/in_force.h"
#include "storage/names.h"
#include "telemetry/metrics.h"
#include "telemetry/readiness.h"

struct directive_folder_options {
    const char *path; /* may be missing: no directives */
    const struct directive_environment *environment;
    struct store *store;
    const struct names *names;
    struct snapshot *directives; /* of struct directive_set: where the set in force is put */
    struct metrics *metrics;
    struct readiness *readiness;
    const struct clock *clock;
    struct mailbox *mailbox; /* of the thread that calls directive_folder_load() */
    /* Where what is in force goes on record; NULL: nowhere. */
    const struct in_force *in_force;
};

struct directive_folder;

struct directive_folder *directive_folder_new(const struct directive_folder_options *options);
void directive_folder_free(struct directive_folder *folder);

/* Have names, sizes or times of the files changed since the last load?  Also when that failed for
 * another reason than what is in the files: then it is worth another attempt. */
bool directive_folder_has_changed(struct directive_folder *folder);

/*
 * Load the folder and put the set in force.  False, with nothing changed: FILE_INVALID (every
 * finding is in `diagnostics`), IO, or an error of the store.  Background threads only.
 */
MUST_CHECK bool directive_folder_load(struct directive_folder *folder,
                                      struct diagnostics *diagnostics, struct err *err);

/* Put what is in force on record again when another day has begun, and with it a segment of the
 * log.  AUDIT_UNAVAILABLE: it is worth another attempt soon.  The same thread. */
MUST_CHECK bool directive_folder_record(struct directive_folder *folder, struct err *err);

/* Has the store begun another epoch?  Then it may have lost what is in force, which is registered
 * there again.  An error of the store: it is worth another attempt soon.  The same thread. */
MUST_CHECK bool directive_folder_recall(struct directive_folder *folder, struct err *err);

#endif
