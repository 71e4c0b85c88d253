/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IssueClaim: the claim issued before, while it is still good for a while and nothing about the
 * subject has changed; else a new one, which is kept before it is given.
 */
#include "base/failpoint.h"
#include "base/memory.h"
#include "base/random.h"
#include "claim/claim_service.h"
#include "domain/field/field.h"
#include "interceptors/caller.h"
#include "keys/token.h"
#include "passgate/v1/claim.pb-c.h"
#include "rpc/call.h"
#include "rpc/wire_time.h"
#include "storage/claim_record.h"
#include "storage/record.h"
#include "storage/revision.h"

#include <inttypes.h>
#include <stdio.h>

enum { ISSUE_ATTEMPTS = 4, LIFETIME_MIN_MS = 30 * 1000, DISCLOSURE_TEXT_MAX = 48 };

enum { READ_SUBJECT, READ_CACHE };

struct issuing {
    struct rpc_call *call; /* NULL: nobody waits any more */
    const struct claim_options *options;
    struct arena arena; /* the call's, with the request in it */
    const Passgate__V1__IssueClaimRequest *request;
    struct span caller;
    struct span method;
    enum claim_disclosure disclosure;
    int64_t lifetime_ms;
    int64_t now_ms;
    uint64_t least_number;
    struct hash128 subject;
    uint16_t partition;
    struct store_key cache_key;
    struct store_request *reading;
    struct store_request *writing;
    struct claim_record claim; /* what is given */
    bool is_cached;
    int attempts;
};

static void read_state(struct issuing *issuing);

static void issuing_free(struct issuing *issuing)
{
    store_request_free(issuing->reading);
    store_request_free(issuing->writing);
    arena_release(&issuing->arena);
    memory_free(issuing);
}

static void fail(struct issuing *issuing, const struct err *err)
{
    if (issuing->call)
        rpc_call_fail(issuing->call, err);
    issuing_free(issuing);
}

static void reply(struct issuing *issuing)
{
    const struct claim_options *options = issuing->options;
    Passgate__V1__IssueClaimResponse response = PASSGATE__V1__ISSUE_CLAIM_RESPONSE__INIT;
    const struct revision revision = {
        .directive_set = options->directive_set_number(options->context),
        .number = issuing->reading->number,
        .partition = issuing->partition,
    };

    (void)FAILPOINT("before_reply");
    response.token = arena_text(&issuing->arena, issuing->claim.token);
    response.jti = arena_text(&issuing->arena, issuing->claim.jti);
    response.expires_at = wire_timestamp(issuing->claim.expires_at_ms, &issuing->arena);
    response.cached = issuing->is_cached;
    response.revision = arena_alloc(&issuing->arena, REVISION_TEXT_MAX);
    revision_format(&revision, response.revision);
    metrics_count(metrics_shared(options->metrics), METRIC_CLAIMS,
                  issuing->is_cached ? METRICS_CLAIM_CACHED : METRICS_CLAIM_SIGNED, 1);
    if (issuing->call)
        rpc_call_reply(issuing->call, &response.base);
    issuing_free(issuing);
}

static bool encode_audit(struct issuing *issuing, struct span *ret_bytes, struct err *err)
{
    const struct audit_item item = {.subject = issuing->subject, .directive = AUDIT_NO_DIRECTIVE};
    const struct span ids[] = {
        issuing->claim.jti,
        span_text(issuing->request->audience),
        span_text(claim_disclosure_word(issuing->disclosure)),
    };
    const struct audit_record record = {
        .kind = AUDIT_CLAIM_ISSUED,
        .time_ms = issuing->now_ms,
        .caller = issuing->caller,
        .method = issuing->method,
        .partition = issuing->partition,
        .number = issuing->reading->number,
        .items = &item,
        .item_count = 1,
        .ids = ids,
        .id_count = ARRAY_LEN(ids),
    };

    return audit_record_encode(&record, &issuing->arena, ret_bytes, err);
}

static void on_written(struct store_request *request)
{
    struct issuing *issuing = request->owner;

    if (request->is_ok)
        reply(issuing);
    else if (request->err.code == ERR_CONFLICT && issuing->attempts < ISSUE_ATTEMPTS)
        read_state(issuing);
    else
        fail(issuing, &request->err);
}

/* The guard on the subject: a claim about what was revoked meanwhile is not kept, so not given. */
static void keep(struct issuing *issuing)
{
    const struct claim_options *options = issuing->options;
    const struct store_value *values = issuing->reading->values;
    struct claim_record by_jti = issuing->claim;
    struct store_request *request;
    struct span audit;
    struct err err;

    by_jti.token = span_of(NULL, 0);
    if (!encode_audit(issuing, &audit, &err)) {
        fail(issuing, &err);
        return;
    }
    store_request_free(issuing->writing);
    request = issuing->writing = store_request_new(STORE_WRITE, issuing->partition,
                                                   issuing->reading->reply_to, on_written, issuing);
    request->deadline_ms = clock_monotonic_ms(options->clock) + options->write_timeout_ms;
    store_request_guard(request, names_subject(issuing->subject), values[READ_SUBJECT].version);
    store_request_put(request, names_claim(options->names, issuing->claim.jti),
                      issuing->claim.expires_at_ms + TOKEN_LEEWAY_MAX_MS,
                      claim_record_encode(&by_jti, &issuing->arena));
    store_request_put(request, issuing->cache_key, issuing->claim.expires_at_ms,
                      claim_record_encode(&issuing->claim, &issuing->arena));
    store_request_outbox(request, audit);
    store_submit(options->store, request);
}

