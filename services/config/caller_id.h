/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of callers, and patterns of them, as the sections have them. */
#ifndef CONFIG_CALLER_ID_H
#define CONFIG_CALLER_ID_H

#include "config/section.h"

/* A SPIFFE id, a pattern of SPIFFE ids with stars in their path, or another identity of a
 * certificate, which is exact.  False with a finding for anything else. */
bool caller_id_read(struct loader *loader, const struct field *field, const struct yaml_node *value,
                    struct span *ret_id);

#endif
