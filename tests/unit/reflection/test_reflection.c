/* SPDX-License-Identifier: Apache-2.0 */
/* Reflection: what tools are told, in both packages, whatever they ask. */
#include "reflection/reflection.h"

#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "unit/rpc/echo_client.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define QUESTION(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define ANSWER(name)   GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static const char *const paths[] = {
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
};

static struct reflection *reflection;
static struct echo_server *echo;
static struct core_client *client;
static struct core_call *stream;

static int start_with(const char *path)
{
    struct rpc_service services[1 + REFLECTION_SERVICES];
    struct rpc_options options = echo_options();

    reflection = reflection_new();
    reflection_services(reflection, services);
    options.services = services;
    options.service_count = REFLECTION_SERVICES;
    services[REFLECTION_SERVICES] = *echo_service();
    reflection_list(reflection, services, ARRAY_LEN(services));
    echo = echo_server_start(&options, 4);
    client = core_client_new(echo_server_address(echo));
    stream = core_stream_start(client,
                               &(struct core_start){.path = path, .deadline_ms = 3 * ECHO_WAIT_MS});
    return 0;
}

static int start_v1(void **state)
{
    (void)state;
    return start_with(paths[0]);
}

static int start_v1alpha(void **state)
{
    (void)state;
    return start_with(paths[1]);
}

static int stop(void **state)
{
    grpc_status_code status;

    (void)state;
    core_stream_half_close(stream);
    status = core_call_end(stream);
    core_client_free(client);
    echo_server_stop(echo, 5000);
    reflection_free(reflection);
    return status == GRPC_STATUS_OK ? 0 : -1;
}

static const Grpc__Reflection__V1__ServerReflectionResponse *ask(int question, const char *text)
{
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    const Grpc__Reflection__V1__ServerReflectionResponse *response;

    request.host = (char *)"here";
    request.message_request_case = question;
    if (question == QUESTION(FILE_CONTAINING_EXTENSION)) {
        extension.containing_type = (char *)text;
        extension.extension_number = 1;
        request.file_containing_extension = &extension;
    } else {
        request.list_services = (char *)text; /* all texts are members of one union */
    }
    assert_true(core_stream_send(stream, &request.base));
    response = (const Grpc__Reflection__V1__ServerReflectionResponse *)core_stream_read(
        stream, &grpc__reflection__v1__server_reflection_response__descriptor, ECHO_WAIT_MS);
    assert_non_null(response);
    assert_string_equal(response->valid_host, "here");
    assert_int_equal(response->original_request->message_request_case, question);
    return response;
}

static void expect_error(int question, const char *text, int code)
{
    const Grpc__Reflection__V1__ServerReflectionResponse *response = ask(question, text);

    assert_int_equal(response->message_response_case, ANSWER(ERROR_RESPONSE));
    assert_int_equal(response->error_response->error_code, code);
    assert_true(response->error_response->error_message[0] != '\0');
}

/* Every file comes once, after those that it imports; returns the last one's name. */
static const char *expect_files(const Grpc__Reflection__V1__ServerReflectionResponse *response)
{
    const Grpc__Reflection__V1__FileDescriptorResponse *files = response->file_descriptor_response;
    static Google__Protobuf__FileDescriptorProto *read[32];
    static char name[128];

    assert_int_equal(response->message_response_case, ANSWER(FILE_DESCRIPTOR_RESPONSE));
    assert_in_range(files->n_file_descriptor_proto, 1, ARRAY_LEN(read));
    for (size_t i = 0; i < files->n_file_descriptor_proto; i++) {
        read[i] = google__protobuf__file_descriptor_proto__unpack(
            NULL, files->file_descriptor_proto[i].len, files->file_descriptor_proto[i].data);
        assert_non_null(read[i]);
        for (size_t d = 0; d < read[i]->n_dependency; d++) {
            size_t k = 0;

            while (k < i && strcmp(read[k]->name, read[i]->dependency[d]) != 0)
                k++;
            assert_true(k < i);
        }
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(read[k]->name, read[i]->name);
    }
    strncpy(name, read[files->n_file_descriptor_proto - 1]->name, sizeof(name) - 1);
    for (size_t i = 0; i < files->n_file_descriptor_proto; i++)
        google__protobuf__file_descriptor_proto__free_unpacked(read[i], NULL);
    return name;
}

