/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags of the command line: one table for all commands, in which a flag means the same wherever it
 * is taken.  Which command takes which is said in the table of commands.
 */
#ifndef CLIENT_CLI_FLAGS_H
#define CLIENT_CLI_FLAGS_H

#include "base/arena.h"
#include "base/err.h"

enum flag_id {
    FLAG_SERVER,
    FLAG_CA,
    FLAG_CERT,
    FLAG_KEY,
    FLAG_SERVER_NAME,
    FLAG_TIMEOUT,
    FLAG_OUTPUT,
    FLAG_NO_COLOR,
    FLAG_HELP,
    FLAG_VERSION,
    FLAG_CONTEXT,
    FLAG_ON_BEHALF_OF,
    FLAG_ALSO,
    FLAG_MIN_REVISION,
    FLAG_REASONS,
    FLAG_AT,
    FLAG_TYPE,
    FLAG_DRY_RUN,
    FLAG_AUDIENCE,
    FLAG_DISCLOSURE,
    FLAG_LIFETIME,
    FLAG_JWKS,
    FLAG_ISSUER,
    FLAG_AS,
    FLAG_UNTIL,
    FLAG_COMPLETE,
    FLAG_REVIEW_BY,
    FLAG_EVIDENCE,
    FLAG_VENDOR,
    FLAG_CHECK_ID,
    FLAG_REASON,
    FLAG_STRICT,
    FLAG_MERGE,
    FLAG_RECEIPT,
    FLAG_HEAD,
    FLAG_SINCE,
    FLAG_BEFORE,
    FLAG_CALLER,
    FLAG_SUBJECT_HASH,
    FLAG_RESOURCE,
    FLAG_OUTCOME,
    FLAG_SHADOW_DIFFERS,
    FLAG_FOLLOW,
    FLAG_FROM,
    FLAG_SUBJECT,
    FLAG_ALL,
    FLAG_RETENTION_KEY,
    FLAG_HASH_KEY,
    FLAG_COUNT
};

#define FLAG_BIT(flag) (UINT64_C(1) << (flag))
#define FLAGS_GLOBAL                                                                        \
    (FLAG_BIT(FLAG_SERVER) | FLAG_BIT(FLAG_CA) | FLAG_BIT(FLAG_CERT) | FLAG_BIT(FLAG_KEY) | \
     FLAG_BIT(FLAG_SERVER_NAME) | FLAG_BIT(FLAG_TIMEOUT) | FLAG_BIT(FLAG_OUTPUT) |          \
     FLAG_BIT(FLAG_NO_COLOR) | FLAG_BIT(FLAG_HELP) | FLAG_BIT(FLAG_VERSION))

struct text_list {
    const char **items;
    size_t count;
};

/* The values; what was not given is NULL, 0, false or what the environment says. */
struct flags {
    const char *server, *ca, *cert, *key, *server_name;
    int timeout_ms;
    const char *output;
    bool no_color, help, version;
    struct text_list context; /* "key=value" */
    const char *on_behalf_of;
    struct text_list also;
    const char *min_revision;
    bool reasons;
    const char *at;
    const char *type;
    bool dry_run;
    const char *audience, *disclosure;
    int lifetime_ms;
    const char *jwks, *issuer;
    struct text_list as;
    const char *until;
    bool complete;
    const char *review_by;
    const char *evidence, *vendor, *check_id, *reason;
    bool strict;
    bool merge;
    const char *receipt;
    const char *head; /* a file */
    const char *since, *before, *caller, *subject_hash, *resource, *outcome;
    bool shadow_differs;
    bool follow;
    const char *from; /* a file */
    const char *subject;
    bool all;
    struct text_list retention_key; /* files */
    const char *hash_key;           /* a file */
    uint64_t given;                 /* FLAG_BIT of those on the command line */
};

enum flag_kind { FLAG_KIND_SWITCH, FLAG_KIND_TEXT, FLAG_KIND_LIST, FLAG_KIND_DURATION };

struct flag {
    const char *name; /* without the dashes */
    char letter;      /* 0 = none */
    enum flag_kind kind;
    size_t offset; /* in struct flags */
    const char *placeholder;
    const char *environment; /* NULL = none */
    const char *choices;     /* "a|b|c"; NULL = any text */
    const char *help;
};

extern const struct flag flag_table[FLAG_COUNT];

/* What is left of the command line: words that are not flags. */
struct operands {
    const char **items;
    size_t count;
};

/* Flags and operands may stand in any order; everything behind "--" is an operand.  err->detail is
 * for people and says what would be right. */
MUST_CHECK bool flags_parse(int argc, char *const *argv, struct arena *arena,
                            struct flags *ret_flags, struct operands *ret_operands,
                            struct err *err);

/* "200ms", "5s", "2m"; a number alone is seconds. */
MUST_CHECK bool flags_parse_duration(const char *text, int *ret_ms);

#endif
