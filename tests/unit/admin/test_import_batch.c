/* SPDX-License-Identifier: Apache-2.0 */
/* A batch to import: where its entries belong, and what is refused before anything is written. */
#include "admin/import_batch.h"

#include "base/timestamp.h"
#include "storage/claim_record.h"
#include "storage/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1781299260000)

enum { PARTITIONS = 4 };

static const struct names names = {.key = {{7}}, .partition_count = PARTITIONS};

/* One request with room for its entries. */
struct fixture {
    struct arena arena;
    char hash_key[NAMES_KEY_TEXT_MAX];
    Passgate__V1__ImportStoreRequest request;
    Passgate__V1__StoreEntry entries[STORE_IMPORT_ENTRIES_MAX + 1];
    Passgate__V1__StoreEntry *list[STORE_IMPORT_ENTRIES_MAX + 1];
    struct import_batch batch;
    struct err err;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.batch.count = 0};
    arena_init(&fixture.arena, 4096);
    passgate__v1__import_store_request__init(&fixture.request);
    names_key_text(&names, fixture.hash_key);
    fixture.request.hash_key = fixture.hash_key;
    fixture.request.partitions = PARTITIONS;
    fixture.request.entries = fixture.list;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(&((struct fixture *)*state)->arena);
    return 0;
}

static Passgate__V1__StoreEntry *add(struct fixture *fixture, struct store_key key,
                                     struct span data, int64_t expires_at_ms)
{
    Passgate__V1__StoreEntry *entry = &fixture->entries[fixture->request.n_entries];

    passgate__v1__store_entry__init(entry);
    entry->space = store_space_message(key.space);
    entry->hash = store_hash_text(key.id, &fixture->arena);
    entry->expires_at_ms = expires_at_ms;
    entry->data = store_bytes(data);
    fixture->list[fixture->request.n_entries++] = entry;
    return entry;
}

static bool read(struct fixture *fixture)
{
    return import_batch_read(&names, &fixture->request, NOW_MS, &fixture->arena, &fixture->batch,
                             &fixture->err);
}

static void assert_refused(struct fixture *fixture, enum err_code code, const char *field)
{
    assert_false(read(fixture));
    assert_string_equal(err_reason(fixture->err.code), err_reason(code));
    assert_string_equal(fixture->err.field, field);
}

static struct hash128 alice(void)
{
    return names_subject_hash(&names, span_text("alice"));
}

static struct span record_of(struct fixture *fixture, const char *principal)
{
    struct span principals[] = {span_text(principal)};
    const struct record record = {
        .subject = span_text("alice"),
        .hash = alice(),
        .kind = SUBJECT_SERVICE,
        .principals = principals,
        .principal_count = 1,
    };

    return record_encode(&record, &fixture->arena);
}

static struct span check_of(struct fixture *fixture, struct hash128 subject)
{
    uint8_t *value = arena_zalloc(&fixture->arena, HASH128_BYTES + sizeof(int64_t));

    hash128_store(subject, value);
    return span_of(value, HASH128_BYTES + sizeof(int64_t));
}

static struct store_key request_key(void)
{
    return names_request(&names, span_text("caller"), span_text("method"), span_text("id"));
}

static void each_entry_goes_where_it_will_be_looked_for(void **state)
{
    struct fixture *fixture = *state;
    struct store_key claim = names_claim(&names, span_text("jti"));
    const struct claim_record record = {.jti = span_text("jti")};

    fixture->request.partitions = 2; /* where they come from */
    add(fixture, names_subject(alice()), record_of(fixture, "bob"), 0);
    add(fixture, names_check(&names, span_text("veriff"), span_text("1")),
        check_of(fixture, alice()), 0);
    add(fixture, claim, claim_record_encode(&record, &fixture->arena), NOW_MS + 1);
    add(fixture, request_key(), span_text("0123456789abcdef"), NOW_MS + 1);
    add(fixture, names_realm(&names, span_text("directives")), span_text("{}"), 0);
    assert_true(read(fixture));
    assert_int_equal(fixture->batch.count, 5);
    assert_int_equal(fixture->batch.entries[0].partition, names_partition(&names, alice()));
    assert_int_equal(fixture->batch.entries[1].partition, names_partition(&names, alice()));
    assert_int_equal(fixture->batch.entries[2].partition, names_partition(&names, claim.id));
    assert_int_equal(fixture->batch.entries[3].partition, IMPORT_EVERYWHERE);
    assert_int_equal(fixture->batch.entries[4].outcome, IMPORT_OWN);
    for (uint16_t i = 0; i < PARTITIONS; i++) {
        assert_int_equal(import_entry_is_for(&fixture->batch.entries[0], i),
                         i == names_partition(&names, alice()));
        assert_true(import_entry_is_for(&fixture->batch.entries[3], i));
        assert_false(import_entry_is_for(&fixture->batch.entries[4], i));
    }
}

