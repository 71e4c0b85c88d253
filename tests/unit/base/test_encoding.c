/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings: one value has one text, and UTF-8 is what a naive decoder says it is. */
#include "base/attributes.h"
#include "base/encoding.h"
#include "base/json.h"
#include "unit/base/vectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void base64url_known_answers(void **state)
{
    /* RFC 4648 section 10, in the alphabet of section 5 and without padding. */
    static const struct {
        const char *bytes, *text;
    } rows[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span bytes = span_text(rows[i].bytes);
        uint8_t back[16];
        char text[16];
        size_t length;

        assert_int_equal(base64url_encode(bytes, text), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
        assert_int_equal(base64url_length(bytes.length), strlen(rows[i].text));
        assert_true(base64url_decode(span_text(text), back, &length));
        assert_true(span_equal(span_of(back, length), bytes));
    }
}

static void every_base64url_text_that_decodes_is_the_one_that_encodes(void **state)
{
    static const char characters[] = "ABQgwxz0189-_+/=. \n";
    size_t accepted = 0;

    (void)state;
    for (size_t n = 0; n < sizeof(characters) * sizeof(characters) * sizeof(characters); n++) {
        char text[4], again[8];
        size_t rest = n, length = 0, decoded;
        uint8_t bytes[4];

        for (; length < 3; rest /= sizeof(characters))
            text[length++] = characters[rest % sizeof(characters)];
        for (length = 1; length <= 3; length++) {
            if (!base64url_decode(span_of(text, length), bytes, &decoded))
                continue;
            accepted++;
            assert_int_equal(base64url_encode(span_of(bytes, decoded), again), length);
            assert_memory_equal(text, again, length);
        }
    }
    assert_true(accepted > 0);
}

static void base64url_that_is_not_canonical_is_refused(void **state)
{
    static const char *const texts[] = {"A",    "Zh",   "Zm9=", "Zg==", "Zm 8",
                                        "Zm+v", "Zm/v", "Zm9",  "AAAAA"};
    uint8_t bytes[16];
    size_t length;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(base64url_decode(span_text(texts[i]), bytes, &length));
}

static void hex_goes_there_and_back(void **state)
{
    uint8_t bytes[256], back[256];
    char text[513], upper[513];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    hex_encode(span_of(bytes, sizeof(bytes)), text);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_true(hex_decode(span_text(text), back));
    assert_memory_equal(back, bytes, sizeof(bytes));
    for (size_t i = 0; i <= 512; i++)
        upper[i] = text[i] >= 'a' ? (char)(text[i] - 32) : text[i];
    assert_true(hex_decode(span_text(upper), back));
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void only_hex_digits_in_pairs_are_hex(void **state)
{
    uint8_t bytes[2];

    (void)state;
    assert_false(hex_decode(span_text("abc"), bytes));
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[] = {'0', (uint8_t)c};
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

        assert_int_equal(hex_decode(span_of(text, 2), bytes), is_digit);
    }
}

/* RFC 3629 as it is written, one code point at a time. */
static bool naive_is_utf8(const uint8_t *text, size_t length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    for (size_t i = 0; i < length;) {
        uint8_t lead = text[i];
        size_t size = lead < 0x80             ? 1
                      : (lead & 0xE0) == 0xC0 ? 2
                      : (lead & 0xF0) == 0xE0 ? 3
                      : (lead & 0xF8) == 0xF0 ? 4
                                              : 0;
        uint32_t point = size == 1 ? lead : lead & (0x7FU >> size);

        if (size == 0 || length - i < size)
            return false;
        for (size_t k = 1; k < size; k++) {
            if ((text[i + k] & 0xC0) != 0x80)
                return false;
            point = point << 6 | (text[i + k] & 0x3F);
        }
        if (point < least[size] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
            return false;
        i += size;
    }
    return true;
}

static void utf8_is_what_a_naive_decoder_says(void **state)
{
    static const uint8_t edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                    0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
                                    0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFE, 0xFF};
    const size_t base = ARRAY_LEN(edges);

    (void)state;
    for (size_t n = 0; n < base * base * base * base; n++) {
        uint8_t text[4];
        size_t rest = n;

        for (size_t i = 0; i < sizeof(text); i++, rest /= base)
            text[i] = edges[rest % base];
        if (utf8_is_valid(span_of(text, 4)) != naive_is_utf8(text, 4))
            fail_msg("%02x %02x %02x %02x", text[0], text[1], text[2], text[3]);
    }
}

static void every_code_point_but_the_surrogates_is_utf8(void **state)
{
    (void)state;
    for (uint32_t point = 0x10000; point <= 0x110000; point++) {
        const uint8_t text[] = {(uint8_t)(0xF0 | point >> 18), (uint8_t)(0x80 | (point >> 12 & 63)),
                                (uint8_t)(0x80 | (point >> 6 & 63)),
                                (uint8_t)(0x80 | (point & 63))};

        assert_int_equal(utf8_is_valid(span_of(text, 4)), point <= 0x10FFFF);
    }
    for (uint32_t point = 0x800; point <= 0xFFFF; point++) {
        const uint8_t text[] = {(uint8_t)(0xE0 | point >> 12), (uint8_t)(0x80 | (point >> 6 & 63)),
                                (uint8_t)(0x80 | (point & 63))};

        assert_int_equal(utf8_is_valid(span_of(text, 3)), point < 0xD800 || point > 0xDFFF);
    }
}

static void truncated_sequences_are_refused_at_every_length(void **state)
{
    static const char text[] = "\xf0\x9f\x9b\x82";

    (void)state;
    assert_true(utf8_is_valid(span_of(NULL, 0)));
    for (size_t length = 1; length < 4; length++)
        assert_false(utf8_is_valid(span_of(text, length)));
    assert_true(utf8_is_valid(span_of(text, 4)));
}

static void naughty_strings_are_utf8_and_decode_to_themselves_or_not_at_all(void **state)
{
    struct arena arena;
    json_t *strings;

    (void)state;
    arena_init(&arena, VECTOR_BYTES_MAX);
    strings = vectors_naughty_strings(&arena);
    if (!strings) {
        arena_release(&arena);
        skip();
    }
    for (size_t i = 0; i < json_array_size(strings); i++) {
        const json_t *string = json_array_get(strings, i);
        struct span text = span_of(json_string_value(string), json_string_length(string));
        uint8_t *bytes = arena_alloc(&arena, text.length + 1);
        char *again = arena_alloc(&arena, text.length + 4);
        size_t length;

        assert_true(utf8_is_valid(text));
        if (base64url_decode(text, bytes, &length)) {
            base64url_encode(span_of(bytes, length), again);
            assert_true(span_is(text, again));
        }
    }
    json_decref(strings);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64url_known_answers),
        cmocka_unit_test(every_base64url_text_that_decodes_is_the_one_that_encodes),
        cmocka_unit_test(base64url_that_is_not_canonical_is_refused),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(only_hex_digits_in_pairs_are_hex),
        cmocka_unit_test(utf8_is_what_a_naive_decoder_says),
        cmocka_unit_test(every_code_point_but_the_surrogates_is_utf8),
        cmocka_unit_test(truncated_sequences_are_refused_at_every_length),
        cmocka_unit_test(naughty_strings_are_utf8_and_decode_to_themselves_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
