/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: bytes that are wiped when they have been used, and memory that leaves no trace of them
 * on a disk. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"
#include "base/span.h"

/* Overwrite, also where the compiler sees no use in it. */
void secret_wipe(void *memory, size_t length);

/* Whether both are the same, in a time that says nothing about where they differ. */
bool secret_equal(const void *a, const void *b, size_t length);

/* No core file of this process, and no look into its memory by others of the same user. */
MUST_CHECK bool secret_hide_process(struct err *err);

/* Whether this machine has anywhere to swap to. */
bool secret_is_swap_there(void);

/*
 * Keep all memory of the process, what it has and what it will have, out of swap.  Keys are in
 * memory of OpenSSL, GnuTLS and gRPC core as well, and facts about people are no less to be kept:
 * there is no part of it that could be picked.  Pages that were never touched take no memory.
 * CONFIG_INVALID without the right to lock as much as it takes.
 */
MUST_CHECK bool secret_lock_process(struct err *err);

#endif
