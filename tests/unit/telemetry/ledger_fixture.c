/* SPDX-License-Identifier: Apache-2.0 */
/* Logs with signed heads, and what verifying them finds. */
#include "ledger_fixture.h"

#include "base/encoding.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

atomic_int ledger_signatures;
atomic_bool ledger_has_key = true;

static bool sign(void *context, struct span payload, int64_t now_ms, struct arena *arena,
                 struct span *ret_jws, struct err *err)
{
    char *text = arena_alloc(arena, base64url_length(payload.length) + 8);
    size_t length = 4;

    (void)context, (void)now_ms, (void)err;
    *ret_jws = span_of(NULL, 0);
    if (!atomic_load(&ledger_has_key))
        return true;
    memcpy(text, "e30.", length);
    length += base64url_encode(payload, text + length);
    memcpy(text + length, ".c2ln", 5);
    *ret_jws = span_of(text, length + 5);
    atomic_fetch_add(&ledger_signatures, 1);
    return true;
}

int ledger_set_up(void **state)
{
    struct fixture *fixture;

    fixture_set_up(state);
    fixture = *state;
    fixture->options.sign = sign;
    fixture->options.segment_bytes = SEGMENT_BYTES;
    atomic_store(&ledger_has_key, true);
    return 0;
}

/* ---- what is there ---- */

static void note(void *context, const struct audit_finding *finding)
{
    struct found *found = context;

    assert_true(found->count < FINDINGS_MAX);
    found->kinds[found->count] = finding->kind;
    found->offsets[found->count] = finding->offset;
    snprintf(found->files[found->count], sizeof(found->files[0]), "%s", finding->file);
    snprintf(found->details[found->count], sizeof(found->details[0]), "%s", finding->detail);
    found->count++;
}

struct span content_of(const char *path, struct arena *arena)
{
    struct err err = ERR_NONE;
    struct span bytes = {0};

    if (access(path, F_OK) == 0 && !file_read(path, 1 << 30, arena, &bytes, &err))
        fail_msg("%s", err.detail);
    return bytes;
}

static void add_heads(struct audit_verifier *verifier, const char *folder, struct arena *arena)
{
    const char *path = arena_printf(arena, "%s/heads", folder);
    const char *const *names;
    struct err err = ERR_NONE;
    size_t count;

    assert_true(file_list(path, AUDIT_HEADS_SUFFIX, arena, &names, &count, &err));
    for (size_t i = 0; i < count; i++) {
        const char *file = arena_printf(arena, "%s/%s", path, names[i]);
        struct span bytes = content_of(file, arena), line;
        size_t offset = 0, before = 0;
        struct audit_head head;
        bool is_whole;

        for (; audit_heads_next(bytes, &offset, &line, &is_whole); before = offset) {
            assert_true(is_whole && audit_head_peek(line, &head, &err));
            audit_verifier_add_head(verifier, file, before, &head, false);
        }
    }
}

struct found verify(const char *folder)
{
    struct found found = {0};
    struct audit_verifier *verifier = audit_verifier_new(note, &found);
    const char *const *names;
    struct err err = ERR_NONE;
    struct arena arena;
    size_t count;

    arena_init(&arena, 4096);
    add_heads(verifier, folder, &arena);
    assert_true(file_list(arena_printf(&arena, "%s/segments", folder), AUDIT_SEGMENT_SUFFIX, &arena,
                          &names, &count, &err));
    for (size_t i = 0; i < count; i++) {
        struct audit_segment_files files = {.is_last = i + 1 == count};
        char index_name[AUDIT_FILE_NAME_MAX];

        assert_true(audit_file_number(names[i], AUDIT_SEGMENT_SUFFIX, &files.first_sequence));
        audit_file_name(files.first_sequence, AUDIT_INDEX_SUFFIX, index_name);
        files.segment_file = arena_printf(&arena, "%s/segments/%s", folder, names[i]);
        files.index_file = arena_printf(&arena, "%s/segments/%s", folder, index_name);
        files.segment = content_of(files.segment_file, &arena);
        files.index = content_of(files.index_file, &arena);
        audit_verifier_check(verifier, &files);
    }
    audit_verifier_finish(verifier, &found.verdict);
    audit_verifier_free(verifier);
    arena_release(&arena);
    return found;
}

struct found assert_clean(const char *folder)
{
    struct found found = verify(folder);

    if (found.count > 0)
        fail_msg("%s:%llu: %s: %s", found.files[0], (unsigned long long)found.offsets[0],
                 audit_finding_name(found.kinds[0]), found.details[0]);
    return found;
}

void assert_found(const struct found *found, enum audit_finding_kind kind, const char *file)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->kinds[i] == kind && (!file || strcmp(found->files[i], file) == 0))
            return;
    fail_msg("%zu findings, but not %s at %s; the first: %s at %s", found->count,
             audit_finding_name(kind), file ? file : "any file",
             found->count ? audit_finding_name(found->kinds[0]) : "none",
             found->count ? found->files[0] : "-");
}

void ledger_append(struct fixture *fixture, struct audit_log *log, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t sequence = fixture_append(log, i);

        if (i % 50 == 49)
            assert_true(wait_for(log, &fixture->mailbox, sequence));
    }
}

void ledger_write(struct fixture *fixture, uint64_t count)
{
    struct audit_log *log = fixture_open(fixture);

    ledger_append(fixture, log, count);
    audit_close(log);
}

char *index_path(const char *folder, size_t at)
{
    char *path = segment_path(folder, at);

    if (!path)
        return NULL;
    memcpy(path + strlen(path) - strlen(AUDIT_SEGMENT_SUFFIX), AUDIT_INDEX_SUFFIX,
           strlen(AUDIT_INDEX_SUFFIX));
    return path;
}

void overwrite(const char *path, struct span bytes)
{
    struct err err = ERR_NONE;

    if (!file_write_durably(path, bytes, 0600, &err))
        fail_msg("%s", err.detail);
}
