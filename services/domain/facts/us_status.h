/* SPDX-License-Identifier: Apache-2.0 */
/* The status of a person under US law: what every paper leaves possible, and what follows. */
#ifndef DOMAIN_FACTS_US_STATUS_H
#define DOMAIN_FACTS_US_STATUS_H

#include "domain/facts/dossier.h"

/* Fill in the rows of `content` and its FACTS_US_* flags. */
void us_status_derive(const struct dossier *dossier, int32_t today, struct facts_content *content);

/* See facts_possible_us_status(). */
uint8_t us_status_possible(uint16_t flags, const struct facts_us_status *rows, size_t count,
                           enum proof least);

/* How much a fact is worth by what is behind it: comparable, the higher the better. */
int backing_rank(uint8_t proof, uint8_t source);

#endif
