/* SPDX-License-Identifier: Apache-2.0 */
/* The router: which row a method and a path mean. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/http.h"

struct router {
    struct http_group groups[HTTP_GROUPS_MAX];
    size_t group_count;
};

struct router_match {
    const struct http_route *route; /* NULL: not found, or not with this method */
    void *owner;
    struct span parameter; /* points into the path */
    bool is_path_known;
    bool allowed[HTTP_METHOD_COUNT]; /* methods that the path has */
};

/* CONFIG_INVALID: too many groups, a row without path or handler, a row that another one hides. */
MUST_CHECK bool router_init(struct router *router, const struct http_group *groups, size_t count,
                            struct err *err);

/* HEAD finds GET. */
struct router_match router_find(const struct router *router, const char *method, const char *path);

/* "GET, HEAD, POST". */
enum { ROUTER_ALLOW_MAX = 64 };
const char *router_allow(const struct router_match *match, char text[static ROUTER_ALLOW_MAX]);

#endif
