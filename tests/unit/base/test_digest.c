/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256: the known answers of FIPS 180. */
#include "base/attributes.h"
#include "base/digest.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void known_answers_are_given(void **state)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char hex[SHA256_HEX_MAX];

        digest_sha256_hex(span_text(rows[i].text), hex);
        assert_string_equal(hex, rows[i].hex);
    }
}

static void a_million_letters_give_the_known_answer(void **state)
{
    size_t length = 1000000;
    uint8_t *letters = memory_alloc(length);
    char hex[SHA256_HEX_MAX];

    (void)state;
    memset(letters, 'a', length);
    digest_sha256_hex(span_of(letters, length), hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    memory_free(letters);
}

static void the_hex_form_is_that_of_the_bytes(void **state)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_MAX];

    (void)state;
    digest_sha256(span_text("abc"), digest);
    digest_sha256_hex(span_text("abc"), hex);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        char pair[3];

        snprintf(pair, sizeof(pair), "%02x", digest[i]);
        assert_memory_equal(hex + 2 * i, pair, 2);
    }
}

static void pieces_give_the_same_as_the_whole(void **state)
{
    struct digest *digest = digest_new();
    char hex[SHA256_HEX_MAX], whole[SHA256_HEX_MAX];

    (void)state;
    digest_hex(digest, hex);
    digest_sha256_hex(span_text(""), whole);
    assert_string_equal(hex, whole);
    digest_add(digest, span_text("a"));
    digest_hex(digest, hex); /* looking changes nothing */
    digest_add(digest, span_text(""));
    digest_add(digest, span_text("bc"));
    digest_hex(digest, hex);
    digest_sha256_hex(span_text("abc"), whole);
    assert_string_equal(hex, whole);
    digest_free(digest);
    digest_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_are_given),
        cmocka_unit_test(a_million_letters_give_the_known_answer),
        cmocka_unit_test(the_hex_form_is_that_of_the_bytes),
        cmocka_unit_test(pieces_give_the_same_as_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
