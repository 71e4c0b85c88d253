/* SPDX-License-Identifier: Apache-2.0 */
/* The key ring: a folder, its keys, and what time does to them. */
#include "unit/keys/fixture.h"

#include "base/memory.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_MS = 24 * 3600 * 1000 };

struct folder {
    char path[64];
    struct arena arena;
};

static int set_up(void **state)
{
    struct folder *folder = memory_new(struct folder);

    arena_init(&folder->arena, 4096);
    fixture_make_folder(folder->path);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;

    fixture_remove_folder(folder->path);
    arena_release(&folder->arena);
    memory_free(folder);
    return 0;
}

static void add(struct folder *folder, enum key_algorithm algorithm, int64_t active_from_ms)
{
    char name[KEY_FILE_NAME_MAX];
    struct err err = ERR_NONE;

    if (!key_ring_make(folder->path, algorithm, active_from_ms, name, &err))
        fail_msg("%s", err.detail);
}

static struct key_ring *load(struct folder *folder, int64_t now_ms)
{
    struct key_ring *ring = NULL;
    struct err err = ERR_NONE;

    if (!key_ring_load(folder->path, FIXTURE_KEEP_MS, now_ms, &ring, &err))
        fail_msg("%s", err.detail);
    return ring;
}

static void assert_not_loaded(struct folder *folder, const char *file, const char *complaint)
{
    struct key_ring *ring = NULL;
    struct err err = ERR_NONE;

    assert_false(key_ring_load(folder->path, FIXTURE_KEEP_MS, fixture_now_ms, &ring, &err));
    assert_null(ring);
    if (!strstr(err.detail, file) || !strstr(err.detail, complaint))
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", err.detail, file, complaint);
}

static size_t published_count(const struct key_ring *ring, int64_t now_ms, struct arena *arena)
{
    struct err err = ERR_NONE;
    size_t count;
    json_t *set;

    assert_true(json_read(key_ring_jwks(ring, now_ms, arena), &set, &err));
    count = json_array_size(json_object_get(set, "keys"));
    json_decref(set);
    return count;
}

