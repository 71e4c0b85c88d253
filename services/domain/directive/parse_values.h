/* SPDX-License-Identifier: Apache-2.0 */
/* The values that tests take: countries and sets of them, organizations, context keys, words. */
#ifndef DOMAIN_DIRECTIVE_PARSE_VALUES_H
#define DOMAIN_DIRECTIVE_PARSE_VALUES_H

#include "domain/directive/build.h"

/* Lists of alpha-3 codes and names of sets.  `ret_list` is the list as it was written; NULL after
 * an error.  A nationality is that of a state; a place includes what belongs to it under the EAR.
 */
const struct country_set *parse_nationalities(struct reader *reader, const struct yaml_node *list,
                                              const char **ret_list);
const struct country_set *parse_birth_places(struct reader *reader, const struct yaml_node *list,
                                             const char **ret_list);
const struct country_set *parse_places(struct reader *reader, const struct yaml_node *list,
                                       const char **ret_list);

/* The United States as a place. */
const struct country_set *parse_united_states(struct reader *reader);

/* The place of a context key in the set; 0 after an error. */
uint8_t parse_context_key(struct reader *reader, const struct yaml_node *node, struct span key);
uint8_t parse_location_key(struct reader *reader, const struct yaml_node *node);

/* Bits (1 << index in `words`) of a list of words. */
uint64_t parse_bits(struct reader *reader, const struct yaml_node *list, const char *what,
                    const char *const *words, size_t word_count, const char **ret_list);
uint64_t parse_evidence_classes(struct reader *reader, const struct yaml_node *list,
                                const char **ret_list);
bool parse_proof(struct reader *reader, const struct yaml_node *node, enum proof *ret_proof);

/* Keys of organizations, as many as the list has entries; `self` is the operator's own. */
const uint64_t *parse_organizations(struct reader *reader, const struct yaml_node *list,
                                    const struct span **ret_ids, const char **ret_list);
uint8_t parse_affiliations(struct reader *reader, const struct yaml_node *list);

#endif
