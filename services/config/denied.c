/* SPDX-License-Identifier: Apache-2.0 */
/* `denied:`: callers that are refused whatever else is said of them. */
#include "config/caller_id.h"
#include "config/value.h"

static void read_id(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    void *row)
{
    caller_id_read(loader, field, value, row);
}

static void keep(struct loader *loader, void *rows, const struct config_place *places, size_t count)
{
    (void)places;
    loader->config->denied = rows;
    loader->config->denied_count = count;
}

static void print(const struct config *config, FILE *stream)
{
    if (config->denied_count == 0)
        fputs("denied: []\n", stream);
    else
        fprintf(stream, "denied:  # file %s\n", config->file);
    for (size_t i = 0; i < config->denied_count; i++) {
        fputs("  - id: ", stream);
        value_print_text((const char *)config->denied[i].data, stream);
        fputc('\n', stream);
    }
}

static const struct field fields[] = {
    {.name = "id",
     .is_required = true,
     .expectation = "a SPIFFE id, such as spiffe://corp.example/ns/shop/sa/checkout, or another "
                    "identity of a certificate",
     .help = "as in `callers`, patterns included; any of the certificate's identities that matches "
             "is enough",
     .read = read_id},
};

static const char *const example[] = {
    "denied:",
    "  - id: spiffe://corp.example/ns/shop/sa/checkout-7",
    NULL,
};

const struct section denied_section = {
    .name = "denied",
    .help = "Callers that are refused whatever `callers` says: for a certificate that must not be "
            "used any more and has not expired.",
    .fields = fields,
    .field_count = ARRAY_LEN(fields),
    .row_size = sizeof(struct span),
    .example = example,
    .keep = keep,
    .print = print,
};
