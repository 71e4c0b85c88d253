/* SPDX-License-Identifier: Apache-2.0 */
/* The parties of a question. */
#include "entitlement/parties.h"

#include "entitlement/lookups.h"

#include <assert.h>

struct collector {
    const struct entitlement *entitlement;
    const struct entitlement_options *options;
    uint16_t partition; /* of the subject */
    const struct revision *least;
    int64_t now_ms;
    const struct check_lookups *lookups;
    struct arena *arena;
    struct parties *parties;
    struct err *err;
};

uint64_t parties_least_number(const struct entitlement_options *options,
                              const struct revision *least, struct hash128 subject)
{
    return least->partition == names_partition(options->names, subject) ? least->number : 0;
}

enum found { FOUND, MISSING, FAILED };

/* From what this run has read, else from the cache. */
static enum found find_view(struct collector *collector, struct hash128 subject,
                            struct facts_view *ret_view)
{
    struct check_lookup *lookup =
        collector->lookups ? lookups_find(collector->lookups, subject) : NULL;

    if (lookup && lookup->is_loaded) {
        if (!lookup->waiter.is_ok) {
            *collector->err = lookup->waiter.err;
            if (collector->err->code == ERR_REVISION_AHEAD)
                err_prefix_field(collector->err, "min_revision");
            return FAILED;
        }
        *ret_view = lookup->waiter.view;
        return FOUND;
    }
    if (facts_cache_get(collector->options->cache, subject,
                        parties_least_number(collector->options, collector->least, subject),
                        collector->now_ms, collector->arena, ret_view))
        return FOUND;
    assert(collector->parties->missing_count < CHECK_PARTIES_MAX);
    collector->parties->missing[collector->parties->missing_count++] = subject;
    return MISSING;
}

static void add_party(struct collector *collector, enum party_role role,
                      const struct facts_view *view)
{
    assert(collector->parties->count < CHECK_PARTIES_MAX);
    collector->parties->items[collector->parties->count++] = (struct check_party){
        .role = role,
        .subject = view->subject,
        .facts = view->facts,
        .number = view->number,
        .read_at_ms = view->read_at_ms,
        .is_stale = view->is_stale,
    };
}

static void note_number(struct collector *collector, const struct facts_view *view)
{
    if (view->partition == collector->partition && view->number > collector->parties->number)
        collector->parties->number = view->number;
}

struct check_party parties_of_organization(const struct organization *organization,
                                           enum party_role role, struct hash128 subject,
                                           int64_t now_ms, struct arena *arena)
{
    struct facts_content content;

    facts_of_organization(organization, &content);
    return (struct check_party){
        .role = role,
        .subject = subject,
        .facts = facts_pack(&content, arena),
        .read_at_ms = now_ms,
    };
}

/* False: it is none. */
static bool add_organization(struct collector *collector, enum party_role role,
                             struct hash128 subject)
{
    const struct organization *organization =
        entitlement_organization(collector->entitlement, subject);

    if (!organization)
        return false;
    assert(collector->parties->count < CHECK_PARTIES_MAX);
    collector->parties->items[collector->parties->count++] =
        parties_of_organization(organization, role, subject, collector->now_ms, collector->arena);
    return true;
}

static bool add_principal(struct collector *collector, struct hash128 principal)
{
    struct facts_view view;
    enum found found;

    if (add_organization(collector, PARTY_PRINCIPAL, principal))
        return true;
    found = find_view(collector, principal, &view);
    if (found == FOUND) {
        note_number(collector, &view);
        add_party(collector, PARTY_PRINCIPAL, &view);
    }
    return found != FAILED;
}

static bool add_subject(struct collector *collector, enum party_role role, struct hash128 subject)
{
    struct facts_view view;
    enum found found;

    if (add_organization(collector, role, subject))
        return true;
    found = find_view(collector, subject, &view);
    if (found != FOUND)
        return found != FAILED;
    note_number(collector, &view);
    if (view.principal_count == 0 || view.facts->header.subject_kind != SUBJECT_SERVICE)
        add_party(collector, role, &view);
    for (size_t i = 0; i < view.principal_count; i++)
        if (!add_principal(collector, view.principals[i]))
            return false;
    return true;
}

bool parties_organization(const struct entitlement_options *options, struct span id, int64_t now_ms,
                          struct arena *arena, struct check_party *ret_party, struct err *err)
{
    const struct organization *organization = organization_find(options->organizations, id);

    if (!organization)
        return err_field(err, ERR_ORGANIZATION_UNKNOWN, "on_behalf_of", "not registered");
    *ret_party = parties_of_organization(organization, PARTY_ORGANIZATION, (struct hash128){0},
                                         now_ms, arena);
    return true;
}

bool parties_collect(const struct entitlement *entitlement, const struct check_input *input,
                     struct hash128 subject, const struct revision *least, int64_t now_ms,
                     const struct check_lookups *lookups, struct arena *arena,
                     struct parties *ret_parties, struct err *err)
{
    const struct entitlement_options *options = entitlement_options(entitlement);
    struct collector collector = {
        .entitlement = entitlement,
        .options = options,
        .partition = names_partition(options->names, subject),
        .least = least,
        .now_ms = now_ms,
        .lookups = lookups,
        .arena = arena,
        .parties = ret_parties,
        .err = err,
    };

    ret_parties->count = ret_parties->missing_count = 0;
    ret_parties->number = 0;
    if (!add_subject(&collector, PARTY_SUBJECT, subject))
        return false;
    for (size_t i = 0; i < input->also_subject_count; i++)
        if (!add_subject(&collector, PARTY_ALSO_SUBJECT,
                         names_subject_hash(options->names, input->also_subjects[i])))
            return false;
    if (input->on_behalf_of.length == 0)
        return true;
    assert(ret_parties->count < CHECK_PARTIES_MAX);
    return parties_organization(options, input->on_behalf_of, now_ms, arena,
                                &ret_parties->items[ret_parties->count++], err);
}
