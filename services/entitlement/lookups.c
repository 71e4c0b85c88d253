/* SPDX-License-Identifier: Apache-2.0 */
/* What one run had to fetch. */
#include "entitlement/lookups.h"

struct check_lookup *lookups_find(const struct check_lookups *lookups, struct hash128 subject)
{
    struct check_lookup *lookup = lookups->buckets[subject.low % LOOKUP_BUCKETS];

    while (lookup && !hash128_equal(lookup->subject, subject))
        lookup = lookup->next;
    return lookup;
}

struct check_lookup *lookups_add(struct check_lookups *lookups, struct arena *arena,
                                 struct hash128 subject, uint64_t least_number)
{
    struct check_lookup *lookup = arena_new(arena, struct check_lookup);
    struct check_lookup **bucket = &lookups->buckets[subject.low % LOOKUP_BUCKETS];

    lookup->subject = subject;
    lookup->least_number = least_number;
    lookup->next = *bucket;
    *bucket = lookup;
    lookup->next_made = lookups->made;
    lookups->made = lookup;
    return lookup;
}
