/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directives that are tried, from a folder: every `*.yaml` in it (directives.shadow_folder).
 *
 * A folder that does not compile changes nothing: what was tried before still is, beside whichever
 * set is in force.  It never matters to an answer, nor to a start.
 */
#ifndef DIRECTIVE_SHADOW_FOLDER_H
#define DIRECTIVE_SHADOW_FOLDER_H

#include "directive/shadow.h"

struct shadow_folder;

/* `path` may be missing, which tries nothing. */
struct shadow_folder *shadow_folder_new(const char *path, const struct shadow *shadow);
void shadow_folder_free(struct shadow_folder *folder);

/* Are there other files than at the last load, or another set in force?  Also when that failed for
 * another reason than what is in the files: then it is worth another attempt. */
bool shadow_folder_has_changed(struct shadow_folder *folder);

/* Try what is in the folder: see shadow_try().  Background threads only. */
MUST_CHECK bool shadow_folder_load(struct shadow_folder *folder, struct diagnostics *diagnostics,
                                   struct err *err);

#endif
