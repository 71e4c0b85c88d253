/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ExplainEntitlement: the same decision, test by test, now or at another moment.
 *
 * It reads the records themselves and derives the facts for the moment asked about: what the cache
 * holds is true only now.
 */
#include "base/memory.h"
#include "entitlement/attempt.h"
#include "entitlement/decide.h"
#include "entitlement/door.h"
#include "entitlement/explain_message.h"
#include "entitlement/parties.h"
#include "entitlement/service.h"
#include "rpc/wire_time.h"
#include "storage/record.h"

#include <assert.h>

/* Every subject, and everyone behind it. */
enum { READINGS_MAX = (1 + CHECK_ALSO_SUBJECTS_MAX) * (1 + RECORD_PRINCIPALS_MAX) };

/* One subject whose record is being read. */
struct reading {
    struct explaining *explaining;
    struct store_request *request;
    enum party_role role;
    struct hash128 subject;
    struct record record;
};

struct explaining {
    struct rpc_call *call; /* NULL: nobody waits any more */
    struct arena arena;
    struct check_input input;
    struct check_order order;
    bool has_time; /* to be explained for `at_ms`, not for now */
    int64_t at_ms;
    struct reading readings[READINGS_MAX];
    size_t reading_count;
    size_t decoded; /* readings whose principals have been followed */
    size_t pending;
    bool is_failed;
    struct err err;
};

static void go_on(struct explaining *explaining);

static void explaining_free(struct explaining *explaining)
{
    for (size_t i = 0; i < explaining->reading_count; i++)
        store_request_free(explaining->readings[i].request);
    check_order_release(&explaining->order);
    arena_release(&explaining->arena);
    memory_free(explaining);
}

static void on_abandoned(void *owner)
{
    struct explaining *explaining = owner;

    explaining->call = NULL;
}

static void on_read(struct store_request *request)
{
    struct reading *reading = request->owner;
    struct explaining *explaining = reading->explaining;

    if (!request->is_ok) {
        explaining->is_failed = true;
        explaining->err = request->err;
    }
    if (--explaining->pending == 0)
        go_on(explaining);
}

static void read_subject(struct explaining *explaining, enum party_role role,
                         struct hash128 subject)
{
    const struct entitlement_options *options = entitlement_options(explaining->order.entitlement);
    struct reading *reading = &explaining->readings[explaining->reading_count++];

    assert(explaining->reading_count <= READINGS_MAX);
    *reading = (struct reading){.explaining = explaining, .role = role, .subject = subject};
    reading->request = store_request_new(STORE_READ, names_partition(options->names, subject),
                                         rpc_call_inbox(explaining->call), on_read, reading);
    reading->request->deadline_ms = clock_monotonic_ms(options->clock) + options->store_timeout_ms;
    reading->request->is_waited_for = true;
    store_request_key(reading->request, names_subject(subject));
    explaining->pending++;
    store_submit(options->store, reading->request);
}

static bool decode(struct explaining *explaining, struct reading *reading)
{
    const struct store_value *value = &reading->request->values[0];

    if (reading->role == PARTY_SUBJECT)
        explaining->order.revision =
            (struct revision){directive_set_number(explaining->order.set), reading->request->number,
                              reading->request->partition};
    /* What was stored under an organization's id is not what is known of it. */
    if (value->version == 0 ||
        entitlement_organization(explaining->order.entitlement, reading->subject))
        return true;
    return record_decode(value->data, reading->subject, &explaining->arena, &reading->record,
                         &explaining->err);
}

/* Decode what came back, and start reading the persons behind services. */
static bool follow(struct explaining *explaining)
{
    const struct entitlement_options *options = entitlement_options(explaining->order.entitlement);
    size_t count = explaining->reading_count;

    for (; explaining->decoded < count; explaining->decoded++) {
        struct reading *reading = &explaining->readings[explaining->decoded];

        if (!decode(explaining, reading))
            return false;
        for (size_t i = 0; reading->role != PARTY_PRINCIPAL && i < reading->record.principal_count;
             i++)
            read_subject(explaining, PARTY_PRINCIPAL,
                         names_subject_hash(options->names, reading->record.principals[i]));
    }
    return true;
}

static const struct facts *derive(struct explaining *explaining, const struct record *record)
{
    struct facts_input input = record_facts_input(record);
    struct facts_content content;

    facts_derive(&input, explaining->order.now_ms, &content);
    return facts_pack(&content, &explaining->arena);
}

/* The same rules as in parties_collect(): a service stands for the persons behind it, and an
 * organization is what the configuration says of it.  False: the
 * organization is not registered. */
static bool collect(struct explaining *explaining, struct check_party *parties, size_t *ret_count,
                    struct err *err)
{
    const struct entitlement_options *options = entitlement_options(explaining->order.entitlement);
    size_t count = 0;

