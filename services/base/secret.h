/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: key bytes that come from files, are kept out of swap and core dumps, and are wiped. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"
#include "base/keyed_hash.h"

/* The key for hashes of subject ids: 32 hex digits or 16 raw bytes in a file that only its owner
 * reads. */
MUST_CHECK bool secret_read_hash_key(const char *path, struct hash_key *ret_key, struct err *err);

/* The same, made at first use with mode 0600 when the file is not there. */
MUST_CHECK bool secret_read_or_make_hash_key(const char *path, struct hash_key *ret_key,
                                             struct err *err);

void secret_wipe(void *memory, size_t length);

/* Equal in constant time for equal lengths. */
bool secret_equal(struct span a, struct span b);

#endif
