/* SPDX-License-Identifier: Apache-2.0 */
/* The wire scan: what it refuses and how it says where; and that protobuf-c takes what it passes.
 */
#include "rpc/wire_scan.h"

#include "base/arena.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "testing.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TREE (&passgate__testing__tree__descriptor)

enum { BYTES_MAX = 4096 };

static void *arena_allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void arena_keep(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

static Passgate__Testing__Tree *unpack(struct arena *arena, struct span bytes)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_keep, arena};

    return passgate__testing__tree__unpack(&allocator, bytes.length, bytes.data);
}

static struct span from_hex(const char *hex, uint8_t *buffer)
{
    assert_true(strlen(hex) / 2 <= BYTES_MAX);
    assert_true(hex_decode(span_text(hex), buffer));
    return span_of(buffer, strlen(hex) / 2);
}

static void what_is_wrong_is_refused_with_its_path(void **state)
{
    static const struct {
        const char *hex;
        enum err_code code;
        const char *field;
    } rows[] = {
        /* Tags, lengths and numbers that are none. */
        {"00", ERR_MESSAGE_MALFORMED, ""},
        {"8000", ERR_MESSAGE_MALFORMED, ""},
        {"02", ERR_MESSAGE_MALFORMED, ""},
        {"0A", ERR_MESSAGE_MALFORMED, "name"},
        {"0A05616263", ERR_MESSAGE_MALFORMED, "name"},
        {"0A8080808080018000", ERR_MESSAGE_MALFORMED, "name"}, /* a length of six bytes */
        {"8A808080800000", ERR_MESSAGE_MALFORMED, ""},         /* a tag of six bytes */
        {"FAFFFFFF7F00", ERR_MESSAGE_MALFORMED, ""},           /* field above 2^29 - 1 */
        {"0B0C", ERR_MESSAGE_MALFORMED, "name"},               /* a group */
        {"B30600", ERR_MESSAGE_MALFORMED, ""},                 /* a group in an unknown field */
        {"0E00", ERR_MESSAGE_MALFORMED, "name"},
        {"0F00", ERR_MESSAGE_MALFORMED, "name"},
        {"38FFFFFFFFFFFFFFFFFFFF01", ERR_MESSAGE_MALFORMED, "fruit"}, /* eleven bytes */
        {"C03E", ERR_MESSAGE_MALFORMED, ""}, /* an unknown number, cut off */
        /* Another wire type than the field's. */
        {"0801", ERR_MESSAGE_MALFORMED, "name"},
        {"3A0101", ERR_MESSAGE_MALFORMED, "fruit"},
        {"4801", ERR_MESSAGE_MALFORMED, "four"},
        {"4D010000", ERR_MESSAGE_MALFORMED, "four"},
        {"5101000000000000", ERR_MESSAGE_MALFORMED, "eight"},
        {"A90100000000000000000A", ERR_MESSAGE_MALFORMED, "single"},
        {"1001", ERR_MESSAGE_MALFORMED, "children"},
        /* Packed arrays. */
        {"2A0180", ERR_MESSAGE_MALFORMED, "packed"},
        {"5A0700000000000000", ERR_MESSAGE_MALFORMED, "doubles"},
        {"3203010107", 0, ""},
        {"3203010207", ERR_FIELD_ENUM, "fruits"},
        /* Text. */
        {"0A03610062", ERR_FIELD_NUL, "name"},
        {"0A0100", ERR_FIELD_NUL, "name"},
        {"0A01FF", ERR_FIELD_UTF8, "name"},
        {"0A02C080", ERR_FIELD_UTF8, "name"},
        {"0A03EDA080", ERR_FIELD_UTF8, "name"},
        {"620300FF80", 0, ""}, /* bytes are bytes */
        {"8A010161"
         "8A0101FF",
         ERR_FIELD_UTF8, "words[1]"},
        {"1A060A01001201"
         "61",
         ERR_FIELD_NUL, "labels[0].key"},
        {"1A060A0161120180", ERR_FIELD_UTF8, "labels[0].value"},
        {"12001200"
         "12050A03610062",
         ERR_FIELD_NUL, "children[2].name"},
        {"AA01070A05120312010A", ERR_MESSAGE_MALFORMED, "single.tree.children[0].children[0].name"},
        /* Enums: any int32, negative ones in ten bytes. */
        {"3801", 0, ""},
        {"3807", 0, ""},
        {"38FDFFFFFFFFFFFFFFFF01", 0, ""},
        {"38FDFFFFFF0F", ERR_FIELD_ENUM, "fruit"}, /* 2^32 - 3 */
        {"3802", ERR_FIELD_ENUM, "fruit"},
        {"388180808010", ERR_FIELD_ENUM, "fruit"}, /* 1, if one looked at 32 bits only */
        {"30013001"
         "3009",
         ERR_FIELD_ENUM, "fruits[2]"},
        /* Once means once. */
        {"0A01610A0161", ERR_FIELD_CONFLICT, "name"},
        {"68016801", ERR_FIELD_CONFLICT, "flag"},
        {"AA0100AA0100", ERR_FIELD_CONFLICT, "single"},
        {"720161"
         "720162",
         ERR_FIELD_CONFLICT, "word"},
        {"720161"
         "800101",
         ERR_FIELD_CONFLICT, "figure"},
        {"800100"
         "7A00",
         ERR_FIELD_CONFLICT, "subtree"},
        {"1A060A01610A0162", ERR_FIELD_CONFLICT, "labels[0].key"},
        /* Map keys. */
        {"1A060A0161120162"
         "1A060A0161120163",
         ERR_FIELD_DUPLICATE_KEY, "labels[1]"},
        {"1A00"
         "1A020A00",
         ERR_FIELD_DUPLICATE_KEY, "labels[1]"},
        {"1A00"
         "1A030A0161",
         0, ""},
        {"22020801"
         "22020802",
         0, ""},
        {"22020801"
         "2203088100",
         ERR_FIELD_DUPLICATE_KEY, "by_number[1]"}, /* 1 in two bytes */
        {"2206088180808010"
         "22020801",
         ERR_FIELD_DUPLICATE_KEY, "by_number[1]"},
        {"2200"
         "22020800",
         ERR_FIELD_DUPLICATE_KEY, "by_number[1]"},
        {"9201020801"
         "9201020802",
         ERR_FIELD_DUPLICATE_KEY, "by_flag[1]"},
        {"9A0109090100000000000000"
         "9A0109090200000000000000",
         0, ""},
        {"9A0109090100000000000000"
         "9A0109090100000000000000",
         ERR_FIELD_DUPLICATE_KEY, "by_eight[1]"},
        {"9A0100"
         "9A0109090000000000000000",
         ERR_FIELD_DUPLICATE_KEY, "by_eight[1]"},
        {"2206080112020A05", ERR_MESSAGE_MALFORMED, "by_number[0].value.name"},
        {"2205080112023802", ERR_MESSAGE_MALFORMED, "by_number[0].value"},
        {"2206080112023802", ERR_FIELD_ENUM, "by_number[0].value.fruit"},
        /* Unknown fields are stepped over, whatever their type. */
        {"C03E01"
         "C23E0161"
         "C13E0000000000000000"
         "C53E00000000",
         0, ""},
        {"", 0, ""},
    };
    uint8_t buffer[BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = ERR_NONE;
        struct span bytes = from_hex(rows[i].hex, buffer);
        bool is_good = wire_scan(TREE, bytes, &wire_limits_default, &err);

        if (err.code != rows[i].code || strcmp(err.field, rows[i].field) != 0)
            print_message("row %zu (%s): %s at '%s'\n", i, rows[i].hex, err_reason(err.code),
                          err.field);
        assert_int_equal(is_good, rows[i].code == ERR_OK);
        assert_int_equal(err.code, rows[i].code);
        assert_string_equal(err.field, rows[i].field);
    }
}

