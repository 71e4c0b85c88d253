/* SPDX-License-Identifier: Apache-2.0 */
/* The retention key. */
#include "server/retention.h"

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"

enum { ARENA_BYTES = 4096 };

void retention_init(struct retention *retention)
{
    *retention = (struct retention){.path = ""};
    seal_key_snapshot_init(&retention->key, NULL);
}

void retention_release(struct retention *retention)
{
    snapshot_release(&retention->key);
}

/* The file's name in front of what is wrong with it. */
static bool explain(const char *path, struct err *err)
{
    struct err inner = *err;

    return err_field(err, inner.code, "audit.retention_key_file", "%s: %s", path, inner.detail);
}

static void use(struct retention *retention, struct seal_key *key)
{
    LOG(INFO, "audit.retention_key", "what is known of subjects is sealed for this key",
        log_text("kid", seal_key_id(key)));
    snapshot_replace(&retention->key, key);
}

/* What somebody has put there by mistake may be a secret. */
static void wipe(struct span content)
{
    secret_wipe((uint8_t *)(uintptr_t)content.data, content.length);
}

static bool read_key(const char *path, uint8_t ret_digest[static SHA256_BYTES],
                     struct seal_key **ret_key, struct err *err)
{
    struct span content;
    struct arena arena;
    bool is_read;

    arena_init(&arena, ARENA_BYTES);
    is_read = file_read(path, KEY_PEM_BYTES_MAX, &arena, &content, err);
    if (is_read) {
        digest_sha256(content, ret_digest);
        is_read = seal_key_from_pem(content, SEAL_PUBLIC, ret_key, err) || explain(path, err);
        wipe(content);
    }
    arena_release(&arena);
    return is_read;
}

bool retention_check(const char *path, struct err *err)
{
    uint8_t digest[SHA256_BYTES];
    struct seal_key *key;

    if (!read_key(path, digest, &key, err))
        return false;
    seal_key_unref(key);
    return true;
}

bool retention_load(struct retention *retention, const char *path, struct err *err)
{
    struct seal_key *key;

    retention->path = path;
    if (path[0] == '\0') {
        LOG(INFO, "audit.retention_key",
            "audit.retention_key_file is not set: records of changes have no facts in them");
        return true;
    }
    if (!read_key(path, retention->seen, &key, err))
        return false;
    use(retention, key);
    return true;
}

static void complain(struct retention *retention, struct err *err)
{
    (void)explain(retention->path, err);
    log_err("audit.retention_key", "the retention key stays as it is", err);
}

static void take(struct retention *retention, struct span content)
{
    uint8_t digest[SHA256_BYTES];
    struct seal_key *key;
    struct err err;

    digest_sha256(content, digest);
    retention->is_missing = false;
    if (memcmp(digest, retention->seen, sizeof(digest)) == 0)
        return;
    memcpy(retention->seen, digest, sizeof(digest));
    if (seal_key_from_pem(content, SEAL_PUBLIC, &key, &err))
        use(retention, key);
    else
        complain(retention, &err);
}

void retention_look(struct retention *retention)
{
    struct span content;
    struct arena arena;
    struct err err;

    if (retention->path[0] == '\0')
        return;
    arena_init(&arena, ARENA_BYTES);
    if (file_read(retention->path, KEY_PEM_BYTES_MAX, &arena, &content, &err)) {
        take(retention, content);
        wipe(content);
    } else if (!retention->is_missing) {
        retention->is_missing = true;
        complain(retention, &err);
    }
    arena_release(&arena);
}
