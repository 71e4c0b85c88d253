/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of EntitlementService. */
#include "entitlement/message.h"

#include "base/encoding.h"
#include "rpc/wire_time.h"

static const struct directive_context *
read_context(size_t count, Passgate__V1__CheckEntitlementRequest__ContextEntry **entries,
             struct arena *arena)
{
    struct directive_context *context = arena_new_array(arena, struct directive_context, count);

    for (size_t i = 0; i < count; i++)
        context[i] = (struct directive_context){
            .key = span_text(entries[i]->key),
            .value = span_text(entries[i]->value),
        };
    return context;
}

bool check_input_read(const Passgate__V1__CheckEntitlementRequest *request, struct arena *arena,
                      struct check_input *ret_input, struct err *err)
{
    struct check_input input = {
        .subject = span_text(request->subject),
        .claim_token = span_text(request->claim_token),
        .on_behalf_of = span_text(request->on_behalf_of),
        .action = span_text(request->action),
        .also_subject_count = request->n_also_subjects,
        .context_count = request->n_context,
        .wants_handles = request->want_handles,
        .wants_receipt = request->want_receipt,
    };

    if (request->n_also_subjects > CHECK_ALSO_SUBJECTS_MAX)
        return err_field(err, ERR_FIELD_TOO_MANY, "also_subjects", "%zu of them",
                         request->n_also_subjects);
    if (!request->resource)
        return err_field(err, ERR_FIELD_REQUIRED, "resource", "missing");
    input.resource_type = span_text(request->resource->type);
    input.resource_id = span_text(request->resource->id);
    for (size_t i = 0; i < request->n_also_subjects; i++)
        input.also_subjects[i] = span_text(request->also_subjects[i]);
    if (request->n_context > 0)
        input.context = read_context(request->n_context, request->context, arena);
    if (!check_validate(&input, err))
        return false;
    *ret_input = input;
    return true;
}

char *decision_id_message(const struct check_order *order, struct arena *arena)
{
    const struct entitlement_options *options = entitlement_options(order->entitlement);
    char *text = arena_alloc(arena, AUDIT_ID_MAX);

    audit_decision_id(audit_log_id(options->audit), order->sequence, text);
    return text;
}

char *revision_message(const struct revision *revision, struct arena *arena)
{
    char *text = arena_alloc(arena, REVISION_TEXT_MAX);

    revision_format(revision, text);
    return text;
}

char **handles_message(const struct entitlement_options *options, struct span caller,
                       const struct hash128 *subjects, size_t count, struct arena *arena)
{
    const size_t text_bytes = base64url_length(HASH128_BYTES) + 1;
    char **handles = arena_new_array(arena, char *, count);
    char *texts = arena_alloc(arena, count * text_bytes);

    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[HASH128_BYTES];

        hash128_store(names_handle(options->names, caller, subjects[i]), bytes);
        handles[i] = texts + i * text_bytes;
        base64url_encode(span_of(bytes, sizeof(bytes)), handles[i]);
    }
    return handles;
}

Passgate__V1__CheckError *check_error_message(const struct err *err, struct arena *arena)
{
    Passgate__V1__CheckError *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__check_error__init(message);
    message->code = (int32_t)err_grpc_status(err->code);
    message->reason = (char *)err_reason(err->code);
    message->message = (char *)err_public_text(err->code);
    if (err->field[0] != '\0')
        message->message = arena_printf(arena, "%s: %s", err->field, err_public_text(err->code));
    return message;
}

Passgate__V1__Decision decision_message(const struct check_result *result)
{
    return result->is_allowed ? PASSGATE__V1__DECISION__DECISION_ALLOW
                              : PASSGATE__V1__DECISION__DECISION_DENY;
}