/* Every limit, at it and one above. */
static void every_limit_is_held_to_the_unit(void **state)
{
    static const struct wire_limits limits = {
        .depth_max = 3, .elements_max = 4, .map_entries_max = 2, .fields_max = 8};
    static const struct {
        const char *hex;
        enum err_code code;
        const char *field;
    } rows[] = {
        {"120212001200", 0, ""},
        {"1204120212001200", ERR_FIELD_TOO_DEEP, "children[0].children[0].children[0]"},
        {"12001200"
         "12001200",
         0, ""},
        {"12001200"
         "12001200"
         "1200",
         ERR_FIELD_TOO_MANY, "children[4]"},
        {"2A0401020304", 0, ""},
        {"2A050102030405", ERR_FIELD_TOO_MANY, "packed"},
        {"2A03010203"
         "28042805",
         ERR_FIELD_TOO_MANY, "packed[4]"}, /* both kinds count together */
        {"1A030A01611A030A0162", 0, ""},
        {"1A030A01611A030A01621A030A0163", ERR_FIELD_TOO_MANY, "labels[2]"},
        {"C03E01C03E01C03E01C03E01C03E01C03E01C03E01C03E01", 0, ""},
        {"C03E01C03E01C03E01C03E01C03E01C03E01C03E01C03E01C03E01", ERR_FIELD_TOO_MANY, ""},
        {"120212001206C03E01C03E01"
         "1206C03E01C03E01"
         "C03E01",
         ERR_FIELD_TOO_MANY, ""},
    };
    uint8_t buffer[BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = ERR_NONE;

        (void)!wire_scan(TREE, from_hex(rows[i].hex, buffer), &limits, &err);
        if (err.code != rows[i].code || strcmp(err.field, rows[i].field) != 0)
            print_message("row %zu (%s): %s at '%s'\n", i, rows[i].hex, err_reason(err.code),
                          err.field);
        assert_int_equal(err.code, rows[i].code);
        assert_string_equal(err.field, rows[i].field);
    }
}

