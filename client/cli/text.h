/* SPDX-License-Identifier: Apache-2.0 */
/* Results as text for people: what was decided, and what to do next. */
#ifndef CLIENT_CLI_TEXT_H
#define CLIENT_CLI_TEXT_H

#include "client/cli/output.h"

/* "verification is missing"; "" for ALLOWED and for what is not told. */
const char *text_reason(enum passgate_reason reason);
const char *text_truth(enum passgate_truth truth);
enum output_color text_truth_color(enum passgate_truth truth);

/* "model/mythos-5" as the check has it. */
void text_decision(const struct output *output, const struct passgate_check *check,
                   const struct passgate_decision *decision);
void text_explanation(const struct output *output, const struct passgate_check *check,
                      const struct passgate_explanation *explanation);
void text_entitlements(const struct output *output,
                       const struct passgate_entitlements *entitlements);
void text_subject(const struct output *output, const struct passgate_subject *subject);
void text_caller(const struct output *output, const struct passgate_caller *caller);
void text_server(const struct output *output, const struct passgate_server *server);
void text_keys(const struct output *output, const struct passgate_keys *keys);

#endif
