/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request to AuthZEN: refused with a reason, or questions that the check takes. */
#include "entitlement/authzen_read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static void read_both(struct span body, struct arena *arena)
{
    struct authzen_questions questions;
    struct err err = ERR_NONE, ignored;

    if (!authzen_read_evaluation(body, arena, &questions, &err))
        expect(err.code != ERR_OK && err_http_status(err.code) == 400);
    else
        expect(questions.count == 1 && !questions.is_batch &&
               check_validate(questions.inputs, &ignored));
    if (!authzen_read_evaluations(body, arena, &questions, &err)) {
        expect(err.code != ERR_OK && err_http_status(err.code) == 400);
        return;
    }
    expect(questions.count >= 1 && questions.count <= CHECK_BATCH_MAX);
    for (size_t i = 0; i < questions.count; i++)
        expect(check_validate(&questions.inputs[i], &ignored));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;

    arena_init(&arena, 8192);
    read_both(span_of(data, size), &arena);
    arena_release(&arena);
    return 0;
}
