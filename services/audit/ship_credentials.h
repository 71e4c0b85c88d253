/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credentials of an S3-compatible server, as its tools write them:
 *
 *     [default]
 *     aws_access_key_id = …
 *     aws_secret_access_key = …
 *     aws_session_token = …          temporary ones have it
 *
 * Other keys are left alone, and so are other profiles; lines before the first [profile] count as
 * [default].
 */
#ifndef AUDIT_SHIP_CREDENTIALS_H
#define AUDIT_SHIP_CREDENTIALS_H

#include "base/err.h"
#include "base/span.h"

enum { SHIP_KEY_ID_MAX = 128, SHIP_SECRET_MAX = 256, SHIP_TOKEN_MAX = 8192 };

struct ship_credentials {
    char access_key_id[SHIP_KEY_ID_MAX + 1];
    char secret_access_key[SHIP_SECRET_MAX + 1];
    char session_token[SHIP_TOKEN_MAX + 1]; /* "": none */
};

/* FILE_INVALID says what is missing or too long, and nothing of what is there. */
MUST_CHECK bool ship_credentials_parse(struct span text, struct ship_credentials *ret_credentials,
                                       struct err *err);

#endif
