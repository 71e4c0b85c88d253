/* SPDX-License-Identifier: Apache-2.0 */
/* From replies to public structs, and from arguments to requests: what several methods share. */
#ifndef CLIENT_SRC_PROJECT_H
#define CLIENT_SRC_PROJECT_H

#include "base/arena.h"
#include "client/include/passgate/client.h"

#include "passgate/v1/entitlement.pb-c.h"

enum { BUILD_ARENA_BYTES = 2048 };

/* 0 for NULL. */
int64_t project_timestamp_ms(const Google__Protobuf__Timestamp *timestamp);
/* Rounded down: an age limit is never stretched.  0 for NULL and below. */
int64_t project_duration_ms(const Google__Protobuf__Duration *duration);

/* Numbers that this version does not know become UNSPECIFIED. */
enum passgate_reason project_reason(Passgate__V1__Reason reason);
enum passgate_truth project_truth(Passgate__V1__Truth truth);

/* NULL for NULL. */
const struct passgate_authority *project_authority(const Passgate__V1__Authority *authority,
                                                   struct arena *arena);
const struct passgate_shadow *project_shadow(const Passgate__V1__ShadowAnswer *from,
                                             struct arena *arena);
const struct passgate_resource *project_resource(const Passgate__V1__Resource *resource,
                                                 struct arena *arena);

/* The decision of a check; NULL reads as a refusal. */
void project_decision(const ProtobufCMessage *reply, struct arena *arena, void *value);

/* What a request points to is only read, but protobuf-c has no const: NULL becomes "". */
char *build_text(const char *text);
char **build_texts(const char *const *texts, size_t count, struct arena *arena);
Google__Protobuf__Timestamp *build_timestamp(int64_t ms, struct arena *arena);

/* The request of one check, in the arena. */
Passgate__V1__CheckEntitlementRequest *build_check(const struct passgate_check *check,
                                                   struct arena *arena);

/* A request from a person's JSON; NULL after filling *error with line, column and field. */
ProtobufCMessage *build_from_json(const char *json, const ProtobufCMessageDescriptor *type,
                                  struct arena *arena, struct passgate_error *error);

#endif
