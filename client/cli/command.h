/* SPDX-License-Identifier: Apache-2.0 */
/* Commands: one table from which parsing, help and completion are made. */
#ifndef CLIENT_CLI_COMMAND_H
#define CLIENT_CLI_COMMAND_H

#include "client/cli/flags.h"
#include "client/cli/output.h"
#include "client/include/passgate/client.h"

/* The exit codes of all commands. */
enum { EXIT_ALLOW = 0, EXIT_DENY = 1, EXIT_ERROR = 2 };

enum { OPERANDS_ANY = 1 << 20 };

/* What a running command works with. */
struct cli {
    const struct command *command;
    struct flags flags;
    const char *const *operands; /* behind the command's name */
    size_t operand_count;
    struct output output;
    struct arena *arena;
    struct passgate_client *client; /* NULL for commands that work offline */
    struct passgate_call call;
};

struct command {
    const char *name; /* "claim issue" */
    int (*run)(struct cli *cli);
    const char *operands; /* "SUBJECT RESOURCE ACTION" */
    size_t operand_min, operand_max;
    bool is_offline;
    bool is_offline_with_jwks; /* the server would only be asked for its keys */
    size_t offline_operands;   /* so many name a folder instead of a server; 0: none do */
    uint64_t flags;            /* FLAG_BIT of those beside the global ones */
    const char *summary;       /* one line */
    const char *description;   /* paragraphs, separated by empty lines */
    const char *exit_status;   /* NULL: it is done, or there was an error */
    const char *example;
};

/* In the order of `passgate --help`. */
extern const struct command command_table[];
extern const size_t command_count;

/* The command that the first words name, and how many words they are; NULL otherwise. */
const struct command *command_find(const struct operands *operands, size_t *ret_words);

int run_apikey_new(struct cli *cli);
int run_audit_head(struct cli *cli);
int run_audit_list(struct cli *cli);
int run_audit_prove(struct cli *cli);
int run_audit_show(struct cli *cli);
int run_audit_verify(struct cli *cli);
int run_batch(struct cli *cli);
int run_check(struct cli *cli);
int run_claim_inspect(struct cli *cli);
int run_claim_issue(struct cli *cli);
int run_claim_verify(struct cli *cli);
int run_completion(struct cli *cli);
int run_directive_lint(struct cli *cli);
int run_explain(struct cli *cli);
int run_health(struct cli *cli);
int run_keys_list(struct cli *cli);
int run_list(struct cli *cli);
int run_receipt_verify(struct cli *cli);
int run_server_info(struct cli *cli);
int run_store_check(struct cli *cli);
int run_store_export(struct cli *cli);
int run_store_import(struct cli *cli);
int run_store_stats(struct cli *cli);
int run_subject_affiliate(struct cli *cli);
int run_subject_principals(struct cli *cli);
int run_subject_revoke(struct cli *cli);
int run_subject_show(struct cli *cli);
int run_submit(struct cli *cli);
int run_version(struct cli *cli);
int run_whoami(struct cli *cli);

/* Say what went wrong, and what to do next; EXIT_ERROR. */
int cli_fail(const struct cli *cli, const struct passgate_error *error);
int cli_fail_err(const struct cli *cli, const struct err *err);
int cli_fail_with(const struct cli *cli, const char *format, ...) PRINTF_LIKE(2, 3);

/* What was looked at proves nothing: say why; EXIT_DENY, or EXIT_ERROR when the keys cannot be
 * read. */
int cli_refute(const struct cli *cli, const struct passgate_error *error);

/* "type/id"; the id may hold further slashes. */
MUST_CHECK bool cli_split_resource(const struct cli *cli, const char *text, const char **ret_type,
                                   const char **ret_id);

/* "key=value", each. */
MUST_CHECK bool cli_split_pairs(const struct cli *cli, const struct text_list *list,
                                const struct passgate_pair **ret_pairs);

/* A file, or standard input for "-"; with a NUL behind it. */
MUST_CHECK bool cli_read_file(const struct cli *cli, const char *path, struct span *ret_content);

/* The JWK Set to verify with, --jwks or the server's; false after saying why there is none. */
MUST_CHECK bool cli_take_jwks(const struct cli *cli, const char **ret_json);
/* Who must have issued a token: --issuer, or the server itself, if it says who it is to this
 * caller; NULL otherwise. */
const char *cli_expected_issuer(const struct cli *cli);

void help_overview(const struct output *output);
/* All commands whose name begins with `group` and a space; false when there is none. */
bool help_group(const struct output *output, const char *group);
void help_command(const struct output *output, const struct command *command);

#endif
