/* SPDX-License-Identifier: Apache-2.0 */
/* Which records of the audit log are meant, and which are shown as what. */
#include "audit/record_filter.h"
#include "audit/record_message.h"
#include "base/json.h"
#include "client/src/json_message.h"
#include "domain/directive/evaluate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;
static const struct names names = {.key = {.bytes = {3}}, .partition_count = 1};

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 16 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static bool read_filter(const char *json, struct record_filter *ret_filter, struct err *err)
{
    ProtobufCMessage *request;
    json_t *value;
    bool is_read;

    if (!json_read(span_text(json), &value, err) ||
        !json_message_read(value, &passgate__v1__list_decisions_request__descriptor, &arena,
                           &request, err))
        fail_msg("%s: %s", json, err->detail);
    is_read = record_filter_read((const Passgate__V1__ListDecisionsRequest *)request, &names,
                                 &arena, ret_filter, err);
    json_decref(value);
    return is_read;
}

/* alice was refused and bob was not, in one batch of the gateway's, at 2026-06-12T21:21:00Z. */
static struct audit_record batch(enum audit_kind kind)
{
    struct audit_item *items = arena_new_array(&arena, struct audit_item, 2);

    for (size_t i = 0; i < 2; i++)
        items[i] = (struct audit_item){
            .subject = names_subject_hash(&names, span_text(i == 0 ? "alice" : "bob")),
            .resource = span_text("model/mythos-5"),
            .action = span_text("use"),
            .truth = i == 0 ? TRUTH_FALSE : TRUTH_TRUE,
            .reason = i == 0 ? DECISION_REASON_NOT_PERMITTED : DECISION_REASON_ALLOWED,
            .directive = i == 0 ? 4 : AUDIT_NO_DIRECTIVE,
            .shadow = {TRUTH_TRUE, DECISION_REASON_ALLOWED, span_text("looser ab12")},
        };
    return (struct audit_record){
        .kind = kind,
        .flags = AUDIT_WAITED,
        .time_ms = INT64_C(1781299260000),
        .caller = span_text("gateway"),
        .method = span_text("BatchCheckEntitlements"),
        .directive_set = 7,
        .latency_us = 1234567,
        .number = 42,
        .shadow_set = span_text("cd34"),
        .items = items,
        .item_count = 2,
    };
}

static void what_is_asked_for_must_hold(void **state)
{
    static const struct {
        const char *json;
        bool is_taken;
    } rows[] = {
        {"{}", true},
        {"{\"caller\": \"gateway\"}", true},
        {"{\"caller\": \"gate\"}", false},
        {"{\"subject\": \"alice\"}", true},
        {"{\"subject\": \"carol\"}", false},
        {"{\"resource\": {\"type\": \"model\", \"id\": \"mythos-5\"}}", true},
        {"{\"resource\": {\"type\": \"model\", \"id\": \"mythos\"}}", false},
        {"{\"decision\": \"DECISION_ALLOW\"}", true},
        {"{\"decision\": \"DECISION_DENY\"}", true},
        {"{\"subject\": \"alice\", \"decision\": \"DECISION_DENY\"}", true},
        {"{\"subject\": \"alice\", \"decision\": \"DECISION_ALLOW\"}", false},
        {"{\"shadow_differs\": true}", true}, /* of alice, not of bob */
        {"{\"shadow_differs\": true, \"subject\": \"alice\"}", true},
        {"{\"shadow_differs\": true, \"subject\": \"bob\"}", false},
        {"{\"from\": \"2026-06-12T21:21:00Z\"}", true},
        {"{\"from\": \"2026-06-12T21:21:00.001Z\"}", false},
        {"{\"until\": \"2026-06-12T21:21:00Z\"}", false},
        {"{\"until\": \"2026-06-12T21:21:00.001Z\"}", true},
    };
    const struct audit_record record = batch(AUDIT_BATCH);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct record_filter filter;
        struct err err = ERR_NONE;

        assert_true(read_filter(rows[i].json, &filter, &err));
        if (record_filter_takes(&filter, &record) != rows[i].is_taken)
            fail_msg("%s", rows[i].json);
    }
}

