/* SPDX-License-Identifier: Apache-2.0 */
/* Where the store is: one row per scheme. */
#include "config/store_url.h"

#include "config/address.h"

#include <sys/un.h>

enum { SENTINELS_MIN = 2, SENTINELS_MAX = 9, PRIMARY_NAME_MAX = 64 };

static const char *parse_sqlite(struct span rest, struct arena *arena,
                                struct config_store_place *place)
{
    if (rest.length == 0 || rest.data[0] == ':')
        return "must name a file, such as sqlite:passgate-data/passgate.db";
    place->path = arena_text(arena, rest);
    return NULL;
}

static const char *parse_socket(struct span rest, struct arena *arena,
                                struct config_store_place *place)
{
    if (rest.length == 0)
        return "must name a socket, such as redis+unix:/run/redis/redis.sock";
    if (rest.length >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return "names a socket by a path of more than 107 bytes, and there is none (unix(7))";
    place->path = arena_text(arena, rest);
    return NULL;
}

/* HOST or HOST:PORT, and no port 0. */
static bool parse_address(struct span text, const char *default_port, struct arena *arena,
                          struct config_address *ret_address)
{
    if (address_parse(text, arena, ret_address))
        return ret_address->port != 0;
    text = span_text(arena_printf(arena, "%.*s:%s", SPAN_FORMAT(text), default_port));
    return address_parse(text, arena, ret_address);
}

static bool has(struct span text, int c)
{
    return text.length > 0 && memchr(text.data, c, text.length);
}

static const char *const no_user =
    "must not hold a user or a password: they have store.user and store.password_file";

static const char *parse_host(struct span rest, struct arena *arena,
                              struct config_store_place *place)
{
    struct config_address address;

    if (has(rest, '@'))
        return no_user;
    if (has(rest, '/') || has(rest, '?'))
        return "ends with the port: the database is store.database";
    if (rest.length == 0 || !parse_address(rest, "6379", arena, &address))
        return "must name a host, such as redis://redis.example:6379";
    place->host = address.host;
    place->port = address.port;
    return NULL;
}

/* What `sentinel monitor` takes as a name. */
static bool is_primary_name(struct span name)
{
    for (size_t i = 0; i < name.length; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_",
                    name.data[i]) ||
            name.data[i] == '\0')
            return false;
    return name.length > 0 && name.length <= PRIMARY_NAME_MAX;
}

/* The text up to `mark`, or all of it; `text` goes on behind. */
static struct span take_until(struct span *text, int mark)
{
    const uint8_t *at = text->length > 0 ? memchr(text->data, mark, text->length) : NULL;
    struct span part = span_of(text->data, at ? (size_t)(at - text->data) : text->length);

    *text = span_from(*text, at ? part.length + 1 : text->length);
    return part;
}

static const char *parse_sentinels(struct span rest, struct arena *arena,
                                   struct config_store_place *place)
{
    struct config_address *rows = arena_new_array(arena, struct config_address, SENTINELS_MAX);
    struct span hosts;
    size_t count = 0;

    if (has(rest, '@'))
        return no_user;
    hosts = take_until(&rest, '/');
    if (has(rest, '/') || has(rest, '?'))
        return "ends with the name of the primary: the database is store.database";
    if (!is_primary_name(rest))
        return "must end with the name of the primary in `sentinel monitor`, such as "
               "redis-sentinel://a:26379,b:26379,c:26379/mymaster";
    while (hosts.length > 0 && count < SENTINELS_MAX)
        if (!parse_address(take_until(&hosts, ','), "26379", arena, &rows[count++]))
            return "must name sentinels as HOST or HOST:PORT, with commas between them";
    if (hosts.length > 0 || count < SENTINELS_MIN)
        return "must name 2 to 9 sentinels: more than half of them must say where the primary is";
    place->sentinels = (struct config_addresses){rows, count};
    place->primary = arena_text(arena, rest);
    return NULL;
}

static const struct scheme {
    const char *prefix;
    const char *(*parse)(struct span rest, struct arena *arena, struct config_store_place *place);
    enum config_store_kind kind;
    bool is_tls;
} schemes[] = {
    {"sqlite:", parse_sqlite, CONFIG_STORE_SQLITE, false},
    {"redis+unix:", parse_socket, CONFIG_STORE_REDIS, false},
    {"redis://", parse_host, CONFIG_STORE_REDIS, false},
    {"rediss://", parse_host, CONFIG_STORE_REDIS, true},
    {"redis-sentinel://", parse_sentinels, CONFIG_STORE_REDIS, false},
    {"rediss-sentinel://", parse_sentinels, CONFIG_STORE_REDIS, true},
};

const char *store_url_parse(struct span url, struct arena *arena,
                            struct config_store_place *ret_place)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct span prefix = span_text(schemes[i].prefix);
        struct config_store_place place = {
            .kind = schemes[i].kind,
            .is_tls = schemes[i].is_tls,
            .path = "",
            .host = "",
            .primary = "",
        };
        const char *wrong;

        if (!span_starts_with(url, prefix))
            continue;
        wrong = schemes[i].parse(span_from(url, prefix.length), arena, &place);
        if (!wrong)
            *ret_place = place;
        return wrong;
    }
    return "must be sqlite:PATH, redis://HOST:PORT, rediss://HOST:PORT, redis+unix:PATH or "
           "redis-sentinel://HOST:PORT,HOST:PORT/NAME";
}
