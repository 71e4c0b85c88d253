/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: what one looks like, and what is none. */
#include "keys/api_key.h"

#include "base/attributes.h"
#include "base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The bytes 0 to 19 and their checksum. */
#define KNOWN      "pgk_AAECAwQFBgcICQoLDA0ODxAREhPMeevm"
#define KNOWN_HASH "fd11a157836c4f3dae9fcd86861b8ceb1febefce0de87bd89110d24c3c6e3151"

static bool is_key(const char *text)
{
    uint8_t hash[SHA256_BYTES];

    return api_key_hash(span_text(text), hash);
}

static void a_key_has_its_prefix_its_length_and_its_hash(void **state)
{
    char key[API_KEY_MAX], hex[SHA256_HEX_MAX], expected[SHA256_HEX_MAX];
    uint8_t hash[SHA256_BYTES];

    (void)state;
    api_key_make(key);
    assert_int_equal(strlen(key), API_KEY_LENGTH);
    assert_memory_equal(key, "pgk_", 4);
    assert_true(api_key_hash(span_text(key), hash));
    hex_encode(span_of(hash, sizeof(hash)), hex);
    digest_sha256_hex(span_text(key), expected);
    assert_string_equal(hex, expected);
}

/* As `printf %s KEY | sha256sum` has it: what is in configurations stays good. */
static void the_hash_is_that_of_the_text(void **state)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_MAX];

    (void)state;
    assert_true(api_key_hash(span_text(KNOWN), hash));
    hex_encode(span_of(hash, sizeof(hash)), hex);
    assert_string_equal(hex, KNOWN_HASH);
}

static void keys_differ(void **state)
{
    char first[API_KEY_MAX], second[API_KEY_MAX];

    (void)state;
    api_key_make(first);
    api_key_make(second);
    assert_string_not_equal(first, second);
}

/* Whichever character is another one. */
static void a_mistyped_key_is_none(void **state)
{
    char key[API_KEY_MAX] = KNOWN;

    (void)state;
    assert_true(is_key(key));
    for (size_t i = 0; i < API_KEY_LENGTH; i++) {
        char right = key[i];

        key[i] = right == 'A' ? 'B' : 'A';
        if (is_key(key))
            fail_msg("%s", key);
        key[i] = right;
    }
}

static void other_texts_are_no_keys(void **state)
{
    static const char *const texts[] = {
        "",
        "pgk_",
        "Pgk" KNOWN,
        KNOWN "A",
        KNOWN "=",
        "pgk_AAECAwQFBgcICQoLDA0ODxAREhPMeev",
        "pgk_AAECAwQFBgcICQoLDA0ODxAREhP+eevm",
        "PGK_AAECAwQFBgcICQoLDA0ODxAREhPMeevm",
        "pgk_AAECAwQFBgcICQoLDA0ODxAREhPM evm",
        "pgk-AAECAwQFBgcICQoLDA0ODxAREhPMeevm",
        "0123456789abcdef0123456789abcdef0123",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (is_key(texts[i]))
            fail_msg("%s", texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_its_prefix_its_length_and_its_hash),
        cmocka_unit_test(the_hash_is_that_of_the_text),
        cmocka_unit_test(keys_differ),
        cmocka_unit_test(a_mistyped_key_is_none),
        cmocka_unit_test(other_texts_are_no_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
