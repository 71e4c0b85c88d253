/* SPDX-License-Identifier: Apache-2.0 */
/* The keyed hash: the reference vectors of SipHash-2-4-128, and OpenSSL's opinion at every length.
 */
#include "base/attributes.h"
#include "base/keyed_hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LENGTH_MAX = 300 };

static struct hash_key key_of(uint8_t first)
{
    struct hash_key key;

    for (size_t i = 0; i < sizeof(key.bytes); i++)
        key.bytes[i] = (uint8_t)(first + i);
    return key;
}

/* vectors_sip128 of the reference implementation: key 00 01 … 0f, messages "", 00, 00 01, … */
static void the_reference_vectors_hold(void **state)
{
    static const uint8_t expected[][HASH128_BYTES] = {
        {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02,
         0x93},
        {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc,
         0x45},
        {0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc, 0xa3, 0x8b, 0xde, 0xf6, 0x0a, 0xff,
         0xe4},
        {0x9c, 0x70, 0xb6, 0x0c, 0x52, 0x67, 0xa9, 0x4e, 0x5f, 0x33, 0xb6, 0xb0, 0x29, 0x85, 0xed,
         0x51},
    };
    const uint8_t message[] = {0, 1, 2, 3};
    struct hash_key key = key_of(0);

    (void)state;
    for (size_t length = 0; length < ARRAY_LEN(expected); length++) {
        uint8_t bytes[HASH128_BYTES];

        hash128_store(keyed_hash(&key, span_of(message, length)), bytes);
        assert_memory_equal(bytes, expected[length], sizeof(bytes));
    }
}

static void openssl_agrees_at_every_length(void **state)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    uint8_t message[LENGTH_MAX];
    size_t size = HASH128_BYTES;
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                     OSSL_PARAM_construct_end()};

    (void)state;
    assert_non_null(mac);
    for (size_t length = 0; length <= LENGTH_MAX; length++) {
        struct hash_key key = key_of((uint8_t)(length * 7));
        EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
        uint8_t ours[HASH128_BYTES], theirs[HASH128_BYTES];
        size_t written;

        if (length > 0)
            message[length - 1] = (uint8_t)(length * 31);
        assert_int_equal(EVP_MAC_init(context, key.bytes, sizeof(key.bytes), parameters), 1);
        assert_int_equal(EVP_MAC_update(context, message, length), 1);
        assert_int_equal(EVP_MAC_final(context, theirs, &written, sizeof(theirs)), 1);
        EVP_MAC_CTX_free(context);
        assert_int_equal(written, sizeof(theirs));
        hash128_store(keyed_hash(&key, span_of(message, length)), ours);
        assert_memory_equal(ours, theirs, sizeof(ours));
    }
    EVP_MAC_free(mac);
}

static void a_hash_is_read_back_as_it_was_written(void **state)
{
    struct hash128 hash = {UINT64_C(0x0102030405060708), UINT64_C(0x1112131415161718)};
    uint8_t bytes[HASH128_BYTES];

    (void)state;
    hash128_store(hash, bytes);
    assert_int_equal(bytes[0], 0x08);
    assert_int_equal(bytes[15], 0x11);
    assert_true(hash128_equal(hash128_load(bytes), hash));
}

static void one_bit_of_key_or_message_is_another_hash(void **state)
{
    struct hash_key key = key_of(1), other = key;
    struct hash128 hash = keyed_hash(&key, span_text("user-1"));

    (void)state;
    other.bytes[15] ^= 1;
    assert_false(hash128_equal(hash, keyed_hash(&other, span_text("user-1"))));
    assert_false(hash128_equal(hash, keyed_hash(&key, span_text("user-0"))));
    assert_false(hash128_equal(hash, keyed_hash(&key, span_of("user-1\0", 7))));
    assert_true(hash128_equal(hash, keyed_hash(&key, span_text("user-1"))));
    assert_false(hash128_is_zero(hash));
    assert_true(hash128_is_zero((struct hash128){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_vectors_hold),
        cmocka_unit_test(openssl_agrees_at_every_length),
        cmocka_unit_test(a_hash_is_read_back_as_it_was_written),
        cmocka_unit_test(one_bit_of_key_or_message_is_another_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
