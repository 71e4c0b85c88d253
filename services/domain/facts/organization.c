/* SPDX-License-Identifier: Apache-2.0 */
/* Organizations: the short name that facts keep of them, and looking one up. */
#include "domain/facts/organization.h"

/* FNV-1a, then the finalizer of SplitMix64 so that ids that differ in one letter differ in all
 * bits. Ids come from the configuration: this spreads them, it does not protect against an
 * attacker. */
uint64_t organization_key(struct span id)
{
    uint64_t key = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < id.length; i++)
        key = (key ^ id.data[i]) * UINT64_C(0x100000001b3);
    key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
    key ^= key >> 31;
    return key ? key : 1;
}

const struct organization *organization_find(const struct organizations *organizations,
                                             struct span id)
{
    for (size_t i = 0; i < organizations->count; i++)
        if (span_equal(organizations->rows[i].id, id))
            return &organizations->rows[i];
    return NULL;
}

const struct organization *organization_self(const struct organizations *organizations)
{
    for (size_t i = 0; i < organizations->count; i++)
        if (organizations->rows[i].is_self)
            return &organizations->rows[i];
    return NULL;
}
