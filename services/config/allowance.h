/* SPDX-License-Identifier: Apache-2.0 */
/* Allowances: how much of the service callers and persons may use up, as the sections have it. */
#ifndef CONFIG_ALLOWANCE_H
#define CONFIG_ALLOWANCE_H

#include "config/section.h"

#define ALLOWANCE_CALLS_PER_SECOND  "a number from 1 to 1000000"
#define ALLOWANCE_CALLS_IN_FLIGHT   "a number from 1 to 100000"
#define ALLOWANCE_SUBJECTS_PER_HOUR "a number from 1 to 100000"

/* A whole number from 1 to `max`. */
void allowance_read(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    uint32_t *ret_number, uint32_t max);

void allowance_print(const struct config_allowance *allowance, FILE *stream);

#endif
