/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place that ended segments are shipped to: a folder, or a bucket of an S3-compatible server.
 *
 * An object is written whole or not at all, and one that is there is never replaced by another
 * unless it says so.  Both places wait for whom they talk to: for a thread that may wait.
 */
#ifndef AUDIT_SHIP_PLACE_H
#define AUDIT_SHIP_PLACE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdatomic.h>

enum ship_result {
    SHIP_STORED,
    SHIP_SAME,          /* it was there */
    SHIP_ABSENT,        /* of getting: there is none */
    SHIP_OTHER_CONTENT, /* there is another one under that name, which stays */
    SHIP_UNREACHABLE,   /* no answer, or not in time */
    SHIP_REFUSED,       /* whoever answered does not let us */
    SHIP_FAILED,        /* anything else */
};

static inline bool ship_is_done(enum ship_result result)
{
    return result == SHIP_STORED || result == SHIP_SAME;
}

struct ship_object {
    const char *key;  /* "6f1d0c9b2a3e4f50/segments/00000000000000000001.pgaudit" */
    const char *path; /* of the file with the content, or NULL: it is `content` */
    struct span content;
    uint64_t bytes;
    char sha256[SHA256_HEX_MAX];
    bool is_replaceable;
    int64_t retain_until_ms; /* where the place can keep it from being removed; 0: it need not */
};

struct ship_place;

struct ship_place_ops {
    enum ship_result (*put)(struct ship_place *place, const struct ship_object *object,
                            struct err *err);
    /* The content of an object, at most `bytes_max` long, as SHIP_SAME. */
    enum ship_result (*get)(struct ship_place *place, const char *key, size_t bytes_max,
                            struct arena *arena, struct span *ret_content, struct err *err);
    void (*free)(struct ship_place *place);
};

/* The first member of what a place is. */
struct ship_place {
    const struct ship_place_ops *ops;
};

/* What the configuration names must outlive the place; so must `is_cancelled`, which ends what is
 * under way. */
struct ship_place *ship_folder_new(const char *path, const atomic_bool *is_cancelled);

enum ship_retain { SHIP_RETAIN_NONE, SHIP_RETAIN_GOVERNANCE, SHIP_RETAIN_COMPLIANCE };

struct ship_s3_options {
    const char *endpoint; /* "https://s3.eu-central-1.amazonaws.com" */
    const char *region;
    const char *bucket;
    const char *prefix; /* "" or without slashes at its ends */
    const char *credentials_file;
    const char *ca_file; /* NULL: the authorities of the system */
    enum ship_retain retain;
    const atomic_bool *is_cancelled;
};

struct ship_place *ship_s3_new(const struct ship_s3_options *options);

/* NULL is allowed. */
static inline void ship_place_free(struct ship_place *place)
{
    if (place)
        place->ops->free(place);
}

#endif
