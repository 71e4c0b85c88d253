/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The retention key: the public key of whoever keeps the record for the years that the law says,
 * read from its file, and again when that has changed.
 *
 * Without one nothing is sealed, and the log says so.  A file that cannot be used, one with a
 * private key most of all, ends the start; later it leaves the key before in its place, and is told
 * once.
 */
#ifndef SERVER_RETENTION_H
#define SERVER_RETENTION_H

#include "base/digest.h"
#include "keys/sealed.h"

struct retention {
    const char *path;           /* "": there is none */
    struct snapshot key;        /* of struct seal_key */
    uint8_t seen[SHA256_BYTES]; /* of the file's content at the last look */
    bool is_missing;            /* it could not be read then */
};

/* Empty, as long as nothing was read. */
void retention_init(struct retention *retention);
void retention_release(struct retention *retention);

/* Whether the file holds a key that could be used. */
MUST_CHECK bool retention_check(const char *path, struct err *err);

/* At start; `path` must outlive it. */
MUST_CHECK bool retention_load(struct retention *retention, const char *path, struct err *err);

/* Read the file again if it has changed.  On one thread. */
void retention_look(struct retention *retention);

#endif
