/* SPDX-License-Identifier: Apache-2.0 */
/* What INFO may say of a server that things are kept in. */
#include "storage/redis_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* One server, and how it differs from one that is good; NULL: not at all. */
struct info {
    const char *version;
    const char *mode;
    const char *run_id;
    const char *loading;
    const char *aof;
    const char *policy;
    const char *role;
};

static const struct info good = {
    .version = "redis_version:7.0.15\r\n",
    .mode = "redis_mode:standalone\r\n",
    .run_id = "run_id:0123456789abcdef0123456789abcdef01234567\r\n",
    .loading = "loading:0\r\n",
    .aof = "aof_enabled:1\r\n",
    .policy = "maxmemory_policy:noeviction\r\n",
    .role = "role:master\r\nmaster_replid:89abcdef0123456789abcdef0123456789abcdef\r\n",
};

static struct span write_info(const struct info *info, char text[static 1024])
{
    int length = snprintf(text, 1024,
                          "# Server\r\n%s%sos:Linux\r\n%s# Persistence\r\n%s%s\r\n"
                          "# Memory\r\nused_memory:1\r\n%s# Replication\r\n%s",
                          info->version, info->mode, info->run_id, info->loading, info->aof,
                          info->policy, info->role);

    return span_of(text, (size_t)length);
}

static void a_good_server_is_taken(void **state)
{
    char text[1024];
    struct span info = write_info(&good, text);
    struct redis_server server;
    struct err err;

    (void)state;
    assert_true(redis_check(info, false, &server, &err));
    assert_int_equal(server.version, 700);
    assert_string_equal(server.life, "0123456789abcdef0123456789abcdef01234567:"
                                     "89abcdef0123456789abcdef0123456789abcdef");
    assert_true(server.has_aof);
}

struct finding {
    const char *name;
    size_t offset; /* of what differs, in struct info */
    const char *line;
    bool is_managed;
    enum err_code code; /* ERR_OK: it is taken */
    const char *detail;
};

#define DIFFERS(member, text) .offset = offsetof(struct info, member), .line = (text)

static const struct finding findings[] = {
    {"valkey", DIFFERS(version, "redis_version:7.2.4\r\nserver_name:valkey\r\n")},
    {"ten", DIFFERS(version, "redis_version:10.12.0\r\n")},
    {"old", DIFFERS(version, "redis_version:6.2.14\r\n"), .code = ERR_CONFIG_INVALID,
     .detail = "6.2 is too old"},
    {"no version", DIFFERS(version, ""), .code = ERR_CONFIG_INVALID, .detail = "too old"},
    {"version of words", DIFFERS(version, "redis_version:seven.0\r\n"), .code = ERR_CONFIG_INVALID,
     .detail = "too old"},
    {"version without end", DIFFERS(version, "redis_version:7\r\n"), .code = ERR_CONFIG_INVALID,
     .detail = "too old"},
    {"cluster", DIFFERS(mode, "redis_mode:cluster\r\n"), .code = ERR_CONFIG_INVALID,
     .detail = "cluster"},
    {"sentinel", DIFFERS(mode, "redis_mode:sentinel\r\n"), .code = ERR_CONFIG_INVALID,
     .detail = "not standalone"},
    {"no run id", DIFFERS(run_id, ""), .code = ERR_STORE_UNAVAILABLE, .detail = "run_id"},
    {"long run id", DIFFERS(run_id, "run_id:0123456789abcdef0123456789abcdef012345678\r\n"),
     .code = ERR_STORE_UNAVAILABLE, .detail = "run_id"},
    {"run id of two words", DIFFERS(run_id, "run_id:a b\r\n"), .code = ERR_STORE_UNAVAILABLE,
     .detail = "run_id"},
    {"loading", DIFFERS(loading, "loading:1\r\n"), .code = ERR_STORE_UNAVAILABLE,
     .detail = "LOADING"},
    {"replica", DIFFERS(role, "role:slave\r\n"), .code = ERR_STORE_UNAVAILABLE,
     .detail = "READONLY"},
    {"managed replica", DIFFERS(role, "role:slave\r\n"), .is_managed = true,
     .code = ERR_STORE_UNAVAILABLE, .detail = "READONLY"},
    {"no role", DIFFERS(role, ""), .code = ERR_STORE_UNAVAILABLE, .detail = "READONLY"},
    {"no AOF", DIFFERS(aof, "aof_enabled:0\r\n"), .code = ERR_CONFIG_INVALID,
     .detail = "appendonly yes"},
    {"AOF not shown", DIFFERS(aof, ""), .code = ERR_CONFIG_INVALID, .detail = "appendonly yes"},
    {"another name in front", DIFFERS(aof, "x_aof_enabled:1\r\naof_enabled_too:1\r\n"),
     .code = ERR_CONFIG_INVALID, .detail = "appendonly yes"},
    {"managed without AOF", DIFFERS(aof, ""), .is_managed = true},
    {"evicts", DIFFERS(policy, "maxmemory_policy:allkeys-lru\r\n"), .code = ERR_CONFIG_INVALID,
     .detail = "noeviction"},
    {"evicts what expires", DIFFERS(policy, "maxmemory_policy:volatile-ttl\r\n"),
     .code = ERR_CONFIG_INVALID, .detail = "noeviction"},
    {"managed evicts", DIFFERS(policy, "maxmemory_policy:allkeys-lru\r\n"), .is_managed = true},
};

static void each_finding_says_what_to_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(findings); i++) {
        const struct finding *finding = &findings[i];
        struct info info = good;
        struct redis_server server;
        struct err err = ERR_NONE;
        char text[1024];
        bool is_taken;

        memcpy((char *)&info + finding->offset, &finding->line, sizeof(finding->line));
        is_taken = redis_check(write_info(&info, text), finding->is_managed, &server, &err);
        if (is_taken != (finding->code == ERR_OK) || err.code != finding->code ||
            (finding->detail && !strstr(err.detail, finding->detail)))
            fail_msg("%s: %s \"%s\"", finding->name, err_reason(err.code), err.detail);
    }
}

static void lines_may_end_as_in_unix_and_the_last_one_not_at_all(void **state)
{
    static const char text[] = "redis_version:7.2.0\nrun_id:a\nrole:master\nloading:0\n"
                               "maxmemory_policy:noeviction\naof_enabled:1";
    struct redis_server server;
    struct err err;

    (void)state;
    assert_true(redis_check(span_text(text), false, &server, &err));
    assert_int_equal(server.version, REDIS_VERSION_WAITAOF);
    assert_string_equal(server.life, "a:-"); /* the id of the replication is not shown everywhere */
}

static void nothing_is_no_server(void **state)
{
    struct redis_server server;
    struct err err;

    (void)state;
    assert_false(redis_check(span_of(NULL, 0), true, &server, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server_is_taken),
        cmocka_unit_test(each_finding_says_what_to_set),
        cmocka_unit_test(lines_may_end_as_in_unix_and_the_last_one_not_at_all),
        cmocka_unit_test(nothing_is_no_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
