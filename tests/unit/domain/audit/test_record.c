/* SPDX-License-Identifier: Apache-2.0 */
/* Audit records: what goes in comes out, and nothing else gets in. */
#include "base/attributes.h"
#include "base/crc32c.h"
#include "domain/audit/record.h"
#include "domain/audit/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct audit_item items[] = {
    {.subject = {1, 2},
     .resource = {(const uint8_t *)"model/fable-5", 13},
     .action = {(const uint8_t *)"use", 3},
     .truth = 2,
     .reason = 1,
     .directive = AUDIT_NO_DIRECTIVE},
    {.subject = {1, 2},
     .resource = {(const uint8_t *)"model/mythos-5", 14},
     .action = {(const uint8_t *)"use", 3},
     .truth = 1,
     .reason = 8,
     .directive = 0,
     .shadow = {2, 1, {(const uint8_t *)"looser ab12", 11}}},
    {.subject = {3, UINT64_MAX},
     .truth = 0,
     .reason = 255,
     .directive = UINT32_MAX - 1,
     .shadow = {0, 255, {(const uint8_t *)"looser ab12", 11}}},
    {.subject = {3, UINT64_MAX}, .reason = 1, .directive = 0, .shadow = {1, 4, {NULL, 0}}},
};

static struct audit_record full_record(void)
{
    static const struct span ids[] = {{(const uint8_t *)"evidence-1", 10}, {NULL, 0}};

    return (struct audit_record){
        .kind = AUDIT_BATCH,
        .flags = AUDIT_STALE_FACTS | AUDIT_WAITED,
        .time_ms = 1781299260123,
        .caller = span_text("spiffe://corp/ns/shop/sa/checkout-1"),
        .method = span_text("BatchCheckEntitlements"),
        .outcome = span_text("ROLE_MISSING"),
        .on_behalf_of = span_text("org/partner-a"),
        .location = span_text("USA"),
        .directive_set = 4711,
        .latency_us = 17,
        .partition = 63,
        .number = UINT64_C(1) << 40 | 12345,
        .items = items,
        .item_count = ARRAY_LEN(items),
        .ids = ids,
        .id_count = ARRAY_LEN(ids),
        .payload = {(const uint8_t *)"\0payload", 8},
        .shadow_set = span_text("cd34"),
    };
}

static void assert_items_equal(const struct audit_item *a, const struct audit_item *b)
{
    assert_true(hash128_equal(a->subject, b->subject));
    assert_true(span_equal(a->resource, b->resource));
    assert_true(span_equal(a->action, b->action));
    assert_int_equal(a->truth, b->truth);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->directive, b->directive);
    assert_int_equal(a->shadow.truth, b->shadow.truth);
    assert_int_equal(a->shadow.reason, b->shadow.reason);
    assert_true(span_equal(a->shadow.directive, b->shadow.directive));
}

static void assert_records_equal(const struct audit_record *a, const struct audit_record *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_true(span_equal(a->caller, b->caller));
    assert_true(span_equal(a->method, b->method));
    assert_true(span_equal(a->outcome, b->outcome));
    assert_true(span_equal(a->on_behalf_of, b->on_behalf_of));
    assert_true(span_equal(a->location, b->location));
    assert_int_equal(a->directive_set, b->directive_set);
    assert_int_equal(a->latency_us, b->latency_us);
    assert_int_equal(a->partition, b->partition);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->item_count, b->item_count);
    for (size_t i = 0; i < a->item_count; i++)
        assert_items_equal(&a->items[i], &b->items[i]);
    assert_int_equal(a->id_count, b->id_count);
    for (size_t i = 0; i < a->id_count; i++)
        assert_true(span_equal(a->ids[i], b->ids[i]));
    assert_true(span_equal(a->payload, b->payload));
    assert_true(span_equal(a->shadow_set, b->shadow_set));
}

static void a_record_comes_back_as_it_was(void **state)
{
    struct audit_record record = full_record(), back;
    struct arena arena;
    struct span bytes;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    assert_true(audit_record_encode(&record, &arena, &bytes, &err));
    assert_true(audit_record_decode(bytes, &arena, &back, &err));
    assert_records_equal(&record, &back);
    record = (struct audit_record){.kind = AUDIT_OPAQUE, .time_ms = -1};
    assert_true(audit_record_encode(&record, &arena, &bytes, &err));
    assert_true(audit_record_decode(bytes, &arena, &back, &err));
    assert_records_equal(&record, &back);
    arena_release(&arena);
}

