/* SPDX-License-Identifier: Apache-2.0 */
/* WatchRevisions: one stream, what it has told and what it tells next. */
#include "base/memory.h"
#include "entitlement/message.h"
#include "entitlement/service.h"
#include "entitlement/watches.h"
#include "rpc/stream.h"

enum {
    SUBJECTS_MAX = 1000, /* of one message */
    CHUNK = 256,         /* entries that are read from the log at once */
    SLOTS = 2048,
    SMALL_ARENA_BYTES = 512, /* most messages only say that the stream lives */
};

_Static_assert(SLOTS >= 2 * SUBJECTS_MAX && (SLOTS & (SLOTS - 1)) == 0,
               "a full set finds places quickly");

struct watching {
    struct watch watch;
    struct rpc_call *call;
    const struct entitlement_options *options;
    bool wants_subjects;
    bool wants_directives;
    bool has_begun; /* the first message was sent */
    bool is_full;   /* the client has to take something first */

    /* What it is told next begins here. */
    bool is_reset;
    struct change_point point;
    uint64_t directive_set; /* that it was told of */
    int64_t sent_at_ms;
};

/* Subjects in the order of their first change, each once.  Their hashes are as good as random. */
struct subjects {
    struct hash128 list[SUBJECTS_MAX];
    size_t count;
    uint16_t slots[SLOTS]; /* 1 + the index in the list; 0: free */
};

/* What one message would say, and where the stream would stand behind it. */
struct news {
    bool is_reset;
    struct change_point point;
    uint64_t directive_set;
    struct subjects *subjects; /* NULL: none */
};

static struct watching *watching_of(struct watch *watch)
{
    return CONTAINER_OF(watch, struct watching, watch);
}

static const struct watches_options *sources_of(const struct watching *watching)
{
    return watches_options(watching->options->watches);
}

/* Gathering. */

static void add_subject(struct subjects *subjects, struct hash128 subject)
{
    size_t slot = subject.low % SLOTS;

    for (; subjects->slots[slot] != 0; slot = (slot + 1) % SLOTS)
        if (hash128_equal(subjects->list[subjects->slots[slot] - 1], subject))
            return;
    subjects->list[subjects->count++] = subject;
    subjects->slots[slot] = (uint16_t)subjects->count;
}

static void add_changes(struct news *news, const struct store_change *changes, size_t count,
                        struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind != STORE_CHANGE_SUBJECT)
            continue;
        if (!news->subjects)
            news->subjects = arena_new(arena, struct subjects);
        add_subject(news->subjects, changes[i].id);
    }
}

/* Up to the end of the log or to a full message.  Who has lost track drops everything: what
 * changed is of no more use to him then. */
static void gather_subjects(struct change_log *log, struct arena *arena, struct news *news)
{
    struct store_change changes[CHUNK];
    size_t count;

    for (;;) {
        size_t room = SUBJECTS_MAX - (news->subjects ? news->subjects->count : 0);

        if (room == 0)
            return;
        if (!change_log_read(log, &news->point, changes, room < CHUNK ? room : CHUNK, &count)) {
            news->is_reset = true;
            news->subjects = NULL;
            return;
        }
        if (count == 0)
            return;
        add_changes(news, changes, count, arena);
    }
}

static uint64_t directive_set_in_force(const struct watching *watching)
{
    struct directive_set *set = snapshot_get(sources_of(watching)->directives);
    uint64_t number = set ? directive_set_number(set) : 0;

    directive_set_unref(set);
    return number;
}

static struct news gather(const struct watching *watching, struct arena *arena)
{
    struct change_log *log = sources_of(watching)->changes;
    struct news news = {.is_reset = watching->is_reset, .point = watching->point};

    if (!watching->wants_subjects)
        news.point = change_log_end(log);
    else if (!news.is_reset)
        gather_subjects(log, arena, &news);
    news.directive_set = directive_set_in_force(watching);
    return news;
}

/* Telling. */

/* Between heartbeats two rounds come for certain; one of them finds half of the time gone. */
static bool is_heartbeat_due(const struct watching *watching, int64_t now_ms)
{
    return now_ms - watching->sent_at_ms >= sources_of(watching)->heartbeat_ms / 2 &&
           watches_are_sure(watching->options->watches);
}

static bool is_worth_telling(const struct watching *watching, const struct news *news,
                             int64_t now_ms)
{
    return !watching->has_begun || news->is_reset || news->subjects ||
           (watching->wants_directives && news->directive_set != watching->directive_set) ||
           is_heartbeat_due(watching, now_ms);
}

