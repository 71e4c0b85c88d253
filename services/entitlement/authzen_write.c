/* SPDX-License-Identifier: Apache-2.0 */
/* What an AuthZEN request is answered. */
#include "entitlement/authzen_write.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "entitlement/message.h"

/* A member that is not there could make another answer of it: without memory there is none. */
static void set(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0)
        memory_exhausted();
}

static void add(json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0)
        memory_exhausted();
}

static json_t *text_json(struct span text)
{
    return json_stringn((const char *)text.data, text.length);
}

static struct span finish(json_t *document, struct arena *arena)
{
    struct span text = json_text(document, arena);

    json_decref(document);
    return text;
}

static json_t *obligations_json(const struct directive_answer *answer)
{
    json_t *list = json_array();

    for (size_t i = 0; i < answer->obligation_count; i++) {
        const struct directive_obligation *obligation = answer->obligations[i];
        json_t *item = json_object(), *properties = json_object();

        for (size_t k = 0; k < obligation->property_count; k++)
            set(properties, obligation->properties[k].name,
                json_string(obligation->properties[k].value));
        set(item, "type", json_string(obligation->type));
        set(item, "properties", properties);
        add(list, item);
    }
    return list;
}

/* "type/id" */
static json_t *resource_json(struct span name)
{
    const uint8_t *slash = memchr(name.data, '/', name.length);
    size_t type_length = slash ? (size_t)(slash - name.data) : name.length;
    json_t *resource = json_object();

    set(resource, "type", text_json(span_of(name.data, type_length)));
    set(resource, "id", text_json(span_from(name, type_length + 1)));
    return resource;
}

static json_t *vary_json(const struct directive_set *directives, uint32_t vary)
{
    json_t *list = json_array();

    for (size_t i = 0; i < directive_set_context_key_count(directives); i++)
        if (vary >> i & 1)
            add(list, json_string(directive_set_context_key(directives, i)));
    return list;
}

static void set_authority(json_t *object, const char *name,
                          const struct directive_authority *authority)
{
    json_t *value;

    if (!authority->text || authority->text[0] == '\0')
        return;
    value = json_object();
    set(value, "text", json_string(authority->text));
    if (authority->document_sha256 && authority->document_sha256[0] != '\0')
        set(value, "document_sha256", json_string(authority->document_sha256));
    set(object, name, value);
}

static json_t *finding_json(const struct directive_finding *finding)
{
    json_t *item = json_object();

    set(item, "directive", json_string(finding->directive->id));
    set(item, "version", json_integer(finding->directive->version));
    set(item, "truth", json_string(truth_word(finding->truth)));
    set_authority(item, "authority", &finding->directive->authority);
    if (finding->exemption)
        set_authority(item, "exemption", &finding->exemption->authority);
    return item;
}

static json_t *findings_json(const struct directive_answer *answer)
{
    size_t count = answer->finding_count < DIRECTIVE_FINDINGS_MAX ? answer->finding_count
                                                                  : DIRECTIVE_FINDINGS_MAX;
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        add(list, finding_json(&answer->findings[i]));
    return list;
}

/* Of one decision. */
static void tell_result(const struct check_order *order, const struct check_result *result,
                        enum disclose disclose, json_t *context)
{
    uint32_t vary = vary_shown(result, disclose);

    set(context, "max_age_ms", json_integer(max_age_shown(result, disclose)));
    if (disclose == DISCLOSE_DECISION) {
        if (vary != 0)
            set(context, "vary_context", vary_json(order->set, vary));
        return;
    }
    set(context, "reason", json_string(decision_reason_name(result->reason)));
    if (result->answer.truth == TRUTH_UNKNOWN && result->answer.obligation_count > 0)
        set(context, "obligations", obligations_json(&result->answer));
    if (result->instead.length > 0)
        set(context, "instead", resource_json(result->instead));
    set(context, "vary_context", vary_json(order->set, vary));
    set(context, "facts_age_ms", json_integer(result->facts_age_ms));
    set(context, "stale", json_boolean(result->is_stale));
    if (disclose >= DISCLOSE_REASONS && result->answer.finding_count > 0)
        set(context, "directives", findings_json(&result->answer));
}

/* Of the moment, which all decisions of an answer share. */
static void tell_order(const struct check_order *order, enum disclose disclose, struct arena *arena,
                       json_t *context)
{
    char time[TIMESTAMP_TEXT_MAX];

    set(context, "decision_id", json_string(decision_id_message(order, arena)));
    if (disclose == DISCLOSE_DECISION)
        return;
    set(context, "revision", json_string(revision_message(&order->revision, arena)));
    set(context, "directive_set", json_integer((json_int_t)directive_set_number(order->set)));
    set(context, "evaluated_at", json_string(timestamp_format(order->now_ms, time)));
}

/* Section 7.2.1: what went wrong with one of many. */
static json_t *failure_json(const struct err *err)
{
    json_t *error = json_object();

    set(error, "status", json_integer(err_http_status(err->code)));
    set(error, "reason", json_string(err_reason(err->code)));
    if (err->field[0] != '\0')
        set(error, "field", json_string(err->field));
    set(error, "message", json_string(err_public_text(err->code)));
    return error;
}

static json_t *decision_json(const struct check_order *order, const struct check_result *result,
                             enum disclose disclose, json_t *context)
{
    bool is_allowed = !result->is_failed && result->is_allowed;
    json_t *decision = json_object();

    set(decision, "decision", json_boolean(is_allowed));
    if (result->is_failed)
        set(context, "error", failure_json(&result->err));
    else
        tell_result(order, result, disclose, context);
    set(decision, "context", context);
    return decision;
}

struct span authzen_answer_text(const struct check_order *order, enum disclose disclose,
                                struct arena *arena)
{
    json_t *context = json_object(), *answer, *list;

    tell_order(order, disclose, arena, context);
    if (!order->is_batch)
        return finish(decision_json(order, &order->results[0], disclose, context), arena);
    answer = json_object();
    list = json_array();
    for (size_t i = 0; i < order->count; i++)
        add(list, decision_json(order, &order->results[i], disclose, json_object()));
    set(answer, "evaluations", list);
    set(answer, "context", context);
    return finish(answer, arena);
}

struct span authzen_error_text(const struct err *err, struct arena *arena)
{
    json_t *error = json_object();

    set(error, "code", json_integer(err_http_status(err->code)));
    set(error, "reason", json_string(err_reason(err->code)));
    if (err->field[0] != '\0')
        set(error, "field", json_string(err->field));
    set(error, "message", json_string(err_public_text(err->code)));
    return finish(error, arena);
}

struct span authzen_configuration_text(const char *url, struct arena *arena)
{
    static const struct {
        const char *name, *path;
    } endpoints[] = {
        {"policy_decision_point", ""},
        {"access_evaluation_endpoint", "/access/v1/evaluation"},
        {"access_evaluations_endpoint", "/access/v1/evaluations"},
    };
    json_t *configuration = json_object();

    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
        set(configuration, endpoints[i].name,
            json_string(arena_printf(arena, "%s%s", url, endpoints[i].path)));
    return finish(configuration, arena);
}
