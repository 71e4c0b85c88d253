/* SPDX-License-Identifier: Apache-2.0 */
/* Allowances. */
#include "config/allowance.h"

void allowance_read(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    uint32_t *ret_number, uint32_t max)
{
    uint32_t number = 0;
    bool is_good = value->kind == YAML_SCALAR && value->text.length > 0;

    for (size_t i = 0; is_good && i < value->text.length; i++) {
        uint8_t c = value->text.data[i];

        is_good = c >= '0' && c <= '9' && number <= max / 10;
        number = number * 10 + (uint32_t)(c - '0');
    }
    if (is_good && number > 0 && number <= max)
        *ret_number = number;
    else
        section_complain(loader, field, value, NULL);
}

void allowance_print(const struct config_allowance *allowance, FILE *stream)
{
    const struct {
        const char *name;
        uint32_t number;
    } rows[] = {
        {"calls_per_second", allowance->calls_per_second},
        {"calls_in_flight", allowance->calls_in_flight},
        {"subjects_per_hour", allowance->subjects_per_hour},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].number > 0)
            fprintf(stream, "    %s: %u\n", rows[i].name, rows[i].number);
}
