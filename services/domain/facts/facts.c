/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: the compact block, and the one question that needs all rows at once. */
#include "domain/facts/facts.h"

#include "domain/facts/us_status.h"

/* The block is laid out so that no list needs padding in front of it. */
_Static_assert(sizeof(struct facts) == sizeof(struct facts_header), "lists follow at once");
_Static_assert(sizeof(struct facts_affiliation) % _Alignof(struct facts_nationality) == 0, "");
_Static_assert(sizeof(struct facts_nationality) % _Alignof(struct facts_us_status) == 0, "");

const struct facts facts_unknown = {.header = {.valid_until_ms = TIMESTAMP_NEVER_MS}};

static size_t citizenships_offset(const struct facts_header *header)
{
    return header->affiliation_count * sizeof(struct facts_affiliation);
}

static size_t residencies_offset(const struct facts_header *header)
{
    return citizenships_offset(header) +
           header->citizenship_count * sizeof(struct facts_nationality);
}

static size_t us_statuses_offset(const struct facts_header *header)
{
    return residencies_offset(header) + header->residency_count * sizeof(struct facts_nationality);
}

size_t facts_size(const struct facts_header *header)
{
    return sizeof(struct facts) + us_statuses_offset(header) +
           header->us_status_count * sizeof(struct facts_us_status);
}

struct facts *facts_pack(const struct facts_content *content, struct arena *arena)
{
    const struct facts_header *header = &content->header;
    struct facts *facts = arena_alloc(arena, facts_size(header));

    facts->header = *header;
    memcpy(facts->lists, content->affiliations,
           header->affiliation_count * sizeof(struct facts_affiliation));
    memcpy(facts->lists + citizenships_offset(header), content->citizenships,
           header->citizenship_count * sizeof(struct facts_nationality));
    memcpy(facts->lists + residencies_offset(header), content->residencies,
           header->residency_count * sizeof(struct facts_nationality));
    memcpy(facts->lists + us_statuses_offset(header), content->us_statuses,
           header->us_status_count * sizeof(struct facts_us_status));
    return facts;
}

const struct facts_affiliation *facts_affiliations(const struct facts *facts)
{
    return (const void *)facts->lists;
}

const struct facts_nationality *facts_citizenships(const struct facts *facts)
{
    return (const void *)(facts->lists + citizenships_offset(&facts->header));
}

const struct facts_nationality *facts_residencies(const struct facts *facts)
{
    return (const void *)(facts->lists + residencies_offset(&facts->header));
}

const struct facts_us_status *facts_us_statuses(const struct facts *facts)
{
    return (const void *)(facts->lists + us_statuses_offset(&facts->header));
}

void facts_of_organization(const struct organization *organization,
                           struct facts_content *ret_content)
{
    memset(ret_content, 0, sizeof(*ret_content));
    ret_content->header.valid_until_ms = TIMESTAMP_NEVER_MS;
    ret_content->header.subject_kind = SUBJECT_ORGANIZATION;
    ret_content->header.organization_kind = (uint8_t)organization->kind;
    ret_content->header.organized_in = organization->organized_in;
    ret_content->header.self_organization = organization_key(organization->id);
}

uint8_t facts_possible_us_status(const struct facts *facts, enum proof least)
{
    return us_status_possible(facts->header.flags, facts_us_statuses(facts),
                              facts->header.us_status_count, least);
}
