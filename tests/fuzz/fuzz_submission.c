/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as SubmitVerificationRequest: scanned, unpacked, and its evidence read.  Refused with a
 * reason, or evidence from which facts can be derived.
 */
#include "base/arena.h"
#include "domain/facts/facts.h"
#include "rpc/wire_scan.h"
#include "verification/evidence_read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct names names = {.key = {.bytes = {7}}, .partition_count = 1};
static const struct evidence_reader reader = {&names, INT64_C(1781299260000)};

static void *arena_allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void arena_keep(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static void derive(const struct evidence *evidence)
{
    const struct facts_input input = {.evidence = evidence, .evidence_count = 1};
    struct facts_content content;
    struct err err;

    if (facts_check_capacity(&input, &err))
        facts_derive(&input, reader.now_ms, &content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCMessageDescriptor *type = &passgate__v1__submit_verification_request__descriptor;
    Passgate__V1__SubmitVerificationRequest *request;
    struct err err = ERR_NONE, why_not = ERR_NONE;
    struct evidence evidence;
    struct arena arena;

    if (!wire_scan(type, span_of(data, size), &wire_limits_default, &err))
        return 0;
    arena_init(&arena, 8192);
    request = (Passgate__V1__SubmitVerificationRequest *)protobuf_c_message_unpack(
        type, &(ProtobufCAllocator){arena_allocate, arena_keep, &arena}, size, data);
    expect(request != NULL);
    if (request->evidence) {
        if (!evidence_read(&reader, request->evidence, &evidence, &why_not, &err))
            expect(err.code != ERR_OK && err.field[0] != '\0');
        else if (why_not.code == ERR_OK)
            derive(&evidence);
    }
    arena_release(&arena);
    return 0;
}
