/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what people write: YAML mappings by a table of keys, and values of the few kinds that
 * directives have.  Everything that is wrong is noted with its place and with what would be right,
 * and reading goes on; nobody looks at results before the errors are counted.
 */
#ifndef DOMAIN_DIRECTIVE_READ_H
#define DOMAIN_DIRECTIVE_READ_H

#include "base/yaml.h"
#include "domain/directive/test.h"

struct builder;

/* One file being read. */
struct reader {
    const char *file;
    struct arena *arena; /* of the set: what results keep is copied there */
    struct diagnostics *diagnostics;
    const struct directive_environment *environment;
    struct builder *builder;
};

/* One key of a mapping.  Rows are read in the order of the table, whatever the order in the file.
 */
struct field {
    const char *key;
    bool is_required;
    void (*read)(struct reader *reader, const struct yaml_node *value, void *target);
};

/* Nothing of a node that the YAML reader has refused: that has been said. */
void read_error(struct reader *reader, const struct yaml_node *node, const char *format, ...)
    PRINTF_LIKE(3, 4);
void read_warning(struct reader *reader, int line, int column, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* `what` names the mapping in messages: "`authority`", "a directive". */
void read_mapping(struct reader *reader, const struct yaml_node *node, const char *what,
                  const struct field *fields, size_t field_count, void *target);

/* Is it a list of 1 to DIRECTIVE_LIST_MAX entries? */
bool read_is_list(struct reader *reader, const struct yaml_node *node, const char *what);

/* Is it text that is there: not blank, at most `max` bytes, without control characters? */
bool read_is_text(struct reader *reader, const struct yaml_node *node, const char *what,
                  size_t max);

/* The text, copied; NULL after an error. */
const char *read_text(struct reader *reader, const struct yaml_node *node, const char *what,
                      size_t max);

/* Text of `characters` besides ASCII letters and digits. */
bool read_is_name(struct reader *reader, const struct yaml_node *node, const char *what, size_t max,
                  const char *characters);

bool read_bool(struct reader *reader, const struct yaml_node *node, bool *ret_value);

/* An instant with an offset.  Everything else is refused: a date alone begins at another moment in
 * every zone. */
bool read_instant(struct reader *reader, const struct yaml_node *node, int64_t *ret_ms);

/* A duration of at most `most_ms`: digits and `ms`, `s`, `m` or `h`; 0 needs no unit. */
bool read_duration(struct reader *reader, const struct yaml_node *node, const char *what,
                   int64_t most_ms, int64_t *ret_ms);

/* The index of one of `words`, of which empty ones are no choice; false after an error. */
bool read_word(struct reader *reader, const struct yaml_node *node, const char *what,
               const char *const *words, size_t word_count, unsigned *ret_index);

/* `{text, document_sha256, received}` */
void read_authority(struct reader *reader, const struct yaml_node *node,
                    struct directive_authority *ret_authority);

/* `http://…` or `https://…` */
const char *read_url(struct reader *reader, const struct yaml_node *node, const char *what);

/* The entries of a list of text as they were written: "USA, EAR:D:5". */
const char *read_join(struct reader *reader, const struct yaml_node *list);

#endif
