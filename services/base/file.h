/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read and written whole, and folders of them. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/err.h"

/* The content, into the arena, with a NUL behind it.  IO names the reason, not the content; a file
 * longer than `max_bytes` is an error. */
MUST_CHECK bool file_read(const char *path, size_t max_bytes, struct arena *arena,
                          struct span *ret_content, struct err *err);

/* Write through a temporary file beside it, fsync both file and folder, rename: afterwards the file
 * is the old one or the new one, whatever happens.  `mode` as in open(2). */
MUST_CHECK bool file_write_durably(const char *path, struct span content, unsigned mode,
                                   struct err *err);

/* Make the folder and those above it, mode 0700 for new ones. */
MUST_CHECK bool file_make_folder(const char *path, struct err *err);

/* The names in a folder that end in `suffix`, sorted by bytes.  Hidden ones are left out. */
MUST_CHECK bool file_list(const char *folder, const char *suffix, struct arena *arena,
                          const char *const **ret_names, size_t *ret_count, struct err *err);

#endif
