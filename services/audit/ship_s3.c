/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket that segments are shipped to. */
#include "audit/ship_credentials.h"
#include "audit/ship_place.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "http/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    ANSWER_TIMEOUT_MS = 60 * 1000, /* on top of what the bytes take */
    BYTES_PER_MS_MIN = 64,         /* what is slower is taken for dead */
    ANSWER_BYTES_MAX = 64 * 1024,
    CREDENTIALS_BYTES_MAX = 16 * 1024,
    HEADERS_MAX = 8,
    CODE_MAX = 64,
};

struct ship_s3 {
    struct ship_place place;
    struct ship_s3_options options;
    struct http_client *client;
};

/* One exchange about an object. */
struct exchange {
    struct ship_s3 *s3;
    const char *key;
    struct arena *arena;
    struct http_request request;
    struct http_header_line headers[HEADERS_MAX];
    struct http_reply reply;
};

static void exchange_init(struct exchange *exchange, struct ship_s3 *s3,
                          enum http_client_method method, const char *key, struct arena *arena)
{
    const struct ship_s3_options *options = &s3->options;

    *exchange = (struct exchange){.s3 = s3, .key = key, .arena = arena};
    exchange->request = (struct http_request){
        .method = method,
        .url = arena_printf(arena, "%s/%s/%s%s%s", options->endpoint, options->bucket,
                            options->prefix, options->prefix[0] ? "/" : "", key),
        .headers = exchange->headers,
        .timeout_ms = ANSWER_TIMEOUT_MS,
        .response_bytes_max = ANSWER_BYTES_MAX,
    };
}

static void add_header(struct exchange *exchange, const char *name, const char *value)
{
    exchange->headers[exchange->request.header_count++] = (struct http_header_line){name, value};
}

/* Read every time, so that what changes is used from the next request on. */
static bool read_credentials(const struct ship_s3 *s3, struct ship_credentials *ret_credentials,
                             struct err *err)
{
    struct span text = {0};
    struct arena arena;
    bool is_read;

    arena_init(&arena, 4096);
    is_read = file_read(s3->options.credentials_file, CREDENTIALS_BYTES_MAX, &arena, &text, err) &&
              ship_credentials_parse(text, ret_credentials, err);
    secret_wipe((void *)(uintptr_t)text.data, text.length);
    arena_release(&arena);
    return is_read;
}

/* SHIP_SAME: there is an answer, whatever its status. */
static enum ship_result send(struct exchange *exchange, struct err *err)
{
    struct ship_credentials credentials;
    struct http_aws_identity aws = {
        .access_key_id = credentials.access_key_id,
        .secret_access_key = credentials.secret_access_key,
        .session_token = credentials.session_token,
        .region = exchange->s3->options.region,
        .service = "s3",
    };
    bool is_sent;

    if (!read_credentials(exchange->s3, &credentials, err))
        return SHIP_REFUSED;
    exchange->request.aws = &aws;
    is_sent = http_client_send(exchange->s3->client, &exchange->request, exchange->arena,
                               &exchange->reply, err);
    secret_wipe(&credentials, sizeof(credentials));
    if (is_sent)
        return SHIP_SAME;
    return err->code == ERR_CONFIG_INVALID ? SHIP_REFUSED : SHIP_UNREACHABLE;
}

