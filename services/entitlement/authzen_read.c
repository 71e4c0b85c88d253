/* SPDX-License-Identifier: Apache-2.0 */
/* What an AuthZEN request asks. */
#include "entitlement/authzen_read.h"

#include "base/json.h"

#include <stdio.h>

/* One evaluation as it stands: what it does not say is said by `defaults`. */
struct evaluation {
    const json_t *own;
    const json_t *defaults; /* NULL: there are none */
};

/* What the members of one are read into. */
struct reading {
    struct check_input input;
    struct span subject_type;
};

/* Section 5: the objects, and the texts that each must have. */
static const struct entity {
    const char *name;
    struct text_member {
        const char *name; /* NULL: no more */
        size_t offset;    /* in struct reading */
    } texts[3];
} entities[] = {
    {"subject",
     {{"type", offsetof(struct reading, subject_type)},
      {"id", offsetof(struct reading, input.subject)}}},
    {"action", {{"name", offsetof(struct reading, input.action)}}},
    {"resource",
     {{"type", offsetof(struct reading, input.resource_type)},
      {"id", offsetof(struct reading, input.resource_id)}}},
};

static const json_t *member_of(const struct evaluation *evaluation, const char *name)
{
    const json_t *own = json_object_get(evaluation->own, name);

    return own || !evaluation->defaults ? own : json_object_get(evaluation->defaults, name);
}

static struct span text_of(const json_t *text)
{
    return span_of(json_string_value(text), json_string_length(text));
}

static bool read_text(const json_t *object, const char *name, struct span *ret_text,
                      struct err *err)
{
    const json_t *value = json_object_get(object, name);

    if (!value)
        return err_field(err, ERR_FIELD_REQUIRED, name, "missing");
    if (!json_is_string(value))
        return err_field(err, ERR_MESSAGE_MALFORMED, name, "not a text");
    *ret_text = text_of(value);
    return true;
}

static bool read_members(const json_t *object, const struct entity *entity, struct reading *reading,
                         struct err *err)
{
    const json_t *properties = json_object_get(object, "properties");

    for (const struct text_member *text = entity->texts; text->name; text++) {
        struct span *at = (struct span *)(void *)((char *)reading + text->offset);

        if (!read_text(object, text->name, at, err))
            return false;
    }
    if (properties && !json_is_object(properties))
        return err_field(err, ERR_MESSAGE_MALFORMED, "properties", "not an object");
    return true;
}

static bool read_entity(const struct evaluation *evaluation, const struct entity *entity,
                        struct reading *reading, struct err *err)
{
    const json_t *object = member_of(evaluation, entity->name);

    if (!object)
        return err_field(err, ERR_FIELD_REQUIRED, entity->name, "missing");
    if (!json_is_object(object))
        return err_field(err, ERR_MESSAGE_MALFORMED, entity->name, "not an object");
    if (read_members(object, entity, reading, err))
        return true;
    err_prefix_field(err, "%s", entity->name);
    return false;
}

/* The engine's context is of texts.  Booleans and whole numbers have one text each; a fraction has
 * many, and of an object nobody knows what it would be compared with. */
static bool read_value(const json_t *value, struct arena *arena, struct span *ret_text)
{
    if (json_is_string(value))
        *ret_text = text_of(value);
    else if (json_is_boolean(value))
        *ret_text = span_text(json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value))
        *ret_text =
            span_text(arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
    else
        return false;
    return true;
}

static bool read_context(const struct evaluation *evaluation, struct arena *arena,
                         struct check_input *input, struct err *err)
{
    const json_t *object = member_of(evaluation, "context"), *value;
    struct directive_context *context;
    const char *key;

    if (!object)
        return true;
    if (!json_is_object(object))
        return err_field(err, ERR_MESSAGE_MALFORMED, "context", "not an object");
    if (json_object_size(object) > DIRECTIVE_CONTEXT_MAX)
        return err_field(err, ERR_FIELD_TOO_MANY, "context", "%zu entries",
                         json_object_size(object));
    context = arena_new_array(arena, struct directive_context, json_object_size(object));
    input->context = context;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        context[input->context_count].key = span_text(key);
        if (!read_value(value, arena, &context[input->context_count].value)) {
            err_set(err, ERR_MESSAGE_MALFORMED, "neither text, boolean nor whole number");
            err_prefix_field(err, "context[%zu].value", input->context_count);
            return false;
        }
        input->context_count++;
    }
    return true;
}

/* What the check calls its fields is not what they are called here. */
static void rename_field(struct err *err)
{
    static const struct {
        const char *of_check, *here;
    } names[] = {{"subject", "subject.id"}, {"action", "action.name"}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(err->field, names[i].of_check) == 0) {
            snprintf(err->field, sizeof(err->field), "%s", names[i].here);
            return;
        }
}

