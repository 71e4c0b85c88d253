/* SPDX-License-Identifier: Apache-2.0 */
/* API keys of a caller, as the section `callers` has them: what is kept of each, and until when it
 * is good. */
#ifndef CONFIG_API_KEYS_H
#define CONFIG_API_KEYS_H

#include "config/section.h"

/* Two, so that one can follow the other. */
enum { API_KEYS_MAX = 2 };

struct api_keys {
    bool is_there; /* also when the list is empty: nobody is this caller then */
    const struct config_api_key *rows;
    size_t count;
};

void api_keys_read(struct loader *loader, const struct field *field, const struct yaml_node *value,
                   struct api_keys *ret_keys);

/* An id that begins with this is a caller's by API key, and no other is. */
bool api_keys_is_id(struct span id);

/* A key that two have, and ids that are not of their kind. */
void api_keys_check(struct loader *loader, const struct config_caller *callers, size_t count);

void api_keys_print(const struct config_caller *caller, FILE *stream);

#endif
