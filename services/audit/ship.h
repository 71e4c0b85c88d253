/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shipping: the files of one ended segment, and the newest signed head, to a place.
 *
 * What is there then is remembered in the folder of the log, by a mark: lost, it is
 * found out again by looking at the place.
 */
#ifndef AUDIT_SHIP_H
#define AUDIT_SHIP_H

#include "audit/ship_place.h"

struct ship_route {
    const char *folder; /* of the log */
    const char *log_id; /* in hex: the first part of every key */
    struct ship_place *place;
    const char *place_name; /* "s3://bucket/prefix": for people */
    int64_t retain_ms;      /* from a segment's latest record on; 0: it need not be kept */
};

/* Where the marks of this place are, for the life of the arena. */
const char *ship_marks_folder(const char *folder, const char *place_name, struct arena *arena);

/* Segment, index and heads; the mark, once all of them are there. `ret_bytes` is how much was
 * stored. */
enum ship_result ship_segment(const struct ship_route *route, uint64_t number, uint64_t *ret_bytes,
                              struct err *err);

/* The newest head, over the one that is there. */
enum ship_result ship_head(const struct ship_route *route, struct span jws, struct err *err);

/*
 * Whether the head that is there may be replaced: it is one of this log and speaks of no more
 * records than this run began with.  SHIP_OTHER_CONTENT: it does, so this log was cut, or an older
 * copy of it was put in its place.
 */
enum ship_result ship_look_at_head(const struct ship_route *route, uint64_t size_at_start,
                                   struct err *err);

#endif
