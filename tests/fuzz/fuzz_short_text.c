/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of one line that come from outside: revisions, decision ids, trace contexts, instants,
 * days. What is read is written as the same text, but for instants, which have several. */
#include "base/timestamp.h"
#include "interceptors/trace.h"
#include "storage/revision.h"
#include "telemetry/audit.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

static void try_revision(struct span text)
{
    char again[REVISION_TEXT_MAX];
    struct revision revision;
    struct err err = ERR_NONE;

    if (revision_parse(text, "field", &revision, &err))
        expect(span_is(text, revision_format(&revision, again)));
    else
        expect(err.code == ERR_FIELD_CHARACTERS || err.code == ERR_FIELD_REVISION ||
               err.code == ERR_FIELD_TOO_LONG);
}

static void try_decision_id(struct span text)
{
    uint64_t log_id, sequence;
    char again[AUDIT_ID_MAX];

    if (audit_decision_id_parse(text, &log_id, &sequence))
        expect(span_is(text, audit_decision_id(log_id, sequence, again)));
}

static void try_trace(struct span text)
{
    struct trace trace, ours;

    if (!trace_parse(text, &trace))
        return;
    expect(memcmp(text.data + 3, trace.id, TRACE_ID_LENGTH) == 0);
    expect(trace_parse(span_text(trace.parent_for_others), &ours));
    expect(strcmp(ours.id, trace.id) == 0 && strcmp(ours.parent, trace.span) == 0);
}

static void try_times(struct span text)
{
    char again[TIMESTAMP_TEXT_MAX];
    int64_t ms, same_ms;
    int32_t day;

    if (timestamp_parse(text, &ms))
        expect(timestamp_parse(span_text(timestamp_format(ms, again)), &same_ms) && same_ms == ms);
    if (day_parse(text, &day))
        expect(span_is(text, day_format(day, again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);

    try_revision(text);
    try_decision_id(text);
    try_trace(text);
    try_times(text);
    return 0;
}
