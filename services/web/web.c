/* SPDX-License-Identifier: Apache-2.0 */
/* What is served over HTTP. */
#include "web/web.h"

#include "base/digest.h"
#include "keys/key_ring.h"

#include <stdio.h>

enum { ANSWER_BYTES = 16 * 1024 };

/* Keys change rarely and ahead of their use: five minutes in a cache do no harm (docs/claims.md).
 */
static void get_jwks(struct http_exchange *exchange, void *owner)
{
    const struct web_options *options = owner;
    struct key_ring *keys = snapshot_get(options->keys);
    char digest[SHA256_HEX_MAX], etag[SHA256_HEX_MAX + 2];
    struct http_response response = {
        .status = 200,
        .content_type = "application/jwk-set+json",
        .etag = etag,
        .cache_control = "public, max-age=300",
    };
    struct arena arena;

    arena_init(&arena, ANSWER_BYTES);
    response.body = key_ring_jwks(keys, clock_wall_ms(options->clock), &arena);
    digest_sha256_hex(response.body, digest);
    snprintf(etag, sizeof(etag), "\"%.32s\"", digest);
    http_answer(exchange, &response);
    arena_release(&arena);
    key_ring_unref(keys);
}

static void get_livez(struct http_exchange *exchange, void *owner)
{
    const struct http_response response = {
        .status = 200, .content_type = "text/plain", .body = span_text("ok\n")};

    (void)owner;
    http_answer(exchange, &response);
}

static void get_readyz(struct http_exchange *exchange, void *owner)
{
    const struct web_options *options = owner;
    struct http_response response = {
        .status = readiness_is_ready(options->readiness) ? 200 : 503,
        .content_type = "text/plain",
    };
    struct arena arena;

    arena_init(&arena, ANSWER_BYTES);
    response.body = readiness_render(options->readiness, &arena);
    http_answer(exchange, &response);
    arena_release(&arena);
}

static void get_metrics(struct http_exchange *exchange, void *owner)
{
    const struct web_options *options = owner;
    struct http_response response = {.status = 200, .content_type = METRICS_CONTENT_TYPE};
    struct arena arena;

    arena_init(&arena, ANSWER_BYTES);
    response.body = metrics_render(options->metrics, &arena);
    http_answer(exchange, &response);
    arena_release(&arena);
}

static const struct http_route public_routes[] = {
    {HTTP_GET, "/.well-known/jwks.json", get_jwks, 0, NULL},
};

static const struct http_route ops_routes[] = {
    {HTTP_GET, "/livez", get_livez, 0, NULL},
    {HTTP_GET, "/readyz", get_readyz, 0, NULL},
    {HTTP_GET, "/metrics", get_metrics, 0, NULL},
};

struct http_group web_public_group(const struct web_options *options)
{
    return (struct http_group){public_routes, ARRAY_LEN(public_routes), (void *)options};
}

struct http_group web_ops_group(const struct web_options *options)
{
    return (struct http_group){ops_routes, ARRAY_LEN(ops_routes), (void *)options};
}
