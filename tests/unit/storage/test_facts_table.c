/* SPDX-License-Identifier: Apache-2.0 */
/* The table of facts: it finds what was put, whatever its size, and nothing else. */
#include "storage/facts_table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SUBJECTS = 5000 };

struct fixture {
    struct facts_table table;
    struct arena arena;
};

static struct fixture the_fixture;

static int set_up(void **state)
{
    facts_table_init(&the_fixture.table);
    arena_init(&the_fixture.arena, 4096);
    *state = &the_fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    facts_table_release(&fixture->table);
    arena_release(&fixture->arena);
    return 0;
}

static struct hash128 hash_of(unsigned subject)
{
    static const struct hash_key key = {.bytes = {1}};

    return keyed_hash(&key, span_of(&subject, sizeof(subject)));
}

/* Facts of a subject: as many citizenships and principals as its number says. */
static struct facts_entry entry_of(struct fixture *fixture, unsigned subject, uint64_t number)
{
    struct facts_content *content = arena_new(&fixture->arena, struct facts_content);
    struct facts_entry entry = {
        .subject = hash_of(subject),
        .number = number,
        .read_at_ms = (int64_t)subject * 1000,
        .partition = (uint16_t)(subject % 64),
        .is_known = subject % 5 != 0,
        .principal_count = (uint8_t)(subject % 7 == 0 ? subject % 17 : 0),
    };
    struct hash128 *principals =
        arena_new_array(&fixture->arena, struct hash128, entry.principal_count);

    content->header.citizenship_count = (uint8_t)(subject % (FACTS_CITIZENSHIPS_MAX + 1));
    content->header.affiliation_count = 1;
    content->header.valid_until_ms = subject;
    content->affiliations[0].organization = number;
    for (unsigned i = 0; i < entry.principal_count; i++)
        principals[i] = hash_of(subject + i);
    entry.principals = principals;
    entry.facts = facts_pack(content, &fixture->arena);
    return entry;
}

static void assert_found(struct fixture *fixture, unsigned subject, uint64_t number)
{
    struct facts_entry wanted = entry_of(fixture, subject, number), found;
    const struct facts_cell *cell = facts_table_find(&fixture->table, hash_of(subject));

    assert_non_null(cell);
    assert_int_equal(facts_cell_number(cell), number);
    assert_int_equal(facts_cell_read_at_ms(cell), wanted.read_at_ms);
    assert_int_equal(facts_cell_valid_until_ms(cell), subject);
    facts_cell_open(cell, &fixture->arena, &found);
    assert_true(hash128_equal(found.subject, wanted.subject));
    assert_int_equal(found.partition, wanted.partition);
    assert_int_equal(found.is_known, wanted.is_known);
    assert_int_equal(found.principal_count, wanted.principal_count);
    for (size_t i = 0; i < found.principal_count; i++)
        assert_true(hash128_equal(found.principals[i], wanted.principals[i]));
    assert_memory_equal(found.facts, wanted.facts, facts_size(&wanted.facts->header));
}

static void what_was_put_last_is_found(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned round = 1; round <= 2; round++)
        for (unsigned i = 0; i < SUBJECTS; i++) {
            struct facts_entry entry = entry_of(fixture, i, i + round);

            facts_table_put(&fixture->table, &entry);
        }
    assert_int_equal(fixture->table.entry_count, SUBJECTS);
    for (unsigned i = 0; i < SUBJECTS; i++)
        assert_found(fixture, i, i + 2);
    assert_null(facts_table_find(&fixture->table, hash_of(SUBJECTS)));
}

static void what_was_removed_is_gone_and_its_place_used_again(void **state)
{
    struct fixture *fixture = *state;
    uint32_t cells;

    for (unsigned i = 0; i < SUBJECTS; i++) {
        struct facts_entry entry = entry_of(fixture, i, 1);

        facts_table_put(&fixture->table, &entry);
    }
    cells = fixture->table.cell_count;
    for (unsigned i = 0; i < SUBJECTS; i += 2)
        assert_true(facts_table_remove(&fixture->table, hash_of(i)));
    assert_false(facts_table_remove(&fixture->table, hash_of(0)));
    for (unsigned i = 0; i < SUBJECTS; i++)
        if (i % 2 == 0)
            assert_null(facts_table_find(&fixture->table, hash_of(i)));
        else
            assert_found(fixture, i, 1);
    for (unsigned i = 0; i < SUBJECTS; i += 2) {
        struct facts_entry entry = entry_of(fixture, SUBJECTS + i, 3);

        facts_table_put(&fixture->table, &entry);
    }
    assert_int_equal(fixture->table.cell_count, cells);
    assert_found(fixture, SUBJECTS, 3);
}

static void a_partition_is_removed_and_the_others_stay(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 640; i++) {
        struct facts_entry entry = entry_of(fixture, i, 1);

        facts_table_put(&fixture->table, &entry);
    }
    assert_int_equal(facts_table_remove_partition(&fixture->table, 3), 10);
    assert_int_equal(fixture->table.entry_count, 630);
    assert_null(facts_table_find(&fixture->table, hash_of(67)));
    assert_found(fixture, 68, 1);
}

static void what_is_looked_at_stays_longer(void **state)
{
    struct fixture *fixture = *state;
    size_t kept = 0;

    assert_false(facts_table_evict(&fixture->table));
    for (unsigned i = 0; i < 100; i++) {
        struct facts_entry entry = entry_of(fixture, i, 1);

        facts_table_put(&fixture->table, &entry);
    }
    for (unsigned i = 0; i < 100; i += 2)
        facts_table_find(&fixture->table, hash_of(i));
    for (size_t i = 0; i < 50; i++)
        assert_true(facts_table_evict(&fixture->table));
    for (unsigned i = 0; i < 100; i += 2)
        kept += facts_table_find(&fixture->table, hash_of(i)) != NULL;
    assert_int_equal(kept, 50);
}

static void an_eviction_ends_although_everything_was_looked_at(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 1000; i++) {
        struct facts_entry entry = entry_of(fixture, i, 1);

        facts_table_put(&fixture->table, &entry);
        facts_table_find(&fixture->table, hash_of(i));
    }
    assert_true(facts_table_evict(&fixture->table));
    assert_int_equal(fixture->table.entry_count, 999);
    assert_true(fixture->table.hand <= FACTS_TABLE_EVICTION_STEPS + 1);
    while (facts_table_evict(&fixture->table))
        ;
    assert_int_equal(fixture->table.entry_count, 0);
    assert_int_equal(fixture->table.overflow_bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_put_last_is_found),
        TEST(what_was_removed_is_gone_and_its_place_used_again),
        TEST(a_partition_is_removed_and_the_others_stay),
        TEST(what_is_looked_at_stays_longer),
        TEST(an_eviction_ends_although_everything_was_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
