/* SPDX-License-Identifier: Apache-2.0 */
/* GetInclusionProof: on the executor, because a segment is read for the proof and for the record.
 */
#include "audit/audit_service.h"
#include "audit/record_message.h"
#include "interceptors/caller.h"

#include <endian.h>

enum { LEAF_HEAD_BYTES = 2 * sizeof(uint64_t) };

/* What audit_leaf() hashes. */
static ProtobufCBinaryData leaf_of(const struct audit_entry *entry, struct arena *arena)
{
    uint64_t head[2] = {htole64(entry->sequence), htole64((uint64_t)entry->base_ms)};
    uint8_t *bytes = arena_alloc(arena, LEAF_HEAD_BYTES + entry->payload.length);

    memcpy(bytes, head, LEAF_HEAD_BYTES);
    memcpy(bytes + LEAF_HEAD_BYTES, entry->payload.data, entry->payload.length);
    return (ProtobufCBinaryData){LEAF_HEAD_BYTES + entry->payload.length, bytes};
}

static bool find_record(struct audit_reader *reader, uint64_t sequence,
                        const struct audit_entry **ret_entry, struct err *err)
{
    const struct audit_entry *entry;

    audit_reader_skip_to(reader, sequence);
    do {
        if (!audit_reader_next(reader, &entry, err))
            return false;
    } while (entry && entry->sequence < sequence);
    if (!entry || entry->sequence != sequence)
        return err_set(err, ERR_RECORD_UNKNOWN, "no record has this number");
    *ret_entry = entry;
    return true;
}

static bool show_record(const struct audit_service_options *options, uint64_t sequence,
                        struct arena *arena, Passgate__V1__GetInclusionProofResponse *response,
                        struct err *err)
{
    const struct audit_entry *entry;
    struct audit_reader *reader;
    struct directive_set *set;
    bool is_found;

    if (!audit_reader_open(options->folder, &reader, err))
        return false;
    set = snapshot_get(options->directives);
    is_found = find_record(reader, sequence, &entry, err);
    if (is_found) {
        response->record = record_message(entry, set, arena);
        response->leaf = leaf_of(entry, arena);
    }
    directive_set_unref(set);
    audit_reader_close(reader);
    return is_found;
}

/* Who looked at a record is on record. */
static bool record(const struct audit_service_options *options, struct rpc_call *call,
                   const char *decision_id, struct err *err)
{
    const struct span id = span_text(decision_id);
    const struct audit_record act = {
        .kind = AUDIT_ADMINISTRATION,
        .time_ms = clock_wall_ms(options->clock),
        .caller = caller_of(call)->id,
        .method = span_text(rpc_call_method(call)->name),
        .ids = &id,
        .id_count = 1,
    };
    uint64_t sequence;

    return audit_append(options->audit, &act, &sequence, err);
}

static bool prove(const struct audit_service_options *options, uint64_t sequence,
                  struct arena *arena, Passgate__V1__GetInclusionProofResponse *response,
                  struct err *err)
{
    struct audit_inclusion inclusion;
    struct audit_state state;
    struct audit_head head;

    audit_get_state(options->audit, &state);
    if (sequence >= state.next_sequence)
        return err_field(err, ERR_RECORD_UNKNOWN, "decision_id", "not given yet");
    if (sequence > state.covered_sequence)
        return err_field(err, ERR_TREE_HEAD_BEHIND, "decision_id", "not covered yet");
    if (!audit_service_head(options, arena, &head, &response->head, err) ||
        !audit_prove_record(options->audit, &head, sequence, &inclusion, err) ||
        !show_record(options, sequence, arena, response, err))
        return false;
    response->leaf_index = inclusion.index;
    response->n_path = inclusion.proof.count;
    response->path = audit_service_hashes(&inclusion.proof, arena);
    return true;
}

void get_inclusion_proof(struct rpc_call *call, const ProtobufCMessage *message, void *context)
{
    const Passgate__V1__GetInclusionProofRequest *request =
        (const Passgate__V1__GetInclusionProofRequest *)message;
    const struct audit_service_options *options = context;
    Passgate__V1__GetInclusionProofResponse response;
    uint64_t sequence;
    struct err err;

    passgate__v1__get_inclusion_proof_response__init(&response);
    if (caller_reaches_all(caller_of(call), &err) &&
        audit_service_number(options, "decision_id", request->decision_id, &sequence, &err) &&
        record(options, call, request->decision_id, &err) &&
        prove(options, sequence, rpc_call_arena(call), &response, &err))
        rpc_call_reply(call, &response.base);
    else
        rpc_call_fail(call, &err);
}
