/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListDecisions: pages of the log, each read on the executor and sent when the client has room for
 * it.  The listing belongs to its worker, and between executor_submit() and `on_page` to the job.
 */
#include "audit/audit_service.h"
#include "audit/record_filter.h"
#include "audit/record_message.h"
#include "base/memory.h"
#include "interceptors/caller.h"
#include "rpc/stream.h"
#include "telemetry/audit_reader.h"

enum {
    PAGE_RECORDS = 100,
    PAGE_ITEMS = 1000,      /* a batch has a thousand; pages are messages of 4 MiB at most */
    PAGE_LOOKED_AT = 50000, /* then a page goes out with what there is */
    ARENA_BYTES = 32 * 1024,
};

struct listing {
    struct job job;
    struct rpc_call *call; /* NULL: the client is gone */
    struct audit_service_options *options;
    struct arena request_arena; /* the call's, with the texts of the filter */
    struct record_filter filter;
    uint64_t behind; /* the last record that was looked at; 0: none */

    struct audit_reader *reader;
    struct arena arena; /* of one page */
    Passgate__V1__ListDecisionsResponse page;
    bool is_busy; /* with the executor */
    bool is_held; /* the page waits for room */
    bool is_end;
    bool is_failed;
    struct err err;
};

static void listing_free(struct listing *listing)
{
    atomic_fetch_sub(&listing->options->listings, 1);
    audit_reader_close(listing->reader);
    arena_release(&listing->arena);
    arena_release(&listing->request_arena);
    memory_free(listing);
}

static void end(struct listing *listing, const struct err *err)
{
    rpc_stream_end(listing->call, err);
    listing_free(listing);
}

/* ---- on the executor ---- */

static bool open_log(struct listing *listing)
{
    if (listing->reader)
        return true;
    if (!audit_reader_open(listing->options->folder, &listing->reader, &listing->err))
        return false;
    audit_reader_skip_to(listing->reader, listing->behind + 1);
    return true;
}

static bool read_page(struct listing *listing, const struct directive_set *set)
{
    Passgate__V1__ListDecisionsResponse *page = &listing->page;
    const struct audit_entry *entry;
    size_t items = 0;

    page->records = arena_new_array(&listing->arena, Passgate__V1__AuditRecord *, PAGE_RECORDS);
    for (size_t i = 0; i < PAGE_LOOKED_AT; i++) {
        if (page->n_records == PAGE_RECORDS || items >= PAGE_ITEMS)
            return true;
        if (!audit_reader_next(listing->reader, &entry, &listing->err))
            return false;
        listing->is_end = !entry;
        if (!entry)
            return true;
        if (entry->sequence <= listing->behind)
            continue;
        listing->behind = entry->sequence;
        if (!record_filter_takes(&listing->filter, &entry->record))
            continue;
        page->records[page->n_records++] = record_message(entry, set, &listing->arena);
        items += entry->record.item_count;
    }
    return true;
}

static void work(struct job *job)
{
    struct listing *listing = CONTAINER_OF(job, struct listing, job);
    struct directive_set *set = snapshot_get(listing->options->directives);

    passgate__v1__list_decisions_response__init(&listing->page);
    listing->is_failed = !open_log(listing) || !read_page(listing, set);
    directive_set_unref(set);
    if (listing->is_failed)
        return;
    listing->page.resume_token = arena_alloc(&listing->arena, AUDIT_ID_MAX);
    if (listing->behind > 0)
        audit_decision_id(audit_log_id(listing->options->audit), listing->behind,
                          listing->page.resume_token);
    else
        listing->page.resume_token[0] = '\0';
}

/* ---- on the worker ---- */

static void next_page(struct listing *listing)
{
    struct err err;

    arena_reset(&listing->arena);
    listing->is_busy = true;
    if (executor_submit(listing->options->executor, &listing->job, &err))
        return;
    listing->is_busy = false;
    end(listing, &err);
}

static void send(struct listing *listing)
{
    listing->is_held = !rpc_stream_send(listing->call, &listing->page.base);
    if (listing->is_held)
        return;
    if (listing->is_end)
        end(listing, NULL);
    else
        next_page(listing);
}

static void on_writable(void *owner)
{
    struct listing *listing = owner;

    if (listing->is_held)
        send(listing);
}

static void on_page(struct task *task)
{
    struct listing *listing = CONTAINER_OF(task, struct listing, job.done);

    listing->is_busy = false;
    listing->job.is_spared = true; /* what has begun goes on */
    if (!listing->call)
        listing_free(listing);
    else if (listing->is_failed)
        end(listing, &listing->err);
    else
        send(listing);
}

static void on_abandoned(void *owner)
{
    struct listing *listing = owner;

    listing->call = NULL;
    if (!listing->is_busy)
        listing_free(listing);
}

static bool read_token(struct listing *listing, const char *token, struct err *err)
{
    uint64_t log_id;

    if (token[0] == '\0')
        return true;
    if (!audit_decision_id_parse(span_text(token), &log_id, &listing->behind))
        return err_field(err, ERR_FIELD_CHARACTERS, "resume_token", "not one of ours");
    if (log_id != audit_log_id(listing->options->audit))
        return err_field(err, ERR_FIELD_RANGE, "resume_token", "of another log");
    return true;
}

/* Who looked at what others were told is on record as well. */
static bool record(const struct listing *listing, struct err *err)
{
    const struct audit_item item = {
        .subject = listing->filter.subject,
        .resource = listing->filter.resource,
        .directive = AUDIT_NO_DIRECTIVE,
    };
    const struct audit_record record = {
        .kind = AUDIT_ADMINISTRATION,
        .time_ms = clock_wall_ms(listing->options->clock),
        .caller = caller_of(listing->call)->id,
        .method = span_text(rpc_call_method(listing->call)->name),
        .items = &item,
        .item_count = 1,
    };
    uint64_t sequence;

    return audit_append(listing->options->audit, &record, &sequence, err);
}

static bool begin(struct listing *listing, const Passgate__V1__ListDecisionsRequest *request,
                  struct err *err)
{
    if (atomic_fetch_add(&listing->options->listings, 1) >= AUDIT_LISTINGS_MAX)
        return err_set(err, ERR_OVERLOADED, "the log is being listed already");
    return caller_reaches_all(caller_of(listing->call), err) &&
           read_token(listing, request->resume_token, err) &&
           record_filter_read(request, listing->options->names, &listing->request_arena,
                              &listing->filter, err) &&
           record(listing, err);
}

void list_decisions(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    struct listing *listing = memory_new(struct listing);
    struct err err;

    listing->call = call;
    listing->options = context;
    listing->request_arena = rpc_call_take_arena(call);
    listing->job = (struct job){
        .done = {.run = on_page},
        .reply_to = rpc_call_inbox(call),
        .work = work,
    };
    arena_init(&listing->arena, ARENA_BYTES);
    if (!begin(listing, (const Passgate__V1__ListDecisionsRequest *)message, &err)) {
        rpc_call_fail(call, &err);
        listing_free(listing);
        return;
    }
    rpc_call_park(call, on_abandoned, listing);
    rpc_stream_on_writable(call, on_writable);
    next_page(listing);
}