static void what_nothing_is_tried_beside_takes_no_byte_more(void **state)
{
    struct audit_record record = full_record();
    struct span with, without;
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    record.items = items;
    record.item_count = 1; /* of which nothing was tried */
    assert_true(audit_record_encode(&record, &arena, &with, &err));
    record.shadow_set = span_of(NULL, 0);
    assert_true(audit_record_encode(&record, &arena, &without, &err));
    assert_int_equal(with.length - without.length, strlen("cd34") + 3);
    arena_release(&arena);
}

static void a_shadow_of_a_later_version_is_refused_and_not_guessed_at(void **state)
{
    static const uint8_t heads[] = {1 << 1, 1 << 4 | 1, 0x80};
    struct audit_record back;
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        uint8_t bytes[64], *end;

        end = wire_put_varint(bytes, AUDIT_DECISION);
        end = wire_put_varint(end, 0);
        end = wire_put_varint(end, 1 << 9 | 1 << 13);
        *end++ = 0; /* the item */
        end = wire_put_varint(end, 0);
        end = wire_put_text(end, span_text("cd34"));
        *end++ = heads[i];
        *end++ = 1;
        assert_false(
            audit_record_get(span_of(bytes, (size_t)(end - bytes)), NULL, 0, &arena, &back, &err));
    }
    arena_release(&arena);
}

static void shadows_are_of_a_set(void **state)
{
    static const uint8_t record[] = {AUDIT_SHADOW_ACTIVATED, 0, 0x80, 0x40, 0, 0};
    struct audit_record back;
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    assert_false(audit_record_get(span_of(record, sizeof(record)), NULL, 0, &arena, &back, &err));
    arena_release(&arena);
}

static void a_shadow_names_its_directive_with_its_digest(void **state)
{
    struct span id, digest;

    (void)state;
    audit_shadow_directive(&items[1].shadow, &id, &digest);
    assert_true(span_is(id, "looser") && span_is(digest, "ab12"));
    audit_shadow_directive(&items[0].shadow, &id, &digest);
    assert_true(id.length == 0 && digest.length == 0);
}

static void texts_are_written_once(void **state)
{
    struct audit_dictionary *writer = audit_dictionary_new(), *reader = audit_dictionary_new();
    struct audit_record record = full_record(), back;
    uint8_t bytes[2048];
    struct arena arena;
    size_t lengths[3];
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        uint8_t *end = audit_record_put(bytes, &record, writer, record.time_ms);

        lengths[i] = (size_t)(end - bytes);
        assert_true(audit_record_get(span_of(bytes, lengths[i]), reader, record.time_ms, &arena,
                                     &back, &err));
        assert_records_equal(&record, &back);
    }
    assert_true(lengths[1] + 100 < lengths[0]);
    assert_int_equal(lengths[1], lengths[2]);
    arena_release(&arena);
    audit_dictionary_free(writer);
    audit_dictionary_free(reader);
}

static void a_full_dictionary_costs_room_and_nothing_else(void **state)
{
    struct audit_dictionary *writer = audit_dictionary_new(), *reader = audit_dictionary_new();
    uint8_t bytes[2048];
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    for (int i = 0; i < AUDIT_DICTIONARY_ENTRIES_MAX + 100; i++) {
        struct audit_record record = {.kind = AUDIT_DECISION, .time_ms = i}, back;
        uint8_t *end;

        arena_reset(&arena);
        record.caller = span_text(arena_printf(&arena, "caller-%d", i));
        record.method = span_text("caller-7");
        end = audit_record_put(bytes, &record, writer, 0);
        assert_true(audit_record_get(span_of(bytes, (size_t)(end - bytes)), reader, 0, &arena,
                                     &back, &err));
        assert_records_equal(&record, &back);
    }
    assert_int_equal(audit_dictionary_count(writer), AUDIT_DICTIONARY_ENTRIES_MAX);
    audit_dictionary_clear(writer);
    assert_int_equal(audit_dictionary_count(writer), 0);
    arena_release(&arena);
    audit_dictionary_free(writer);
    audit_dictionary_free(reader);
}

static void a_cut_record_is_refused_wherever_it_is_cut(void **state)
{
    struct audit_record record = full_record(), back;
    struct arena arena;
    struct span bytes;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    assert_true(audit_record_encode(&record, &arena, &bytes, &err));
    for (size_t length = 0; length < bytes.length; length++) {
        /* A copy of exactly that length, so that the sanitizer sees the end. */
        uint8_t *copy = malloc(length ? length : 1);

        memcpy(copy, bytes.data, length);
        err = ERR_NONE;
        assert_false(audit_record_decode(span_of(copy, length), &arena, &back, &err));
        assert_int_equal(err.code, ERR_STORE_CORRUPT);
        free(copy);
    }
    arena_release(&arena);
}

