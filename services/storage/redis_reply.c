/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of Redis means. */
#include "storage/redis_connection.h"

struct refusal {
    const char *word;
    enum err_code code;
    bool ends_connection; /* another connection may lead to somebody who does it */
};

/* First words of errors.  After those that say "not now" or "not here" nothing was written. */
static const struct refusal refusals[] = {
    {"NOAUTH", ERR_STORE_UNAVAILABLE, true},     {"WRONGPASS", ERR_STORE_UNAVAILABLE, true},
    {"NOPERM", ERR_STORE_UNAVAILABLE, false},    {"OOM", ERR_STORE_UNAVAILABLE, false},
    {"READONLY", ERR_STORE_UNAVAILABLE, true},   {"LOADING", ERR_STORE_UNAVAILABLE, true},
    {"MISCONF", ERR_STORE_UNAVAILABLE, false},   {"NOREPLICAS", ERR_STORE_UNAVAILABLE, false},
    {"BUSY", ERR_STORE_UNAVAILABLE, false},      {"NOSCRIPT", ERR_STORE_UNAVAILABLE, false},
    {"TRYAGAIN", ERR_STORE_UNAVAILABLE, false},  {"CLUSTERDOWN", ERR_STORE_UNAVAILABLE, false},
    {"MASTERDOWN", ERR_STORE_UNAVAILABLE, true}, {"MOVED", ERR_STORE_UNAVAILABLE, true},
    {"UNBLOCKED", ERR_STORE_UNAVAILABLE, true}, /* it is a replica now, says XREAD */
    {"EPOCH", ERR_STORE_UNAVAILABLE, true},     /* these two say the scripts */
    {"CORRUPT", ERR_STORE_CORRUPT, true},
};

static bool starts_with_word(struct span text, const char *word)
{
    struct span wanted = span_text(word);

    return span_starts_with(text, wanted) &&
           (text.length == wanted.length || text.data[wanted.length] == ' ');
}

bool redis_reply_is_noscript(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR &&
           starts_with_word(redis_reply_span(reply), "NOSCRIPT");
}

/* Of an error that is not known only its first word is repeated, and only if it looks like one. */
static void set_unknown(struct span text, struct err *err)
{
    size_t length = 0;

    while (length < text.length && length < 20 && text.data[length] >= 'A' &&
           text.data[length] <= 'Z')
        length++;
    err_set(err, ERR_STORE_CORRUPT, "an error that is not known: %.*s", (int)length,
            (const char *)text.data);
}

void redis_connection_refused(struct redis_connection *connection, const redisReply *reply,
                              struct err *err)
{
    struct span text = redis_reply_span(reply);
    bool ends_connection = true;

    if (reply->type == REDIS_REPLY_ERROR) {
        set_unknown(text, err);
        for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
            if (starts_with_word(text, refusals[i].word)) {
                err_set(err, refusals[i].code, "%s", refusals[i].word);
                ends_connection = refusals[i].ends_connection;
            }
    } else {
        err_set(err, ERR_STORE_CORRUPT, "a reply of type %d that was not asked for", reply->type);
    }
    /* A handshake that is refused cannot go on. */
    if (ends_connection || connection->state != REDIS_READY)
        redis_connection_doom(connection, err);
}
