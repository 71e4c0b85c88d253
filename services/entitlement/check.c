/* SPDX-License-Identifier: Apache-2.0 */
/* The check: fields, one attempt to decide with what is at hand, the record. */
#include "entitlement/check.h"

#include "base/memory.h"
#include "domain/field/field.h"
#include "entitlement/attempt.h"

#include <stdlib.h>

struct known_organization {
    struct hash128 hash; /* of its id as a subject's */
    const struct organization *organization;
};

struct entitlement {
    struct entitlement_options options;
    struct known_organization *organizations; /* in order of hash */
    size_t organization_count;
};

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash128));
}

static void know_organizations(struct entitlement *entitlement)
{
    const struct organizations *registered = entitlement->options.organizations;
    size_t count = entitlement->organization_count = registered ? registered->count : 0;

    entitlement->organizations = memory_new_array(struct known_organization, count);
    for (size_t i = 0; i < count; i++)
        entitlement->organizations[i] = (struct known_organization){
            names_subject_hash(entitlement->options.names, registered->rows[i].id),
            &registered->rows[i]};
    qsort(entitlement->organizations, count, sizeof(*entitlement->organizations), compare_hashes);
}

struct entitlement *entitlement_new(const struct entitlement_options *options)
{
    struct entitlement *entitlement = memory_new(struct entitlement);

    entitlement->options = *options;
    know_organizations(entitlement);
    return entitlement;
}

void entitlement_free(struct entitlement *entitlement)
{
    if (entitlement)
        memory_free(entitlement->organizations);
    memory_free(entitlement);
}

const struct entitlement_options *entitlement_options(const struct entitlement *entitlement)
{
    return &entitlement->options;
}

const struct organization *entitlement_organization(const struct entitlement *entitlement,
                                                    struct hash128 subject)
{
    const struct known_organization *found =
        bsearch(&subject, entitlement->organizations, entitlement->organization_count,
                sizeof(*entitlement->organizations), compare_hashes);

    return found ? found->organization : NULL;
}

static bool validate_subject(const struct check_input *input, struct err *err)
{
    if (input->claim_token.length == 0)
        return field_check(FIELD_KIND_SUBJECT, input->subject, "subject", err);
    if (input->subject.length > 0)
        return err_field(err, ERR_FIELD_CONFLICT, "claim_token", "subject is set as well");
    if (input->claim_token.length > CHECK_TOKEN_BYTES_MAX)
        return err_field(err, ERR_FIELD_TOO_LONG, "claim_token", "%zu bytes",
                         input->claim_token.length);
    return true;
}

static bool validate_also_subjects(const struct check_input *input, struct err *err)
{
    for (size_t i = 0; i < input->also_subject_count; i++) {
        if (field_check(FIELD_KIND_SUBJECT, input->also_subjects[i], "", err))
            continue;
        err_prefix_field(err, "also_subjects[%zu]", i);
        return false;
    }
    return true;
}

/* `location` is an alpha-3 code of ISO 3166-1.  Another text was meant to say where, so that "not
 * said" would be the wrong answer. */
static bool validate_place(const struct directive_context *entry, struct err *err)
{
    if (!span_is(entry->key, "location") ||
        (entry->value.length == 3 && country_from_iso(entry->value) != COUNTRY_NONE))
        return true;
    return err_field(err, ERR_FIELD_COUNTRY, "value", "not alpha-3");
}

static bool validate_context(const struct check_input *input, struct err *err)
{
    if (input->context_count > DIRECTIVE_CONTEXT_MAX)
        return err_field(err, ERR_FIELD_TOO_MANY, "context", "%zu entries", input->context_count);
    for (size_t i = 0; i < input->context_count; i++) {
        if (field_check(FIELD_KIND_CONTEXT_KEY, input->context[i].key, "key", err) &&
            field_check(FIELD_KIND_CONTEXT_VALUE, input->context[i].value, "value", err) &&
            validate_place(&input->context[i], err))
            continue;
        err_prefix_field(err, "context[%zu]", i);
        return false;
    }
    return true;
}

bool check_validate(const struct check_input *input, struct err *err)
{
    if (!validate_subject(input, err) ||
        !field_check(FIELD_KIND_RESOURCE_TYPE, input->resource_type, "resource.type", err) ||
        !field_check(FIELD_KIND_RESOURCE_ID, input->resource_id, "resource.id", err) ||
        !field_check(FIELD_KIND_ACTION, input->action, "action", err))
        return false;
    if (input->on_behalf_of.length > 0 &&
        !field_check(FIELD_KIND_ORGANIZATION, input->on_behalf_of, "on_behalf_of", err))
        return false;
    return validate_also_subjects(input, err) && validate_context(input, err);
}

static struct span purpose_of(const struct check_input *input)
{
    for (size_t i = 0; i < input->context_count; i++)
        if (span_is(input->context[i].key, "purpose"))
            return input->context[i].value;
    return span_of(NULL, 0);
}

bool check_limits(const struct limits *limits, const struct check_input *input, struct err *err)
{
    if (!limits)
        return true;
    if (input->claim_token.length == 0 && !limits_hold_subject(limits, input->subject))
        return err_set(err, ERR_OUTSIDE_LIMITS, "a subject outside of the caller's prefixes");
    for (size_t i = 0; i < input->also_subject_count; i++)
        if (!limits_hold_subject(limits, input->also_subjects[i]))
            return err_set(err, ERR_OUTSIDE_LIMITS, "a subject outside of the caller's prefixes");
    if (!limits_hold_resource(limits, input->resource_type, input->resource_id))
        return err_set(err, ERR_OUTSIDE_LIMITS, "a resource outside of the caller's patterns");
    if (!limits_hold_purpose(limits, purpose_of(input)))
        return err_set(err, ERR_OUTSIDE_LIMITS, "a purpose that is not one of the caller's");
    return true;
}

void check_order_release(struct check_order *order)
{
    directive_set_unref(order->set);
    directive_set_unref(order->shadow);
    order->set = order->shadow = NULL;
}

bool check_try(struct check_order *order, struct arena *arena, bool *ret_is_ok, struct err *err)
{
    bool is_decided;

    if (!attempt_begin(order, arena, err)) {
        *ret_is_ok = false;
        return true;
    }
    is_decided = attempt_decide(order, NULL, arena);
    if (!is_decided || attempt_must_wait_for_record(order)) {
        check_order_release(order);
        return false;
    }
    if (!order->is_batch && order->results[0].is_failed) {
        *err = order->results[0].err;
        attempt_count_failure(order, err);
        *ret_is_ok = false;
        return true;
    }
    *ret_is_ok = attempt_record(order, arena, false, err);
    return true;
}
