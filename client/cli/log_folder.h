/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of an audit log, read without the server: its segments, its heads, and who signed
 * them. */
#ifndef CLIENT_CLI_LOG_FOLDER_H
#define CLIENT_CLI_LOG_FOLDER_H

#include "client/cli/command.h"
#include "domain/audit/files.h"
#include "domain/audit/head.h"
#include "domain/audit/record.h"
#include "keys/key_ring.h"

struct log_folder {
    const char *path;
    const char *segments; /* the folder in it; `path` itself when there is none inside */
    struct arena *arena;
    struct audit_files files;
};

/* Says what is wrong.  Everything lives as long as `cli`. */
MUST_CHECK bool log_folder_open(const struct cli *cli, const char *path,
                                struct log_folder *ret_folder);
/* Look again which segments there are. */
MUST_CHECK bool log_folder_list(struct log_folder *folder, struct err *err);
const char *log_folder_file(const struct log_folder *folder, uint64_t first_sequence,
                            const char *suffix, struct arena *arena);

/* One line of a file of heads. */
struct log_head {
    const char *file;
    uint64_t offset;
    struct span jws; /* as long as the call */
    bool is_torn;    /* the last line, without its end: a crash */
    bool is_newest;  /* of a shipped log: may be ahead of its segments */
    bool is_good;
    struct audit_head head; /* when it is good */
    const char *complaint;  /* else */
};

/* Every head of the folder and, where --head names a file, of that.  With `ring` (may be NULL)
 * signatures are checked.  False when a file cannot be read. */
MUST_CHECK bool log_folder_heads(const struct cli *cli, const struct log_folder *folder,
                                 const struct key_ring *ring,
                                 void (*each)(void *context, const struct log_head *head),
                                 void *context, struct err *err);

/* The good head of the most records of this log; NOT_FOUND when there is none. */
MUST_CHECK bool log_folder_newest_head(const struct cli *cli, const struct log_folder *folder,
                                       const struct key_ring *ring, uint64_t log_id,
                                       struct audit_head *ret_head, struct span *ret_jws,
                                       struct err *err);

/* A record as it was met. */
struct log_record {
    uint64_t log_id;
    uint64_t sequence;
    const struct audit_record *record; /* as long as the call */
};

/* Every record of a segment, or of all, in order.  STORE_CORRUPT names the file. */
MUST_CHECK bool log_folder_scan_segment(const struct log_folder *folder, size_t at,
                                        void (*each)(void *context, const struct log_record *met),
                                        void *context, struct err *err);
MUST_CHECK bool log_folder_scan(const struct log_folder *folder,
                                void (*each)(void *context, const struct log_record *met),
                                void *context, struct err *err);

/* The keys of --jwks, a JWK Set or PEM; `*ret_ring` is NULL without the flag.  Says what is wrong.
 */
MUST_CHECK bool log_folder_keys(const struct cli *cli, struct key_ring **ret_ring);

#endif
