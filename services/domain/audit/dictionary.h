/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dictionary of a segment: callers, methods, resources and the like are written once and then
 * named by number.  Numbers count from 1 in the order in which texts are added, so that writer and
 * reader agree without saying more.
 */
#ifndef DOMAIN_AUDIT_DICTIONARY_H
#define DOMAIN_AUDIT_DICTIONARY_H

#include "base/span.h"

enum {
    AUDIT_DICTIONARY_ENTRIES_MAX = 4096,
    AUDIT_DICTIONARY_BYTES_MAX = 512 * 1024,
};

struct audit_dictionary;

struct audit_dictionary *audit_dictionary_new(void);
void audit_dictionary_free(struct audit_dictionary *dictionary);
void audit_dictionary_clear(struct audit_dictionary *dictionary);

/* The number of the text; added when it is new, 0 when it is new and the dictionary is full. */
uint32_t audit_dictionary_intern(struct audit_dictionary *dictionary, struct span text,
                                 bool *ret_is_new);

uint32_t audit_dictionary_count(const struct audit_dictionary *dictionary);

/* `number` from 1 to the count.  Valid until the dictionary is cleared. */
struct span audit_dictionary_text(const struct audit_dictionary *dictionary, uint32_t number);

#endif
