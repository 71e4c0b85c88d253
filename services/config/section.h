/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured sections: lists of rows (`organizations:`, `callers:`), which only the file can have.
 *
 * A section is a table of fields; reading, suggestions for mistyped keys, what is missing, and the
 * documentation come from it.
 */
#ifndef CONFIG_SECTION_H
#define CONFIG_SECTION_H

#include "base/yaml.h"
#include "config/loader.h"

struct field {
    const char *name;
    bool is_required;
    const char *expectation; /* "an ISO 3166-1 alpha-3 code, such as DEU" */
    const char *help;
    /* Into the row; on a wrong value note what would be right.  `value` may be of any kind. */
    void (*read)(struct loader *loader, const struct field *field, const struct yaml_node *value,
                 void *row);
};

struct section {
    const char *name;
    const char *help;
    const struct field *fields;
    size_t field_count;
    size_t row_size;
    const char *const *example; /* lines of YAML, NULL at the end */
    /* All rows, in the order of the file: judge them together and keep them. */
    void (*keep)(struct loader *loader, void *rows, const struct config_place *places,
                 size_t count);
    void (*print)(const struct config *config, FILE *stream);
};

/* In the order of printing, after the options. */
extern const struct section *const sections[];
extern const size_t section_count;

extern const struct section callers_section;
extern const struct section denied_section;
extern const struct section legal_holds_section;
extern const struct section organizations_section;
extern const struct section persons_section;

enum { SECTION_ROWS_MAX = 4096 };

const struct section *section_find(struct span name);
void section_read(struct loader *loader, const struct section *section,
                  const struct yaml_node *value);

/* For fields.  Where a node stands: the file is the one being read. */
struct config_place section_place(const struct loader *loader, const struct yaml_node *node);
/* "NAME must be EXPECTATION, not …". */
void section_complain(struct loader *loader, const struct field *field,
                      const struct yaml_node *value, const char *best);
/* The text of a scalar with something in it, without control characters and at most `max` bytes;
 * false with a finding otherwise. */
bool section_read_text(struct loader *loader, const struct field *field,
                       const struct yaml_node *value, size_t max, struct span *ret_text);
/* The index of the text in `words` (NULL at the end); false with a finding and the nearest. */
bool section_read_word(struct loader *loader, const struct field *field,
                       const struct yaml_node *value, const char *const *words, unsigned *ret_word);

#endif
