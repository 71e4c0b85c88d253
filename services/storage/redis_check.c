/* SPDX-License-Identifier: Apache-2.0 */
/* A Redis server, as its INFO describes it. */
#include "storage/redis_check.h"

#include <stdio.h>

enum { ID_LENGTH_MAX = 40 };

/* The next line of `text` without its end; false when there is none. */
static bool next_line(struct span *text, struct span *ret_line)
{
    const uint8_t *end;

    if (text->length == 0)
        return false;
    end = memchr(text->data, '\n', text->length);
    *ret_line = span_of(text->data, end ? (size_t)(end - text->data) : text->length);
    *text = span_from(*text, ret_line->length + 1);
    if (ret_line->length > 0 && ret_line->data[ret_line->length - 1] == '\r')
        ret_line->length--;
    return true;
}

/* The text behind `NAME:`; empty when INFO does not have it. */
static struct span find(struct span info, const char *name)
{
    struct span line, wanted = span_text(name);

    while (next_line(&info, &line))
        if (span_starts_with(line, wanted) && line.length > wanted.length &&
            line.data[wanted.length] == ':')
            return span_from(line, wanted.length + 1);
    return span_of(NULL, 0);
}

/* "7.2.4" → 702; 0 when it is no version. */
static unsigned parse_version(struct span text)
{
    const uint8_t *dot = text.length ? memchr(text.data, '.', text.length) : NULL;
    uint64_t major, minor = 0;
    struct span rest;
    size_t digits = 0;

    if (!dot || !redis_decimal_decode(span_of(text.data, (size_t)(dot - text.data)), &major))
        return 0;
    rest = span_from(text, (size_t)(dot - text.data) + 1);
    while (digits < rest.length && rest.data[digits] >= '0' && rest.data[digits] <= '9')
        digits++;
    if (!redis_decimal_decode(span_of(rest.data, digits), &minor) || major > 99 || minor > 99)
        return 0;
    return (unsigned)(major * 100 + minor);
}

static bool is_id(struct span text)
{
    return text.length > 0 && text.length <= ID_LENGTH_MAX && !memchr(text.data, ' ', text.length);
}

static bool check_process(struct span info, struct redis_server *server, struct err *err)
{
    struct span run_id = find(info, "run_id"), replication = find(info, "master_replid"),
                mode = find(info, "redis_mode");

    server->version = parse_version(find(info, "redis_version"));
    if (server->version < REDIS_VERSION_LEAST)
        return err_set(err, ERR_CONFIG_INVALID,
                       "Redis %u.%u is too old: 7.0 or Valkey is the oldest", server->version / 100,
                       server->version % 100);
    if (mode.length > 0 && !span_is(mode, "standalone"))
        return err_set(err, ERR_CONFIG_INVALID, "the server runs in %.20s mode, not standalone",
                       span_is(mode, "cluster") ? "cluster" : "another");
    if (!is_id(run_id))
        return err_set(err, ERR_STORE_UNAVAILABLE, "INFO shows no run_id");
    if (!is_id(replication)) /* some providers hide it */
        replication = span_text("-");
    snprintf(server->life, sizeof(server->life), "%.*s:%.*s", SPAN_FORMAT(run_id),
             SPAN_FORMAT(replication));
    return true;
}

static bool check_state(struct span info, struct err *err)
{
    struct span role = find(info, "role"), loading = find(info, "loading");

    if (loading.length > 0 && !span_is(loading, "0"))
        return err_set(err, ERR_STORE_UNAVAILABLE, "LOADING: the server reads its data");
    if (!span_is(role, "master"))
        return err_set(err, ERR_STORE_UNAVAILABLE, "READONLY: the server is a replica");
    return true;
}

static bool check_durability(struct span info, struct err *err)
{
    struct span aof = find(info, "aof_enabled"), policy = find(info, "maxmemory_policy");

    if (!span_is(aof, "1"))
        return err_field(err, ERR_CONFIG_INVALID, "store.durability",
                         "Redis does not keep what it acknowledges: set `appendonly yes` there, or "
                         "`store.durability: managed` here if its operator answers for it");
    if (!span_is(policy, "noeviction"))
        return err_field(err, ERR_CONFIG_INVALID, "store.durability",
                         "Redis may evict what it has acknowledged: set `maxmemory-policy "
                         "noeviction` there, or `store.durability: managed` here");
    return true;
}

bool redis_check(struct span info, bool is_managed, struct redis_server *ret_server,
                 struct err *err)
{
    struct redis_server server = {.has_aof = span_is(find(info, "aof_enabled"), "1")};

    if (!check_process(info, &server, err) || !check_state(info, err) ||
        (!is_managed && !check_durability(info, err)))
        return false;
    *ret_server = server;
    return true;
}
