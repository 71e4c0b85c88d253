/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: how far a caller's binding reaches, beside what its roles allow.
 *
 * Of subjects their prefixes, of resources patterns (domain/field/pattern.h) over "type/id", of
 * purposes the words themselves.  A list without rows does not limit.
 */
#ifndef DOMAIN_FIELD_LIMITS_H
#define DOMAIN_FIELD_LIMITS_H

#include "base/span.h"

struct limit_list {
    const struct span *rows;
    size_t count;
};

struct limits {
    struct limit_list subjects;
    struct limit_list resources;
    struct limit_list purposes;
};

bool limits_are_none(const struct limits *limits);

/* All of them look at nothing but the arguments: what is known of a subject does not matter. */
bool limits_hold_subject(const struct limits *limits, struct span subject);
bool limits_hold_resource(const struct limits *limits, struct span type, struct span id);
/* Of `purpose` there is none when it is empty, which is no purpose that a list can have. */
bool limits_hold_purpose(const struct limits *limits, struct span purpose);

#endif
