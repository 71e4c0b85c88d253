/* SPDX-License-Identifier: Apache-2.0 */
/* Is one entry of the store as it should be? */
#include "storage/entry_check.h"

#include "base/timestamp.h"
#include "storage/claim_record.h"
#include "storage/record.h"

#include <stdarg.h>
#include <stdio.h>

enum { CHECK_BYTES = HASH128_BYTES + sizeof(int64_t), SPACES = STORE_REALM + 1 };

/* One entry and what is known of it so far. */
struct examination {
    const struct names *names;
    uint16_t partition;
    const struct store_entry *entry;
    struct arena *arena;
    struct entry_check *check;
};

static void find(struct examination *examination, enum entry_problem problem, const char *format,
                 ...) PRINTF_LIKE(3, 4);

static void find(struct examination *examination, enum entry_problem problem, const char *format,
                 ...)
{
    struct entry_check *check = examination->check;
    struct entry_finding *finding;
    va_list arguments;

    if (check->finding_count == ENTRY_FINDINGS_MAX)
        return;
    finding = &check->findings[check->finding_count++];
    finding->problem = problem;
    va_start(arguments, format);
    vsnprintf(finding->detail, sizeof(finding->detail), format, arguments);
    va_end(arguments);
}

static void ask(struct examination *examination, struct store_key key)
{
    if (examination->check->question_count < ENTRY_QUESTIONS_MAX)
        examination->check->questions[examination->check->question_count++] = key;
}

/* Where everybody looks for what has this hash. */
static void expect_partition_of(struct examination *examination, struct hash128 hash)
{
    uint16_t right = names_partition(examination->names, hash);

    if (right != examination->partition)
        find(examination, ENTRY_PARTITION_WRONG, "in partition %u instead of %u",
             examination->partition, right);
}

static void examine_subject(struct examination *examination)
{
    const struct store_entry *entry = examination->entry;
    struct hash128 owner;
    struct record record;
    struct err err;

    expect_partition_of(examination, entry->key.id);
    if (record_decode(entry->value.data, entry->key.id, examination->arena, &record, &err)) {
        for (size_t i = 0; i < record.evidence_count; i++)
            ask(examination, names_check(examination->names, record.evidence[i].vendor,
                                         record.evidence[i].check_id));
        return;
    }
    if (record_owner(entry->value.data, examination->arena, &owner) &&
        !hash128_equal(owner, entry->key.id))
        find(examination, ENTRY_DATA_FOREIGN, "the record belongs to another subject");
    else
        find(examination, ENTRY_DATA_UNREADABLE, "%s", err.detail);
}

static void examine_request(struct examination *examination)
{
    if (examination->entry->value.data.length < HASH128_BYTES)
        find(examination, ENTRY_DATA_UNREADABLE, "a remembered request of %zu bytes",
             examination->entry->value.data.length);
}

static void examine_check(struct examination *examination)
{
    struct span data = examination->entry->value.data;

    if (data.length != CHECK_BYTES) {
        find(examination, ENTRY_DATA_UNREADABLE, "a check of %zu bytes", data.length);
        return;
    }
    examination->check->subject = hash128_load(data.data);
    expect_partition_of(examination, examination->check->subject);
    ask(examination, names_subject(examination->check->subject));
}

static void examine_claim(struct examination *examination)
{
    const struct store_entry *entry = examination->entry;
    struct claim_record record;
    struct err err;

    if (!claim_record_decode(entry->value.data, examination->arena, &record, &err)) {
        find(examination, ENTRY_DATA_UNREADABLE, "%s", err.detail);
        return;
    }
    if (entry->key.space == STORE_CLAIM_CACHE)
        return;
    expect_partition_of(examination, entry->key.id);
    if (!hash128_equal(names_claim(examination->names, record.jti).id, entry->key.id))
        find(examination, ENTRY_DATA_FOREIGN, "the record belongs to another claim");
}

