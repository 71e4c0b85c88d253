/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of a sentinel: a reply of two texts, which the first NUL of the input parts.  Refused,
 * or an address to connect to.
 */
#include "storage/redis_primary.h"

#include <stdlib.h>

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static void read_answer(const redisReply *reply)
{
    struct redis_address again;
    struct redis_answer answer;
    struct err err;

    if (!redis_answer_read(reply, &answer, &err)) {
        must(err.code == ERR_STORE_CORRUPT);
        return;
    }
    if (answer.kind != REDIS_ANSWER_PRIMARY)
        return;
    must(redis_address_make(span_text(answer.primary.host), answer.primary.port, &again));
    must(redis_address_equal(&answer.primary, &again));
    must(redis_answers_agree(&answer, 1, 0) == &answer.primary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t host_length = nul ? (size_t)(nul - data) : size;
    struct span port = span_from(input, nul ? host_length + 1 : size);
    redisReply texts[] = {
        {.type = REDIS_REPLY_STRING, .str = (char *)(uintptr_t)data, .len = host_length},
        {.type = REDIS_REPLY_STRING, .str = (char *)(uintptr_t)port.data, .len = port.length},
    };
    redisReply *elements[] = {&texts[0], &texts[1]};

    read_answer(&(redisReply){
        .type = REDIS_REPLY_ARRAY,
        .elements = ARRAY_LEN(elements),
        .element = elements,
    });
    return 0;
}
