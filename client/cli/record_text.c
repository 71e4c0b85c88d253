/* SPDX-License-Identifier: Apache-2.0 */
/* Records as text: entitlements, subjects, callers, servers, keys. */
#include "base/timestamp.h"
#include "client/cli/text.h"

#include <inttypes.h>
#include <string.h>

static int width_of(const struct passgate_resource *resource)
{
    return (int)(strlen(resource->type) + 1 + strlen(resource->id));
}

void text_entitlements(const struct output *output,
                       const struct passgate_entitlements *entitlements)
{
    int width = 0;

    for (size_t i = 0; i < entitlements->entitlement_count; i++)
        if (width_of(entitlements->entitlements[i]->resource) > width)
            width = width_of(entitlements->entitlements[i]->resource);
    for (size_t i = 0; i < entitlements->entitlement_count; i++) {
        const struct passgate_entitlement *entitlement = entitlements->entitlements[i];
        const char *reason = text_reason(entitlement->reason);

        output_print(output, "%s/%s%*s  ", entitlement->resource->type, entitlement->resource->id,
                     width - width_of(entitlement->resource), "");
        output_colored(output, entitlement->is_allowed ? COLOR_GREEN : COLOR_RED, "%s",
                       entitlement->is_allowed ? "allow" : "deny");
        output_print(output, "%s%s\n", reason[0] ? "   " : "", reason);
    }
}

static const char *const subject_kinds[] = {
    [PASSGATE_SUBJECT_KIND_UNSPECIFIED] = "",
    [PASSGATE_SUBJECT_KIND_USER] = "user",
    [PASSGATE_SUBJECT_KIND_EMPLOYEE] = "employee",
    [PASSGATE_SUBJECT_KIND_SERVICE] = "service",
    [PASSGATE_SUBJECT_KIND_ORGANIZATION] = "organization",
};

static const char *const affiliations_as[] = {
    [PASSGATE_AFFILIATION_AS_UNSPECIFIED] = "in an unknown way",
    [PASSGATE_AFFILIATION_AS_EMPLOYEE] = "employee",
    [PASSGATE_AFFILIATION_AS_CONTRACTOR] = "contractor",
    [PASSGATE_AFFILIATION_AS_AGENT] = "agent",
};

/* "EVIDENCE_CLASS_PASSPORT" behind its prefix. */
static const char *short_name(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(name, prefix, length) == 0 ? name + length : name;
}

static void print_evidence(const struct output *output, const struct passgate_evidence *evidence)
{
    char text[TIMESTAMP_TEXT_MAX];
    const char *nationality = evidence->nationality[0] ? evidence->nationality : evidence->country;

    output_print(output, "  %s  %s", evidence->evidence_id,
                 short_name(evidence->evidence_class, "EVIDENCE_CLASS_"));
    if (evidence->statement_kind[0])
        output_print(output, " %s", short_name(evidence->statement_kind, "STATEMENT_KIND_"));
    if (nationality[0])
        output_print(output, " %s", nationality);
    output_print(output, "  by %s %s%s%s", evidence->vendor, evidence->check_id,
                 evidence->verified_at_ms ? ", " : "",
                 output_instant(evidence->verified_at_ms, text));
    if (evidence->is_revoked)
        output_colored(output, COLOR_RED, "  revoked");
    output_print(output, "\n");
}

static void print_affiliation(const struct output *output,
                              const struct passgate_affiliation *affiliation)
{
    output_print(output, "  %s:", affiliation->organization);
    for (size_t i = 0; i < affiliation->as_count; i++)
        output_print(output, "%s %s", i > 0 ? "," : "", affiliations_as[affiliation->as[i]]);
    if (affiliation->as_count == 0)
        output_print(output, " none");
    if (affiliation->until[0])
        output_print(output, " until %s", affiliation->until);
    output_print(output, "%s\n", affiliation->is_complete ? ", nothing else" : "");
}

