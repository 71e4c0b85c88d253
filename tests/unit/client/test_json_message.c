/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as JSON: what comes in goes out, and what is wrong is named. */
#include "base/file.h"
#include "base/json.h"
#include "client/src/json_message.h"

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "passgate/v1/claim.pb-c.h"
#include "passgate/v1/entitlement.pb-c.h"
#include "passgate/v1/verification.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static bool read_text(const char *text, const ProtobufCMessageDescriptor *type, struct arena *arena,
                      ProtobufCMessage **ret_message, struct err *err)
{
    json_t *value;
    bool is_read;

    if (!json_read(span_text(text), &value, err))
        return false;
    is_read = json_message_read(value, type, arena, ret_message, err);
    json_decref(value);
    return is_read;
}

/* Text → message → wire → message → text. */
static char *through_the_wire(const char *text, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message, *again;
    struct arena arena;
    struct err err = ERR_NONE;
    uint8_t *wire;
    size_t length;
    json_t *value;
    char *out;

    arena_init(&arena, 4096);
    if (!read_text(text, type, &arena, &message, &err))
        fail_msg("%s: %s", err.field, err.detail);
    wire = arena_alloc(&arena, protobuf_c_message_get_packed_size(message) + 1);
    length = protobuf_c_message_pack(message, wire);
    again = protobuf_c_message_unpack(type, NULL, length, wire);
    assert_non_null(again);
    assert_true(json_message_write(again, &value, &err));
    out = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    protobuf_c_message_free_unpacked(again, NULL);
    arena_release(&arena);
    return out;
}

static void assert_becomes(const char *text, const char *wanted,
                           const ProtobufCMessageDescriptor *type)
{
    char *out = through_the_wire(text, type);

    assert_string_equal(out, wanted);
    free(out);
}

static void a_submission_goes_through_unchanged(void **state)
{
    static const char text[] =
        "{\"requestId\":\"r-1\",\"subject\":\"alice\",\"subjectKind\":\"SUBJECT_KIND_EMPLOYEE\","
        "\"evidence\":{\"evidenceClass\":\"EVIDENCE_CLASS_PASSPORT\",\"vendor\":\"veriff\","
        "\"checkId\":\"c-1\",\"result\":\"VENDOR_RESULT_PASSED\",\"testMode\":true,"
        "\"verifiedAt\":\"2026-06-12T21:21:00.123456789Z\",\"assuranceLevel\":2,"
        "\"document\":{\"issuer\":\"USA\",\"nationality\":\"USA\",\"proof\":\"PROOF_CHIP\"},"
        "\"us\":{\"endorsement\":\"US_ENDORSEMENT_ABSENT\"},"
        "\"binding\":{\"samePersonHash\":\"AP+/Cg==\"},\"minor\":true},\"dryRun\":true}";

    (void)state;
    assert_becomes(text, text, &passgate__v1__submit_verification_request__descriptor);
}

static void every_spelling_that_proto3_allows_is_read(void **state)
{
    static const struct {
        const char *text, *wanted;
        const ProtobufCMessageDescriptor *type;
    } rows[] = {
        {"{\"request_id\":\"a\",\"dry_run\":true}", "{\"requestId\":\"a\",\"dryRun\":true}",
         &passgate__v1__submit_verification_request__descriptor},
        {"{\"subjectKind\":2,\"subject\":null}", "{\"subjectKind\":\"SUBJECT_KIND_EMPLOYEE\"}",
         &passgate__v1__submit_verification_request__descriptor},
        {"{\"subjectKind\":77}", "{\"subjectKind\":77}",
         &passgate__v1__submit_verification_request__descriptor},
        {"{\"directiveSet\":18446744073709551615}", NULL,
         &passgate__v1__check_entitlement_response__descriptor},
        {"{\"directiveSet\":\"18446744073709551615\"}",
         "{\"directiveSet\":\"18446744073709551615\"}",
         &passgate__v1__check_entitlement_response__descriptor},
        {"{\"directiveSet\":47e2,\"max_age\":\"1.5s\"}",
         "{\"directiveSet\":\"4700\",\"maxAge\":\"1.500s\"}",
         &passgate__v1__check_entitlement_response__descriptor},
        {"{\"pageSize\":-5}", "{\"pageSize\":-5}",
         &passgate__v1__list_entitlements_request__descriptor},
        {"{\"pageSize\":\"12\"}", "{\"pageSize\":12}",
         &passgate__v1__list_entitlements_request__descriptor},
        {"{\"lifetime\":\"-0.000000001s\"}", "{\"lifetime\":\"-0.000000001s\"}",
         &passgate__v1__issue_claim_request__descriptor},
        {"{\"at\":\"2026-06-12T17:21:00-04:00\"}", "{\"at\":\"2026-06-12T21:21:00Z\"}",
         &passgate__v1__explain_entitlement_request__descriptor},
        {"{\"at\":\"1969-12-31T23:59:59.5Z\"}", "{\"at\":\"1969-12-31T23:59:59.500Z\"}",
         &passgate__v1__explain_entitlement_request__descriptor},
        {"{\"samePersonHash\":\"_-8\"}", "{\"samePersonHash\":\"/+8=\"}",
         &passgate__v1__binding__descriptor},
        {"{}", "{}", &passgate__v1__check_entitlement_request__descriptor},
        {"{\"context\":{\"location\":\"USA\",\"a.b\":\"\"},\"alsoSubjects\":[\"x\",\"y\"]}",
         "{\"alsoSubjects\":[\"x\",\"y\"],\"context\":{\"location\":\"USA\",\"a.b\":\"\"}}",
         &passgate__v1__check_entitlement_request__descriptor},
        {"{\"resource\":{}}", "{\"resource\":{}}",
         &passgate__v1__check_entitlement_request__descriptor},
        {"{\"fileByFilename\":\"\"}", "{\"fileByFilename\":\"\"}",
         &grpc__reflection__v1__server_reflection_request__descriptor},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].wanted)
            assert_becomes(rows[i].text, rows[i].wanted, rows[i].type);
}

