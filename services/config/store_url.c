/* SPDX-License-Identifier: Apache-2.0 */
/* Where the store is: one row per scheme. */
#include "config/store_url.h"

#include "config/address.h"

static const char *const default_port = ":6379";

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
    place->path = arena_text(arena, rest);
    return NULL;
}

static const char *parse_host(struct span rest, struct arena *arena,
                              struct config_store_place *place)
{
    struct config_address address;

    if (rest.length == 0)
        return "must name a host, such as redis://redis.example:6379";
    if (memchr(rest.data, '@', rest.length))
        return "must not hold a user or a password: they have store.user and store.password_file";
    if (memchr(rest.data, '/', rest.length) || memchr(rest.data, '?', rest.length))
        return "ends with the port: the database is store.database";
    if (!address_parse(rest, arena, &address)) {
        rest = span_text(arena_printf(arena, "%.*s%s", SPAN_FORMAT(rest), default_port));
        if (!address_parse(rest, arena, &address))
            return "must name a host, such as redis://redis.example:6379";
    }
    place->host = address.host;
    place->port = address.port;
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
        };
        const char *wrong;

        if (!span_starts_with(url, prefix))
            continue;
        wrong = schemes[i].parse(span_from(url, prefix.length), arena, &place);
        if (!wrong)
            *ret_place = place;
        return wrong;
    }
    return "must be sqlite:PATH, redis://HOST:PORT, rediss://HOST:PORT or redis+unix:PATH";
}