static bool read_one(const struct evaluation *evaluation, struct arena *arena,
                     struct check_input *ret_input, struct err *err)
{
    struct reading reading = {.subject_type = {0}};

    if (!json_is_object(evaluation->own))
        return err_set(err, ERR_MESSAGE_MALFORMED, "not an object");
    for (size_t i = 0; i < ARRAY_LEN(entities); i++)
        if (!read_entity(evaluation, &entities[i], &reading, err))
            return false;
    if (reading.subject_type.length == 0)
        return err_field(err, ERR_FIELD_REQUIRED, "subject.type", "empty");
    if (reading.subject_type.length > AUTHZEN_TYPE_BYTES_MAX)
        return err_field(err, ERR_FIELD_TOO_LONG, "subject.type", "%zu bytes",
                         reading.subject_type.length);
    if (!read_context(evaluation, arena, &reading.input, err))
        return false;
    if (!check_validate(&reading.input, err)) {
        rename_field(err);
        return false;
    }
    *ret_input = reading.input;
    return true;
}

static void release(void *document)
{
    json_decref(document);
}

/* As long as the arena: what is read points into it. */
static bool read_document(struct span body, size_t containers_max, struct arena *arena,
                          const json_t **ret_document, struct err *err)
{
    const struct json_limits limits = {.depth = JSON_DEPTH_MAX, .containers = containers_max};
    json_t *document;

    if (!json_read_within(body, &limits, &document, err))
        return false;
    arena_defer(arena, release, document);
    *ret_document = document;
    return true;
}

static bool read_single(const json_t *document, struct arena *arena,
                        struct authzen_questions *ret_questions, struct err *err)
{
    const struct evaluation evaluation = {.own = document};
    struct check_input *input = arena_new(arena, struct check_input);

    if (!read_one(&evaluation, arena, input, err))
        return false;
    *ret_questions = (struct authzen_questions){.inputs = input, .count = 1};
    return true;
}

/* Containers: an evaluation has five and a few of properties. */
enum { CONTAINERS_MAX = 1000, CONTAINERS_OF_LIST_MAX = 16 * CHECK_BATCH_MAX };

bool authzen_read_evaluation(struct span body, struct arena *arena,
                             struct authzen_questions *ret_questions, struct err *err)
{
    const json_t *document;

    return read_document(body, CONTAINERS_MAX, arena, &document, err) &&
           read_single(document, arena, ret_questions, err);
}

/* Section 7.1.2.1. */
static const char *const semantics[] = {
    [CHECK_END_NEVER] = "execute_all",
    [CHECK_END_REFUSED] = "deny_on_first_deny",
    [CHECK_END_ALLOWED] = "permit_on_first_permit",
};

static bool read_semantic(const json_t *document, enum check_end *ret_ends, struct err *err)
{
    const json_t *options = json_object_get(document, "options"), *word;

    if (options && !json_is_object(options))
        return err_field(err, ERR_MESSAGE_MALFORMED, "options", "not an object");
    word = json_object_get(options, "evaluations_semantic");
    if (!word)
        return true;
    for (size_t i = 0; json_is_string(word) && i < ARRAY_LEN(semantics); i++)
        if (strcmp(json_string_value(word), semantics[i]) == 0) {
            *ret_ends = (enum check_end)i;
            return true;
        }
    return err_field(err, ERR_FIELD_ENUM, "options.evaluations_semantic", "none of the three");
}

static bool read_list(const json_t *document, const json_t *list, struct arena *arena,
                      struct authzen_questions *ret_questions, struct err *err)
{
    struct authzen_questions questions = {.count = json_array_size(list), .is_batch = true};
    struct check_input *inputs;

    if (questions.count > CHECK_BATCH_MAX)
        return err_field(err, ERR_FIELD_TOO_MANY, "evaluations", "%zu of them", questions.count);
    if (!read_semantic(document, &questions.ends, err))
        return false;
    inputs = arena_new_array(arena, struct check_input, questions.count);
    for (size_t i = 0; i < questions.count; i++) {
        const struct evaluation evaluation = {json_array_get(list, i), document};

        if (read_one(&evaluation, arena, &inputs[i], err))
            continue;
        err_prefix_field(err, "evaluations[%zu]", i);
        return false;
    }
    questions.inputs = inputs;
    *ret_questions = questions;
    return true;
}

bool authzen_read_evaluations(struct span body, struct arena *arena,
                              struct authzen_questions *ret_questions, struct err *err)
{
    const json_t *document, *list;

    if (!read_document(body, CONTAINERS_OF_LIST_MAX, arena, &document, err))
        return false;
    list = json_object_get(document, "evaluations");
    if (list && !json_is_array(list))
        return err_field(err, ERR_MESSAGE_MALFORMED, "evaluations", "not a list");
    return json_array_size(list) == 0 ? read_single(document, arena, ret_questions, err)
                                      : read_list(document, list, arena, ret_questions, err);
}
