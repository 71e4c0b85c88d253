/* SPDX-License-Identifier: Apache-2.0 */
/* ListEntitlements: every declared resource with the decision for one subject, a page at a time. */
#include "base/encoding.h"
#include "domain/field/field.h"
#include "entitlement/message.h"
#include "entitlement/service.h"
#include "rpc/call.h"
#include "rpc/wire_time.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = CHECK_BATCH_MAX };

/* One page of questions, and whether there are more. */
struct page {
    struct check_input *inputs;
    struct span *names; /* of the resources, in the arena */
    size_t count;
    bool has_more;
};

static void reply(struct rpc_call *call, const struct check_order *order, const struct page *page,
                  struct arena *arena)
{
    Passgate__V1__ListEntitlementsResponse response =
        PASSGATE__V1__LIST_ENTITLEMENTS_RESPONSE__INIT;
    enum disclose disclose = caller_of(call)->disclose;

    response.entitlements = arena_new_array(arena, Passgate__V1__Entitlement *, page->count);
    for (size_t i = 0; i < page->count; i++) {
        const struct check_result *result = &order->results[i];
        Passgate__V1__Entitlement *entry = arena_alloc(arena, sizeof(*entry));

        passgate__v1__entitlement__init(entry);
        entry->resource = resource_message(page->names[i], arena);
        entry->decision = result->is_allowed ? PASSGATE__V1__DECISION__DECISION_ALLOW
                                             : PASSGATE__V1__DECISION__DECISION_DENY;
        entry->max_age = wire_duration(result->max_age_ms, arena);
        if (disclose > DISCLOSE_DECISION)
            entry->reason = (Passgate__V1__Reason)result->reason;
        response.entitlements[response.n_entitlements++] = entry;
    }
    if (page->has_more) {
        struct span last = page->names[page->count - 1];

        response.next_page_token = arena_alloc(arena, base64url_length(last.length) + 1);
        base64url_encode(last, response.next_page_token);
    }
    response.decision_id = decision_id_message(order, arena);
    response.revision = revision_message(&order->revision, arena);
    response.directive_set = directive_set_number(order->set);
    rpc_call_reply(call, &response.base);
}

struct waiting {
    struct rpc_call *call;
    struct page page;
};

/* A list is of one subject: what keeps one question from a decision keeps all. */
static const struct err *first_failure(const struct check_order *order)
{
    for (size_t i = 0; i < order->count; i++)
        if (order->results[i].is_failed)
            return &order->results[i].err;
    return NULL;
}

static void on_done(struct check_run *run)
{
    struct waiting *waiting = run->owner;
    const struct err *failure = run->is_ok ? first_failure(&run->order) : &run->err;

    if (waiting && failure)
        rpc_call_fail(waiting->call, failure);
    else if (waiting)
        reply(waiting->call, &run->order, &waiting->page, &run->arena);
    check_run_free(run);
}

static void on_abandoned(void *owner)
{
    struct check_run *run = owner;

    run->owner = NULL;
}

static bool read_token(const char *text, struct arena *arena, struct span *ret_last,
                       struct err *err)
{
    struct span token = span_text(text);
    uint8_t *last = arena_alloc(arena, token.length + 1);
    size_t length;

    if (!base64url_decode(token, last, &length))
        return err_field(err, ERR_FIELD_CHARACTERS, "page_token", "not one of ours");
    *ret_last = span_of(last, length);
    return true;
}

static int compare_names(struct span a, struct span b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static bool is_of_type(struct span name, struct span type)
{
    return type.length == 0 || (span_starts_with(name, type) && name.length > type.length &&
                                name.data[type.length] == '/');
}

/* The resources behind `last`, as questions made from `pattern`. */
static void fill_page(const struct directive_set *set, const struct check_input *pattern,
                      struct span type, struct span last, size_t size, struct arena *arena,
                      struct page *page)
{
    page->inputs = arena_new_array(arena, struct check_input, size);
    page->names = arena_new_array(arena, struct span, size);
    for (size_t i = 0; i < directive_set_resource_count(set); i++) {
        struct span name = directive_set_resource(set, i)->name, kept;
        const uint8_t *slash = memchr(name.data, '/', name.length);

        if (!is_of_type(name, type) || compare_names(name, last) <= 0)
            continue;
        if (page->count == size) {
            page->has_more = true;
            return;
        }
        kept = arena_copy(arena, name);
        page->names[page->count] = kept;
        page->inputs[page->count] = *pattern;
        page->inputs[page->count].resource_type = span_of(kept.data, (size_t)(slash - name.data));
        page->inputs[page->count].resource_id = span_from(kept, (size_t)(slash - name.data) + 1);
        page->count++;
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

static void answer_empty(struct rpc_call *call)
{
    Passgate__V1__ListEntitlementsResponse response =
        PASSGATE__V1__LIST_ENTITLEMENTS_RESPONSE__INIT;

    rpc_call_reply(call, &response.base);
}

static void start(struct rpc_call *call, struct entitlement *entitlement, const struct page *page)
{
    const struct check_order order = {
        .entitlement = entitlement,
        .caller = caller_of(call)->id,
        .method = span_text(rpc_call_method(call)->name),
        .inputs = page->inputs,
        .count = page->count,
        .is_batch = true,
        .worker_index = rpc_call_worker_index(call),
        .started_ns = rpc_call_started_ns(call),
    };
    struct arena arena = rpc_call_take_arena(call);
    struct waiting *waiting = arena_new(&arena, struct waiting);
    struct check_run *run = check_run_new(&order, arena, rpc_call_inbox(call), on_done, waiting);

    *waiting = (struct waiting){call, *page};
    rpc_call_park(call, on_abandoned, run);
    check_run_go(run);
}

void list_entitlements(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__ListEntitlementsRequest *request =
        (const Passgate__V1__ListEntitlementsRequest *)message;
    const struct entitlement_options *options = entitlement_options(context);
    struct arena *arena = rpc_call_arena(call);
    struct directive_set *set;
    struct check_input pattern;
    struct page page = {.count = 0};
    struct span last;
    struct err err;

    if (!read_pattern(request, arena, &pattern, &err) ||
        !read_token(request->page_token, arena, &last, &err)) {
        rpc_call_fail(call, &err);
        return;
    }
    set = snapshot_get(options->directives);
    if (set)
        fill_page(set, &pattern, span_text(request->resource_type), last,
                  request->page_size > 0 ? (size_t)request->page_size : PAGE_DEFAULT, arena, &page);
    directive_set_unref(set);
    if (page.count > 0)
        start(call, context, &page);
    else
        answer_empty(call);
}
