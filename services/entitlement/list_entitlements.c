/* SPDX-License-Identifier: Apache-2.0 */
/* ListEntitlements: every declared resource with the decision for one subject, a page at a time. */
#include "base/encoding.h"
#include "domain/field/field.h"
#include "entitlement/door.h"
#include "entitlement/message.h"
#include "entitlement/service.h"
#include "rpc/wire_time.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = CHECK_BATCH_MAX };

/* One page of questions, and the token of the next one. */
struct page {
    struct check_input *inputs;
    struct span *names; /* of the resources, in the arena */
    size_t count;
    const char *next_token; /* "" when there are no more */
};

/* A list is of one subject: what keeps one question from a decision keeps all.  So does a lapsed
 * lease, though only of what is restricted: a list with holes would read as a list of refusals. */
static const struct err *first_failure(const struct check_order *order)
{
    for (size_t i = 0; i < order->count; i++)
        if (order->results[i].is_failed)
            return &order->results[i].err;
    return NULL;
}

static Passgate__V1__Entitlement *entitlement_message(struct span name,
                                                      const struct check_result *result,
                                                      enum disclose disclose, struct arena *arena)
{
    Passgate__V1__Entitlement *message = arena_alloc(arena, sizeof(*message));

    passgate__v1__entitlement__init(message);
    message->resource = resource_message(name, arena);
    message->decision = decision_message(result);
    message->max_age = wire_duration(max_age_shown(result, disclose), arena);
    if (disclose > DISCLOSE_DECISION)
        message->reason = (Passgate__V1__Reason)result->reason;
    return message;
}

static void reply(struct rpc_call *call, const struct check_order *order, const void *detail,
                  struct arena *arena)
{
    Passgate__V1__ListEntitlementsResponse response =
        PASSGATE__V1__LIST_ENTITLEMENTS_RESPONSE__INIT;
    const struct err *failure = first_failure(order);
    enum disclose disclose = caller_of(call)->disclose;
    const struct page *page = detail;

    if (failure) {
        rpc_call_fail(call, failure);
        return;
    }
    response.entitlements = arena_new_array(arena, Passgate__V1__Entitlement *, page->count);
    for (size_t i = 0; i < page->count; i++)
        response.entitlements[response.n_entitlements++] =
            entitlement_message(page->names[i], &order->results[i], disclose, arena);
    response.next_page_token = (char *)(uintptr_t)page->next_token;
    response.decision_id = decision_id_message(order, arena);
    if (disclose > DISCLOSE_DECISION) {
        response.revision = revision_message(&order->revision, arena);
        response.directive_set = directive_set_number(order->set);
    }
    rpc_call_reply(call, &response.base);
}

/* Whose page, and what of it: of this type, behind this name. */
struct selection {
    const struct names *names;
    const struct limits *limits;
    const Passgate__V1__ListEntitlementsRequest *request;
    struct span caller;
    struct span type;
    struct span last;
    size_t size;
};

/* A token is the name behind which its page begins, after what vouches that this caller was given
 * it for this question.  The context may be another one from page to page. */
static void seal(const struct selection *selection, struct span last,
                 uint8_t ret_seal[static HASH128_BYTES])
{
    const struct span parts[] = {
        selection->caller,
        span_text(selection->request->subject),
        span_text(selection->request->on_behalf_of),
        span_text(selection->request->action),
        selection->type,
        last,
    };

    hash128_store(names_page(selection->names, parts, ARRAY_LEN(parts)), ret_seal);
}

static char *make_token(const struct selection *selection, struct span last, struct arena *arena)
{
    size_t length = HASH128_BYTES + last.length;
    char *text = arena_alloc(arena, base64url_length(length) + 1);
    uint8_t *token = arena_alloc(arena, length);

    seal(selection, last, token);
    memcpy(token + HASH128_BYTES, last.data, last.length);
    base64url_encode(span_of(token, length), text);
    return text;
}

static bool read_token(struct selection *selection, struct arena *arena, struct err *err)
{
    struct span text = span_text(selection->request->page_token);
    uint8_t *token = arena_alloc(arena, text.length + 1), expected[HASH128_BYTES];
    struct span last;
    size_t length;

    if (text.length == 0)
        return true;
    if (!base64url_decode(text, token, &length))
        return err_field(err, ERR_FIELD_CHARACTERS, "page_token", "not one of ours");
    last = span_from(span_of(token, length), HASH128_BYTES);
    seal(selection, last, expected);
    if (length <= HASH128_BYTES || memcmp(token, expected, sizeof(expected)) != 0)
        return err_field(err, ERR_FIELD_CONFLICT, "page_token", "not given for this question");
    selection->last = last;
    return true;
}