static void a_remembered_request_stays_in_its_partition_among_as_many(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, request_key(), span_text("0123456789abcdef"), NOW_MS + 1)->partition = 3;
    assert_true(read(fixture));
    assert_int_equal(fixture->batch.entries[0].partition, 3);
}

static void what_has_expired_is_for_nowhere(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, request_key(), span_text("short"), NOW_MS);
    assert_true(read(fixture));
    assert_int_equal(fixture->batch.entries[0].outcome, IMPORT_EXPIRED);
    for (uint16_t i = 0; i < PARTITIONS; i++)
        assert_false(import_entry_is_for(&fixture->batch.entries[0], i));
}

static void a_key_that_stands_twice_is_written_once(void **state)
{
    static const enum import_outcome outcomes[] = {IMPORT_SAME, IMPORT_SAME, IMPORT_CONFLICT};
    struct fixture *fixture = *state;
    uint16_t partition = names_partition(&names, alice());

    add(fixture, names_subject(alice()), record_of(fixture, "bob"), 0);
    add(fixture, names_subject(alice()), record_of(fixture, "bob"), 0);
    add(fixture, names_subject(alice()), record_of(fixture, "carol"), 0);
    assert_true(read(fixture));
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        assert_int_equal(fixture->batch.entries[i].outcome, outcomes[i]);
        assert_int_equal(import_entry_is_for(&fixture->batch.entries[i], partition), i == 0);
    }
}

static void another_hash_key_is_refused(void **state)
{
    struct fixture *fixture = *state;

    fixture->hash_key[0] = fixture->hash_key[0] == '0' ? '1' : '0';
    assert_refused(fixture, ERR_HASH_KEY_OTHER, "");
}

static void what_no_export_says_is_refused_with_its_place(void **state)
{
    struct fixture *fixture = *state;
    Passgate__V1__StoreEntry *entry =
        add(fixture, names_subject(alice()), record_of(fixture, "bob"), 0);
    const Passgate__V1__StoreEntry good = *entry;

    entry->space = PASSGATE__V1__STORE_SPACE__STORE_SPACE_CLAIM_CACHE;
    assert_refused(fixture, ERR_FIELD_ENUM, "entries[0].space");
    *entry = good;
    entry->hash = (char *)"0";
    assert_refused(fixture, ERR_FIELD_CHARACTERS, "entries[0].hash");
    *entry = good;
    entry->data.len = STORE_VALUE_BYTES_MAX + 1;
    assert_refused(fixture, ERR_FIELD_RANGE, "entries[0].data");
    *entry = good;
    entry->data.len = 0;
    assert_refused(fixture, ERR_FIELD_RANGE, "entries[0].data");
    *entry = good;
    entry->data.len--;
    assert_refused(fixture, ERR_FIELD_RANGE, "entries[0].data");
    *entry = good;
    entry->partition = PARTITIONS;
    assert_refused(fixture, ERR_FIELD_RANGE, "entries[0].partition");
    *entry = good;
    fixture->request.partitions = STORE_PARTITIONS_MAX + 1;
    assert_refused(fixture, ERR_FIELD_RANGE, "partitions");
    fixture->request.partitions = PARTITIONS;
    assert_true(read(fixture));
}

static void the_record_of_another_subject_is_refused(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, names_subject(names_subject_hash(&names, span_text("bob"))),
        record_of(fixture, "carol"), 0);
    assert_refused(fixture, ERR_FIELD_RANGE, "entries[0].data");
}

static void a_batch_has_so_many_entries_and_no_more(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i <= STORE_IMPORT_ENTRIES_MAX; i++) {
        char id[8];

        assert_true(read(fixture));
        snprintf(id, sizeof(id), "%zu", i);
        add(fixture, names_check(&names, span_text("veriff"), span_text(id)),
            check_of(fixture, alice()), 0);
    }
    assert_refused(fixture, ERR_FIELD_TOO_MANY, "entries");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_entry_goes_where_it_will_be_looked_for),
        TEST(a_remembered_request_stays_in_its_partition_among_as_many),
        TEST(what_has_expired_is_for_nowhere),
        TEST(a_key_that_stands_twice_is_written_once),
        TEST(another_hash_key_is_refused),
        TEST(what_no_export_says_is_refused_with_its_place),
        TEST(the_record_of_another_subject_is_refused),
        TEST(a_batch_has_so_many_entries_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