/* What S3 calls the error: <Code>AccessDenied</Code>.  Letters only, as it comes from outside. */
static const char *error_code(const struct exchange *exchange)
{
    static const char begin[] = "<Code>";
    const char *text = arena_text(exchange->arena, exchange->reply.body);
    const char *at = strstr(text, begin);
    size_t length = at ? strspn(at + strlen(begin),
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
                       : 0;

    if (length == 0 || length > CODE_MAX)
        return "";
    return arena_printf(exchange->arena, ", %.*s", (int)length, at + strlen(begin));
}

/* A redirect is to another region: somebody has to say which. */
static enum ship_result judge(const struct exchange *exchange, struct err *err)
{
    int status = exchange->reply.status;
    bool is_ours = status < 500 && status != 408 && status != 409 && status != 429;

    err_set_at(err, ERR_IO, __FILE__, __LINE__, NULL, "%s: status %d%s", exchange->key, status,
               error_code(exchange));
    return is_ours ? SHIP_REFUSED : SHIP_FAILED;
}

static bool is_success(const struct exchange *exchange)
{
    return exchange->reply.status >= 200 && exchange->reply.status < 300;
}

/* ---- what is there ---- */

static void base64_of_hex(const char *hex, char text[static 64])
{
    uint8_t bytes[SHA256_BYTES];
    size_t length;

    if (!hex_decode(span_text(hex), bytes))
        abort();
    length = base64url_encode(span_of(bytes, sizeof(bytes)), text);
    for (size_t i = 0; i < length; i++)
        text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    while (length % 4 != 0)
        text[length++] = '=';
    text[length] = '\0';
}

static enum ship_result other_content(const struct exchange *exchange, struct err *err)
{
    err_set_at(err, ERR_CONFLICT, __FILE__, __LINE__, NULL,
               "%s is there with another content, which stays", exchange->key);
    return SHIP_OTHER_CONTENT;
}

static int64_t timeout_for(const struct exchange *exchange, uint64_t bytes)
{
    return exchange->request.timeout_ms + (int64_t)(bytes / BYTES_PER_MS_MIN);
}

static void digest_piece(void *context, struct span piece)
{
    digest_add(context, piece);
}

/* Read all of it: for servers that keep no checksum. */
static enum ship_result read_and_compare(struct ship_s3 *s3, const struct ship_object *object,
                                         struct arena *arena, struct err *err)
{
    struct digest *digest = digest_new();
    struct exchange exchange;
    char sha256[SHA256_HEX_MAX];
    enum ship_result result;

    exchange_init(&exchange, s3, HTTP_CLIENT_GET, object->key, arena);
    exchange.request.take = digest_piece;
    exchange.request.context = digest;
    exchange.request.timeout_ms = timeout_for(&exchange, object->bytes);
    exchange.request.response_bytes_max = (size_t)object->bytes + ANSWER_BYTES_MAX;
    result = send(&exchange, err);
    digest_hex(digest, sha256);
    digest_free(digest);
    if (result != SHIP_SAME)
        return result;
    if (!is_success(&exchange))
        return judge(&exchange, err);
    return strcmp(sha256, object->sha256) == 0 ? SHIP_SAME : other_content(&exchange, err);
}

/* SHIP_ABSENT, or what to think of the object that is there. */
static enum ship_result look(struct ship_s3 *s3, const struct ship_object *object,
                             struct arena *arena, struct err *err)
{
    const char *length, *checksum;
    struct exchange exchange;
    enum ship_result result;
    char wanted[64];

    exchange_init(&exchange, s3, HTTP_CLIENT_HEAD, object->key, arena);
    add_header(&exchange, "x-amz-checksum-mode", "ENABLED");
    result = send(&exchange, err);
    if (result != SHIP_SAME)
        return result;
    if (exchange.reply.status == 404)
        return SHIP_ABSENT;
    if (!is_success(&exchange))
        return judge(&exchange, err);
    length = http_client_header(s3->client, "content-length");
    if (length && strtoull(length, NULL, 10) != object->bytes)
        return other_content(&exchange, err);
    checksum = http_client_header(s3->client, "x-amz-checksum-sha256");
    if (!checksum)
        return read_and_compare(s3, object, arena, err);
    base64_of_hex(object->sha256, wanted);
    return strcmp(checksum, wanted) == 0 ? SHIP_SAME : other_content(&exchange, err);
}

/* ---- putting ---- */

/* The checksum is the server's to verify and keep; Object Lock asks for one. */
static void add_put_headers(struct exchange *exchange, const struct ship_object *object,
                            bool is_conditional, char checksum[static 64],
                            char retain_until[static TIMESTAMP_TEXT_MAX])
{
    static const char *const modes[] = {
        [SHIP_RETAIN_GOVERNANCE] = "GOVERNANCE",
        [SHIP_RETAIN_COMPLIANCE] = "COMPLIANCE",
    };
    enum ship_retain retain = exchange->s3->options.retain;

    base64_of_hex(object->sha256, checksum);
    add_header(exchange, "content-type", "application/octet-stream");
    add_header(exchange, "x-amz-checksum-sha256", checksum);
    add_header(exchange, "x-amz-sdk-checksum-algorithm", "SHA256");
    if (is_conditional)
        add_header(exchange, "if-none-match", "*");
    if (retain == SHIP_RETAIN_NONE || object->retain_until_ms == 0)
        return;
    add_header(exchange, "x-amz-object-lock-mode", modes[retain]);
    add_header(exchange, "x-amz-object-lock-retain-until-date",
               timestamp_format(object->retain_until_ms, retain_until));
}

static enum ship_result upload(struct ship_s3 *s3, const struct ship_object *object,
                               bool is_conditional, struct arena *arena, int *ret_status,
                               struct err *err)
{
    char checksum[64], retain_until[TIMESTAMP_TEXT_MAX];
    struct exchange exchange;
    enum ship_result result;

    exchange_init(&exchange, s3, HTTP_CLIENT_PUT, object->key, arena);
    exchange.request.body = object->content;
    exchange.request.body_file = object->path;
    exchange.request.body_sha256 = object->sha256;
    exchange.request.timeout_ms = timeout_for(&exchange, object->bytes);
    add_put_headers(&exchange, object, is_conditional, checksum, retain_until);
    result = send(&exchange, err);
    *ret_status = result == SHIP_SAME ? exchange.reply.status : 0;
    if (result != SHIP_SAME)
        return result;
    return is_success(&exchange) ? SHIP_STORED : judge(&exchange, err);
}

/*
 * Looked at first, because a server that does not know If-None-Match may overlook it; sent with it
 * all the same, because two may come at once.
 */
static enum ship_result put_once(struct ship_s3 *s3, const struct ship_object *object,
                                 struct arena *arena, struct err *err)
{
    enum ship_result result = look(s3, object, arena, err);
    int status;

    if (result != SHIP_ABSENT)
        return result;
    result = upload(s3, object, true, arena, &status, err);
    if (status == 501)
        result = upload(s3, object, false, arena, &status, err);
    if (status != 412)
        return result;
    result = look(s3, object, arena, err);
    return result == SHIP_ABSENT ? SHIP_FAILED : result;
}

static enum ship_result put(struct ship_place *place, const struct ship_object *object,
                            struct err *err)
{
    struct ship_s3 *s3 = (struct ship_s3 *)place;
    enum ship_result result;
    struct arena arena;
    int status;

    arena_init(&arena, 8192);
    result = object->is_replaceable ? upload(s3, object, false, &arena, &status, err)
                                    : put_once(s3, object, &arena, err);
    arena_release(&arena);
    return result;
}

static enum ship_result get(struct ship_place *place, const char *key, size_t bytes_max,
                            struct arena *arena, struct span *ret_content, struct err *err)
{
    struct exchange exchange;
    enum ship_result result;

    exchange_init(&exchange, (struct ship_s3 *)place, HTTP_CLIENT_GET, key, arena);
    if (bytes_max > exchange.request.response_bytes_max)
        exchange.request.response_bytes_max = bytes_max;
    result = send(&exchange, err);
    if (result != SHIP_SAME)
        return result;
    if (exchange.reply.status == 404)
        return SHIP_ABSENT;
    if (!is_success(&exchange))
        return judge(&exchange, err);
    *ret_content = exchange.reply.body;
    return SHIP_SAME;
}

static void free_s3(struct ship_place *place)
{
    struct ship_s3 *s3 = (struct ship_s3 *)place;

    http_client_free(s3->client);
    memory_free(s3);
}

static const struct ship_place_ops s3_ops = {.put = put, .get = get, .free = free_s3};

struct ship_place *ship_s3_new(const struct ship_s3_options *options)
{
    struct ship_s3 *s3 = memory_new(struct ship_s3);

    s3->place.ops = &s3_ops;
    s3->options = *options;
    s3->client = http_client_new(&(struct http_client_options){
        .ca_file = options->ca_file,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .is_cancelled = options->is_cancelled,
    });
    return &s3->place;
}