static void a_thousand_and_one_elements_are_too_many(void **state)
{
    uint8_t bytes[2 * 1001];
    struct err err = ERR_NONE;

    (void)state;
    for (size_t i = 0; i < 1001; i++)
        memcpy(bytes + 2 * i, "\x12", 2);
    assert_true(wire_scan(TREE, span_of(bytes, 2000), &wire_limits_default, &err));
    assert_false(wire_scan(TREE, span_of(bytes, 2002), &wire_limits_default, &err));
    assert_int_equal(err.code, ERR_FIELD_TOO_MANY);
    assert_string_equal(err.field, "children[1000]");
}

/* A message with everything in it. */
static struct span rich_message(uint8_t *buffer)
{
    Passgate__Testing__Tree leaf = PASSGATE__TESTING__TREE__INIT;
    Passgate__Testing__Tree tree = PASSGATE__TESTING__TREE__INIT;
    Passgate__Testing__Tree *children[] = {&leaf, &leaf};
    Passgate__Testing__Tree__LabelsEntry label = PASSGATE__TESTING__TREE__LABELS_ENTRY__INIT;
    Passgate__Testing__Tree__LabelsEntry empty = PASSGATE__TESTING__TREE__LABELS_ENTRY__INIT;
    Passgate__Testing__Tree__LabelsEntry *labels[] = {&label, &empty};
    Passgate__Testing__Tree__ByNumberEntry number = PASSGATE__TESTING__TREE__BY_NUMBER_ENTRY__INIT;
    Passgate__Testing__Tree__ByNumberEntry *numbers[] = {&number};
    Passgate__Testing__Tree__ByFlagEntry flag = PASSGATE__TESTING__TREE__BY_FLAG_ENTRY__INIT;
    Passgate__Testing__Tree__ByFlagEntry *flags[] = {&flag};
    Passgate__Testing__Tree__ByEightEntry eight = PASSGATE__TESTING__TREE__BY_EIGHT_ENTRY__INIT;
    Passgate__Testing__Tree__ByEightEntry *eights[] = {&eight};
    Passgate__Testing__Single single = PASSGATE__TESTING__SINGLE__INIT;
    uint32_t packed[] = {0, 1, 300, UINT32_MAX};
    Passgate__Testing__Fruit fruits[] = {PASSGATE__TESTING__FRUIT__FRUIT_ROTTEN,
                                         PASSGATE__TESTING__FRUIT__FRUIT_PEAR};
    double doubles[] = {1.5, -2};
    char *words[] = {(char *)"eins", (char *)"", (char *)"zw\xC3\xB6lf"};
    size_t length;

    leaf.name = (char *)"leaf";
    leaf.fruit = PASSGATE__TESTING__FRUIT__FRUIT_APPLE;
    label.key = (char *)"key";
    label.value = (char *)"value";
    number.key = -7;
    number.value = &leaf;
    flag.key = 1;
    flag.value = (char *)"yes";
    eight.key = UINT64_MAX;
    eight.value = (char *)"most";
    single.tree = &leaf;
    tree.name = (char *)"root";
    tree.n_children = ARRAY_LEN(children);
    tree.children = children;
    tree.n_labels = ARRAY_LEN(labels);
    tree.labels = labels;
    tree.n_by_number = ARRAY_LEN(numbers);
    tree.by_number = numbers;
    tree.n_by_flag = ARRAY_LEN(flags);
    tree.by_flag = flags;
    tree.n_by_eight = ARRAY_LEN(eights);
    tree.by_eight = eights;
    tree.n_packed = ARRAY_LEN(packed);
    tree.packed = packed;
    tree.n_fruits = ARRAY_LEN(fruits);
    tree.fruits = fruits;
    tree.fruit = PASSGATE__TESTING__FRUIT__FRUIT_ROTTEN;
    tree.signed_ = -5;
    tree.four = 4;
    tree.eight = 8;
    tree.n_doubles = ARRAY_LEN(doubles);
    tree.doubles = doubles;
    tree.blob = (ProtobufCBinaryData){3, (uint8_t *)"\0\xFF\0"};
    tree.flag = 1;
    tree.choice_case = PASSGATE__TESTING__TREE__CHOICE_SUBTREE;
    tree.subtree = &leaf;
    tree.n_words = ARRAY_LEN(words);
    tree.words = words;
    tree.half = 0.5f;
    tree.single = &single;
    length = passgate__testing__tree__pack(&tree, buffer);
    assert_true(length < BYTES_MAX);
    return span_of(buffer, length);
}

