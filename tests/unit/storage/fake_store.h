/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store without a disk whose every step is the test's: what is submitted waits until the test
 * lets it be read, and what was read waits until the test lets it be answered.
 *
 * A subject's facts tell whose they are and which write they are of: subject N is employed by
 * organization "org/N", and is a citizen since day V for the write V.
 */
#ifndef UNIT_STORAGE_FAKE_STORE_H
#define UNIT_STORAGE_FAKE_STORE_H

#include "storage/facts_cache.h"

struct fake_store;

extern const struct names fake_names;

struct fake_store *fake_store_new(void);
/* What still waits is answered STORE_UNAVAILABLE. */
void fake_store_free(struct fake_store *fake);
struct store *fake_store_as_store(struct fake_store *fake);

struct hash128 fake_subject(unsigned subject);

/* Write the record of a subject, as version V; with a change (told at once) or without.  Returns
 * the number of the write. */
uint64_t fake_store_write(struct fake_store *fake, unsigned subject, int32_t version);
uint64_t fake_store_write_untold(struct fake_store *fake, unsigned subject, int32_t version);
void fake_store_tell(struct fake_store *fake, unsigned subject, uint64_t number);
/* … before others with smaller numbers: it will be told again. */
void fake_store_tell_ahead(struct fake_store *fake, unsigned subject, uint64_t number);
void fake_store_tell_reset(struct fake_store *fake);
/* Any record, or any bytes, in the place of the subject's. */
void fake_store_write_record(struct fake_store *fake, const struct record *record);
void fake_store_write_bytes(struct fake_store *fake, struct hash128 subject, struct span value);

/* Requests that wait to be read, and that were submitted ever. */
size_t fake_store_waiting(struct fake_store *fake);
size_t fake_store_submitted(struct fake_store *fake);

/* Read for the oldest (or any) request that waits, or fail it; then answer the oldest that was
 * read.  False when there is none. */
bool fake_store_read(struct fake_store *fake);
bool fake_store_read_any(struct fake_store *fake, uint64_t choice);
bool fake_store_refuse(struct fake_store *fake, enum err_code code);
bool fake_store_answer(struct fake_store *fake);

void fake_store_set_feed_age(struct fake_store *fake, int64_t feed_age_ms);

/* Whose facts these are, and of which version. */
bool fake_facts_are_of(const struct facts *facts, unsigned subject);
int32_t fake_facts_version(const struct facts *facts);

#endif
