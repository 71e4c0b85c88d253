/* SPDX-License-Identifier: Apache-2.0 */
/* Reflection: one handler for both packages, one function per kind of question. */
#include "reflection/reflection.h"

#include "base/memory.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"
#include "reflection/symbols.h"
#include "rpc/stream.h"
#include "services_desc.h"

#include <stdlib.h>

enum { REQUEST_BYTES_MAX = 4096 };

struct reflection {
    struct arena arena;
    struct symbols symbols;
    const char **services; /* names */
    size_t service_count;
};

typedef void answer_fn(const struct reflection *reflection,
                       const Grpc__Reflection__V1__ServerReflectionRequest *request,
                       Grpc__Reflection__V1__ServerReflectionResponse *response,
                       struct arena *arena);

struct reflection *reflection_new(void)
{
    struct reflection *reflection = memory_new(struct reflection);
    struct err err;

    arena_init(&reflection->arena, 64 * 1024);
    if (!symbols_load(span_of(services_desc, services_desc_length), &reflection->arena,
                      &reflection->symbols, &err))
        abort(); /* the build has made it */
    return reflection;
}

void reflection_free(struct reflection *reflection)
{
    if (!reflection)
        return;
    arena_release(&reflection->arena);
    memory_free(reflection);
}

void reflection_list(struct reflection *reflection, const struct rpc_service *services,
                     size_t count)
{
    reflection->services = arena_new_array(&reflection->arena, const char *, count);
    for (reflection->service_count = 0; reflection->service_count < count;
         reflection->service_count++)
        reflection->services[reflection->service_count] =
            services[reflection->service_count].descriptor->name;
}

static void answer_error(Grpc__Reflection__V1__ServerReflectionResponse *response,
                         enum err_status status, const char *message, struct arena *arena)
{
    Grpc__Reflection__V1__ErrorResponse *error = arena_alloc(arena, sizeof(*error));

    grpc__reflection__v1__error_response__init(error);
    error->error_code = (int32_t)status;
    error->error_message = arena_text(arena, span_text(message));
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response->error_response = error;
}

/* The file and everything that it needs, each once, none before what it needs. */
static void collect(const struct reflection *reflection, const struct proto_file *file,
                    bool *is_taken, Grpc__Reflection__V1__FileDescriptorResponse *files)
{
    size_t index = (size_t)(file - reflection->symbols.files);

    if (is_taken[index])
        return;
    is_taken[index] = true;
    for (size_t i = 0; i < file->dependency_count; i++)
        collect(reflection, file->dependencies[i], is_taken, files);
    files->file_descriptor_proto[files->n_file_descriptor_proto++] =
        (ProtobufCBinaryData){file->bytes.length, (uint8_t *)file->bytes.data};
}

static void answer_file(const struct reflection *reflection, const struct proto_file *file,
                        Grpc__Reflection__V1__ServerReflectionResponse *response,
                        struct arena *arena)
{
    Grpc__Reflection__V1__FileDescriptorResponse *files;
    size_t count = reflection->symbols.file_count;

    if (!file) {
        answer_error(response, ERR_STATUS_NOT_FOUND, "not found", arena);
        return;
    }
    files = arena_alloc(arena, sizeof(*files));
    grpc__reflection__v1__file_descriptor_response__init(files);
    files->file_descriptor_proto = arena_new_array(arena, ProtobufCBinaryData, count);
    collect(reflection, file, arena_new_array(arena, bool, count), files);
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response->file_descriptor_response = files;
}

static void answer_by_name(const struct reflection *reflection,
                           const Grpc__Reflection__V1__ServerReflectionRequest *request,
                           Grpc__Reflection__V1__ServerReflectionResponse *response,
                           struct arena *arena)
{
    answer_file(reflection,
                symbols_find_file(&reflection->symbols, span_text(request->file_by_filename)),
                response, arena);
}

static void answer_by_symbol(const struct reflection *reflection,
                             const Grpc__Reflection__V1__ServerReflectionRequest *request,
                             Grpc__Reflection__V1__ServerReflectionResponse *response,
                             struct arena *arena)
{
    const struct symbol *symbol =
        symbols_find(&reflection->symbols, span_text(request->file_containing_symbol));

    answer_file(reflection, symbol ? symbol->file : NULL, response, arena);
}

/* proto3 has no extensions. */
static void answer_extension(const struct reflection *reflection,
                             const Grpc__Reflection__V1__ServerReflectionRequest *request,
                             Grpc__Reflection__V1__ServerReflectionResponse *response,
                             struct arena *arena)
{
    (void)reflection;
    (void)request;
    answer_error(response, ERR_STATUS_NOT_FOUND, "no extensions", arena);
}

