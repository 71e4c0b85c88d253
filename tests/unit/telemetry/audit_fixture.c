/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the audit log need. */
#include "audit_fixture.h"

#include "base/attributes.h"
#include "base/file.h"
#include "base/memory.h"
#include "telemetry/audit_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_AGAIN_MS = 1000 };

char *folder_new(void)
{
    char *folder = memory_text(span_text("/tmp/passgate-audit-XXXXXX"));

    if (!mkdtemp(folder))
        abort();
    return folder;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void folder_free(char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    memory_free(folder);
}

struct waiting {
    struct audit_waiter waiter;
    bool is_over;
};

static void over(struct task *task)
{
    CONTAINER_OF(task, struct waiting, waiter.done)->is_over = true;
}

bool wait_for(struct audit_log *log, struct mailbox *mailbox, uint64_t sequence)
{
    struct waiting waiting = {.waiter = {.done.run = over, .reply_to = &mailbox->inbox}};

    audit_wait(log, sequence, &waiting.waiter);
    while (!waiting.is_over)
        mailbox_wait(mailbox, LOOK_AGAIN_MS);
    return waiting.waiter.is_durable;
}

bool wait_for_head(struct audit_log *log, struct mailbox *mailbox, uint64_t sequence)
{
    struct waiting waiting = {.waiter = {.done.run = over, .reply_to = &mailbox->inbox}};

    audit_wait_head(log, sequence, &waiting.waiter);
    while (!waiting.is_over)
        mailbox_wait(mailbox, LOOK_AGAIN_MS);
    return waiting.waiter.is_covered;
}

void decision_init(struct decision *decision, uint64_t subject)
{
    static const char *const resources[] = {"model/fable-5", "model/mythos-5", "model/opus-4"};

    decision->item = (struct audit_item){
        .subject = {subject, UINT64_C(0x9e3779b97f4a7c15) * (subject + 1)},
        .resource = span_text(resources[subject % ARRAY_LEN(resources)]),
        .action = span_text("use"),
        .truth = 2,
        .reason = 1,
        .directive = (uint32_t)(subject % 1000),
    };
    decision->record = (struct audit_record){
        .kind = AUDIT_DECISION,
        .flags = AUDIT_STALE_FACTS,
        .time_ms = clock_wall_ms(&clock_system),
        .caller = span_text("spiffe://corp/ns/shop/sa/checkout-1"),
        .method = span_text("CheckEntitlement"),
        .location = span_text("USA"),
        .directive_set = 4711,
        .latency_us = 400,
        .partition = 63,
        .number = UINT64_C(3) << 40 | (1000000 + subject),
        .items = &decision->item,
        .item_count = 1,
    };
}

static void note(struct written *written, const struct audit_entry *entry)
{
    size_t count = written->count;

    written->last_sequence = entry->sequence;
    if (written->count + written->own_count == 0)
        written->first_sequence = entry->sequence;
    if (entry->record.kind == AUDIT_LOG_OPENED)
        snprintf(written->last_opened, sizeof(written->last_opened), "%.*s",
                 SPAN_FORMAT(entry->record.payload));
    if (entry->record.kind == AUDIT_RECORDS_DROPPED)
        written->dropped += entry->record.number;
    if (entry->record.kind == AUDIT_LOG_OPENED || entry->record.kind == AUDIT_LOG_CLOSED ||
        entry->record.kind == AUDIT_RECORDS_DROPPED) {
        written->own_count++;
        return;
    }
    if ((count & (count - 1)) == 0) {
        written->sequences =
            memory_grow(written->sequences, count ? 2 * count : 1, sizeof(uint64_t));
        written->subjects = memory_grow(written->subjects, count ? 2 * count : 1, sizeof(uint64_t));
    }
    written->sequences[count] = entry->sequence;
    written->subjects[count] = entry->record.item_count ? entry->record.items[0].subject.low : 0;
    written->bytes += entry->frame_bytes;
    written->count++;
}

bool written_read(const char *folder, struct written *ret_written, struct err *err)
{
    const struct audit_entry *entry;
    struct audit_reader *reader;
    const char *segment = NULL;

    *ret_written = (struct written){0};
    if (!audit_reader_open(folder, &reader, err))
        return false;
    do {
        if (!audit_reader_next(reader, &entry, err)) {
            audit_reader_close(reader);
            written_release(ret_written);
            return false;
        }
        if (entry && entry->segment != segment) {
            segment = entry->segment;
            ret_written->segment_count++;
        }
        if (entry)
            note(ret_written, entry);
    } while (entry);
    audit_reader_close(reader);
    return true;
}

void written_release(struct written *written)
{
    memory_free(written->sequences);
    memory_free(written->subjects);
}

char *segment_path(const char *folder, size_t index)
{
    const char *const *names;
    char *path = NULL;
    struct arena arena;
    struct err err;
    size_t count;

    arena_init(&arena, 1024);
    if (file_list(arena_printf(&arena, "%s/segments", folder), AUDIT_SEGMENT_SUFFIX, &arena, &names,
                  &count, &err) &&
        index < count)
        path = memory_text(span_text(arena_printf(&arena, "%s/segments/%s", folder, names[index])));
    arena_release(&arena);
    return path;
}

size_t file_size(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        abort();
    return (size_t)status.st_size;
}

void indices_remove(const char *folder)
{
    const char *const *names;
    struct arena arena;
    struct err err;
    size_t count;

    arena_init(&arena, 1024);
    if (!file_list(arena_printf(&arena, "%s/segments", folder), AUDIT_INDEX_SUFFIX, &arena, &names,
                   &count, &err))
        abort();
    for (size_t i = 0; i < count; i++)
        if (unlink(arena_printf(&arena, "%s/segments/%s", folder, names[i])) != 0)
            abort();
    arena_release(&arena);
}