static void what_is_wrong_is_named_by_its_path(void **state)
{
    static const struct {
        const char *text, *field;
        enum err_code code;
        const char *hint;
    } rows[] = {
        {"[]", "", ERR_MESSAGE_MALFORMED, "an object"},
        {"{\"subjekt\":\"a\"}", "subjekt", ERR_MESSAGE_MALFORMED, "did you mean subject?"},
        {"{\"zzz\":1}", "zzz", ERR_MESSAGE_MALFORMED, "no such field in CheckEntitlementRequest"},
        {"{\"subject\":5}", "subject", ERR_MESSAGE_MALFORMED, "a text"},
        {"{\"resource\":{\"kind\":\"a\"}}", "resource.kind", ERR_MESSAGE_MALFORMED, "no such"},
        {"{\"resource\":[]}", "resource", ERR_MESSAGE_MALFORMED, "an object"},
        {"{\"alsoSubjects\":[\"a\",null]}", "alsoSubjects[1]", ERR_MESSAGE_MALFORMED, "a text"},
        {"{\"alsoSubjects\":\"a\"}", "alsoSubjects", ERR_MESSAGE_MALFORMED, "a list"},
        {"{\"context\":{\"location\":1}}", "context.location", ERR_MESSAGE_MALFORMED, "a text"},
        {"{\"context\":[]}", "context", ERR_MESSAGE_MALFORMED, "an object"},
        {"{\"wantReasons\":\"true\"}", "wantReasons", ERR_MESSAGE_MALFORMED, "true or false"},
        {"{\"wantReasons\":true,\"want_reasons\":true}", "want_reasons", ERR_FIELD_DUPLICATE_KEY,
         "twice"},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ProtobufCMessage *message;
        struct err err = ERR_NONE;

        assert_false(read_text(rows[i].text, &passgate__v1__check_entitlement_request__descriptor,
                               &arena, &message, &err));
        assert_string_equal(err.field, rows[i].field);
        assert_int_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.detail, rows[i].hint));
    }
    arena_release(&arena);
}

