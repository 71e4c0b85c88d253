/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite file itself: who uses it, whether it is ours, its schema and its epoch. */
#ifndef STORAGE_SQLITE_FILE_H
#define STORAGE_SQLITE_FILE_H

#include "storage/sqlite_connection.h"

#include <limits.h>

struct sqlite_file {
    char path[PATH_MAX]; /* absolute */
    int lock_fd;         /* `path`.lock; -1: none */
};

/*
 * Make folder and file where they are missing, and take the lock that keeps a second server away:
 * IO when one is there.  STORE_CORRUPT when the file is not of SQLite.
 */
MUST_CHECK bool sqlite_file_open(struct sqlite_file *file, const char *path, struct err *err);
void sqlite_file_close(struct sqlite_file *file);

/* Make the schema in a new file; refuse the file of another program, and a newer format. */
MUST_CHECK bool sqlite_file_check_schema(struct sqlite_connection *connection, struct err *err);

/*
 * Begin an epoch that was never used before.  A file that was put back from a backup does not know
 * of the epochs since then; the lock file beside it does.
 */
MUST_CHECK bool sqlite_file_begin_epoch(struct sqlite_file *file,
                                        struct sqlite_connection *connection, uint64_t *ret_epoch,
                                        struct err *err);

#endif
