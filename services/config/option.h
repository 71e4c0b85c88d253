/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An option: one row of the table that file, environment, flags, --print-config, --help and
 * docs/configuration.md are made from.
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "base/span.h"

/* What a value is, in C and in text.  value.c has a row for each. */
enum option_type {
    OPTION_TEXT,        /* const char * */
    OPTION_NAME,        /* const char *: lower-case letters, digits, hyphens */
    OPTION_URL,         /* const char *: http or https, without query and fragment */
    OPTION_BOOL,        /* bool */
    OPTION_INTEGER,     /* int64_t */
    OPTION_BYTES,       /* int64_t */
    OPTION_DURATION,    /* int64_t, milliseconds */
    OPTION_WORD,        /* an enum; words[value] */
    OPTION_PATH,        /* const char *: need not exist */
    OPTION_FILE,        /* const char *: must exist and be readable */
    OPTION_SECRET_FILE, /* the same, and not for everybody */
    OPTION_ADDRESS,     /* struct config_address */
    OPTION_ADDRESSES,   /* struct config_addresses */
    OPTION_TYPE_COUNT,
};

enum option_flags {
    OPTION_MAY_BE_EMPTY = 1 << 0,
};

struct option {
    const char *name; /* `section.key`, as in the file; flag and variable are derived from it */
    enum option_type type;
    size_t offset;             /* in struct config */
    const char *fallback;      /* read like any other value, so that it is validated too */
    const char *fallback_note; /* what an empty or zero fallback stands for, or NULL */
    int64_t min, max;          /* numbers; for texts `max` is the length, 0 = that of the type */
    const char *const *words;  /* OPTION_WORD: by the value of the enum, NULL at the end */
    unsigned flags;
    const char *help; /* a phrase without a full stop at its end */
};

struct option_section {
    const char *name;
    const char *title;
};

/* Sorted by name: everything that is printed follows this order. */
extern const struct option options[];
extern const size_t option_count;
extern const struct option_section option_sections[];
extern const size_t option_section_count;

enum { OPTION_NAME_MAX = 64 };

/* `--store-url` and `PASSGATE_STORE_URL` of `store.url`.  Return `name`. */
const char *option_flag(const struct option *option, char name[static OPTION_NAME_MAX]);
const char *option_variable(const struct option *option, char name[static OPTION_NAME_MAX]);

/* NULL when there is none. */
const struct option *option_find(struct span name);
const struct option *option_find_flag(struct span flag);
const struct option *option_find_variable(struct span variable);
const struct option_section *option_section_find(struct span name);

/* Whether the option stands in the section. */
bool option_is_in(const struct option *option, const struct option_section *section);

#endif
