/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of entries to import: read from the message, and where each of them belongs. */
#ifndef ADMIN_IMPORT_BATCH_H
#define ADMIN_IMPORT_BATCH_H

#include "admin/store_message.h"
#include "admin/store_methods.h"

/* Where an entry goes that says nothing of its subject, when the partitions are others. */
enum { IMPORT_EVERYWHERE = UINT16_MAX };

enum import_outcome {
    IMPORT_SAME, /* until something else is found */
    IMPORT_WRITTEN,
    IMPORT_CONFLICT,
    IMPORT_EXPIRED,
    IMPORT_OWN, /* the register of directives: this realm has its own */
};

struct import_entry {
    struct store_key key;
    int64_t expires_at_ms;
    struct span data;
    uint16_t partition; /* in this store; or IMPORT_EVERYWHERE */
    bool is_twin;       /* its key stands before it in the batch */
    enum import_outcome outcome;
};

struct import_batch {
    struct import_entry entries[STORE_IMPORT_ENTRIES_MAX];
    size_t count;
};

/*
 * Points into the message.  FIELD_… for what could not come from an export: every value is looked
 * at as CheckStore looks at it, because what is written stays.
 */
MUST_CHECK bool import_batch_read(const struct names *names,
                                  const Passgate__V1__ImportStoreRequest *request, int64_t now_ms,
                                  struct arena *arena, struct import_batch *ret_batch,
                                  struct err *err);

/* Is it to be written in this partition, unless it is there already? */
bool import_entry_is_for(const struct import_entry *entry, uint16_t partition);

#endif
