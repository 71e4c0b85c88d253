/* SPDX-License-Identifier: Apache-2.0 */
/* The caller. */
#include "interceptors/caller.h"

static const char attachment;

static const struct caller local = {
    .id = {(const uint8_t *)"local", sizeof("local") - 1},
    .roles = ROLE_BOUND | ROLE_ANYONE,
    .disclose = DISCLOSE_FACTS,
    .authentication = RPC_PLAINTEXT,
    .is_local = true,
};

static const struct caller *find_binding(const struct caller_bindings *bindings, struct span id)
{
    for (size_t i = 0; i < bindings->count; i++)
        if (span_equal(bindings->rows[i].id, id))
            return &bindings->rows[i];
    return NULL;
}

/* The binding of the SPIFFE id; for certificates without one, of the first name that has one. */
static const struct caller *find_peer(const struct caller_bindings *bindings,
                                      const struct rpc_peer *peer)
{
    if (peer->spiffe_id.length > 0)
        return find_binding(bindings, peer->spiffe_id);
    for (size_t i = 0; i < peer->name_count; i++) {
        const struct caller *caller = find_binding(bindings, peer->names[i]);

        if (caller)
            return caller;
    }
    return NULL;
}

static const struct caller *unbound_caller(struct rpc_call *call, const struct rpc_peer *peer)
{
    struct caller *caller = arena_new(rpc_call_arena(call), struct caller);

    if (peer->spiffe_id.length > 0)
        caller->id = peer->spiffe_id;
    else if (peer->name_count > 0)
        caller->id = peer->names[0];
    caller->roles = ROLE_ANYONE;
    caller->disclose = DISCLOSE_DECISION;
    caller->authentication = peer->authentication;
    return caller;
}

static bool before(struct rpc_call *call, void *context, struct err *err)
{
    const struct caller *caller;
    struct rpc_peer peer;

    if (!rpc_call_peer(call, &peer, err))
        return false;
    if (peer.authentication == RPC_PLAINTEXT)
        caller = &local;
    else if (!(caller = find_peer(context, &peer)))
        caller = unbound_caller(call, &peer);
    rpc_call_attach(call, &attachment, (void *)caller);
    if (!(rpc_call_method(call)->roles & caller->roles))
        return err_set(err, ERR_ROLE_MISSING, "the caller's binding lacks the role");
    return true;
}

struct rpc_interceptor caller_interceptor(const struct caller_bindings *bindings)
{
    return (struct rpc_interceptor){
        .name = "caller", .before = before, .context = (void *)bindings};
}

const struct caller *caller_of(const struct rpc_call *call)
{
    return rpc_call_attached(call, &attachment);
}

const char *role_name(enum role role)
{
    static const char *const names[] = {"submitter", "attester", "issuer",  "checker",
                                        "proposer",  "approver", "auditor", "operator"};
    unsigned index = (unsigned)__builtin_ctz((unsigned)role | 1U << 31);

    return index < ARRAY_LEN(names) ? names[index] : "";
}

const char *disclose_name(enum disclose disclose)
{
    static const char *const names[] = {"decision", "next_step", "reasons", "facts"};

    return names[disclose];
}
