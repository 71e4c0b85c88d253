/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the folder of an audit log, for those who ship and remove segments. */
#ifndef AUDIT_SEGMENT_LIST_H
#define AUDIT_SEGMENT_LIST_H

#include "domain/audit/files.h"
#include "domain/audit/index.h"

/* Segments that were shipped to one place, each by a file of its number. */
#define AUDIT_MARKS_FOLDER "shipped"
#define AUDIT_MARK_SUFFIX  ".shipped"

/* Numbers of files, ascending. */
struct segment_list {
    uint64_t *numbers;
    size_t count;
};

/* The files of the folder with the suffix; others are left out, and a folder that is not there is
 * empty. */
MUST_CHECK bool segment_list_read(const char *folder, const char *suffix, struct arena *arena,
                                  struct segment_list *ret_list, struct err *err);
bool segment_list_has(const struct segment_list *list, uint64_t number);

/* "FOLDER/00000000000000000001.pgaudit" */
const char *segment_list_path(const char *folder, uint64_t number, const char *suffix,
                              struct arena *arena);

/* The index of a segment that has ended; to be released. */
MUST_CHECK bool segment_list_index(const char *segments_folder, uint64_t number,
                                   struct audit_index *ret_index, struct err *err);

#endif