static void values_out_of_range_are_refused(void **state)
{
    static const struct {
        const char *text;
        const ProtobufCMessageDescriptor *type;
        enum err_code code;
    } rows[] = {
        {"{\"pageSize\":2147483648}", &passgate__v1__list_entitlements_request__descriptor,
         ERR_FIELD_RANGE},
        {"{\"pageSize\":1.5}", &passgate__v1__list_entitlements_request__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"pageSize\":\"+1\"}", &passgate__v1__list_entitlements_request__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"pageSize\":\"\"}", &passgate__v1__list_entitlements_request__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"directiveSet\":-1}", &passgate__v1__check_entitlement_response__descriptor,
         ERR_FIELD_RANGE},
        {"{\"directiveSet\":\"18446744073709551616\"}",
         &passgate__v1__check_entitlement_response__descriptor, ERR_MESSAGE_MALFORMED},
        {"{\"decision\":\"ALLOW\"}", &passgate__v1__check_entitlement_response__descriptor,
         ERR_FIELD_ENUM},
        {"{\"at\":\"2026-06-12\"}", &passgate__v1__explain_entitlement_request__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"at\":\"2026-06-12T00:00:00.1234567890Z\"}",
         &passgate__v1__explain_entitlement_request__descriptor, ERR_MESSAGE_MALFORMED},
        {"{\"at\":\"0001-01-01T00:00:00+23:00\"}",
         &passgate__v1__explain_entitlement_request__descriptor, ERR_MESSAGE_MALFORMED},
        {"{\"at\":5}", &passgate__v1__explain_entitlement_request__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"lifetime\":\"5\"}", &passgate__v1__issue_claim_request__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"lifetime\":\"-s\"}", &passgate__v1__issue_claim_request__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"lifetime\":\"1.s\"}", &passgate__v1__issue_claim_request__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"lifetime\":\"999999999999s\"}", &passgate__v1__issue_claim_request__descriptor,
         ERR_FIELD_RANGE},
        {"{\"samePersonHash\":\"A\"}", &passgate__v1__binding__descriptor, ERR_MESSAGE_MALFORMED},
        {"{\"samePersonHash\":\"A===\"}", &passgate__v1__binding__descriptor,
         ERR_MESSAGE_MALFORMED},
        {"{\"fileByFilename\":\"a\",\"listServices\":\"b\"}",
         &grpc__reflection__v1__server_reflection_request__descriptor, ERR_FIELD_CONFLICT},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ProtobufCMessage *message;
        struct err err = ERR_NONE;

        if (read_text(rows[i].text, rows[i].type, &arena, &message, &err))
            fail_msg("accepted: %s", rows[i].text);
        if (err.code != rows[i].code)
            fail_msg("%s: %s", rows[i].text, err_reason(err.code));
    }
    arena_release(&arena);
}

static void a_reply_that_has_no_json_form_is_an_error(void **state)
{
    Passgate__V1__CheckEntitlementResponse reply = PASSGATE__V1__CHECK_ENTITLEMENT_RESPONSE__INIT;
    Google__Protobuf__Timestamp never = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration mixed = GOOGLE__PROTOBUF__DURATION__INIT;
    char not_utf8[] = "\xff";
    struct err err = ERR_NONE;
    json_t *value;

    (void)state;
    reply.revision = not_utf8;
    assert_false(json_message_write(&reply.base, &value, &err));
    assert_string_equal(err.field, "revision");
    assert_int_equal(err.code, ERR_FIELD_UTF8);

    reply.revision = (char *)(uintptr_t) "";
    never.seconds = INT64_MAX;
    reply.evaluated_at = &never;
    assert_false(json_message_write(&reply.base, &value, &err));
    assert_string_equal(err.field, "evaluated_at");

    reply.evaluated_at = NULL;
    mixed.seconds = 1;
    mixed.nanos = -1;
    reply.max_age = &mixed;
    assert_false(json_message_write(&reply.base, &value, &err));
    assert_string_equal(err.field, "max_age");
}

static bool is_refused_on_purpose(const char *name)
{
    return strstr(name, "duplicated_key") || strstr(name, "escaped_null") ||
           strstr(name, "null_escape");
}

/* https://github.com/nst/JSONTestSuite: y_ must be read, n_ must not, i_ may be either.  Names that
 * stand twice, and NUL in text, are valid JSON and refused on purpose. */
static void the_json_test_suite_is_answered_and_never_crashes(void **state)
{
    const char *root = getenv("PASSGATE_SOURCE_DIR");
    const char *const *names;
    char folder[512], path[1024];
    struct arena arena;
    size_t count;
    struct err err = ERR_NONE;

    (void)state;
    arena_init(&arena, 64 * 1024);
    snprintf(folder, sizeof(folder), "%s/../shared/vectors/jsontestsuite", root ? root : ".");
    if (!file_list(folder, ".json", &arena, &names, &count, &err)) {
        arena_release(&arena);
        skip();
    }
    for (size_t i = 0; i < count; i++) {
        ProtobufCMessage *message;
        struct span text;
        json_t *value;

        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_true(file_read(path, 1 << 20, &arena, &text, &err));
        if (!json_read(text, &value, &err)) {
            if (names[i][0] == 'y' && !is_refused_on_purpose(names[i]))
                fail_msg("%s is refused: %s", names[i], err.detail);
            continue;
        }
        if (names[i][0] == 'n')
            fail_msg("%s is accepted", names[i]);
        if (json_message_read(value, &passgate__v1__submit_verification_request__descriptor, &arena,
                              &message, &err))
            assert_true(json_object_size(value) == 0);
        json_decref(value);
    }
    arena_release(&arena);
    assert_true(count > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_submission_goes_through_unchanged),
        cmocka_unit_test(every_spelling_that_proto3_allows_is_read),
        cmocka_unit_test(what_is_wrong_is_named_by_its_path),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(a_reply_that_has_no_json_form_is_an_error),
        cmocka_unit_test(the_json_test_suite_is_answered_and_never_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
