/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write about one subject: read the record, change it, write it back if nobody else did
 * meanwhile, together with the request_id, the feed entry and the audit record; try again when
 * somebody did.
 *
 * The audit record of a write that changes the record carries a sealed document about the change
 * (change_document.h), if there is a key to seal it for.
 *
 * The same request_id with the same body gets the same answer for 24 hours, whether or not there
 * was anything to change.
 *
 * What differs from method to method is `change`, which is pure, and `respond`.
 */
#ifndef VERIFICATION_SUBJECT_WRITE_H
#define VERIFICATION_SUBJECT_WRITE_H

#include "rpc/call.h"
#include "storage/record.h"
#include "verification/change_document.h"
#include "verification/verification.h"

enum {
    SUBJECT_WRITE_ATTEMPTS = 8,
    SUBJECT_WRITE_IDS_MAX = 12,
    SUBJECT_WRITE_CIRCUMSTANCES_MAX = 12,
    SUBJECT_WRITE_NOTE_MAX = 64,
};

struct subject_write;

/* What `change` decided. */
enum change_outcome {
    CHANGE_WRITE,   /* the record was changed: write it */
    CHANGE_NOTHING, /* it is as it should be: remember the request, answer */
    CHANGE_REFUSED, /* answer with *err, write nothing */
};

struct subject_write {
    /* Filled by the method. */
    const struct verification_options *options;
    struct rpc_call *call; /* NULL: nobody waits any more */
    struct arena arena;    /* the call's, with the request in it */
    const ProtobufCMessage *request;
    struct span subject;
    struct span request_id;
    bool is_dry_run;
    bool has_check; /* the write is a vendor's word about a check: */
    struct store_key check;
    int64_t said_at_ms;
    enum audit_kind audit_kind;
    struct span audit_ids[SUBJECT_WRITE_IDS_MAX]; /* what the act was about */
    size_t audit_id_count;
    struct circumstance circumstances[SUBJECT_WRITE_CIRCUMSTANCES_MAX]; /* for the document */
    size_t circumstance_count;
    struct span on_behalf_of;  /* an organization, for the record */
    const struct err *failure; /* the answer also when something is written; NULL: respond() */
    void *detail;              /* the method's own, in the arena */
    enum change_outcome (*change)(struct subject_write *write, struct record *record,
                                  struct err *err);
    void (*respond)(struct subject_write *write);

    /* For `change` and `respond`. */
    int64_t now_ms;
    bool is_stored;          /* there was a record before */
    int64_t last_said_at_ms; /* the newest word about the check so far; INT64_MIN: none */
    uint8_t note[SUBJECT_WRITE_NOTE_MAX]; /* what has to be answered again to the same request_id */
    size_t note_length;
    uint64_t number;  /* of the write, or of the state that was found */
    bool is_repeated; /* this request_id had been answered before */

    /* Its own. */
    struct hash128 hash;
    uint16_t partition;
    struct hash128 body; /* keyed: bodies hold numbers that must not be found by trying */
    struct span caller;
    struct span method;
    struct store_request *reading;
    struct store_request *writing;
    int attempts;
};

/* Takes the call's arena.  The method fills the rest and calls subject_write_start(). */
struct subject_write *subject_write_new(struct rpc_call *call, const ProtobufCMessage *request,
                                        const struct verification_options *options);
void subject_write_start(struct subject_write *write);
/* Before the start: the request is wrong. */
void subject_write_refuse(struct subject_write *write, const struct err *err);

void subject_write_note_id(struct subject_write *write, struct span id);
/* Sealed, and not in the record that everybody with the log can read.  `name` is ours. */
void subject_write_note_circumstance(struct subject_write *write, const char *name,
                                     struct span text);

/* The revision of `number`, in the arena. */
char *subject_write_revision(struct subject_write *write);

#endif