static const struct {
    void (*examine)(struct examination *examination); /* NULL: there is nothing to look at */
    bool expires;
} spaces[SPACES] = {
    [STORE_SUBJECT] = {examine_subject, false},  [STORE_REQUEST] = {examine_request, true},
    [STORE_CHECK] = {examine_check, false},      [STORE_CLAIM] = {examine_claim, true},
    [STORE_CLAIM_CACHE] = {examine_claim, true}, [STORE_REALM] = {NULL, false},
};

static bool is_known(enum store_space space)
{
    return space >= STORE_SUBJECT && (size_t)space < SPACES;
}

static void examine_state(struct examination *examination)
{
    static const struct {
        enum entry_problem problem;
        const char *detail;
    } states[] = {
        [STORE_ENTRY_FOREIGN] = {ENTRY_VALUE_FOREIGN, "written under another key"},
        [STORE_ENTRY_MALFORMED] = {ENTRY_VALUE_MALFORMED, "not a value"},
        [STORE_ENTRY_TOO_LARGE] = {ENTRY_VALUE_TOO_LARGE, "longer than a value may be"},
    };
    enum store_entry_state state = examination->entry->state;

    find(examination, states[state].problem, "%s", states[state].detail);
}

void entry_check(const struct names *names, uint16_t partition, const struct store_entry *entry,
                 int64_t now_ms, struct arena *arena, struct entry_check *ret_check)
{
    struct examination examination = {names, partition, entry, arena, ret_check};
    int64_t expires_at_ms = entry->value.expires_at_ms;

    ret_check->key = entry->key;
    ret_check->finding_count = ret_check->question_count = 0;
    if (entry->state != STORE_ENTRY_FINE) {
        examine_state(&examination);
        return;
    }
    if (!is_known(entry->key.space)) {
        find(&examination, ENTRY_SPACE_UNKNOWN, "space %u", (unsigned)entry->key.space);
        return;
    }
    if (expires_at_ms < now_ms - TIMESTAMP_DAY_MS)
        find(&examination, ENTRY_EXPIRED_LONG_AGO, "%lld h ago",
             (long long)((now_ms - expires_at_ms) / 3600000));
    if (expires_at_ms <= now_ms)
        return; /* nobody's any more */
    if (spaces[entry->key.space].expires && expires_at_ms == TIMESTAMP_NEVER_MS)
        find(&examination, ENTRY_EXPIRY_MISSING, "would be kept for ever");
    if (spaces[entry->key.space].examine)
        spaces[entry->key.space].examine(&examination);
}

/* Of evidence: its check has to be there, and to name the same subject. */
static enum entry_problem judge_check(const struct entry_check *check,
                                      const struct store_value *value)
{
    if (value->version == 0)
        return ENTRY_CHECK_MISSING;
    if (value->data.length != CHECK_BYTES)
        return ENTRY_CHECK_UNREADABLE;
    return hash128_equal(hash128_load(value->data.data), check->key.id) ? ENTRY_FINE
                                                                        : ENTRY_CHECK_FOREIGN;
}

/* Of a check: a subject that cannot be read is found under its own key. */
static enum entry_problem judge_subject(const struct names *names, const struct entry_check *check,
                                        const struct store_value *value, struct arena *arena)
{
    struct record record;
    struct err err;

    if (value->version == 0)
        return ENTRY_WITHOUT_EVIDENCE;
    if (!record_decode(value->data, check->subject, arena, &record, &err))
        return ENTRY_FINE;
    for (size_t i = 0; i < record.evidence_count; i++)
        if (hash128_equal(
                names_check(names, record.evidence[i].vendor, record.evidence[i].check_id).id,
                check->key.id))
            return ENTRY_FINE;
    return ENTRY_WITHOUT_EVIDENCE;
}

enum entry_problem entry_check_answer(const struct names *names, const struct entry_check *check,
                                      size_t index, const struct store_value *value,
                                      struct arena *arena)
{
    return check->questions[index].space == STORE_CHECK ? judge_check(check, value)
                                                        : judge_subject(names, check, value, arena);
}

/* A subject whose value is damaged is found under its own key. */
enum entry_problem entry_check_no_answer(const struct entry_check *check, size_t index)
{
    return check->questions[index].space == STORE_CHECK ? ENTRY_CHECK_UNREADABLE : ENTRY_FINE;
}