static bool send(const struct watching *watching, const struct news *news, struct arena *arena)
{
    Passgate__V1__WatchRevisionsResponse response = PASSGATE__V1__WATCH_REVISIONS_RESPONSE__INIT;
    const struct revision revision = {news->directive_set, news->point.number,
                                      news->point.partition};
    size_t count = news->subjects ? news->subjects->count : 0;

    response.revision = revision_message(&revision, arena);
    response.reset = news->is_reset;
    if (watching->wants_directives)
        response.directive_set = news->directive_set;
    if (count > 0)
        response.subjects = handles_message(watching->options, caller_of(watching->call)->id,
                                            news->subjects->list, count, arena);
    response.n_subjects = count;
    return rpc_stream_send(watching->call, &response.base);
}

/* False when there is nothing to tell, or no room for it. */
static bool tell(struct watching *watching)
{
    int64_t now_ms = clock_monotonic_ms(sources_of(watching)->clock);
    bool is_worth, is_sent = false;
    struct arena arena;
    struct news news;

    arena_init(&arena, SMALL_ARENA_BYTES);
    news = gather(watching, &arena);
    is_worth = is_worth_telling(watching, &news, now_ms);
    if (is_worth) {
        is_sent = send(watching, &news, &arena);
        watching->is_full = !is_sent;
    }
    arena_release(&arena);
    if (is_sent || !is_worth)
        watching->point = news.point;
    if (is_sent) {
        watching->has_begun = true;
        watching->is_reset = false;
        watching->directive_set = news.directive_set;
        watching->sent_at_ms = now_ms;
    }
    return is_sent;
}

static void on_round(struct watch *watch)
{
    struct watching *watching = watching_of(watch);

    while (!watching->is_full && tell(watching))
        continue;
}

static void on_writable(void *owner)
{
    struct watching *watching = owner;

    watching->is_full = false;
    on_round(&watching->watch);
}

/* Life. */

static void on_left(struct watch *watch)
{
    memory_free(watching_of(watch));
}

static void on_abandoned(void *owner)
{
    struct watching *watching = owner;

    watches_leave(&watching->watch);
}

static bool read_kinds(const Passgate__V1__WatchRevisionsRequest *request,
                       struct watching *watching, struct err *err)
{
    watching->wants_subjects = watching->wants_directives = request->n_kinds == 0;
    for (size_t i = 0; i < request->n_kinds; i++) {
        if (request->kinds[i] == PASSGATE__V1__WATCH_KIND__WATCH_KIND_UNSPECIFIED) {
            err_field(err, ERR_FIELD_ENUM, "", "unspecified");
            err_prefix_field(err, "kinds[%zu]", i);
            return false;
        }
        watching->wants_subjects |=
            request->kinds[i] == PASSGATE__V1__WATCH_KIND__WATCH_KIND_SUBJECTS;
        watching->wants_directives |=
            request->kinds[i] == PASSGATE__V1__WATCH_KIND__WATCH_KIND_DIRECTIVES;
    }
    return true;
}

static bool read_revision(const char *text, struct watching *watching, struct err *err)
{
    struct change_log *log = sources_of(watching)->changes;
    struct revision revision;

    watching->point = change_log_end(log);
    if (text[0] == '\0')
        return true;
    if (!revision_parse(span_text(text), "revision", &revision, err))
        return false;
    watching->is_reset =
        watching->wants_subjects &&
        !change_log_find(log, revision.partition, revision.number, &watching->point);
    return true;
}

void watch_revisions(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__WatchRevisionsRequest *request =
        (const Passgate__V1__WatchRevisionsRequest *)message;
    struct watching *watching = memory_new(struct watching);
    struct err err;

    watching->call = call;
    watching->options = entitlement_options(context);
    watching->watch = (struct watch){
        .on_round = on_round,
        .on_left = on_left,
        .inbox = rpc_call_inbox(call),
    };
    if (!read_kinds(request, watching, &err) || !read_revision(request->revision, watching, &err) ||
        !watches_join(watching->options->watches, &watching->watch, &err)) {
        memory_free(watching);
        rpc_call_fail(call, &err);
        return;
    }
    rpc_call_park(call, on_abandoned, watching);
    rpc_stream_on_writable(call, on_writable);
    on_round(&watching->watch);
}
