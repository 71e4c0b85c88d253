/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets. */
#include "base/secret.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/random.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

enum { HASH_KEY_FILE_MAX = 256 };

static bool check_mode(const char *path, struct err *err)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return err_set(err, ERR_IO, "cannot open %s: %s", path, strerrordesc_np(errno));
    if (status.st_mode & (S_IWGRP | S_IROTH | S_IWOTH))
        return err_set(err, ERR_CONFIG_INVALID, "%s is open to others: chmod 600 it", path);
    return true;
}

static bool parse_hash_key(struct span content, const char *path, struct hash_key *ret_key,
                           struct err *err)
{
    if (content.length == sizeof(ret_key->bytes)) {
        memcpy(ret_key->bytes, content.data, sizeof(ret_key->bytes));
        return true;
    }
    while (content.length > 0 && content.data[content.length - 1] == '\n')
        content.length--;
    if (content.length != 2 * sizeof(ret_key->bytes) || !hex_decode(content, ret_key->bytes))
        return err_set(err, ERR_CONFIG_INVALID, "%s must hold 32 hex digits", path);
    return true;
}

bool secret_read_hash_key(const char *path, struct hash_key *ret_key, struct err *err)
{
    struct arena arena;
    struct span content;
    bool is_read;

    if (!check_mode(path, err))
        return false;
    arena_init(&arena, HASH_KEY_FILE_MAX + 64);
    is_read = file_read(path, HASH_KEY_FILE_MAX, &arena, &content, err);
    if (is_read) {
        is_read = parse_hash_key(content, path, ret_key, err);
        secret_wipe((void *)content.data, content.length);
    }
    arena_release(&arena);
    return is_read;
}

bool secret_read_or_make_hash_key(const char *path, struct hash_key *ret_key, struct err *err)
{
    char text[2 * sizeof(ret_key->bytes) + 2];
    struct hash_key key;
    struct stat status;
    bool is_written;

    if (stat(path, &status) == 0)
        return secret_read_hash_key(path, ret_key, err);
    random_fill(key.bytes, sizeof(key.bytes));
    hex_encode(span_of(key.bytes, sizeof(key.bytes)), text);
    text[2 * sizeof(key.bytes)] = '\n';
    is_written = file_write_durably(path, span_of(text, 2 * sizeof(key.bytes) + 1), 0600, err);
    secret_wipe(text, sizeof(text));
    if (is_written)
        *ret_key = key;
    secret_wipe(&key, sizeof(key));
    return is_written;
}

void secret_wipe(void *memory, size_t length)
{
    OPENSSL_cleanse(memory, length);
}

bool secret_equal(struct span a, struct span b)
{
    return a.length == b.length && CRYPTO_memcmp(a.data, b.data, a.length) == 0;
}
