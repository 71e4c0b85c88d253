/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree head: what the log was at one moment, to be signed.
 *
 * Signed it is a JWS (RFC 7515) in compact form whose payload is JSON; docs/audit.md says which.
 * Signing and checking signatures is for those who have keys.
 */
#ifndef DOMAIN_AUDIT_HEAD_H
#define DOMAIN_AUDIT_HEAD_H

#include "base/json.h"
#include "domain/audit/tree.h"

/* `typ` of the JWS. */
#define AUDIT_HEAD_TYPE "passgate-tree-head+jwt"

enum {
    AUDIT_HEAD_PAYLOAD_MAX = 256,
    AUDIT_HEAD_LINE_MAX = 2048, /* of a signed one in a file */
};

struct audit_head {
    uint64_t log_id;
    uint64_t size; /* records */
    int64_t time_ms;
    struct tree_hash root;
};

/* The payload: JSON text with its members in alphabetical order.  Returns its length. */
size_t audit_head_format(const struct audit_head *head, char text[static AUDIT_HEAD_PAYLOAD_MAX]);

/* TOKEN_INVALID when a member is missing or not what it must be; others are left alone. */
MUST_CHECK bool audit_head_parse(const json_t *payload, struct audit_head *ret_head,
                                 struct err *err);

/* What a signed head says, believed by nobody yet: the signature is not looked at. */
MUST_CHECK bool audit_head_peek(struct span jws, struct audit_head *ret_head, struct err *err);

/* The next line of a file of heads, without its end; false behind the last.  `ret_is_whole` tells
 * whether the line has an end: one without was torn. */
bool audit_heads_next(struct span file, size_t *offset, struct span *ret_line, bool *ret_is_whole);

#endif