/* What passes can be unpacked, and what comes of packing that passes again. */
static bool scan_and_unpack(struct span bytes, struct arena *arena)
{
    struct err err = ERR_NONE;
    Passgate__Testing__Tree *tree;
    uint8_t *again;
    size_t length;

    if (!wire_scan(TREE, bytes, &wire_limits_default, &err)) {
        assert_true(err.code == ERR_MESSAGE_MALFORMED ||
                    (err.code >= ERR_FIELD_REQUIRED && err.code <= ERR_FIELD_COUNTRY));
        return false;
    }
    tree = unpack(arena, bytes);
    assert_non_null(tree);
    again = arena_alloc(arena, passgate__testing__tree__get_packed_size(tree));
    length = passgate__testing__tree__pack(tree, again);
    if (!wire_scan(TREE, span_of(again, length), &wire_limits_default, &err))
        fail_msg("packed again it is refused: %s at %s", err_reason(err.code), err.field);
    return true;
}

static void a_message_cut_off_anywhere_is_refused_or_whole_fields(void **state)
{
    uint8_t buffer[BYTES_MAX];
    struct span whole = rich_message(buffer);
    size_t passed = 0;
    struct arena arena;

    (void)state;
    arena_init(&arena, 64 * 1024);
    for (size_t length = 0; length <= whole.length; length++) {
        /* A copy of its own, so that a sanitizer sees any look behind the end. */
        uint8_t *part = memory_alloc(length);

        memcpy(part, whole.data, length);
        passed += scan_and_unpack(span_of(part, length), &arena);
        memory_free(part);
        arena_reset(&arena);
    }
    assert_true(scan_and_unpack(whole, &arena));
    assert_in_range(passed, 20, 40); /* its fields end in so many places */
    arena_release(&arena);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void mutate(uint8_t *bytes, size_t *length, uint64_t *seed)
{
    size_t at = next_random(seed) % *length;

    switch (next_random(seed) % 5) {
    case 0: bytes[at] ^= (uint8_t)(1U << next_random(seed) % 8); break;
    case 1: bytes[at] = (uint8_t)next_random(seed); break;
    case 2: memmove(bytes + at, bytes + at + 1, --*length - at); break;
    case 3:
        memmove(bytes + at + 1, bytes + at, (*length)++ - at);
        bytes[at] = (uint8_t)next_random(seed);
        break;
    default: /* a piece once more at the end */
        if (*length < BYTES_MAX / 2) {
            size_t piece = next_random(seed) % 16 % (*length - at) + 1;

            memcpy(bytes + *length, bytes + at, piece);
            *length += piece;
        }
    }
}

static void whatever_passes_unpacks_after_a_hundred_thousand_mutations(void **state)
{
    uint64_t seed = 20260612;
    uint8_t buffer[BYTES_MAX], bytes[BYTES_MAX];
    struct span whole = rich_message(buffer);
    size_t passed = 0, refused = 0;
    struct arena arena;

    (void)state;
    arena_init(&arena, 64 * 1024);
    for (int i = 0; i < 100000; i++) {
        size_t length = whole.length;

        memcpy(bytes, whole.data, length);
        for (uint64_t k = 0; k <= next_random(&seed) % 4; k++)
            mutate(bytes, &length, &seed);
        if (scan_and_unpack(span_of(bytes, length), &arena))
            passed++;
        else
            refused++;
        arena_reset(&arena);
    }
    assert_true(passed > 1000 && refused > 1000);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_refused_with_its_path),
        cmocka_unit_test(every_limit_is_held_to_the_unit),
        cmocka_unit_test(a_thousand_and_one_elements_are_too_many),
        cmocka_unit_test(a_message_cut_off_anywhere_is_refused_or_whole_fields),
        cmocka_unit_test(whatever_passes_unpacks_after_a_hundred_thousand_mutations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
