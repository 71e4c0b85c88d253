/* SPDX-License-Identifier: Apache-2.0 */
/* Responses: from what a handler says to what goes out, conditional requests included. */
#include "base/attributes.h"
#include "base/memory.h"
#include "http/daemon.h"

#include <stdio.h>

struct phrase {
    int status;
    const char *text;
};

static const struct phrase phrases[] = {
    {400, "bad request\n"},
    {404, "not found\n"},
    {405, "method not allowed\n"},
    {413, "content too large\n"},
    {429, "too many requests\n"},
    {500, "internal error\n"},
    {503, "the server is going away\n"},
};

/* Copied by the library, which fails only without memory. */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value && MHD_add_response_header(response, name, value) != MHD_YES)
        memory_exhausted();
}

/*
 * RFC 9110, 13.1.2: `*`, or a list of tags of which one is the same by weak comparison.  A tag has
 * no comma and no quote inside, else nothing matches, which costs a response and no more.
 */
static bool has_tag(const char *list, const char *etag)
{
    size_t length;

    if (strncmp(etag, "W/", 2) == 0)
        etag += 2;
    length = strlen(etag);
    while (*list) {
        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (strncmp(list, etag, length) == 0 && strchr(" \t,", list[length]))
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

static bool is_unmodified(const struct http_exchange *exchange,
                          const struct http_response *response)
{
    const char *list = http_header(exchange, "If-None-Match");

    return response->status == 200 && response->etag && list && exchange->match.route &&
           exchange->match.route->method == HTTP_GET && has_tag(list, response->etag);
}

void exchange_build_response(struct http_exchange *exchange, const struct http_response *response)
{
    bool is_empty = is_unmodified(exchange, response);
    struct span body = is_empty ? span_of("", 0) : response->body;
    struct MHD_Response *built = MHD_create_response_from_buffer(
        body.length, (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_COPY);

    if (!built)
        memory_exhausted();
    if (!is_empty)
        add_header(built, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    add_header(built, MHD_HTTP_HEADER_ETAG, response->etag);
    add_header(built, MHD_HTTP_HEADER_CACHE_CONTROL,
               response->cache_control ? response->cache_control : "no-store");
    for (size_t i = 0; i < response->header_count; i++)
        add_header(built, response->headers[i].name, response->headers[i].value);
    add_header(built, "X-Content-Type-Options", "nosniff");
    add_header(built, "X-Request-ID", exchange->request_id);
    if (exchange->must_close || atomic_load(&exchange->home->is_quiescing) ||
        atomic_load(&exchange->daemon->is_retired))
        add_header(built, MHD_HTTP_HEADER_CONNECTION, "close");
    exchange->status = is_empty ? 304 : response->status;
    exchange->response = built;
}

void exchange_build_plain(struct http_exchange *exchange, int status, const char *allow)
{
    const struct http_header_line line = {"Allow", allow};
    struct http_response response = {.status = status,
                                     .content_type = "text/plain; charset=utf-8",
                                     .headers = &line,
                                     .header_count = allow ? 1 : 0};

    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (phrases[i].status == status)
            response.body = span_text(phrases[i].text);
    exchange_build_response(exchange, &response);
}

void http_answer_err(struct http_exchange *exchange, const struct err *err)
{
    const struct http_header_line retry = {"Retry-After", "1"};
    int status = err_http_status(err->code);
    char text[256];
    int length =
        snprintf(text, sizeof(text), "%s: %s\n", err_reason(err->code), err_public_text(err->code));

    http_answer(exchange, &(struct http_response){.status = status,
                                                  .content_type = "text/plain; charset=utf-8",
                                                  .body = span_of(text, (size_t)length),
                                                  .headers = &retry,
                                                  .header_count = status == 429 || status == 503});
}
