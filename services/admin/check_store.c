/* SPDX-License-Identifier: Apache-2.0 */
/* CheckStore: every entry of a page is examined, then what the entries say about one another. */
#include "admin/store_message.h"
#include "admin/store_methods.h"
#include "admin/store_stream.h"
#include "base/memory.h"

struct checking {
    struct store_stream stream;
    struct entry_check *checks; /* of the page */
    Passgate__V1__CheckStoreResponse *response;
    size_t finding_room;

    /* The next question: of this check, this one.  What is asked together is one request. */
    size_t check;
    size_t question;
    size_t alone; /* so many of them one by one: together they had no answer */
    struct store_request *asking;
};

static void release(struct store_stream *stream)
{
    struct checking *checking = CONTAINER_OF(stream, struct checking, stream);

    store_request_free(checking->asking);
    memory_free(checking);
}

static void find(struct checking *checking, struct store_key key, enum entry_problem problem,
                 const char *detail)
{
    Passgate__V1__CheckStoreResponse *response = checking->response;
    uint16_t partition = checking->stream.walk.page->partition;

    if (entry_problem_is_note(problem))
        response->checks_without_evidence++;
    else if (problem != ENTRY_FINE && response->n_findings < checking->finding_room)
        response->findings[response->n_findings++] = store_finding(
            key, partition, (Passgate__V1__StoreProblem)problem, detail, &checking->stream.arena);
}

static void tell(struct checking *checking)
{
    struct store_stream *stream = &checking->stream;
    Passgate__V1__CheckStoreResponse *response = checking->response;

    response->resume_token = store_bytes(store_walk_token(&stream->walk, &stream->arena));
    response->progress_permille = stream->walk.permille;
    response->done = stream->walk.is_done;
    store_stream_tell(stream, &response->base);
}

/* Moves on to the next question that was not asked; false when there is none. */
static bool next_question(struct checking *checking)
{
    size_t count = checking->stream.walk.page->entry_count;

    while (checking->check < count &&
           checking->question == checking->checks[checking->check].question_count) {
        checking->check++;
        checking->question = 0;
    }
    return checking->check < count;
}

static void ask(struct checking *checking);

/* The answers stand in the order of the questions. */
static void take_answers(struct checking *checking, struct store_request *request)
{
    const struct names *names = checking->stream.options->names;

    for (size_t i = 0; i < request->key_count && next_question(checking); i++) {
        const struct entry_check *check = &checking->checks[checking->check];
        size_t question = checking->question++;

        find(checking, check->key,
             request->is_ok
                 ? entry_check_answer(names, check, question, &request->values[i], &request->arena)
                 : entry_check_no_answer(check, question),
             "");
        if (checking->alone > 0)
            checking->alone--;
    }
}

/* What is damaged is what is looked for: it is one of those that were asked for together. */
static void on_answered(struct store_request *request)
{
    struct checking *checking = request->owner;

    if (!request->is_ok && request->err.code != ERR_STORE_CORRUPT) {
        store_stream_fail(&checking->stream, &request->err);
        return;
    }
    if (request->is_ok || request->key_count == 1)
        take_answers(checking, request);
    else
        checking->alone = request->key_count;
    if (checking->stream.call)
        ask(checking);
    else
        store_stream_tell(&checking->stream, NULL);
}

/* What is left, as much as one request holds; without any, the page is done. */
static void ask(struct checking *checking)
{
    const struct admin_options *options = checking->stream.options;
    const struct store_request *page = checking->stream.walk.page;
    size_t check, question, most = checking->alone > 0 ? 1 : STORE_KEYS_MAX;
    struct store_request *request;

    store_request_free(checking->asking);
    checking->asking = NULL;
    if (!next_question(checking)) {
        tell(checking);
        return;
    }
    request = checking->asking = store_request_new(
        STORE_READ, page->partition, checking->stream.walk.reply_to, on_answered, checking);
    request->deadline_ms = clock_monotonic_ms(options->clock) + options->read_timeout_ms;
    question = checking->question;
    for (check = checking->check; check < page->entry_count; check++, question = 0)
        for (; question < checking->checks[check].question_count; question++)
            if (request->key_count < most)
                store_request_key(request, checking->checks[check].questions[question]);
    store_submit(options->store, request);
}

static void on_page(struct store_stream *stream)
{
    struct checking *checking = CONTAINER_OF(stream, struct checking, stream);
    const struct store_request *page = stream->walk.page;
    int64_t now_ms = clock_wall_ms(stream->options->clock);
    size_t count = page->entry_count;

    checking->check = checking->question = checking->alone = 0;
    checking->response = arena_alloc(&stream->arena, sizeof(*checking->response));
    passgate__v1__check_store_response__init(checking->response);
    checking->response->examined = count;
    checking->finding_room = count * (ENTRY_FINDINGS_MAX + ENTRY_QUESTIONS_MAX);
    checking->response->findings =
        arena_new_array(&stream->arena, Passgate__V1__StoreFinding *, checking->finding_room);
    checking->checks = arena_new_array(&stream->arena, struct entry_check, count);
    for (size_t i = 0; i < count; i++) {
        struct entry_check *check = &checking->checks[i];

        entry_check(stream->options->names, page->partition, &page->entries[i], now_ms,
                    &stream->walk.page->arena, check);
        for (size_t k = 0; k < check->finding_count; k++)
            find(checking, check->key, check->findings[k].problem, check->findings[k].detail);
    }
    ask(checking);
}

void check_store(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__CheckStoreRequest *request =
        (const Passgate__V1__CheckStoreRequest *)message;
    struct checking *checking = memory_new(struct checking);

    checking->stream.on_page = on_page;
    checking->stream.release = release;
    store_stream_open(&checking->stream, call, context, store_span(request->resume_token));
}
