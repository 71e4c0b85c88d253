/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetTreeHead: the newest head, once it covers what is waited for; the proof that goes with it is
 * made on the executor, which reads segments.  The asking belongs to its worker, and to whom it
 * waits for in between.
 */
#include "audit/audit_service.h"
#include "base/memory.h"
#include "interceptors/caller.h"

struct asking {
    struct audit_waiter waiter;
    struct job job;
    struct rpc_call *call; /* NULL: the client is gone */
    const struct audit_service_options *options;
    struct arena arena; /* the call's, with the request */
    uint64_t old_size;  /* 0: no proof */
    Passgate__V1__GetTreeHeadResponse response;
    bool is_answered;
    struct err err;
};

static void asking_free(struct asking *asking)
{
    arena_release(&asking->arena);
    memory_free(asking);
}

/* Nothing is under way any more. */
static void finish(struct asking *asking, const struct err *err)
{
    if (asking->call && err)
        rpc_call_fail(asking->call, err);
    else if (asking->call)
        rpc_call_reply(asking->call, &asking->response.base);
    asking_free(asking);
}

static bool answer(struct asking *asking)
{
    Passgate__V1__GetTreeHeadResponse *response = &asking->response;
    struct audit_head head;
    struct tree_proof proof;

    passgate__v1__get_tree_head_response__init(response);
    if (!audit_service_head(asking->options, &asking->arena, &head, &response->head, &asking->err))
        return false;
    if (asking->old_size == 0)
        return true;
    if (asking->old_size > head.size)
        return err_field(&asking->err, ERR_FIELD_RANGE, "from_size", "the log is shorter");
    if (!audit_prove_old_size(asking->options->audit, &head, asking->old_size, &proof,
                              &asking->err))
        return false;
    response->n_consistency = proof.count;
    response->consistency = audit_service_hashes(&proof, &asking->arena);
    return true;
}

static void work(struct job *job)
{
    struct asking *asking = CONTAINER_OF(job, struct asking, job);

    asking->is_answered = answer(asking);
}

static void on_answered(struct task *task)
{
    struct asking *asking = CONTAINER_OF(task, struct asking, job.done);

    finish(asking, asking->is_answered ? NULL : &asking->err);
}

static void go_on(struct asking *asking)
{
    if (!executor_submit(asking->options->executor, &asking->job, &asking->err))
        finish(asking, &asking->err);
}

static void on_covered(struct task *task)
{
    struct asking *asking = CONTAINER_OF(task, struct asking, waiter.done);

    if (asking->call && asking->waiter.is_covered) {
        go_on(asking);
        return;
    }
    err_set(&asking->err, ERR_TREE_HEAD_BEHIND, "the record could not be written or signed");
    finish(asking, &asking->err);
}

static void on_abandoned(void *owner)
{
    struct asking *asking = owner;

    asking->call = NULL; /* freed when what is under way comes back */
}

static bool read_request(struct asking *asking, const Passgate__V1__GetTreeHeadRequest *request,
                         uint64_t *ret_sequence, struct err *err)
{
    struct audit_state state;

    *ret_sequence = 0;
    asking->old_size = request->from_size;
    if (!caller_reaches_all(caller_of(asking->call), err))
        return false;
    if (request->wait_for[0] == '\0')
        return true;
    if (!audit_service_number(asking->options, "wait_for", request->wait_for, ret_sequence, err))
        return false;
    audit_get_state(asking->options->audit, &state);
    if (*ret_sequence >= state.next_sequence)
        return err_field(err, ERR_RECORD_UNKNOWN, "wait_for", "not given yet");
    return true;
}

void get_tree_head(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    struct asking *asking = memory_new(struct asking);
    uint64_t sequence;
    struct err err;

    asking->call = call;
    asking->options = context;
    asking->arena = rpc_call_take_arena(call);
    asking->waiter.done.run = on_covered;
    asking->waiter.reply_to = rpc_call_inbox(call);
    asking->job = (struct job){
        .done = {.run = on_answered},
        .reply_to = rpc_call_inbox(call),
        .work = work,
    };
    if (!read_request(asking, (const Passgate__V1__GetTreeHeadRequest *)message, &sequence, &err)) {
        finish(asking, &err);
        return;
    }
    rpc_call_park(call, on_abandoned, asking);
    if (sequence > 0)
        audit_wait_head(asking->options->audit, sequence, &asking->waiter);
    else
        go_on(asking);
}