static int compare_names(struct span a, struct span b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* `name` is that of a declared resource: there is a slash in it. */
static void set_resource(struct check_input *input, struct span name)
{
    const uint8_t *slash = memchr(name.data, '/', name.length);

    input->resource_type = span_of(name.data, (size_t)(slash - name.data));
    input->resource_id = span_from(name, input->resource_type.length + 1);
}

static bool is_of_type(struct span name, struct span type)
{
    return type.length == 0 || (span_starts_with(name, type) && name.length > type.length &&
                                name.data[type.length] == '/');
}

static bool is_selected(const struct selection *selection, struct span name)
{
    struct check_input input;

    if (!is_of_type(name, selection->type) || compare_names(name, selection->last) <= 0)
        return false;
    set_resource(&input, name);
    return !selection->limits ||
           limits_hold_resource(selection->limits, input.resource_type, input.resource_id);
}

/* The resources that the caller may ask about, as questions made from `pattern`. */
static void fill_page(const struct directive_set *set, const struct check_input *pattern,
                      const struct selection *selection, struct arena *arena, struct page *page)
{
    const size_t size = selection->size;

    page->next_token = "";
    page->inputs = arena_new_array(arena, struct check_input, size);
    page->names = arena_new_array(arena, struct span, size);
    for (size_t i = 0; i < directive_set_resource_count(set); i++) {
        struct span name = directive_set_resource(set, i)->name, kept;

        if (!is_selected(selection, name))
            continue;
        if (page->count == size) {
            page->next_token = make_token(selection, page->names[size - 1], arena);
            return;
        }
        kept = arena_copy(arena, name);
        page->names[page->count] = kept;
        page->inputs[page->count] = *pattern;
        set_resource(&page->inputs[page->count++], kept);
    }
}

static bool read_pattern(const Passgate__V1__ListEntitlementsRequest *request, struct arena *arena,
                         struct check_input *ret_pattern, struct err *err)
{
    struct directive_context *context =
        arena_new_array(arena, struct directive_context, request->n_context);
    struct check_input pattern = {
        .subject = span_text(request->subject),
        .on_behalf_of = span_text(request->on_behalf_of),
        .action = span_text(request->action),
        .resource_type = span_text("any"), /* replaced by each resource */
        .resource_id = span_text("any"),
        .context = context,
        .context_count = request->n_context,
    };

    for (size_t i = 0; i < request->n_context; i++)
        context[i] = (struct directive_context){span_text(request->context[i]->key),
                                                span_text(request->context[i]->value)};
    if (!check_validate(&pattern, err))
        return false;
    if (request->resource_type[0] != '\0' &&
        !field_check(FIELD_KIND_RESOURCE_TYPE, span_text(request->resource_type), "resource_type",
                     err))
        return false;
    if (request->page_size < 0 || request->page_size > PAGE_MAX)
        return err_field(err, ERR_FIELD_RANGE, "page_size", "%d", request->page_size);
    *ret_pattern = pattern;
    return true;
}

/* Nothing was decided: nothing goes on record. */
static void reply_empty(struct rpc_call *call, const struct directive_set *set)
{
    Passgate__V1__ListEntitlementsResponse response =
        PASSGATE__V1__LIST_ENTITLEMENTS_RESPONSE__INIT;

    if (caller_of(call)->disclose > DISCLOSE_DECISION)
        response.directive_set = directive_set_number(set);
    rpc_call_reply(call, &response.base);
}

/* Of the subject and the purpose: resources out of reach are left out of the list. */
static bool check_reach(const struct limits *limits, const struct check_input *pattern,
                        struct err *err)
{
    struct limits reach;

    if (!limits)
        return true;
    reach = *limits;
    reach.resources.count = 0;
    return check_limits(&reach, pattern, err);
}

static bool read_page(const Passgate__V1__ListEntitlementsRequest *request,
                      const struct directive_set *set, const struct check_order *order,
                      struct arena *arena, struct page *ret_page, struct err *err)
{
    const struct limits *limits = order->limits;
    struct selection selection = {
        .names = entitlement_options(order->entitlement)->names,
        .limits = limits,
        .request = request,
        .caller = order->caller,
        .type = span_text(request->resource_type),
        .size = request->page_size > 0 ? (size_t)request->page_size : PAGE_DEFAULT,
    };
    struct check_input pattern;

    if (!set)
        return err_set(err, ERR_DIRECTIVES_UNAVAILABLE, "no directive set is loaded");
    if (!read_pattern(request, arena, &pattern, err) || !check_reach(limits, &pattern, err) ||
        !read_token(&selection, arena, err))
        return false;
    fill_page(set, &pattern, &selection, arena, ret_page);
    return true;
}

void list_entitlements(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__ListEntitlementsRequest *request =
        (const Passgate__V1__ListEntitlementsRequest *)message;
    struct directive_set *set = snapshot_get(entitlement_options(context)->directives);
    struct page *page = arena_new(rpc_call_arena(call), struct page);
    struct check_order order = door_order(call, context);
    struct err err;
    bool is_read = read_page(request, set, &order, rpc_call_arena(call), page, &err);

    order.is_batch = true;
    order.inputs = page->inputs;
    order.count = page->count;
    if (!is_read)
        rpc_call_fail(call, &err);
    else if (page->count == 0)
        reply_empty(call, set);
    else
        door_run(call, &order, reply, page);
    directive_set_unref(set);
}