Passgate__V1__Resource *resource_message(struct span name, struct arena *arena)
{
    const uint8_t *slash = memchr(name.data, '/', name.length);
    size_t type_length = slash ? (size_t)(slash - name.data) : name.length;
    Passgate__V1__Resource *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__resource__init(message);
    message->type = arena_text(arena, span_of(name.data, type_length));
    message->id = arena_text(arena, span_from(name, type_length + 1));
    return message;
}

Passgate__V1__Authority *authority_message(const struct directive_authority *authority,
                                           struct arena *arena)
{
    Passgate__V1__Authority *message;

    if (!authority || !authority->text || authority->text[0] == '\0')
        return NULL;
    message = arena_alloc(arena, sizeof(*message));
    passgate__v1__authority__init(message);
    message->text = (char *)authority->text;
    if (authority->document_sha256)
        message->document_sha256 = (char *)authority->document_sha256;
    return message;
}

Passgate__V1__Truth truth_message(enum truth truth)
{
    return truth == TRUTH_TRUE    ? PASSGATE__V1__TRUTH__TRUTH_TRUE
           : truth == TRUTH_FALSE ? PASSGATE__V1__TRUTH__TRUTH_FALSE
                                  : PASSGATE__V1__TRUTH__TRUTH_UNKNOWN;
}

static Passgate__V1__Obligation *obligation_message(const struct directive_obligation *obligation,
                                                    struct arena *arena)
{
    Passgate__V1__Obligation *message = arena_alloc(arena, sizeof(*message));
    Passgate__V1__Obligation__PropertiesEntry *entries = arena_new_array(
        arena, Passgate__V1__Obligation__PropertiesEntry, obligation->property_count);

    passgate__v1__obligation__init(message);
    message->type = (char *)obligation->type;
    message->n_properties = obligation->property_count;
    message->properties = arena_new_array(arena, Passgate__V1__Obligation__PropertiesEntry *,
                                          obligation->property_count);
    for (size_t i = 0; i < obligation->property_count; i++) {
        passgate__v1__obligation__properties_entry__init(&entries[i]);
        entries[i].key = (char *)obligation->properties[i].name;
        entries[i].value = (char *)obligation->properties[i].value;
        message->properties[i] = &entries[i];
    }
    return message;
}

static Passgate__V1__Obligation **obligations_message(const struct directive_answer *answer,
                                                      struct arena *arena, size_t *ret_count)
{
    Passgate__V1__Obligation **messages;

    *ret_count = 0;
    if (answer->truth != TRUTH_UNKNOWN || answer->obligation_count == 0)
        return NULL;
    messages = arena_new_array(arena, Passgate__V1__Obligation *, answer->obligation_count);
    for (size_t i = 0; i < answer->obligation_count; i++)
        messages[i] = obligation_message(answer->obligations[i], arena);
    *ret_count = answer->obligation_count;
    return messages;
}

static char **vary_message(const struct directive_set *set, uint32_t vary, struct arena *arena,
                           size_t *ret_count)
{
    size_t count = (size_t)__builtin_popcount(vary), next = 0;
    char **keys;

    *ret_count = count;
    if (count == 0)
        return NULL;
    keys = arena_new_array(arena, char *, count);
    for (size_t i = 0; i < directive_set_context_key_count(set); i++)
        if (vary >> i & 1)
            keys[next++] = (char *)directive_set_context_key(set, i);
    return keys;
}

static Passgate__V1__DirectiveFinding *finding_message(const struct directive_finding *finding,
                                                       struct arena *arena)
{
    Passgate__V1__DirectiveFinding *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__directive_finding__init(message);
    message->directive = (char *)finding->directive->id;
    message->version = finding->directive->version;
    message->authority = authority_message(&finding->directive->authority, arena);
    message->truth = truth_message(finding->truth);
    if (finding->exemption)
        message->exemption = authority_message(&finding->exemption->authority, arena);
    return message;
}

