/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys in PEM. */
#include "keys/key_ring.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* RFC 8037 appendix A.3 has the thumbprint of the second. */
#define PUBLIC_PEM                                                       \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEp830HMdITkMFOeiPzcFBRrVI0oc3\n" \
    "T6gdIBRSKoudjxn0bZE43wbvIbrAWEeh4mNrGtAszilhD17qbNgNxZQk7Q==\n"     \
    "-----END PUBLIC KEY-----\n"                                         \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"     \
    "-----END PUBLIC KEY-----\n"

static const char public_pem[] = PUBLIC_PEM;
static const char public_pem_twice[] = PUBLIC_PEM PUBLIC_PEM;

static void public_keys_in_pem_are_a_ring(void **state)
{
    static const char *const ids[] = {"ak2Ivq2KkJWHdttjFqBR4vFrq_lsytFPSMDX0oYyFMA",
                                      "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"};
    struct key_ring *ring = NULL;
    struct err err = ERR_NONE;

    (void)state;
    if (!key_ring_from_pem(span_text(public_pem), &ring, &err))
        fail_msg("%s", err.detail);
    assert_int_equal(key_ring_count(ring), ARRAY_LEN(ids));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        const struct key *key;

        assert_int_equal(key_ring_find(ring, span_text(ids[i]), INT64_MAX / 2, &key),
                         KEY_RING_FOUND);
        assert_false(key_is_private(key));
    }
    assert_null(key_ring_signer(ring, 0));
    key_ring_unref(ring);
}

static void assert_refused(struct span pem)
{
    struct key_ring *ring = NULL;
    struct err err = ERR_NONE;

    if (key_ring_from_pem(pem, &ring, &err))
        fail_msg("accepted: %.*s", SPAN_FORMAT(pem));
    assert_null(ring);
    assert_int_equal(err.code, ERR_TOKEN_INVALID);
}

static void what_is_no_public_key_in_pem_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "-----BEGIN PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
        "{\"keys\":[]}",
        public_pem_twice,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_refused(span_text(texts[i]));
}

static void a_private_key_is_no_public_one(void **state)
{
    struct err err = ERR_NONE;
    struct arena arena;
    struct span pem;

    (void)state;
    arena_init(&arena, 4096);
    assert_true(key_generate_pem(KEY_ES256, &arena, &pem, &err));
    assert_refused(pem);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_keys_in_pem_are_a_ring),
        cmocka_unit_test(what_is_no_public_key_in_pem_is_refused),
        cmocka_unit_test(a_private_key_is_no_public_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
