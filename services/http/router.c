/* SPDX-License-Identifier: Apache-2.0 */
/* The router: a walk over a few dozen rows. */
#include "http/router.h"

#include <stdio.h>

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = "GET",
    [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",
    [HTTP_DELETE] = "DELETE",
};

static bool is_parameter(const char *text, size_t length)
{
    static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-._~";

    return length > 0 && length <= HTTP_PARAMETER_MAX && strspn(text, unreserved) == length;
}

static bool path_matches(const char *pattern, const char *path, struct span *ret_parameter)
{
    const char *brace = strchr(pattern, '{');
    size_t fixed = brace ? (size_t)(brace - pattern) : strlen(pattern);
    size_t length = strlen(path);

    if (strncmp(pattern, path, fixed) != 0)
        return false;
    if (brace ? !is_parameter(path + fixed, length - fixed) : length != fixed)
        return false;
    *ret_parameter = span_of(path + fixed, length - fixed);
    return true;
}

static bool method_matches(enum http_method method, const char *name)
{
    return strcmp(method_names[method], name) == 0 ||
           (method == HTTP_GET && strcmp(name, "HEAD") == 0);
}

/* As far as the brace two patterns that are the same match the same paths. */
static bool patterns_clash(const char *a, const char *b)
{
    const char *brace_a = strchr(a, '{'), *brace_b = strchr(b, '{');

    if (!brace_a || !brace_b)
        return !brace_a && !brace_b && strcmp(a, b) == 0;
    return brace_a - a == brace_b - b && strncmp(a, b, (size_t)(brace_a - a)) == 0;
}

static bool check_route(const struct router *router, const struct http_route *route,
                        struct err *err)
{
    const char *brace = route->path ? strchr(route->path, '{') : NULL;

    if (!route->path || route->path[0] != '/' || !route->handle ||
        (unsigned)route->method >= HTTP_METHOD_COUNT || route->body_bytes_max > HTTP_BODY_BYTES_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "http: a row of the routes is not complete");
    if (brace && (brace[-1] != '/' || strchr(brace, '}') != brace + strlen(brace) - 1))
        return err_set(err, ERR_CONFIG_INVALID, "http: the parameter of %s is not its last segment",
                       route->path);
    for (size_t i = 0; i < router->group_count; i++)
        for (size_t k = 0; k < router->groups[i].route_count; k++) {
            const struct http_route *other = &router->groups[i].routes[k];

            if (other != route && other->path && other->method == route->method &&
                patterns_clash(other->path, route->path))
                return err_set(err, ERR_CONFIG_INVALID, "http: %s is there twice", route->path);
        }
    return true;
}

bool router_init(struct router *router, const struct http_group *groups, size_t count,
                 struct err *err)
{
    if (count > HTTP_GROUPS_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "http: %zu groups of routes", count);
    *router = (struct router){.group_count = count};
    for (size_t i = 0; i < count; i++)
        router->groups[i] = groups[i];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < groups[i].route_count; k++)
            if (!check_route(router, &groups[i].routes[k], err))
                return false;
    return true;
}

/* A path that is written out goes before a pattern that it fits as well. */
static void consider(struct router_match *match, const struct http_group *group,
                     const struct http_route *route, const char *method, const char *path)
{
    struct span parameter;

    if (!path_matches(route->path, path, &parameter))
        return;
    match->is_path_known = true;
    match->allowed[route->method] = true;
    if (!method_matches(route->method, method) || (match->route && strchr(route->path, '{')))
        return;
    match->route = route;
    match->owner = group->owner;
    match->parameter = parameter;
}

struct router_match router_find(const struct router *router, const char *method, const char *path)
{
    struct router_match match = {0};

    for (size_t i = 0; i < router->group_count; i++)
        for (size_t k = 0; k < router->groups[i].route_count; k++)
            consider(&match, &router->groups[i], &router->groups[i].routes[k], method, path);
    return match;
}

const char *router_allow(const struct router_match *match, char text[static ROUTER_ALLOW_MAX])
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < HTTP_METHOD_COUNT; i++)
        if (match->allowed[i])
            length += (size_t)snprintf(text + length, ROUTER_ALLOW_MAX - length, "%s%s%s",
                                       length ? ", " : "", method_names[i],
                                       i == HTTP_GET ? ", HEAD" : "");
    return text;
}