    for (size_t i = 0; i < explaining->reading_count; i++) {
        const struct reading *reading = &explaining->readings[i];
        const struct organization *organization =
            entitlement_organization(explaining->order.entitlement, reading->subject);

        if (organization) {
            parties[count++] =
                parties_of_organization(organization, reading->role, reading->subject,
                                        explaining->order.now_ms, &explaining->arena);
            continue;
        }
        if (reading->role != PARTY_PRINCIPAL && reading->record.kind == SUBJECT_SERVICE &&
            reading->record.principal_count > 0)
            continue;
        parties[count++] = (struct check_party){
            .role = reading->role,
            .subject = reading->subject,
            .facts = derive(explaining, &reading->record),
            .read_at_ms = explaining->order.now_ms,
        };
    }
    if (explaining->input.on_behalf_of.length > 0 &&
        !parties_organization(options, explaining->input.on_behalf_of, explaining->order.now_ms,
                              &explaining->arena, &parties[count++], err))
        return false;
    *ret_count = count;
    return true;
}

static bool decide_all(struct explaining *explaining, struct check_party *parties,
                       size_t *ret_count, struct check_result *result, struct err *err)
{
    struct check_order *order = &explaining->order;

    *ret_count = 0;
    attempt_take_lease(order);
    if (!attempt_lease_holds(order, &explaining->input, err)) {
        attempt_count_failure(order, err);
        return false;
    }
    if (collect(explaining, parties, ret_count, err)) {
        decide(order->set, &explaining->input, parties, *ret_count, order->now_ms,
               entitlement_options(order->entitlement)->max_age_ms, &order->lease, result);
        attempt_shadow(order, &explaining->input, parties, *ret_count, result);
        if (explaining->has_time)
            result->max_age_ms = 0;
    } else if (order->is_terse) {
        decide_refused(result);
    } else {
        err_prefix_field(err, "check");
        return false;
    }
    order->results = result;
    return attempt_record(order, &explaining->arena, false, err);
}

static void answer(struct explaining *explaining)
{
    enum disclose disclose = caller_of(explaining->call)->disclose;
    struct check_result result = {.subject = explaining->readings[0].subject};
    struct check_party parties[CHECK_PARTIES_MAX];
    Passgate__V1__ExplainEntitlementResponse response;
    struct err err;
    size_t count;

    if (!decide_all(explaining, parties, &count, &result, &err)) {
        rpc_call_fail(explaining->call, &err);
        return;
    }
    explain_response_write(&explaining->order, &result, parties, count, disclose,
                           &explaining->arena, &response);
    rpc_call_reply(explaining->call, &response.base);
}

static void go_on(struct explaining *explaining)
{
    if (explaining->call && !explaining->is_failed && !follow(explaining))
        explaining->is_failed = true;
    if (explaining->pending > 0)
        return;
    if (explaining->call && explaining->is_failed)
        rpc_call_fail(explaining->call, &explaining->err);
    else if (explaining->call)
        answer(explaining);
    explaining_free(explaining);
}

static bool read_request(const Passgate__V1__ExplainEntitlementRequest *request,
                         struct explaining *explaining, struct err *err)
{
    if (!request->check)
        return err_field(err, ERR_FIELD_REQUIRED, "check", "missing");
    if (request->check->claim_token[0] != '\0')
        return err_field(err, ERR_FIELD_CONFLICT, "check.claim_token", "explained by subject only");
    if (!check_input_read(request->check, &explaining->arena, &explaining->input, err)) {
        err_prefix_field(err, "check");
        return false;
    }
    if (!check_limits(explaining->order.limits, &explaining->input, err))
        return false;
    explaining->has_time = request->at != NULL;
    return !request->at || wire_timestamp_read(request->at, "at", &explaining->at_ms, err);
}

static bool begin(struct explaining *explaining)
{
    const struct entitlement_options *options = entitlement_options(explaining->order.entitlement);
    const struct check_input *input = &explaining->input;
    const struct hash128 subject = names_subject_hash(options->names, input->subject);

    if (!attempt_begin(&explaining->order, &explaining->arena, &explaining->err))
        return false;
    if (!attempt_take_subjects(&explaining->order, input, subject, &explaining->err))
        return false;
    if (explaining->has_time)
        explaining->order.now_ms = explaining->at_ms;
    read_subject(explaining, PARTY_SUBJECT, subject);
    for (size_t i = 0; i < input->also_subject_count; i++)
        read_subject(explaining, PARTY_ALSO_SUBJECT,
                     names_subject_hash(options->names, input->also_subjects[i]));
    return true;
}

void explain_entitlement(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__ExplainEntitlementRequest *request =
        (const Passgate__V1__ExplainEntitlementRequest *)message;
    struct explaining *explaining = memory_new(struct explaining);
    struct err err;

    explaining->call = call;
    explaining->arena = rpc_call_take_arena(call);
    explaining->order = door_order(call, context);
    explaining->order.inputs = &explaining->input;
    explaining->order.count = 1;
    if (!read_request(request, explaining, &err)) {
        rpc_call_fail(call, &err);
        explaining_free(explaining);
        return;
    }
    rpc_call_park(call, on_abandoned, explaining);
    explaining->pending++; /* so that nobody answers while we are still starting */
    explaining->is_failed = !begin(explaining);
    if (--explaining->pending == 0)
        go_on(explaining);
}
