/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client, on libcurl. */
#include "http/client.h"

#include "base/digest.h"
#include "base/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

struct http_client {
    struct http_client_options options;
    CURL *handle;
    char error[CURL_ERROR_SIZE];
};

/* One request under way. */
struct transfer {
    const struct http_client *client;
    const struct http_request *request;
    struct curl_slist *headers;
    FILE *file; /* the body's, or NULL */
    struct span unsent;
    uint8_t *received;
    size_t received_bytes, capacity;
    bool is_too_long;
};

static void initialize(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        memory_exhausted();
}

struct http_client *http_client_new(const struct http_client_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http_client *client = memory_new(struct http_client);

    pthread_once(&once, initialize);
    client->options = *options;
    client->handle = curl_easy_init();
    if (!client->handle)
        memory_exhausted();
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->handle);
    memory_free(client);
}

/* ---- where to ---- */

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}

/* By curl's own reading of the URL, so that both go to the same place. */
static bool check_url(const char *url, struct err *err)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL;
    bool is_good;

    if (!parsed)
        memory_exhausted();
    is_good = curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
              curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_loopback(host)));
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    if (is_good)
        return true;
    return err_set(err, ERR_CONFIG_INVALID, "not an https URL, nor http to loopback: %.128s", url);
}

/* ---- the body ---- */

static size_t send_some(char *buffer, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;

    if (transfer->file) {
        length = fread(buffer, 1, length, transfer->file);
        return length == 0 && ferror(transfer->file) ? CURL_READFUNC_ABORT : length;
    }
    if (length > transfer->unsent.length)
        length = transfer->unsent.length;
    if (length > 0)
        memcpy(buffer, transfer->unsent.data, length);
    transfer->unsent = span_from(transfer->unsent, length);
    return length;
}

/* A connection that was closed meanwhile makes curl begin again. */
static int begin_again(void *context, curl_off_t offset, int origin)
{
    struct transfer *transfer = context;

    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    transfer->unsent = span_from(transfer->request->body, (size_t)offset);
    if (transfer->file && fseeko(transfer->file, (off_t)offset, SEEK_SET) != 0)
        return CURL_SEEKFUNC_FAIL;
    return CURL_SEEKFUNC_OK;
}

static void keep_piece(struct transfer *transfer, struct span piece)
{
    size_t needed = transfer->received_bytes + piece.length;

    if (needed > transfer->capacity) {
        transfer->capacity = 2 * needed;
        transfer->received = memory_grow(transfer->received, transfer->capacity, 1);
    }
    memcpy(transfer->received + transfer->received_bytes, piece.data, piece.length);
}

static size_t take_some(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    const struct http_request *request = transfer->request;
    struct span piece = span_of(bytes, size * count);

    if (piece.length > request->response_bytes_max - transfer->received_bytes) {
        transfer->is_too_long = true;
        return 0;
    }
    if (request->take)
        request->take(request->context, piece);
    else if (piece.length > 0)
        keep_piece(transfer, piece);
    transfer->received_bytes += piece.length;
    return piece.length;
}

static int look_whether_cancelled(void *context, curl_off_t down_total, curl_off_t down,
                                  curl_off_t up_total, curl_off_t up)
{
    const struct transfer *transfer = context;
    const atomic_bool *is_cancelled = transfer->client->options.is_cancelled;

    (void)down_total, (void)down, (void)up_total, (void)up;
    return is_cancelled && atomic_load(is_cancelled);
}

/* ---- what curl is told ---- */

#define SET(option, value) (curl_easy_setopt(handle, (option), (value)) == CURLE_OK)

static bool set_place(CURL *handle, const struct http_client *client,
                      const struct http_request *request)
{
    const char *ca_file = client->options.ca_file;

    return SET(CURLOPT_URL, request->url) && SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
           SET(CURLOPT_FOLLOWLOCATION, 0L) && SET(CURLOPT_PROXY, "") &&
           SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(CURLOPT_NOSIGNAL, 1L) &&
           SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (!ca_file || (SET(CURLOPT_CAINFO, ca_file) && SET(CURLOPT_CAPATH, NULL))) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, (long)client->options.connect_timeout_ms) &&
           SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
}

static bool set_callbacks(CURL *handle, struct transfer *transfer)
{
    return SET(CURLOPT_READFUNCTION, send_some) && SET(CURLOPT_READDATA, transfer) &&
           SET(CURLOPT_SEEKFUNCTION, begin_again) && SET(CURLOPT_SEEKDATA, transfer) &&
           SET(CURLOPT_WRITEFUNCTION, take_some) && SET(CURLOPT_WRITEDATA, transfer) &&
           SET(CURLOPT_XFERINFOFUNCTION, look_whether_cancelled) &&
           SET(CURLOPT_XFERINFODATA, transfer) && SET(CURLOPT_NOPROGRESS, 0L);
}

static bool set_method(CURL *handle, const struct http_request *request, int64_t body_bytes)
{
    switch (request->method) {
    case HTTP_CLIENT_HEAD: return SET(CURLOPT_NOBODY, 1L);
    case HTTP_CLIENT_PUT:
        return SET(CURLOPT_UPLOAD, 1L) && SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)body_bytes);
    case HTTP_CLIENT_POST:
        return SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_bytes);
    case HTTP_CLIENT_GET: break;
    }
    return SET(CURLOPT_HTTPGET, 1L);
}

