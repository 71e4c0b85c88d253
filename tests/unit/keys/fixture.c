/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture of the tests of tokens. */
#include "unit/keys/fixture.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void fixture_make_folder(char folder[static 64])
{
    snprintf(folder, 64, "/tmp/passgate-keys-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

void fixture_remove_folder(const char *folder)
{
    DIR *stream = opendir(folder);
    struct dirent *entry;

    assert_non_null(stream);
    while ((entry = readdir(stream)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            assert_int_equal(unlinkat(dirfd(stream), entry->d_name, 0), 0);
    closedir(stream);
    assert_int_equal(rmdir(folder), 0);
}

void fixture_write_file(const char *folder, const char *name, struct span content, unsigned mode)
{
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.data, content.length), (ssize_t)content.length);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

int fixture_set_up(void **state)
{
    struct fixture *fixture = memory_new(struct fixture);
    struct err err = ERR_NONE;

    arena_init(&fixture->arena, 64 * 1024);
    fixture_make_folder(fixture->folder);
    if (!key_ring_load_or_make(fixture->folder, FIXTURE_KEEP_MS, fixture_now_ms, &fixture->ring,
                               &err))
        fail_msg("%s", err.detail);
    fixture->key = key_ring_signer(fixture->ring, fixture_now_ms);
    fixture->expectation = (struct token_expectation){
        .kind = &token_kind_claim,
        .issuer = span_text(FIXTURE_ISSUER),
        .audience = span_text(FIXTURE_AUDIENCE),
        .authorized_party = span_text(FIXTURE_PARTY),
        .now_ms = fixture_now_ms,
    };
    *state = fixture;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;

    fixture_remove_folder(fixture->folder);
    key_ring_unref(fixture->ring);
    arena_release(&fixture->arena);
    memory_free(fixture);
    return 0;
}

const char *fixture_header(struct fixture *fixture)
{
    return arena_printf(&fixture->arena, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"%s\"}",
                        key_id(fixture->key), token_kind_claim.type);
}

json_t *fixture_payload(void)
{
    json_int_t now = fixture_now_ms / 1000;

    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "iss", FIXTURE_ISSUER, "sub",
                     "somebody", "aud", FIXTURE_AUDIENCE, "azp", FIXTURE_PARTY, "iat", now, "nbf",
                     now, "exp", now + 300, "jti", "one");
}

struct span fixture_forge(struct fixture *fixture, const char *header, struct span payload)
{
    uint8_t signature[KEY_SIGNATURE_BYTES];
    struct err err = ERR_NONE;
    char *text;
    size_t length;

    text = arena_alloc(&fixture->arena,
                       base64url_length(strlen(header)) + base64url_length(payload.length) + 96);
    length = base64url_encode(span_text(header), text);
    text[length++] = '.';
    length += base64url_encode(payload, text + length);
    assert_true(key_sign(fixture->key, span_of(text, length), signature, &err));
    text[length++] = '.';
    length += base64url_encode(span_of(signature, sizeof(signature)), text + length);
    return span_of(text, length);
}

struct span fixture_forge_json(struct fixture *fixture, json_t *payload)
{
    struct span text = json_text(payload, &fixture->arena);

    json_decref(payload);
    return fixture_forge(fixture, fixture_header(fixture), text);
}

struct span fixture_forge_claim(struct fixture *fixture, const char *name, json_t *value)
{
    json_t *payload = fixture_payload();

    if (value)
        json_object_set_new(payload, name, value);
    else
        json_object_del(payload, name);
    return fixture_forge_json(fixture, payload);
}

enum token_refusal fixture_open(struct fixture *fixture, struct span token)
{
    enum token_refusal refusal = TOKEN_REFUSAL_COUNT;
    struct err err = ERR_NONE;
    bool is_open = token_open(fixture->ring, token, &fixture->expectation, &fixture->arena,
                              &fixture->token, &refusal, &err);

    assert_int_equal(is_open, refusal == TOKEN_REFUSED_NONE);
    assert_int_equal(err.code, is_open ? ERR_OK : ERR_TOKEN_INVALID);
    return refusal;
}
