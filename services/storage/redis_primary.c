/* SPDX-License-Identifier: Apache-2.0 */
/* Where the primary is, in the words of sentinels. */
#include "storage/redis_primary.h"

#include "storage/redis_value.h"

#include <assert.h>

/* Of names and of addresses in both notations; a zone (`%eth0`) is none that others could use. */
static bool is_host_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':';
}

bool redis_address_make(struct span host, uint16_t port, struct redis_address *ret_address)
{
    if (host.length == 0 || host.length > REDIS_HOST_MAX || port == 0)
        return false;
    for (size_t i = 0; i < host.length; i++)
        if (!is_host_byte(host.data[i]))
            return false;
    memcpy(ret_address->host, host.data, host.length);
    ret_address->host[host.length] = '\0';
    ret_address->port = port;
    return true;
}

struct redis_address redis_address_of(const char *host, uint16_t port)
{
    struct redis_address address;
    bool is_made = redis_address_make(span_text(host), port, &address);

    assert(is_made);
    (void)is_made;
    return address;
}

bool redis_answer_read(const redisReply *reply, struct redis_answer *ret_answer, struct err *err)
{
    struct redis_answer answer = {.kind = REDIS_ANSWER_PRIMARY};
    struct span host, port_text;
    uint64_t port;

    if (reply->type == REDIS_REPLY_NIL) {
        *ret_answer = (struct redis_answer){.kind = REDIS_ANSWER_NO_SUCH_NAME};
        return true;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return err_set(err, ERR_STORE_CORRUPT, "a reply that names no primary");
    host = span_of(reply->element[0]->str, reply->element[0]->len);
    port_text = span_of(reply->element[1]->str, reply->element[1]->len);
    if (!redis_decimal_decode(port_text, &port) || port > UINT16_MAX ||
        !redis_address_make(host, (uint16_t)port, &answer.primary))
        return err_set(err, ERR_STORE_CORRUPT, "a primary without an address to connect to");
    *ret_answer = answer;
    return true;
}

size_t redis_answers_needed(size_t sentinel_count)
{
    return sentinel_count / 2 + 1;
}

size_t redis_answers_count(const struct redis_answer *answers, size_t count,
                           const struct redis_address *primary, int64_t since_ms)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += answers[i].kind == REDIS_ANSWER_PRIMARY && answers[i].asked_ms >= since_ms &&
                 redis_address_equal(&answers[i].primary, primary);
    return found;
}

const struct redis_address *redis_answers_agree(const struct redis_answer *answers, size_t count,
                                                int64_t since_ms)
{
    for (size_t i = 0; i < count; i++)
        if (redis_answers_count(answers, count, &answers[i].primary, since_ms) >=
            redis_answers_needed(count))
            return &answers[i].primary;
    return NULL;
}
