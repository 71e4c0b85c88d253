/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of Redis means. */
#include "storage/redis_connection.h"

enum { COMMAND_LENGTH_MAX = 32 };

/* Another connection may lead to somebody who does it; the server is the primary no more. */
enum refusal_end { END_NONE, END_THIS, END_ALL };

struct refusal {
    const char *word;
    enum err_code code;
    enum refusal_end end;
};

/* First words of errors.  After those that say "not now" or "not here" nothing was written. */
static const struct refusal refusals[] = {
    {"NOAUTH", ERR_STORE_UNAVAILABLE, END_THIS},
    {"WRONGPASS", ERR_STORE_UNAVAILABLE, END_THIS},
    {"NOPERM", ERR_STORE_UNAVAILABLE, END_NONE},
    {"OOM", ERR_STORE_UNAVAILABLE, END_NONE},
    {"READONLY", ERR_STORE_UNAVAILABLE, END_ALL},
    {"LOADING", ERR_STORE_UNAVAILABLE, END_THIS},
    {"MISCONF", ERR_STORE_UNAVAILABLE, END_NONE},
    {"NOREPLICAS", ERR_STORE_UNAVAILABLE, END_NONE},
    {"BUSY", ERR_STORE_UNAVAILABLE, END_NONE},
    {"NOSCRIPT", ERR_STORE_UNAVAILABLE, END_NONE},
    {"TRYAGAIN", ERR_STORE_UNAVAILABLE, END_NONE},
    {"CLUSTERDOWN", ERR_STORE_UNAVAILABLE, END_NONE},
    {"MASTERDOWN", ERR_STORE_UNAVAILABLE, END_THIS},
    {"MOVED", ERR_STORE_UNAVAILABLE, END_THIS},
    {"UNBLOCKED", ERR_STORE_UNAVAILABLE, END_ALL}, /* it is a replica now, says XREAD */
    {"EPOCH", ERR_STORE_UNAVAILABLE, END_THIS},    /* these two say the scripts */
    {"CORRUPT", ERR_STORE_CORRUPT, END_NONE},      /* … and that one, of a value */
    {"WRONGTYPE", ERR_STORE_CORRUPT, END_NONE},
};

/* What may be wrong here when Redis says so, and what to set. */
static const struct advice {
    const char *word;
    const char *option;
    const char *text;
} advices[] = {
    {"NOAUTH", "store.password_file",
     "Redis wants a password: set store.password_file, and store.user where it has users"},
    {"WRONGPASS", "store.password_file",
     "Redis does not know this user with this password: see store.user and store.password_file"},
    {"NOPERM", "store.prefix",
     "Redis does not let this user have keys that begin with store.prefix: give it ~PREFIX:*"},
};

static bool starts_with_word(struct span text, const char *word)
{
    struct span wanted = span_text(word);

    return span_starts_with(text, wanted) &&
           (text.length == wanted.length || text.data[wanted.length] == ' ');
}

static bool is_error(const redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_ERROR && starts_with_word(redis_reply_span(reply), word);
}

bool redis_reply_is_noscript(const redisReply *reply)
{
    return is_error(reply, "NOSCRIPT");
}

bool redis_reply_is_wrongtype(const redisReply *reply)
{
    return is_error(reply, "WRONGTYPE");
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

/* The command in the quotes of "has no permissions to run the 'info' command"; else empty. */
static struct span quoted_command(struct span text)
{
    const uint8_t *quote = text.length > 0 ? memchr(text.data, '\'', text.length) : NULL;
    struct span rest = quote ? span_from(text, (size_t)(quote - text.data) + 1) : span_of(NULL, 0);
    size_t length = 0;

    while (length < rest.length && length < COMMAND_LENGTH_MAX &&
           ((rest.data[length] >= 'a' && rest.data[length] <= 'z') || rest.data[length] == '|'))
        length++;
    return length < rest.length && rest.data[length] == '\'' ? span_of(rest.data, length)
                                                             : span_of(NULL, 0);
}

/* Sentinels have users and passwords of their own, and who asks them says so. */
static void explain(const struct refusal *refusal, enum redis_role role, struct span text,
                    struct err *err)
{
    struct span command = quoted_command(text);

    err_set(err, refusal->code, "%s", refusal->word);
    for (size_t i = 0; i < ARRAY_LEN(advices) && role != REDIS_SENTINEL; i++)
        if (strcmp(advices[i].word, refusal->word) == 0)
            err_field(err, refusal->code, advices[i].option, "%s: %s", refusal->word,
                      advices[i].text);
    if (strcmp(refusal->word, "NOPERM") == 0 && command.length > 0 && role != REDIS_SENTINEL)
        err_field(err, refusal->code, "store.user",
                  "NOPERM: Redis does not let this user run %.*s: docs/storage.md lists what it "
                  "needs",
                  SPAN_FORMAT(command));
}

void redis_connection_refused(struct redis_connection *connection, const redisReply *reply,
                              struct err *err)
{
    struct span text = redis_reply_span(reply);
    enum refusal_end end = END_THIS;

    if (reply->type == REDIS_REPLY_ERROR) {
        set_unknown(text, err);
        for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
            if (starts_with_word(text, refusals[i].word)) {
                explain(&refusals[i], connection->role, text, err);
                end = refusals[i].end;
            }
    } else {
        err_set(err, ERR_STORE_CORRUPT, "a reply of type %d that was not asked for", reply->type);
    }
    /* A handshake that is refused cannot go on. */
    if (end != END_NONE || connection->state != REDIS_READY)
        redis_connection_doom(connection, err);
    if (end == END_ALL)
        redis_connections_leave(connection->store, err);
}
