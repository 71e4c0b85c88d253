/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a record: single values between the stored message and the domain's structs. */
#ifndef STORAGE_RECORD_FIELD_H
#define STORAGE_RECORD_FIELD_H

#include "domain/facts/evidence.h"

#include <protobuf-c/protobuf-c.h>

ProtobufCBinaryData field_bytes(struct span span);

/* 1 (`is_required`) or 0 to `bytes_max` bytes of UTF-8 without control characters. */
MUST_CHECK bool field_text(const ProtobufCBinaryData *bytes, size_t bytes_max, bool is_required,
                           const char *name, struct span *ret_text, struct err *err);

/* Days are stored as days since 0000-12-31, so that 0 can be no day. */
uint32_t field_from_day(int32_t day);
MUST_CHECK bool field_day(uint32_t stored, const char *name, int32_t *ret_day, struct err *err);

/* An instant between the years 1 and 9999. */
MUST_CHECK bool field_check_ms(int64_t ms, const char *name, struct err *err);

/* In record_evidence.c: one piece of evidence; its texts point into the message, and back. */
struct Passgate__Storage__V1__Evidence;
MUST_CHECK bool record_evidence_decode(const struct Passgate__Storage__V1__Evidence *message,
                                       struct evidence *ret_evidence, struct err *err);
void record_evidence_encode(const struct evidence *evidence,
                            struct Passgate__Storage__V1__Evidence *ret_message);

#endif
