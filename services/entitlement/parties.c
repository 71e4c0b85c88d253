/* SPDX-License-Identifier: Apache-2.0 */
/* The parties of a question. */
#include "entitlement/parties.h"

#include "entitlement/lookups.h"

struct collector {
    const struct entitlement_options *options;
    const struct revision *least;
    int64_t now_ms;
    const struct check_lookups *lookups;
    struct arena *arena;
    struct parties *parties;
    struct err *err;
};

/* What number the subject's facts must have reached: the revision's, if it is of the same
 * partition. */
static uint64_t least_number(const struct collector *collector, struct hash128 subject)
{
    const struct revision *least = collector->least;

    if (least->number == 0 ||
        least->partition != names_partition(collector->options->names, subject))
        return 0;
    return least->number;
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
            return FAILED;
        }
        *ret_view = lookup->waiter.view;
        return FOUND;
    }
    if (facts_cache_get(collector->options->cache, subject, least_number(collector, subject),
                        collector->now_ms, collector->arena, ret_view))
        return FOUND;
    collector->parties->missing[collector->parties->missing_count++] = subject;
    return MISSING;
}

static bool has_room(struct collector *collector)
{
    if (collector->parties->count + collector->parties->missing_count < CHECK_PARTIES_MAX)
        return true;
    return err_field(collector->err, ERR_FIELD_TOO_MANY, "also_subjects",
                     "more than %d persons stand behind it", CHECK_PARTIES_MAX);
}

static void add_party(struct collector *collector, enum party_role role,
                      const struct facts_view *view)
{
    collector->parties->items[collector->parties->count++] = (struct check_party){
        .role = role,
        .subject = view->subject,
        .facts = view->facts,
        .number = view->number,
        .read_at_ms = view->read_at_ms,
        .is_stale = view->is_stale,
    };
}

static bool add_subject(struct collector *collector, enum party_role role, struct hash128 subject)
{
    struct facts_view view, principal;
    enum found found;

    if (!has_room(collector))
        return false;
    found = find_view(collector, subject, &view);
    if (found != FOUND)
        return found != FAILED;
    if (view.principal_count == 0) {
        add_party(collector, role, &view);
        return true;
    }
    for (size_t i = 0; i < view.principal_count; i++) {
        if (!has_room(collector))
            return false;
        found = find_view(collector, view.principals[i], &principal);
        if (found == FAILED)
            return false;
        if (found == FOUND)
            add_party(collector, PARTY_PRINCIPAL, &principal);
    }
    return true;
}

static bool add_organization(struct collector *collector, struct span id)
{
    const struct organization *organization;
    struct facts_content content;

    if (!has_room(collector))
        return false;
    organization = organization_find(collector->options->organizations, id);
    if (!organization)
        return err_field(collector->err, ERR_ORGANIZATION_UNKNOWN, "on_behalf_of",
                         "not registered");
    facts_of_organization(organization, &content);
    collector->parties->items[collector->parties->count++] = (struct check_party){
        .role = PARTY_ORGANIZATION,
        .facts = facts_pack(&content, collector->arena),
        .read_at_ms = collector->now_ms,
    };
    return true;
}

bool parties_collect(const struct entitlement_options *options, const struct check_input *input,
                     struct hash128 subject, const struct revision *least, int64_t now_ms,
                     const struct check_lookups *lookups, struct arena *arena,
                     struct parties *ret_parties, struct err *err)
{
    struct collector collector = {options, least, now_ms, lookups, arena, ret_parties, err};

    ret_parties->count = ret_parties->missing_count = 0;
    if (!add_subject(&collector, PARTY_SUBJECT, subject))
        return false;
    for (size_t i = 0; i < input->also_subject_count; i++)
        if (!add_subject(&collector, PARTY_ALSO_SUBJECT,
                         names_subject_hash(options->names, input->also_subjects[i])))
            return false;
    return input->on_behalf_of.length == 0 || add_organization(&collector, input->on_behalf_of);
}
