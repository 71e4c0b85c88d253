/* SPDX-License-Identifier: Apache-2.0 */
/* Failures: from a status to code, reason, field and message. */
#include "client/src/failure.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static Google__Protobuf__Any any_of(const char *type, const ProtobufCMessage *message,
                                    uint8_t *buffer)
{
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;

    any.type_url = (char *)(uintptr_t)type;
    any.value.data = buffer;
    any.value.len = protobuf_c_message_pack(message, buffer);
    return any;
}

static void details_give_reason_and_field(void **state)
{
    Google__Rpc__BadRequest__FieldViolation violation =
        GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    Google__Rpc__BadRequest__FieldViolation *violations[] = {&violation};
    Google__Rpc__BadRequest request = GOOGLE__RPC__BAD_REQUEST__INIT;
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    uint8_t first[128], second[128], third[128], wire[512];
    Google__Protobuf__Any anys[3];
    Google__Protobuf__Any *details[] = {&anys[0], &anys[1], &anys[2]};
    struct passgate_error error;
    size_t length;

    (void)state;
    info.reason = (char *)(uintptr_t) "MRZ_CHECK_DIGIT";
    violation.field = (char *)(uintptr_t) "evidence.document.mrz";
    request.field_violations = violations;
    request.n_field_violations = 1;
    anys[0] = any_of("type.googleapis.com/google.rpc.Unheard", &info.base, first);
    anys[1] = any_of("type.googleapis.com/google.rpc.ErrorInfo", &info.base, second);
    anys[2] = any_of("type.googleapis.com/google.rpc.BadRequest", &request.base, third);
    status.details = details;
    status.n_details = 3;
    length = google__rpc__status__pack(&status, wire);
    failure_from_status(&error, 9, "refused", span_of(wire, length));
    assert_int_equal(error.code, PASSGATE_FAILED_PRECONDITION);
    assert_string_equal(error.reason, "MRZ_CHECK_DIGIT");
    assert_string_equal(error.field, "evidence.document.mrz");
    assert_string_equal(error.message, "refused");

    for (size_t cut = 0; cut < length; cut++) /* damaged details never hurt */
        failure_from_status(&error, 9, "refused", span_of(wire, cut));
}

static void without_details_the_code_is_the_reason(void **state)
{
    struct passgate_error error;

    (void)state;
    failure_from_status(&error, 14, "down", span_of("garbage", 7));
    assert_string_equal(error.reason, "UNAVAILABLE");
    assert_string_equal(error.field, "");
    failure_from_status(&error, 4711, "odd", span_of(NULL, 0));
    assert_int_equal(error.code, PASSGATE_UNKNOWN);
    failure_from_status(&error, 0, "an OK is no failure", span_of(NULL, 0));
    assert_int_equal(error.code, PASSGATE_UNKNOWN);
    failure_from_status(NULL, 14, "nobody listens", span_of(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(details_give_reason_and_field),
        cmocka_unit_test(without_details_the_code_is_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
