/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the primary is, in the words of sentinels: reading one answer, and what they agree on.
 *
 * One sentinel alone may be cut off, and name a primary that has been replaced: only what more than
 * half of all that are configured say is believed.
 */
#ifndef STORAGE_REDIS_PRIMARY_H
#define STORAGE_REDIS_PRIMARY_H

#include "base/err.h"
#include "base/span.h"

#include <hiredis/hiredis.h>

enum { REDIS_HOST_MAX = 253 };

struct redis_address {
    char host[REDIS_HOST_MAX + 1]; /* a name or an address, IPv6 without brackets */
    uint16_t port;
};

enum redis_answer_kind {
    REDIS_ANSWER_NONE, /* it has not answered yet */
    REDIS_ANSWER_NO_SUCH_NAME,
    REDIS_ANSWER_PRIMARY,
};

/* The last one of a sentinel. */
struct redis_answer {
    enum redis_answer_kind kind;
    int64_t asked_ms; /* when the question was sent, by redis_now_ms() */
    struct redis_address primary;
};

/* False for what nobody can connect to: port 0, and a host that is neither a name nor an address by
 * its characters. */
MUST_CHECK bool redis_address_make(struct span host, uint16_t port,
                                   struct redis_address *ret_address);

/* … of what it has accepted before; aborts otherwise. */
struct redis_address redis_address_of(const char *host, uint16_t port);

/* The reply to `SENTINEL get-master-addr-by-name`; asked_ms is the caller's.  STORE_CORRUPT for
 * what is none; an error reply is not for here. */
MUST_CHECK bool redis_answer_read(const redisReply *reply, struct redis_answer *ret_answer,
                                  struct err *err);

/* How many of so many sentinels must say the same. */
size_t redis_answers_needed(size_t sentinel_count);

/* How many named that primary when they were asked at `since_ms` or later. */
size_t redis_answers_count(const struct redis_answer *answers, size_t count,
                           const struct redis_address *primary, int64_t since_ms);

/* What enough of them named, asked at `since_ms` or later; NULL: nothing. */
const struct redis_address *redis_answers_agree(const struct redis_answer *answers, size_t count,
                                                int64_t since_ms);

static inline bool redis_address_equal(const struct redis_address *a, const struct redis_address *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

#endif