/* A random id whose record lies in the partition of its subject: one write makes both. */
static struct span make_jti(struct issuing *issuing)
{
    const struct names *names = issuing->options->names;
    char *jti = arena_alloc(&issuing->arena, RANDOM_ID_MAX);

    do
        random_id(jti);
    while (names_partition(names, names_claim(names, span_text(jti)).id) != issuing->partition);
    return span_text(jti);
}

static bool build(struct issuing *issuing, const struct record *record, struct err *err)
{
    const struct claim_options *options = issuing->options;
    struct facts_input input = record_facts_input(record);
    char pairwise[CLAIM_SUBJECT_MAX];
    struct facts_content content;
    struct claim_request request = {
        .issuer = options->issuer,
        .audience = span_text(issuing->request->audience),
        .authorized_party = issuing->caller,
        .id = make_jti(issuing),
        .disclosure = issuing->disclosure,
        .evidence = record->evidence,
        .evidence_count = record->evidence_count,
        .sets = options->sets,
        .set_count = options->set_count,
        .now_ms = issuing->now_ms,
        .lifetime_ms = issuing->lifetime_ms,
    };
    struct key_ring *keys;
    struct claim claim;
    struct span token;
    bool is_signed;

    claim_pairwise_subject(&options->names->key, issuing->subject, request.audience, pairwise);
    facts_derive(&input, issuing->now_ms, &content);
    request.subject = span_text(pairwise);
    request.facts = facts_pack(&content, &issuing->arena);
    if (!claim_build(&request, &issuing->arena, &claim, err))
        return false;
    keys = snapshot_get(options->keys);
    is_signed = token_sign(keys, &token_kind_claim, claim.payload, issuing->now_ms, &issuing->arena,
                           &token, err);
    key_ring_unref(keys);
    if (!is_signed)
        return false;
    issuing->claim = (struct claim_record){
        .jti = request.id,
        .subject = issuing->subject,
        .audience = request.audience,
        .authorized_party = issuing->caller,
        .issued_at_ms = claim.issued_at_ms,
        .expires_at_ms = claim.expires_at_ms,
        .token = token,
        .number = issuing->reading->values[READ_SUBJECT].version,
    };
    return true;
}

/* About the same facts, and with at least half of its life ahead. */
static bool is_current(const struct issuing *issuing, const struct claim_record *claim)
{
    return hash128_equal(claim->subject, issuing->subject) && claim->revoked_at_ms == 0 &&
           claim->number == issuing->reading->values[READ_SUBJECT].version &&
           claim->expires_at_ms - issuing->now_ms >=
               (claim->expires_at_ms - claim->issued_at_ms) / 2;
}

/* Our own door lets it in: its key may have been taken away since. */
static bool is_acceptable(struct issuing *issuing, const struct claim_record *claim)
{
    const struct token_expectation expectation = {
        .kind = &token_kind_claim,
        .issuer = issuing->options->issuer,
        .audience = span_text(issuing->request->audience),
        .authorized_party = issuing->caller,
        .now_ms = issuing->now_ms,
    };
    struct key_ring *keys = snapshot_get(issuing->options->keys);
    enum token_refusal refusal;
    struct err ignored;
    struct token token;
    bool is_open =
        token_open(keys, claim->token, &expectation, &issuing->arena, &token, &refusal, &ignored);

    key_ring_unref(keys);
    return is_open && span_equal(token.id, claim->jti);
}

/* What cannot be given again is made anew. */
static bool take_cached(struct issuing *issuing)
{
    const struct store_value *cached = &issuing->reading->values[READ_CACHE];
    struct claim_record claim;
    struct err ignored;

    if (cached->version == 0 ||
        !claim_record_decode(cached->data, &issuing->arena, &claim, &ignored) ||
        !is_current(issuing, &claim) || !is_acceptable(issuing, &claim))
        return false;
    issuing->claim = claim;
    issuing->is_cached = true;
    return true;
}

static bool load_record(struct issuing *issuing, struct record *ret_record, struct err *err)
{
    const struct store_value *value = &issuing->reading->values[READ_SUBJECT];

    if (issuing->reading->number < issuing->least_number)
        return err_field(err, ERR_REVISION_AHEAD, "min_revision", "ahead of the store");
    if (value->version == 0)
        return err_field(err, ERR_NOTHING_TO_CLAIM, "subject", "no record");
    return record_decode(value->data, issuing->subject, &issuing->arena, ret_record, err);
}

