/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML read into a tree that knows where everything stood.
 *
 * The dialect is the one that cannot surprise: one document per stream unless asked otherwise, no
 * anchors, aliases or tags, keys are plain or quoted scalars and stand once.  A scalar is its text:
 * what it means is the reader's business (so that `NO` stays Norway).
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/diagnostics.h"

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

enum {
    YAML_DEPTH_MAX = 32,
    YAML_KEYS_MAX = 4096, /* of one mapping */
    YAML_NODES_MAX = 200000,
    YAML_FILE_BYTES_MAX = 4 * 1024 * 1024,
};

struct yaml_pair {
    struct yaml_node *key;
    struct yaml_node *value;
};

/* Immutable after parsing; lives in the arena given to the parser. */
struct yaml_node {
    enum yaml_kind kind;
    int line;                 /* from 1 */
    int column;               /* from 1 */
    bool is_quoted;           /* YAML_SCALAR */
    bool is_refused;          /* YAML_SCALAR: a finding stands for it, its text means nothing */
    struct span text;         /* YAML_SCALAR; NUL-terminated behind its length */
    size_t count;             /* YAML_SEQUENCE, YAML_MAPPING */
    struct yaml_node **items; /* YAML_SEQUENCE */
    struct yaml_pair *pairs;  /* YAML_MAPPING, in the order of the file */
};

/*
 * Parse `content`, a byte order mark before it or not; findings go to `diagnostics` under the name
 * `file`.  NULL when what follows an error cannot be read: no YAML, no content, more than the
 * bounds. What the dialect leaves out is an error and stepped over, so that the others are found as
 * well: the tree is good for that, and for nothing else where there was an error.
 */
struct yaml_node *yaml_parse(struct span content, const char *file, struct arena *arena,
                             struct diagnostics *diagnostics);

/* The value under `key` of a mapping, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

/* True for an unquoted `null`, `~` or nothing at all. */
bool yaml_is_null(const struct yaml_node *node);

#endif