static void what_a_later_version_adds_is_skipped(void **state)
{
    struct audit_record back;
    struct arena arena;
    uint8_t bytes[64], *end;
    struct err err;

    (void)state;
    arena_init(&arena, 4096);
    end = wire_put_varint(bytes, 77);
    end = wire_put_varint(end, wire_zigzag(5));
    end = wire_put_varint(end, 1 << 5 | UINT64_C(1) << 20);
    end = wire_put_varint(end, 99);
    end = wire_put_text(end, span_text("from the future"));
    assert_true(
        audit_record_get(span_of(bytes, (size_t)(end - bytes)), NULL, 0, &arena, &back, &err));
    assert_int_equal(back.kind, 77);
    assert_null(audit_kind_name(back.kind));
    assert_int_equal(back.directive_set, 99);
    arena_release(&arena);
}

static void what_does_not_fit_is_refused_before_it_is_written(void **state)
{
    static const char long_text[AUDIT_TEXT_MAX + 1] = {1};
    struct span long_span = span_of(long_text, sizeof(long_text));
    struct span ids[AUDIT_IDS_MAX + 1] = {{0}};
    struct audit_item item = {.resource = long_span};
    const struct {
        struct audit_record record;
        enum err_code code;
    } rows[] = {
        {{.caller = long_span}, ERR_FIELD_TOO_LONG},
        {{.items = &item, .item_count = 1}, ERR_FIELD_TOO_LONG},
        {{.items = &item, .item_count = AUDIT_ITEMS_MAX + 1}, ERR_FIELD_TOO_MANY},
        {{.ids = ids, .id_count = AUDIT_IDS_MAX + 1}, ERR_FIELD_TOO_MANY},
        {{.payload = span_of(long_text, AUDIT_PAYLOAD_MAX + 1)}, ERR_FIELD_TOO_LONG},
        {{.shadow_set = long_span}, ERR_FIELD_TOO_LONG},
    };
    size_t bytes_max;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = ERR_NONE;

        assert_false(audit_record_measure(&rows[i].record, &bytes_max, &err));
        assert_int_equal(err.code, rows[i].code);
    }
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(audit_kind_name(AUDIT_DECISION), "decision");
    assert_string_equal(audit_kind_name(AUDIT_CLAIM_ISSUED), "claim_issued");
    assert_null(audit_kind_name((enum audit_kind)0));
}

/* RFC 3720, appendix B.4, and the check value of the catalogue. */
static void the_checksum_is_crc32c(void **state)
{
    uint8_t bytes[32];

    (void)state;
    assert_int_equal(crc32c(0, span_text("123456789")), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(crc32c(0, span_of(bytes, sizeof(bytes))), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c(0, span_of(bytes, sizeof(bytes))), 0x62a8ab43);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, span_of(bytes, sizeof(bytes))), 0x46dd794e);
    assert_int_equal(crc32c(crc32c(0, span_of(bytes, 5)), span_of(bytes + 5, 27)), 0x46dd794e);
}

static void the_checksum_is_the_same_with_and_without_the_instruction(void **state)
{
    uint8_t bytes[100];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    for (size_t from = 0; from < 8; from++)
        for (size_t length = 0; length <= sizeof(bytes) - from; length++)
            assert_int_equal(crc32c(5, span_of(bytes + from, length)),
                             crc32c_by_tables(5, span_of(bytes + from, length)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(what_nothing_is_tried_beside_takes_no_byte_more),
        cmocka_unit_test(a_shadow_of_a_later_version_is_refused_and_not_guessed_at),
        cmocka_unit_test(shadows_are_of_a_set),
        cmocka_unit_test(a_shadow_names_its_directive_with_its_digest),
        cmocka_unit_test(texts_are_written_once),
        cmocka_unit_test(a_full_dictionary_costs_room_and_nothing_else),
        cmocka_unit_test(a_cut_record_is_refused_wherever_it_is_cut),
        cmocka_unit_test(what_a_later_version_adds_is_skipped),
        cmocka_unit_test(what_does_not_fit_is_refused_before_it_is_written),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(the_checksum_is_crc32c),
        cmocka_unit_test(the_checksum_is_the_same_with_and_without_the_instruction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