static void writes_are_no_decisions(void **state)
{
    const struct audit_record write = batch(AUDIT_EVIDENCE_REVOKED);
    struct record_filter filter;
    struct err err = ERR_NONE;

    (void)state;
    assert_true(read_filter("{}", &filter, &err));
    assert_false(record_filter_takes(&filter, &write));
    assert_true(read_filter("{\"all_kinds\": true}", &filter, &err));
    assert_true(record_filter_takes(&filter, &write));
}

/* A refused call has no decision: it is neither of the two. */
static void an_error_is_neither_allow_nor_deny(void **state)
{
    static const char *const filters[] = {"{\"decision\": \"DECISION_ALLOW\"}",
                                          "{\"decision\": \"DECISION_DENY\"}"};
    const struct audit_item item = {.truth = TRUTH_UNKNOWN, .directive = AUDIT_NO_DIRECTIVE};
    const struct audit_record record = {
        .kind = AUDIT_REFUSAL, .items = &item, .item_count = 1, .time_ms = 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        struct record_filter filter;
        struct err err = ERR_NONE;

        assert_true(read_filter(filters[i], &filter, &err));
        assert_false(record_filter_takes(&filter, &record));
    }
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *json, *field;
    } rows[] = {
        {"{\"subject\": \"a b\"}", "subject"},
        {"{\"resource\": {\"id\": \"x\"}}", "resource.type"},
        {"{\"resource\": {\"type\": \"x\"}}", "resource.id"},
        {"{\"decision\": 7}", "decision"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct record_filter filter;
        struct err err = ERR_NONE;

        assert_false(read_filter(rows[i].json, &filter, &err));
        assert_string_equal(err.field, rows[i].field);
    }
}

static void a_record_is_shown_whole(void **state)
{
    const struct audit_entry entry = {
        .log_id = 0xABC, .sequence = 17, .record = batch(AUDIT_BATCH)};
    const Passgate__V1__AuditRecord *record = record_message(&entry, NULL, &arena);

    (void)state;
    assert_string_equal(record->decision_id, "0000000000000abc-17");
    assert_string_equal(record->kind, "batch");
    assert_int_equal(record->time->seconds, 1781299260);
    assert_string_equal(record->caller, "gateway");
    assert_int_equal(record->directive_set, 7);
    assert_int_equal(record->latency->seconds, 1);
    assert_int_equal(record->latency->nanos, 234567000);
    assert_string_not_equal(record->revision, "");
    assert_true(record->waited);
    assert_false(record->stale);
    assert_int_equal(record->n_items, 2);
    assert_int_equal(record->items[0]->decision, PASSGATE__V1__DECISION__DECISION_DENY);
    assert_int_equal(record->items[0]->reason, PASSGATE__V1__REASON__REASON_NOT_PERMITTED);
    assert_int_equal(record->items[0]->truth, PASSGATE__V1__TRUTH__TRUTH_FALSE);
    assert_int_equal(record->items[0]->directive_position, 5);
    assert_string_equal(record->items[0]->directive, ""); /* of a set that is not in force */
    assert_int_equal(strlen(record->items[0]->subject), 32);
    assert_string_equal(record->shadow_set_digest, "cd34");
    assert_int_equal(record->items[0]->shadow->truth, PASSGATE__V1__TRUTH__TRUTH_TRUE);
    assert_int_equal(record->items[0]->shadow->reason, PASSGATE__V1__REASON__REASON_ALLOWED);
    assert_int_equal(record->items[0]->shadow->comparison,
                     PASSGATE__V1__SHADOW_COMPARISON__SHADOW_COMPARISON_LOOSENS);
    assert_string_equal(record->items[0]->shadow->directive, "looser");
    assert_string_equal(record->items[0]->shadow->directive_digest, "ab12");
    assert_int_equal(record->items[1]->shadow->comparison,
                     PASSGATE__V1__SHADOW_COMPARISON__SHADOW_COMPARISON_AGREES);
    assert_string_equal(record->items[1]->resource->id, "mythos-5");
    assert_int_equal(record->items[1]->decision, PASSGATE__V1__DECISION__DECISION_ALLOW);
    assert_int_equal(record->items[1]->directive_position, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_must_hold),
        cmocka_unit_test(writes_are_no_decisions),
        cmocka_unit_test(an_error_is_neither_allow_nor_deny),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_record_is_shown_whole),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