static void the_first_key_is_made_and_kept(void **state)
{
    struct folder *folder = *state;
    struct key_ring *made, *again;
    struct err err = ERR_NONE;
    struct stat status;
    char path[128];

    assert_true(
        key_ring_load_or_make(folder->path, FIXTURE_KEEP_MS, fixture_now_ms + 999, &made, &err));
    snprintf(path, sizeof(path), "%s/2026-06-12T21-21-00Z.pem", folder->path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_non_null(key_ring_signer(made, fixture_now_ms + 999));
    assert_true(key_ring_load_or_make(folder->path, FIXTURE_KEEP_MS, fixture_now_ms + DAY_MS,
                                      &again, &err));
    assert_true(key_ring_equal(made, again));
    key_ring_unref(made);
    key_ring_unref(again);
}

static void a_key_is_published_then_signs_then_verifies_then_goes(void **state)
{
    struct folder *folder = *state;
    int64_t second_ms = fixture_now_ms + DAY_MS, gone_ms = second_ms + FIXTURE_KEEP_MS;
    struct key_ring *ring;
    const struct key *first, *second, *found;
    struct span kid;

    add(folder, KEY_ES256, fixture_now_ms);
    add(folder, KEY_EDDSA, second_ms);
    ring = load(folder, fixture_now_ms);
    first = key_ring_signer(ring, fixture_now_ms);
    second = key_ring_signer(ring, second_ms);
    kid = span_text(key_id(first));

    assert_int_equal(key_ring_count(ring), 2);
    assert_null(key_ring_signer(ring, fixture_now_ms - 1));
    assert_int_equal(key_algorithm(first), KEY_ES256);
    assert_int_equal(key_algorithm(second), KEY_EDDSA);
    assert_ptr_equal(key_ring_signer(ring, second_ms - 1), first);

    assert_int_equal(published_count(ring, fixture_now_ms, &folder->arena), 2);
    assert_int_equal(published_count(ring, gone_ms - 1, &folder->arena), 2);
    assert_int_equal(published_count(ring, gone_ms, &folder->arena), 1);
    assert_int_equal(key_ring_find(ring, kid, gone_ms - 1, &found), KEY_RING_FOUND);
    assert_ptr_equal(found, first);
    assert_int_equal(key_ring_find(ring, kid, gone_ms, &found), KEY_RING_RETIRED);

    assert_int_equal(key_ring_describe(ring, 0, fixture_now_ms).state, KEY_STATE_SIGNING);
    assert_int_equal(key_ring_describe(ring, 1, fixture_now_ms).state, KEY_STATE_NEXT);
    assert_int_equal(key_ring_describe(ring, 0, second_ms).state, KEY_STATE_VERIFYING);
    assert_int_equal(key_ring_describe(ring, 1, second_ms).state, KEY_STATE_SIGNING);
    assert_int_equal(key_ring_describe(ring, 0, gone_ms).state, KEY_STATE_RETIRED);
    assert_string_equal(key_ring_describe(ring, 1, gone_ms).file, "2026-06-13T21-21-00Z.pem");
    assert_true(key_ring_describe(ring, 0, 0).published_until_ms == gone_ms);
    assert_true(key_ring_describe(ring, 1, 0).published_until_ms == TIMESTAMP_NEVER_MS);
    assert_string_equal(key_state_word(KEY_STATE_VERIFYING), "verifying");
    key_ring_unref(ring);
}

/* The predecessor signed until the file came, whatever the file's name says. */
static void a_key_that_comes_late_retires_its_predecessor_from_then_on(void **state)
{
    struct folder *folder = *state;
    int64_t late_ms = fixture_now_ms + 10 * INT64_C(24) * 3600 * 1000;
    struct key_ring *ring;

    add(folder, KEY_ES256, fixture_now_ms);
    add(folder, KEY_ES256, fixture_now_ms + DAY_MS);
    ring = load(folder, late_ms);
    assert_true(key_ring_describe(ring, 0, late_ms).published_until_ms ==
                late_ms + FIXTURE_KEEP_MS);
    assert_int_equal(key_ring_describe(ring, 0, late_ms).state, KEY_STATE_VERIFYING);
    key_ring_unref(ring);
}

static void taking_a_file_away_retires_its_key_at_once(void **state)
{
    struct folder *folder = *state;
    struct key_ring *before, *after;
    const struct key *found;
    struct span kid;
    char path[128];

    add(folder, KEY_ES256, fixture_now_ms - DAY_MS);
    add(folder, KEY_ES256, fixture_now_ms);
    before = load(folder, fixture_now_ms);
    kid = span_text(key_ring_describe(before, 0, fixture_now_ms).id);
    snprintf(path, sizeof(path), "%s/%s", folder->path,
             key_ring_describe(before, 0, fixture_now_ms).file);
    assert_int_equal(unlink(path), 0);
    after = load(folder, fixture_now_ms);
    assert_int_equal(key_ring_find(after, kid, fixture_now_ms, &found), KEY_RING_UNKNOWN);
    assert_false(key_ring_equal(before, after));
    key_ring_unref(before);
    key_ring_unref(after);
}

static void a_made_key_replaces_no_file(void **state)
{
    struct folder *folder = *state;
    char name[KEY_FILE_NAME_MAX];
    struct err err = ERR_NONE;

    add(folder, KEY_ES256, fixture_now_ms);
    assert_false(key_ring_make(folder->path, KEY_ES256, fixture_now_ms, name, &err));
    assert_non_null(strstr(err.detail, "2026-06-12T21-21-00Z.pem"));
    /* Part of a second later is the next second: nothing signs before its time. */
    assert_true(key_ring_make(folder->path, KEY_ES256, fixture_now_ms + 1, name, &err));
    assert_string_equal(name, "2026-06-12T21-21-01Z.pem");
}

static void a_name_is_one_time_in_one_spelling(void **state)
{
    static const char *const names[] = {
        "key.pem",
        "2026-06-12.pem",
        "2026-06-12T00:00:00Z.pem",
        "2026-06-12T00-00-00z.pem",
        "2026-06-12t00-00-00Z.pem",
        "2026-06-12T00-00-00.pem",
        "2026-02-30T00-00-00Z.pem",
        "2026-06-12T25-00-00Z.pem",
        "2026-06-12T00-00-60Z.pem",
        "2026-06-12 00-00-00Z.pem",
        "2026-06-12T00-00+00Z.pem",
        "2026-6-12T00-00-000Z.pem",
    };
    struct folder *folder = *state;
    struct err err = ERR_NONE;
    struct span pem;
    char path[128];

    add(folder, KEY_ES256, fixture_now_ms);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(key_generate_pem(KEY_ES256, &folder->arena, &pem, &err));
        fixture_write_file(folder->path, names[i], pem, 0600);
        assert_not_loaded(folder, names[i], "no time of activation");
        snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    /* What is no .pem, or hidden as in a mounted secret, is none of the ring's business. */
    fixture_write_file(folder->path, "README", span_text("keys"), 0644);
    fixture_write_file(folder->path, ".hidden.pem", span_text("x"), 0644);
    key_ring_unref(load(folder, fixture_now_ms));
}

static void a_file_that_others_can_open_is_refused(void **state)
{
    static const unsigned bad[] = {0644, 0604, 0660, 0602, 0620}, good[] = {0600, 0400, 0440, 0640};
    static const char name[] = "2026-06-12T21-21-00Z.pem";
    struct folder *folder = *state;
    char path[128];

    add(folder, KEY_ES256, fixture_now_ms);
    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        assert_not_loaded(folder, name, "chmod 600");
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(chmod(path, good[i]), 0);
        key_ring_unref(load(folder, fixture_now_ms));
    }
}

