/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of keys: how a ring is read from it, and how a key gets into it. */
#include "base/file.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "keys/key_ring_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static const char suffix[] = ".pem";

/* -- Names: RFC 3339 in UTC, with hyphens where file systems dislike colons -- */

enum { NAME_FIRST_COLON = 13, NAME_SECOND_COLON = 16, NAME_STEM_LENGTH = 20 };

static void format_name(int64_t active_from_ms, char name[static KEY_FILE_NAME_MAX])
{
    char text[TIMESTAMP_TEXT_MAX];

    timestamp_format(active_from_ms, text);
    text[NAME_FIRST_COLON] = text[NAME_SECOND_COLON] = '-';
    snprintf(name, KEY_FILE_NAME_MAX, "%.*s%s", NAME_STEM_LENGTH, text, suffix);
}

static bool parse_name(const char *name, int64_t *ret_active_from_ms)
{
    char text[TIMESTAMP_TEXT_MAX], again[KEY_FILE_NAME_MAX];
    int64_t active_from_ms;

    if (strlen(name) != KEY_FILE_NAME_LENGTH || name[NAME_FIRST_COLON] != '-' ||
        name[NAME_SECOND_COLON] != '-')
        return false;
    snprintf(text, sizeof(text), "%.*s", NAME_STEM_LENGTH, name);
    text[NAME_FIRST_COLON] = text[NAME_SECOND_COLON] = ':';
    if (!timestamp_parse(span_text(text), &active_from_ms))
        return false;
    /* One moment has one name: what is written otherwise (an offset, lower case) is refused. */
    format_name(active_from_ms, again);
    if (strcmp(name, again) != 0)
        return false;
    *ret_active_from_ms = active_from_ms;
    return true;
}

/* -- Reading -- */

static bool make_path(const char *folder, const char *name, char path[static PATH_MAX],
                      struct err *err)
{
    if ((size_t)snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "the path of the key folder is too long");
    return true;
}

/* A group may read: that is how Kubernetes hands secrets to a process that is not root. */
static bool check_file(const char *path, int64_t *ret_arrived_ms, struct err *err)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return err_set(err, ERR_IO, "cannot open it: %s", strerrordesc_np(errno));
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_CONFIG_INVALID, "it is not a file");
    if (status.st_mode & (S_IWGRP | S_IROTH | S_IWOTH))
        return err_set(err, ERR_CONFIG_INVALID, "it is open to others: chmod 600 it");
    *ret_arrived_ms = (int64_t)status.st_ctim.tv_sec * 1000 + status.st_ctim.tv_nsec / 1000000;
    return true;
}

static bool read_key(const char *path, struct key **ret_key, struct err *err)
{
    struct arena arena;
    struct span pem;
    bool is_read;

    arena_init(&arena, KEY_PEM_BYTES_MAX + 64);
    is_read = file_read(path, KEY_PEM_BYTES_MAX, &arena, &pem, err);
    if (is_read) {
        is_read = key_from_pem(pem, ret_key, err);
        secret_wipe((void *)pem.data, pem.length);
    }
    arena_release(&arena);
    return is_read;
}

/* `ret_arrived_ms`: no later than the moment at which the folder's reader first saw this key. */
static bool add_file(struct key_ring *ring, const char *folder, const char *name,
                     int64_t *ret_arrived_ms, struct err *err)
{
    struct key_ring_entry *entry = &ring->entries[ring->count];
    const struct key_ring_entry *twin;
    char path[PATH_MAX];

    if (!parse_name(name, &entry->active_from_ms))
        return err_set(err, ERR_CONFIG_INVALID,
                       "its name is no time of activation as in 2026-06-12T00-00-00Z.pem");
    if (!make_path(folder, name, path, err) || !check_file(path, ret_arrived_ms, err) ||
        !read_key(path, &entry->key, err))
        return false;
    twin = key_ring_entry_of(ring, span_text(key_id(entry->key)));
    if (twin) {
        key_free(entry->key);
        return err_set(err, ERR_CONFIG_INVALID, "it holds the same key as %s", twin->file);
    }
    snprintf(entry->file, sizeof(entry->file), "%s", name);
    ring->count++;
    return true;
}

/*
 * A key goes `keep_ms` after its successor took over.  That is the successor's time, or, for a file
 * that was added with a time already past, its arrival: until then its predecessor signed.
 */