static void on_read(struct store_request *request)
{
    struct issuing *issuing = request->owner;
    struct record record;
    struct err err;

    if (!request->is_ok)
        fail(issuing, &request->err);
    else if (!load_record(issuing, &record, &err))
        fail(issuing, &err);
    else if (take_cached(issuing))
        reply(issuing);
    else if (build(issuing, &record, &err))
        keep(issuing);
    else
        fail(issuing, &err);
}

static void read_state(struct issuing *issuing)
{
    const struct claim_options *options = issuing->options;
    struct inbox *reply_to =
        issuing->reading ? issuing->reading->reply_to : rpc_call_inbox(issuing->call);

    store_request_free(issuing->reading);
    issuing->attempts++;
    issuing->now_ms = clock_wall_ms(options->clock);
    issuing->reading =
        store_request_new(STORE_READ, issuing->partition, reply_to, on_read, issuing);
    issuing->reading->deadline_ms = clock_monotonic_ms(options->clock) + options->read_timeout_ms;
    issuing->reading->is_waited_for = true;
    store_request_key(issuing->reading, names_subject(issuing->subject));
    store_request_key(issuing->reading, issuing->cache_key);
    store_submit(options->store, issuing->reading);
}

static bool read_lifetime(struct issuing *issuing, struct err *err)
{
    int64_t longest_ms = issuing->options->lifetime_ms;

    issuing->lifetime_ms = longest_ms;
    if (!issuing->request->lifetime)
        return true;
    if (!wire_duration_read(issuing->request->lifetime, "lifetime", &issuing->lifetime_ms, err))
        return false;
    if (issuing->lifetime_ms < LIFETIME_MIN_MS || issuing->lifetime_ms > longest_ms)
        return err_field(err, ERR_FIELD_RANGE, "lifetime", "%" PRId64 " ms", issuing->lifetime_ms);
    return true;
}

/* A token tells its caller no more than an answer would: predicates are decisions, the rest are
 * facts. */
static bool check_disclosure(enum claim_disclosure disclosure, const struct caller *caller,
                             struct err *err)
{
    if (disclosure == CLAIM_DISCLOSURE_PREDICATES || caller->disclose == DISCLOSE_FACTS)
        return true;
    return err_field(err, ERR_DISCLOSURE_MISSING, "disclosure",
                     "the binding does not disclose facts");
}

static bool read_request(struct issuing *issuing, const struct caller *caller, struct err *err)
{
    const Passgate__V1__IssueClaimRequest *request = issuing->request;
    struct span subject = span_text(request->subject);
    struct revision least = {0};

    /* A claim by a wrong clock begins in the future of everybody else, and ends too late. */
    if (!clock_check(issuing->options->clock, issuing->options->needs_synchronized_clock, err) ||
        !field_check(FIELD_KIND_SUBJECT, subject, "subject", err) ||
        !caller_reaches(caller, subject, err) ||
        !field_check(FIELD_KIND_AUDIENCE, span_text(request->audience), "audience", err) ||
        !read_lifetime(issuing, err))
        return false;
    if (request->min_revision[0] != '\0' &&
        !revision_parse(span_text(request->min_revision), "min_revision", &least, err))
        return false;
    issuing->subject = names_subject_hash(issuing->options->names, subject);
    if (!budget_take_subject(caller->budget, issuing->subject,
                             clock_monotonic_ms(issuing->options->clock), err))
        return false;
    issuing->partition = names_partition(issuing->options->names, issuing->subject);
    if (least.directive_set > issuing->options->directive_set_number(issuing->options->context))
        return err_field(err, ERR_REVISION_AHEAD, "min_revision", "of a directive set ahead of us");
    issuing->least_number = least.partition == issuing->partition ? least.number : 0;
    issuing->disclosure = request->disclosure == PASSGATE__V1__DISCLOSURE__DISCLOSURE_UNSPECIFIED
                              ? CLAIM_DISCLOSURE_PREDICATES
                              : (enum claim_disclosure)request->disclosure;
    return check_disclosure(issuing->disclosure, caller, err);
}

static void on_abandoned(void *owner)
{
    struct issuing *issuing = owner;

    issuing->call = NULL;
}

void issue_claim(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const struct claim_options *options = context;
    struct issuing *issuing = memory_new(struct issuing);
    char kind[DISCLOSURE_TEXT_MAX];
    struct err err;

    issuing->call = call;
    issuing->options = options;
    issuing->request = (const Passgate__V1__IssueClaimRequest *)message;
    issuing->arena = rpc_call_take_arena(call);
    issuing->caller = caller_of(call)->id;
    issuing->method = span_text(rpc_call_method(call)->name);
    if (!read_request(issuing, caller_of(call), &err)) {
        fail(issuing, &err);
        return;
    }
    snprintf(kind, sizeof(kind), "%s %" PRId64, claim_disclosure_word(issuing->disclosure),
             issuing->lifetime_ms);
    issuing->cache_key =
        names_claim_cache(options->names, issuing->subject, span_text(issuing->request->audience),
                          issuing->caller, span_text(kind));
    rpc_call_park(call, on_abandoned, issuing);
    read_state(issuing);
}