static void one_bad_file_refuses_the_folder(void **state)
{
    static const char name[] = "2027-01-01T00-00-00Z.pem";
    struct folder *folder = *state;

    add(folder, KEY_ES256, fixture_now_ms);
    fixture_write_file(folder->path, name, span_text("no key"), 0600);
    assert_not_loaded(folder, name, "no private key");
    fixture_write_file(folder->path, name, span_of(NULL, 0), 0600);
    assert_not_loaded(folder, name, "no private key");
}

static void the_same_key_twice_is_refused(void **state)
{
    struct folder *folder = *state;
    struct err err = ERR_NONE;
    struct span pem;

    assert_true(key_generate_pem(KEY_ES256, &folder->arena, &pem, &err));
    fixture_write_file(folder->path, "2026-01-01T00-00-00Z.pem", pem, 0600);
    fixture_write_file(folder->path, "2026-02-01T00-00-00Z.pem", pem, 0600);
    assert_not_loaded(folder, "2026-02-01T00-00-00Z.pem", "same key as 2026-01-01T00-00-00Z.pem");
}

static void a_folder_without_a_key_that_signs_now_is_refused(void **state)
{
    struct folder *folder = *state;
    struct key_ring *ring;
    struct err err = ERR_NONE;

    assert_not_loaded(folder, folder->path, "holds no key");
    add(folder, KEY_ES256, fixture_now_ms + 1000);
    assert_not_loaded(folder, "2026-06-12T21-21-01Z.pem", "no key signs now");
    assert_false(key_ring_load("/nonexistent", FIXTURE_KEEP_MS, fixture_now_ms, &ring, &err));
    assert_int_equal(err.code, ERR_IO);
}

static void more_keys_than_a_ring_holds_are_refused(void **state)
{
    struct folder *folder = *state;

    for (int i = 0; i <= KEY_RING_KEYS_MAX; i++)
        add(folder, KEY_EDDSA, fixture_now_ms - i * 1000);
    assert_not_loaded(folder, folder->path, "more than 64");
}

/* -- JWK Sets -- */

static struct key_ring *from_jwks(struct span json)
{
    struct key_ring *ring = NULL;
    struct err err = ERR_NONE;

    if (!key_ring_from_jwks(json, &ring, &err))
        fail_msg("%s", err.detail);
    return ring;
}

static void a_ring_from_the_jwks_verifies_and_cannot_sign(void **state)
{
    struct folder *folder = *state;
    struct key_ring *ring, *copy;
    struct span jwks;

    add(folder, KEY_ES256, fixture_now_ms);
    add(folder, KEY_EDDSA, fixture_now_ms + DAY_MS);
    ring = load(folder, fixture_now_ms);
    jwks = key_ring_jwks(ring, fixture_now_ms, &folder->arena);
    copy = from_jwks(jwks);
    assert_null(key_ring_signer(copy, fixture_now_ms + DAY_MS));
    for (int i = 0; i < 2; i++) {
        const struct key *ours = key_ring_signer(ring, fixture_now_ms + i * DAY_MS), *theirs;
        uint8_t signature[KEY_SIGNATURE_BYTES];
        struct err err = ERR_NONE;

        assert_true(key_sign(ours, span_text("message"), signature, &err));
        assert_int_equal(key_ring_find(copy, span_text(key_id(ours)), fixture_now_ms, &theirs),
                         KEY_RING_FOUND);
        assert_int_equal(key_verify(theirs, span_text("message"), signature), KEY_SIGNATURE_GOOD);
        assert_int_equal(key_verify(theirs, span_text("massage"), signature), KEY_SIGNATURE_BAD);
    }
    /* What was read is written again, to the byte. */
    assert_true(span_equal(key_ring_jwks(copy, fixture_now_ms, &folder->arena), jwks));
    assert_string_equal(key_ring_describe(copy, 0, fixture_now_ms).file, "");
    key_ring_unref(ring);
    key_ring_unref(copy);
}