void text_subject(const struct output *output, const struct passgate_subject *subject)
{
    char text[TIMESTAMP_TEXT_MAX];

    output_colored(output, COLOR_BOLD, "%s", subject->subject);
    output_print(output, "\n");
    output_row(output, "kind:", "%s", subject_kinds[subject->kind]);
    output_row(output, "revision:", "%s", subject->revision);
    output_row(output, "changes by itself:", "%s", output_instant(subject->valid_until_ms, text));
    for (size_t i = 0; i < subject->fact_count; i++)
        output_print(output, "%s  %s\n", i == 0 ? "Known:\n" : "", subject->facts[i]);
    if (subject->fact_count == 0)
        output_print(output, "Known: nothing.\n");
    for (size_t i = 0; i < subject->evidence_count; i++) {
        output_print(output, "%s", i == 0 ? "Evidence:\n" : "");
        print_evidence(output, subject->evidence[i]);
    }
    for (size_t i = 0; i < subject->affiliation_count; i++) {
        output_print(output, "%s", i == 0 ? "Affiliations:\n" : "");
        print_affiliation(output, subject->affiliations[i]);
    }
    for (size_t i = 0; i < subject->principal_count; i++)
        output_print(output, "%s  %s\n", i == 0 ? "Persons behind it:\n" : "",
                     subject->principals[i]);
}

void text_caller(const struct output *output, const struct passgate_caller *caller)
{
    output_colored(output, COLOR_BOLD, "%s", caller->caller);
    output_print(output, "\n");
    output_row(output, "authenticated by:", "%s", caller->authentication);
    output_row(output, "disclosed to you:", "%s", caller->disclose);
    for (size_t i = 0; i < caller->role_count; i++)
        output_row(output, i == 0 ? "roles:" : "", "%s", caller->roles[i]);
    if (caller->role_count == 0)
        output_print(output, "No binding: ask the operator for one.\n");
}

static const char *directives(uint32_t count)
{
    return count == 1 ? "directive" : "directives";
}

void text_server(const struct output *output, const struct passgate_server *server)
{
    char text[TIMESTAMP_TEXT_MAX];

    output_colored(output, COLOR_BOLD, "passgated %s", server->version);
    output_print(output, "\n");
    output_row(output, "realm:", "%s", server->realm);
    output_row(output, "issuer:", "%s", server->issuer);
    output_row(output, "started at:", "%s", output_instant(server->started_at_ms, text));
    output_row(output, "directive set:", "%" PRIu64 ", %" PRIu32 " %s", server->directive_set,
               server->directive_count, directives(server->directive_count));
    output_row(output, "digest:", "%s", server->directive_set_digest);
    if (server->shadow_set_digest[0]) {
        output_row(output, "tried:", "%" PRIu32 " %s", server->shadow_directive_count,
                   directives(server->shadow_directive_count));
        output_row(output, "digest with them:", "%s", server->shadow_set_digest);
    }
    output_row(output, "language:", "%" PRIu32, server->directive_language);
    output_row(output, "country groups of:", "%s", server->country_groups_as_of);
    output_row(output, "store:", "%s, %s, %s", server->store, server->is_store_up ? "up" : "DOWN",
               server->store_durability);
    output_row(output, "audit:", "%s, log %s", server->audit_mode, server->audit_log_id);
    output_row(output, "facts sealed for:", "%s",
               server->retention_key_id[0] ? server->retention_key_id
                                           : "nobody: audit.retention_key_file is not set");
    output_row(output, "workers:", "%" PRIu32, server->workers);
    output_row(output, "gRPC core:", "%s", server->grpc_version); /* numbered on its own */
}

void text_keys(const struct output *output, const struct passgate_keys *keys)
{
    static const char *const states[] = {
        [PASSGATE_KEY_STATE_UNSPECIFIED] = "unknown",
        [PASSGATE_KEY_STATE_PUBLISHED] = "published",
        [PASSGATE_KEY_STATE_ACTIVE] = "active",
        [PASSGATE_KEY_STATE_RETIRING] = "retiring",
    };
    char text[TIMESTAMP_TEXT_MAX];

    for (size_t i = 0; i < keys->key_count; i++)
        output_print(output, "%-43s  %-6s  %-9s  from %s\n", keys->keys[i]->kid,
                     keys->keys[i]->algorithm, states[keys->keys[i]->state],
                     output_instant(keys->keys[i]->activates_at_ms, text));
    if (keys->key_count == 0)
        output_print(output, "No keys.\n");
}
