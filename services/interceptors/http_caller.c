/* SPDX-License-Identifier: Apache-2.0 */
/* The caller of an HTTP request. */
#include "interceptors/http_caller.h"

#include "base/memory.h"
#include "interceptors/caller_set.h"
#include "keys/api_key.h"

#include <arpa/inet.h>
#include <strings.h>

struct http_callers {
    struct http_callers_options options;
    struct budget strangers; /* records of refusals of nobody's */
};

struct http_callers *http_callers_new(const struct http_callers_options *options)
{
    struct http_callers *callers = memory_new(struct http_callers);

    callers->options = *options;
    callers->strangers = (struct budget){
        .limits = {.calls_per_second = HTTP_CALLERS_STRANGERS_PER_SECOND}, .usage = usage_new(0)};
    return callers;
}

void http_callers_free(struct http_callers *callers)
{
    if (!callers)
        return;
    usage_unref(callers->strangers.usage);
    memory_free(callers);
}

/* "127.0.0.1:8080", "[::1]", "localhost": the host of a Host header, with or without its port. */
static bool is_this_machine(const char *host)
{
    char address[INET_ADDRSTRLEN];
    struct in_addr four;
    size_t length;

    if (strncmp(host, "[::1]", 5) == 0)
        return host[5] == '\0' || host[5] == ':';
    length = strcspn(host, ":");
    if (length == strlen("localhost") && strncasecmp(host, "localhost", length) == 0)
        return true;
    if (length >= sizeof(address))
        return false;
    memcpy(address, host, length);
    address[length] = '\0';
    return inet_pton(AF_INET, address, &four) == 1 && ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool is_handed_on(const struct http_exchange *exchange)
{
    static const char *const marks[] = {"Forwarded",         "Via",
                                        "X-Forwarded-For",   "X-Forwarded-Host",
                                        "X-Forwarded-Proto", "X-Real-IP"};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (http_header(exchange, marks[i]))
            return true;
    return false;
}

static bool is_local(const struct http_callers *callers, const struct caller_set *set,
                     const struct http_exchange *exchange)
{
    const char *host = http_header(exchange, "Host");

    return callers->options.has_local && !caller_set_has_api_keys(set) && host &&
           is_this_machine(host) && !is_handed_on(exchange);
}

/* RFC 6750, 2.1: the scheme in any case, then the token. */
static bool read_bearer(const char *authorization, struct span *ret_token)
{
    static const char scheme[] = "Bearer ";

    if (strncasecmp(authorization, scheme, strlen(scheme)) != 0)
        return false;
    authorization += strlen(scheme);
    *ret_token = span_text(authorization + strspn(authorization, " "));
    return true;
}

static const struct caller *find_by_key(const struct http_callers *callers,
                                        const struct caller_set *set, const char *authorization)
{
    uint8_t hash[SHA256_BYTES];
    struct span token;

    if (!read_bearer(authorization, &token) || !api_key_hash(token, hash))
        return NULL;
    return caller_set_find_api_key(set, hash, clock_wall_ms(callers->options.caller->clock));
}

static void unref_set(void *set)
{
    caller_set_unref(set);
}

bool http_callers_find(const struct http_callers *callers, struct http_exchange *exchange,
                       uint32_t roles, struct arena *arena, const struct caller **ret_caller,
                       struct err *err)
{
    struct caller_set *set = snapshot_get(callers->options.caller->callers);
    const char *authorization = http_header(exchange, "Authorization");
    const struct caller *caller = NULL;

    arena_defer(arena, unref_set, set);
    if (authorization)
        caller = find_by_key(callers, set, authorization);
    else if (is_local(callers, set, exchange))
        caller = &caller_local;
    *ret_caller = caller;
    if (!caller)
        return err_set(err, ERR_UNAUTHENTICATED,
                       authorization ? "no API key that is in force" : "no API key");
    if (caller_set_denies(set, caller->id))
        return err_set(err, ERR_CALLER_DENIED, "the caller's id is on the list of denied ones");
    if (!(caller->roles & roles))
        return err_set(err, ERR_ROLE_MISSING, "the caller's binding lacks the role");
    return true;
}

void http_callers_wipe(struct http_exchange *exchange)
{
    http_wipe_header(exchange, "Authorization");
}

bool http_callers_note(struct http_callers *callers, const struct caller_refusal *refusal)
{
    struct caller_refusal noted = *refusal;
    struct err ignored;

    noted.goes_unrecorded = refusal->caller.length == 0 &&
                            !budget_take_item(&callers->strangers, clock_now_ns(), &ignored);
    caller_note_refusal(callers->options.caller, &noted);
    return !noted.goes_unrecorded;
}
