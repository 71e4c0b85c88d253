/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load of a configuration in a temporary folder, which is the working directory while it lasts.
 *
 * The folder has passgate.yaml (when text is given) and the files that options may name: cert.pem,
 * ca.pem and sets.yaml for all, key.pem and hash.key for the owner only, open.pem a key that
 * everybody may read, empty.pem.
 */
#ifndef TESTS_UNIT_CONFIG_LOAD_H
#define TESTS_UNIT_CONFIG_LOAD_H

#include "config/config.h"

#define LOAD_FILE "passgate.yaml"

struct load {
    struct arena arena;
    struct diagnostics diagnostics;
    struct config *config;
    enum config_action action;
    bool is_good;
};

/* cmocka's fixtures of a group: the folder. */
int load_folder_make(void **state);
int load_folder_remove(void **state);

/* `file` is YAML, or NULL for none; `flags` (without the program) and `environment` end with NULL
 * and may be NULL. */
void load(struct load *load, const char *file, const char *const *flags,
          const char *const *environment);
void load_release(struct load *load);

/* What the findings look like to a person. In the arena. */
const char *load_findings(struct load *load);

/* What config_print() and the like write. In the arena. */
const char *load_printed(struct load *load);

/* A file of the repository, NUL-terminated. */
const char *load_repository_file(struct arena *arena, const char *path);

#endif