static void write_findings(const struct directive_answer *answer, struct arena *arena,
                           Passgate__V1__CheckEntitlementResponse *response)
{
    size_t count = answer->finding_count < DIRECTIVE_FINDINGS_MAX ? answer->finding_count
                                                                  : DIRECTIVE_FINDINGS_MAX;

    response->n_directives = count;
    response->directives = arena_new_array(arena, Passgate__V1__DirectiveFinding *, count);
    for (size_t i = 0; i < count; i++)
        response->directives[i] = finding_message(&answer->findings[i], arena);
}

int64_t max_age_shown(const struct check_result *result, enum disclose disclose)
{
    return disclose > DISCLOSE_DECISION || result->is_allowed ? result->max_age_ms : 0;
}

uint32_t vary_shown(const struct check_result *result, enum disclose disclose)
{
    return disclose > DISCLOSE_DECISION || max_age_shown(result, disclose) > 0
               ? result->vary_context
               : 0;
}

/* Refusals of which only the decision is disclosed stay the same; nothing may be kept of them. */
static char **whose_message(const struct check_order *order, const struct check_result *result,
                            enum disclose disclose, struct arena *arena, size_t *ret_count)
{
    *ret_count = disclose > DISCLOSE_DECISION || result->is_allowed ? result->whose_count : 0;
    return *ret_count > 0 ? handles_message(entitlement_options(order->entitlement), order->caller,
                                            result->whose, *ret_count, arena)
                          : NULL;
}

void check_response_write(const struct check_order *order, const struct check_result *result,
                          enum disclose disclose, bool wants_reasons, struct arena *arena,
                          Passgate__V1__CheckEntitlementResponse *ret_response)
{
    Passgate__V1__CheckEntitlementResponse *response = ret_response;

    passgate__v1__check_entitlement_response__init(response);
    response->decision = decision_message(result);
    response->max_age = wire_duration(max_age_shown(result, disclose), arena);
    response->handles = whose_message(order, result, disclose, arena, &response->n_handles);
    response->vary_context =
        vary_message(order->set, vary_shown(result, disclose), arena, &response->n_vary_context);
    response->decision_id = decision_id_message(order, arena);
    if (disclose == DISCLOSE_DECISION)
        return;
    response->reason = (Passgate__V1__Reason)result->reason;
    response->obligations = obligations_message(&result->answer, arena, &response->n_obligations);
    if (result->instead.length > 0)
        response->instead = resource_message(result->instead, arena);
    response->revision = revision_message(&order->revision, arena);
    response->directive_set = directive_set_number(order->set);
    response->evaluated_at = wire_timestamp(order->now_ms, arena);
    response->facts_age = wire_duration(result->facts_age_ms, arena);
    response->stale = result->is_stale;
    if (wants_reasons && disclose >= DISCLOSE_REASONS)
        write_findings(&result->answer, arena, response);
}

void batch_decision_write(const struct check_order *order, const struct check_result *result,
                          enum disclose disclose, struct arena *arena,
                          Passgate__V1__BatchDecision *ret_decision)
{
    int64_t max_age_ms = max_age_shown(result, disclose);
    Passgate__V1__BatchDecision *decision = ret_decision;

    passgate__v1__batch_decision__init(decision);
    if (result->is_failed) {
        decision->error = check_error_message(&result->err, arena);
        return;
    }
    decision->decision = decision_message(result);
    if (max_age_ms > 0)
        decision->max_age = wire_duration(max_age_ms, arena);
    decision->handles = whose_message(order, result, disclose, arena, &decision->n_handles);
    decision->vary_context =
        vary_message(order->set, vary_shown(result, disclose), arena, &decision->n_vary_context);
    if (disclose == DISCLOSE_DECISION)
        return;
    decision->reason = (Passgate__V1__Reason)result->reason;
    decision->obligations = obligations_message(&result->answer, arena, &decision->n_obligations);
    if (result->instead.length > 0)
        decision->instead = resource_message(result->instead, arena);
    if (result->facts_age_ms > 0)
        decision->facts_age = wire_duration(result->facts_age_ms, arena);
    decision->stale = result->is_stale;
}