static void it_lists_exactly_what_is_served(void **state)
{
    static const char *const expected[] = {"grpc.reflection.v1.ServerReflection",
                                           "grpc.reflection.v1alpha.ServerReflection",
                                           "passgate.testing.EchoService"};
    const Grpc__Reflection__V1__ServerReflectionResponse *response =
        ask(QUESTION(LIST_SERVICES), "*");

    (void)state;
    assert_int_equal(response->message_response_case, ANSWER(LIST_SERVICES_RESPONSE));
    assert_int_equal(response->list_services_response->n_service, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        assert_string_equal(response->list_services_response->service[i]->name, expected[i]);
}

static void a_file_is_found_by_everything_that_it_defines(void **state)
{
    static const struct {
        const char *symbol, *file;
    } rows[] = {
        {"passgate.v1.EntitlementService", "passgate/v1/entitlement.proto"},
        {"passgate.v1.EntitlementService.CheckEntitlement", "passgate/v1/entitlement.proto"},
        {"passgate.v1.CheckEntitlementRequest", "passgate/v1/entitlement.proto"},
        {"passgate.v1.CheckEntitlementRequest.subject", "passgate/v1/entitlement.proto"},
        {"passgate.v1.CheckEntitlementRequest.ContextEntry", "passgate/v1/entitlement.proto"},
        {"passgate.v1.Decision", "passgate/v1/entitlement.proto"},
        {"passgate.v1.DECISION_ALLOW", "passgate/v1/entitlement.proto"},
        {"passgate.v1.VerificationService.SubmitVerification", "passgate/v1/verification.proto"},
        {"google.protobuf.Timestamp", "google/protobuf/timestamp.proto"},
        {"grpc.health.v1.Health.Watch", "grpc/health/v1/health.proto"},
        {"grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto"},
        {"grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"},
        {"grpc.reflection.v1alpha.ServerReflectionRequest.message_request",
         "grpc/reflection/v1alpha/reflection.proto"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const Grpc__Reflection__V1__ServerReflectionResponse *response =
            ask(QUESTION(FILE_CONTAINING_SYMBOL), rows[i].symbol);

        if (response->message_response_case != ANSWER(FILE_DESCRIPTOR_RESPONSE))
            fail_msg("%s is not found", rows[i].symbol);
        assert_string_equal(expect_files(response), rows[i].file);
        response = ask(QUESTION(FILE_BY_FILENAME), rows[i].file);
        assert_string_equal(expect_files(response), rows[i].file);
    }
}

static void what_is_not_there_is_not_found_and_the_stream_goes_on(void **state)
{
    static const char *const names[] = {
        "",
        ".",
        "passgate",
        "passgate.v1",
        ".passgate.v1.EntitlementService",
        "passgate.v1.EntitlementService.",
        "passgate.v1.EntitlementServic",
        "passgate.v1.EntitlementService.CheckEntitlement.x",
        "entitlement.proto",
        "../../../etc/passwd",
        "%s%n",
        "\xC3\xB6",
    };
    static char endless[3000];

    (void)state;
    memset(endless, 'a', sizeof(endless) - 1);
    for (size_t i = 0; i <= ARRAY_LEN(names); i++) {
        const char *name = i < ARRAY_LEN(names) ? names[i] : endless;

        expect_error(QUESTION(FILE_CONTAINING_SYMBOL), name, 5);
        expect_error(QUESTION(FILE_BY_FILENAME), name, 5);
        expect_error(QUESTION(ALL_EXTENSION_NUMBERS_OF_TYPE), name, 5);
        expect_error(QUESTION(FILE_CONTAINING_EXTENSION), name, 5);
    }
    expect_error(QUESTION(_NOT_SET), NULL, 3);
}

static void a_message_has_no_extensions(void **state)
{
    const char *name = "passgate.v1.CheckEntitlementRequest";
    const Grpc__Reflection__V1__ServerReflectionResponse *response;

    (void)state;
    expect_error(QUESTION(FILE_CONTAINING_EXTENSION), name, 5);
    expect_error(QUESTION(ALL_EXTENSION_NUMBERS_OF_TYPE), "passgate.v1.EntitlementService", 5);
    response = ask(QUESTION(ALL_EXTENSION_NUMBERS_OF_TYPE), name);
    assert_int_equal(response->message_response_case, ANSWER(ALL_EXTENSION_NUMBERS_RESPONSE));
    assert_string_equal(response->all_extension_numbers_response->base_type_name, name);
    assert_int_equal(response->all_extension_numbers_response->n_extension_number, 0);
}

static void a_question_above_its_bound_ends_the_stream(void **state)
{
    static char endless[8000];
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    (void)state;
    start_with(paths[0]);
    memset(endless, 'a', sizeof(endless) - 1);
    request.host = endless;
    core_stream_send(stream, &request.base);
    assert_end(stream, GRPC_STATUS_RESOURCE_EXHAUSTED);
    core_client_free(client);
    echo_server_stop(echo, 5000);
    reflection_free(reflection);
}

#define IN_BOTH(test)                                      \
    cmocka_unit_test_setup_teardown(test, start_v1, stop), \
        cmocka_unit_test_setup_teardown(test, start_v1alpha, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOTH(it_lists_exactly_what_is_served),
        IN_BOTH(a_file_is_found_by_everything_that_it_defines),
        IN_BOTH(what_is_not_there_is_not_found_and_the_stream_goes_on),
        IN_BOTH(a_message_has_no_extensions),
        cmocka_unit_test(a_question_above_its_bound_ends_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