static void set_ends(struct key_ring *ring, const int64_t *arrived_ms, int64_t keep_ms,
                     int64_t now_ms)
{
    for (size_t i = 0; i < ring->count; i++) {
        struct key_ring_entry *entry = &ring->entries[i];
        int64_t taken_over_ms;

        if (i + 1 == ring->count) {
            entry->published_until_ms = TIMESTAMP_NEVER_MS;
            break;
        }
        taken_over_ms = arrived_ms[i + 1] < now_ms ? arrived_ms[i + 1] : now_ms;
        if (taken_over_ms < entry[1].active_from_ms)
            taken_over_ms = entry[1].active_from_ms;
        entry->published_until_ms = taken_over_ms + keep_ms;
    }
}

/* Put the file's name in front of what is wrong with it. */
static bool blame(struct err *err, const char *name)
{
    struct err inner = *err;

    err_set_at(err, inner.code, inner.file, inner.line, NULL, "key file %.40s: %s", name,
               inner.detail);
    return false;
}

static bool fill_ring(struct key_ring *ring, const char *folder, int64_t keep_ms, int64_t now_ms,
                      const char *const *names, size_t count, struct err *err)
{
    int64_t arrived_ms[KEY_RING_KEYS_MAX];

    if (count == 0)
        return err_set(err, ERR_CONFIG_INVALID, "the key folder %s holds no key", folder);
    if (count > KEY_RING_KEYS_MAX)
        return err_set(err, ERR_CONFIG_INVALID, "the key folder %s holds more than %d keys", folder,
                       KEY_RING_KEYS_MAX);
    /* By name is by time. */
    for (size_t i = 0; i < count; i++)
        if (!add_file(ring, folder, names[i], &arrived_ms[i], err))
            return blame(err, names[i]);
    set_ends(ring, arrived_ms, keep_ms, now_ms);
    if (!key_ring_signer(ring, now_ms))
        return err_set(err, ERR_CONFIG_INVALID, "no key signs now: the first is %s", names[0]);
    return true;
}

bool key_ring_load(const char *folder, int64_t keep_ms, int64_t now_ms, struct key_ring **ret_ring,
                   struct err *err)
{
    const char *const *names = NULL;
    struct key_ring *ring;
    struct arena arena;
    size_t count = 0;
    bool is_loaded;

    arena_init(&arena, 4096);
    ring = key_ring_new();
    is_loaded = file_list(folder, suffix, &arena, &names, &count, err) &&
                fill_ring(ring, folder, keep_ms, now_ms, names, count, err);
    if (is_loaded)
        *ret_ring = ring;
    else
        key_ring_unref(ring);
    arena_release(&arena);
    return is_loaded;
}

/* -- Making -- */

bool key_ring_make(const char *folder, enum key_algorithm algorithm, int64_t active_from_ms,
                   char ret_name[static KEY_FILE_NAME_MAX], struct err *err)
{
    char path[PATH_MAX], name[KEY_FILE_NAME_MAX];
    struct stat status;
    struct arena arena;
    struct span pem;
    bool is_made;

    format_name((active_from_ms + 999) / 1000 * 1000, name);
    if (!make_path(folder, name, path, err))
        return false;
    if (stat(path, &status) == 0)
        return err_set(err, ERR_CONFIG_INVALID, "key file %s is there already", name);
    arena_init(&arena, 1024);
    is_made = key_generate_pem(algorithm, &arena, &pem, err);
    if (is_made) {
        is_made = file_write_durably(path, pem, 0600, err);
        secret_wipe((void *)pem.data, pem.length);
    }
    arena_release(&arena);
    if (is_made)
        memcpy(ret_name, name, sizeof(name));
    return is_made;
}

static bool has_no_key(const char *folder, bool *ret_is_empty, struct err *err)
{
    const char *const *names;
    struct arena arena;
    size_t count;
    bool is_read;

    arena_init(&arena, 4096);
    is_read = file_list(folder, suffix, &arena, &names, &count, err);
    if (is_read)
        *ret_is_empty = count == 0;
    arena_release(&arena);
    return is_read;
}

bool key_ring_load_or_make(const char *folder, int64_t keep_ms, int64_t now_ms,
                           struct key_ring **ret_ring, struct err *err)
{
    char name[KEY_FILE_NAME_MAX];
    bool is_empty;

    if (!file_make_folder(folder, err) || !has_no_key(folder, &is_empty, err))
        return false;
    if (is_empty && !key_ring_make(folder, KEY_ES256, now_ms / 1000 * 1000, name, err))
        return false;
    return key_ring_load(folder, keep_ms, now_ms, ret_ring, err);
}