static void answer_extension_numbers(const struct reflection *reflection,
                                     const Grpc__Reflection__V1__ServerReflectionRequest *request,
                                     Grpc__Reflection__V1__ServerReflectionResponse *response,
                                     struct arena *arena)
{
    const struct symbol *symbol =
        symbols_find(&reflection->symbols, span_text(request->all_extension_numbers_of_type));
    Grpc__Reflection__V1__ExtensionNumberResponse *numbers;

    if (!symbol || !symbol->is_message) {
        answer_error(response, ERR_STATUS_NOT_FOUND, "no such message", arena);
        return;
    }
    numbers = arena_alloc(arena, sizeof(*numbers));
    grpc__reflection__v1__extension_number_response__init(numbers);
    numbers->base_type_name = request->all_extension_numbers_of_type;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    response->all_extension_numbers_response = numbers;
}

static void answer_services(const struct reflection *reflection,
                            const Grpc__Reflection__V1__ServerReflectionRequest *request,
                            Grpc__Reflection__V1__ServerReflectionResponse *response,
                            struct arena *arena)
{
    size_t count = reflection->service_count;
    Grpc__Reflection__V1__ListServiceResponse *list = arena_alloc(arena, sizeof(*list));
    Grpc__Reflection__V1__ServiceResponse *rows =
        arena_new_array(arena, Grpc__Reflection__V1__ServiceResponse, count);

    (void)request;
    grpc__reflection__v1__list_service_response__init(list);
    list->service = arena_new_array(arena, Grpc__Reflection__V1__ServiceResponse *, count);
    for (; list->n_service < count; list->n_service++) {
        grpc__reflection__v1__service_response__init(&rows[list->n_service]);
        rows[list->n_service].name = (char *)reflection->services[list->n_service];
        list->service[list->n_service] = &rows[list->n_service];
    }
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response->list_services_response = list;
}

#define QUESTION(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name

static answer_fn *const answers[] = {
    [QUESTION(FILE_BY_FILENAME)] = answer_by_name,
    [QUESTION(FILE_CONTAINING_SYMBOL)] = answer_by_symbol,
    [QUESTION(FILE_CONTAINING_EXTENSION)] = answer_extension,
    [QUESTION(ALL_EXTENSION_NUMBERS_OF_TYPE)] = answer_extension_numbers,
    [QUESTION(LIST_SERVICES)] = answer_services,
};

static void take_item(struct rpc_item *item, const ProtobufCMessage *message, void *context)
{
    const Grpc__Reflection__V1__ServerReflectionRequest *request =
        (const Grpc__Reflection__V1__ServerReflectionRequest *)message;
    Grpc__Reflection__V1__ServerReflectionResponse response =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    size_t question = (size_t)request->message_request_case;
    struct arena *arena = rpc_item_arena(item);

    response.valid_host = request->host;
    response.original_request = (Grpc__Reflection__V1__ServerReflectionRequest *)request;
    if (question < ARRAY_LEN(answers) && answers[question])
        answers[question](context, request, &response, arena);
    else
        answer_error(&response, ERR_STATUS_INVALID_ARGUMENT, "no question", arena);
    rpc_item_reply(item, &response.base);
}

/*
 * v1alpha is v1 under another name: the same messages, field by field, so that what protobuf-c
 * unpacks for the one can be read as the other.  (The answer is packed by its own descriptor.)
 */
#define SAME_PLACE(field)                                                                   \
    _Static_assert(offsetof(Grpc__Reflection__V1__ServerReflectionRequest, field) ==        \
                       offsetof(Grpc__Reflection__V1alpha__ServerReflectionRequest, field), \
                   "the two packages differ")

SAME_PLACE(host);
SAME_PLACE(message_request_case);
SAME_PLACE(file_by_filename);
SAME_PLACE(file_containing_symbol);
SAME_PLACE(file_containing_extension);
SAME_PLACE(all_extension_numbers_of_type);
SAME_PLACE(list_services);
_Static_assert(
    (int)QUESTION(LIST_SERVICES) ==
        (int)GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES,
    "the two packages differ");

static const struct rpc_method methods[] = {
    {
        .name = "ServerReflectionInfo",
        .kind = RPC_BIDI_STREAM,
        .take_item = take_item,
        .roles = UINT32_MAX,
        .request_bytes_max = REQUEST_BYTES_MAX,
        .flags = RPC_IDEMPOTENT | RPC_AGELESS,
    },
};

void reflection_services(struct reflection *reflection,
                         struct rpc_service ret_services[REFLECTION_SERVICES])
{
    const ProtobufCServiceDescriptor *const descriptors[REFLECTION_SERVICES] = {
        &grpc__reflection__v1__server_reflection__descriptor,
        &grpc__reflection__v1alpha__server_reflection__descriptor,
    };

    for (size_t i = 0; i < REFLECTION_SERVICES; i++)
        ret_services[i] = (struct rpc_service){
            .descriptor = descriptors[i],
            .methods = methods,
            .method_count = ARRAY_LEN(methods),
            .context = reflection,
        };
}