static void the_jwks_tells_public_members_only(void **state)
{
    static const char *const members[] = {"alg", "crv", "kid", "kty", "use", "x", "y"};
    struct folder *folder = *state;
    struct key_ring *ring;
    struct err err = ERR_NONE;
    json_t *set, *key;

    add(folder, KEY_ES256, fixture_now_ms);
    ring = load(folder, fixture_now_ms);
    assert_true(json_read(key_ring_jwks(ring, fixture_now_ms, &folder->arena), &set, &err));
    assert_int_equal(json_object_size(set), 1);
    key = json_array_get(json_object_get(set, "keys"), 0);
    assert_int_equal(json_object_size(key), ARRAY_LEN(members));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_true(json_is_string(json_object_get(key, members[i])));
    assert_string_equal(json_string_value(json_object_get(key, "use")), "sig");
    assert_string_equal(json_string_value(json_object_get(key, "kid")),
                        key_id(key_ring_signer(ring, fixture_now_ms)));
    json_decref(set);
    key_ring_unref(ring);
}

#define RFC8037_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define OKP       "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "\""

static void keys_of_unknown_kinds_are_left_out(void **state)
{
    static const char json[] = "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"},{"
                               "\"kty\":\"EC\",\"crv\":\"P-384\"},"
                               "{\"kty\":\"oct\",\"k\":\"AAAA\"},{" OKP "}],\"more\":1}";
    struct key_ring *ring = from_jwks(span_text(json));

    (void)state;
    assert_int_equal(key_ring_count(ring), 1);
    assert_string_equal(key_ring_describe(ring, 0, 0).id,
                        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    key_ring_unref(ring);
}

static void a_malformed_jwks_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[1]}",
        "{\"keys\":[]",
        "{\"keys\":[],\"keys\":[]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{" OKP ",\"d\":\"AAAA\"}]}",
        "{\"keys\":[{" OKP ",\"use\":\"enc\"}]}",
        "{\"keys\":[{" OKP ",\"alg\":\"ES256\"}]}",
        "{\"keys\":[{" OKP ",\"kid\":\"other\"}]}",
        "{\"keys\":[{" OKP ",\"kid\":1}]}",
        "{\"keys\":[{" OKP "},{" OKP "}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "=\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC8037_X "\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC8037_X "\",\"y\":\"" RFC8037_X
        "\"}]}",
    };
    struct folder *folder = *state;
    char *long_text = arena_alloc(&folder->arena, KEY_RING_JWKS_BYTES_MAX + 1);

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct key_ring *ring = NULL;
        struct err err = ERR_NONE;

        if (key_ring_from_jwks(span_text(texts[i]), &ring, &err))
            fail_msg("accepted: %s", texts[i]);
        assert_null(ring);
        assert_int_equal(err.code, ERR_TOKEN_INVALID);
    }
    memset(long_text, ' ', KEY_RING_JWKS_BYTES_MAX + 1);
    {
        struct key_ring *ring;
        struct err err = ERR_NONE;

        assert_false(
            key_ring_from_jwks(span_of(long_text, KEY_RING_JWKS_BYTES_MAX + 1), &ring, &err));
        assert_non_null(strstr(err.detail, "too long"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_key_is_made_and_kept),
        TEST(a_key_is_published_then_signs_then_verifies_then_goes),
        TEST(a_key_that_comes_late_retires_its_predecessor_from_then_on),
        TEST(taking_a_file_away_retires_its_key_at_once),
        TEST(a_made_key_replaces_no_file),
        TEST(a_name_is_one_time_in_one_spelling),
        TEST(a_file_that_others_can_open_is_refused),
        TEST(one_bad_file_refuses_the_folder),
        TEST(the_same_key_twice_is_refused),
        TEST(a_folder_without_a_key_that_signs_now_is_refused),
        TEST(more_keys_than_a_ring_holds_are_refused),
        TEST(a_ring_from_the_jwks_verifies_and_cannot_sign),
        TEST(the_jwks_tells_public_members_only),
        TEST(keys_of_unknown_kinds_are_left_out),
        TEST(a_malformed_jwks_is_refused),
    };

    return cmocka_run_group_tests_name("key_ring", tests, NULL, NULL);
}