/* Whoever signs has no colon in a key id, and may have one in a secret. */
static bool set_signature(CURL *handle, const struct http_aws_identity *aws)
{
    char scope[256];

    if (!aws)
        return true;
    return (size_t)snprintf(scope, sizeof(scope), "aws:amz:%s:%s", aws->region, aws->service) <
               sizeof(scope) &&
           SET(CURLOPT_AWS_SIGV4, scope) && SET(CURLOPT_USERNAME, aws->access_key_id) &&
           SET(CURLOPT_PASSWORD, aws->secret_access_key);
}

static void add_header(struct transfer *transfer, const char *name, const char *value,
                       struct arena *arena)
{
    struct curl_slist *longer =
        curl_slist_append(transfer->headers, arena_printf(arena, "%s: %s", name, value));

    if (!longer)
        memory_exhausted();
    transfer->headers = longer;
}

/* curl signs the digest that stands in this header; without it, it would sign that of no body. */
static void add_headers(struct transfer *transfer, struct arena *arena)
{
    const struct http_request *request = transfer->request;
    char sha256[SHA256_HEX_MAX];

    for (size_t i = 0; i < request->header_count; i++)
        add_header(transfer, request->headers[i].name, request->headers[i].value, arena);
    if (!request->aws)
        return;
    if (!request->body_sha256)
        digest_sha256_hex(request->body, sha256);
    add_header(transfer, "x-amz-content-sha256",
               request->body_sha256 ? request->body_sha256 : sha256, arena);
    if (request->aws->session_token[0])
        add_header(transfer, "x-amz-security-token", request->aws->session_token, arena);
}

/* ---- the whole ---- */

static bool open_body(struct transfer *transfer, int64_t *ret_bytes, struct err *err)
{
    const char *path = transfer->request->body_file;

    transfer->unsent = transfer->request->body;
    *ret_bytes = (int64_t)transfer->unsent.length;
    if (!path)
        return true;
    transfer->file = fopen(path, "re");
    if (transfer->file && fseeko(transfer->file, 0, SEEK_END) == 0) {
        *ret_bytes = ftello(transfer->file);
        rewind(transfer->file);
        return true;
    }
    return err_set(err, ERR_IO, "cannot open %s: %s", path, strerrordesc_np(errno));
}

static bool fail(const struct transfer *transfer, CURLcode code, struct err *err)
{
    const char *said = transfer->client->error;
    enum err_code reason = transfer->is_too_long               ? ERR_MESSAGE_TOO_LARGE
                           : code == CURLE_OPERATION_TIMEDOUT  ? ERR_DEADLINE
                           : code == CURLE_ABORTED_BY_CALLBACK ? ERR_CANCELLED
                                                               : ERR_IO;

    return err_set(err, reason, "%s", said[0] ? said : curl_easy_strerror(code));
}

static bool perform(struct transfer *transfer, struct arena *arena, struct http_reply *ret_reply,
                    struct err *err)
{
    CURL *handle = transfer->client->handle;
    CURLcode code = curl_easy_perform(handle);
    long status = 0;

    if (code != CURLE_OK)
        return fail(transfer, code, err);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    ret_reply->status = (int)status;
    ret_reply->body =
        transfer->request->take
            ? span_of(NULL, 0)
            : arena_copy(arena, span_of(transfer->received, transfer->received_bytes));
    return true;
}

bool http_client_send(struct http_client *client, const struct http_request *request,
                      struct arena *arena, struct http_reply *ret_reply, struct err *err)
{
    struct transfer transfer = {.client = client, .request = request};
    CURL *handle = client->handle;
    int64_t body_bytes;
    bool is_done;

    if (!check_url(request->url, err))
        return false;
    curl_easy_reset(handle);
    client->error[0] = '\0';
    is_done = open_body(&transfer, &body_bytes, err);
    if (is_done) {
        add_headers(&transfer, arena);
        is_done = set_place(handle, client, request) && set_callbacks(handle, &transfer) &&
                  set_method(handle, request, body_bytes) && set_signature(handle, request->aws) &&
                  SET(CURLOPT_HTTPHEADER, transfer.headers) &&
                  SET(CURLOPT_ERRORBUFFER, client->error);
        is_done = is_done ? perform(&transfer, arena, ret_reply, err)
                          : err_set(err, ERR_INTERNAL, "libcurl does not take an option");
    }
    if (request->aws) /* no copy of the secret stays */
        (void)(SET(CURLOPT_USERNAME, NULL) && SET(CURLOPT_PASSWORD, NULL));
    (void)(SET(CURLOPT_HTTPHEADER, NULL) && SET(CURLOPT_ERRORBUFFER, NULL));
    if (transfer.file)
        fclose(transfer.file);
    curl_slist_free_all(transfer.headers);
    memory_free(transfer.received);
    return is_done;
}

const char *http_client_header(struct http_client *client, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(client->handle, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}
