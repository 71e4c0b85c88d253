/* SPDX-License-Identifier: Apache-2.0 */
/* Limits. */
#include "domain/field/limits.h"

#include "domain/field/pattern.h"

enum { NAME_BYTES_MAX = 64 + 1 + 256 }; /* FIELD_KIND_RESOURCE_TYPE, a slash, …_ID */

bool limits_are_none(const struct limits *limits)
{
    return limits->subjects.count + limits->resources.count + limits->purposes.count == 0;
}

bool limits_hold_subject(const struct limits *limits, struct span subject)
{
    for (size_t i = 0; i < limits->subjects.count; i++)
        if (span_starts_with(subject, limits->subjects.rows[i]))
            return true;
    return limits->subjects.count == 0;
}

bool limits_hold_resource(const struct limits *limits, struct span type, struct span id)
{
    uint8_t name[NAME_BYTES_MAX];

    if (limits->resources.count == 0)
        return true;
    if (type.length + 1 + id.length > sizeof(name))
        return false;
    memcpy(name, type.data, type.length);
    name[type.length] = '/';
    memcpy(name + type.length + 1, id.data, id.length);
    for (size_t i = 0; i < limits->resources.count; i++)
        if (pattern_matches(limits->resources.rows[i], span_of(name, type.length + 1 + id.length)))
            return true;
    return false;
}

bool limits_hold_purpose(const struct limits *limits, struct span purpose)
{
    for (size_t i = 0; i < limits->purposes.count; i++)
        if (span_equal(purpose, limits->purposes.rows[i]))
            return true;
    return limits->purposes.count == 0;
}
