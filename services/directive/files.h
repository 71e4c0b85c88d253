/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a folder of directives: every `*.yaml` in it, and whether they have changed. */
#ifndef DIRECTIVE_FILES_H
#define DIRECTIVE_FILES_H

#include "domain/directive/directive.h"

/* Cheap to look at often: what stat(2) says of every file. */
uint64_t directive_files_signature(const char *path);

/* All of them, in the arena; none where there is no folder yet.  FILE_INVALID: too many, or one too
 * large; IO. */
MUST_CHECK bool directive_files_read(const char *path, struct arena *arena,
                                     struct directive_file **ret_files, size_t *ret_count,
                                     struct err *err);

#endif
