/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subjects by the ten thousand, straight into an empty Redis:
 *
 *     load_subjects SOCKET HASH_KEY_FILE COUNT
 *
 * They are called subject-0, subject-1 … and are employees of org/lab.  What is written is what
 * passgated would have written, with the options of storage that it has by default.
 */
#include "base/mailbox.h"
#include "storage/names.h"
#include "storage/record.h"
#include "storage/redis.h"

#include <stdio.h>
#include <stdlib.h>

enum { ON_THE_WAY_MAX = 2048, PENDING_MAX = 16384, TIMEOUT_MS = 20000 };

struct loader {
    struct mailbox mailbox;
    struct store *store;
    struct names names;
    unsigned long written;
};

static void must(bool is_ok, const struct err *err)
{
    if (is_ok)
        return;
    fprintf(stderr, "load_subjects: %s %s\n", err_reason(err->code), err->detail);
    exit(1);
}

static void on_written(struct store_request *request)
{
    struct loader *loader = request->owner;

    must(request->is_ok, &request->err);
    loader->written++;
    store_request_free(request);
}

static void write_subject(struct loader *loader, unsigned long number)
{
    struct affiliation affiliation = {
        .organization = span_text("org/lab"),
        .as = AFFILIATION_EMPLOYEE,
        .until_day = DAY_NONE,
        .review_by_day = DAY_NONE,
    };
    struct record record = {
        .kind = SUBJECT_EMPLOYEE,
        .affiliations = &affiliation,
        .affiliation_count = 1,
    };
    struct store_request *request =
        store_request_new(STORE_WRITE, 0, &loader->mailbox.inbox, on_written, loader);
    struct store_key key;

    record.subject = span_text(arena_printf(&request->arena, "subject-%lu", number));
    record.hash = names_subject_hash(&loader->names, record.subject);
    key = names_subject(record.hash);
    store_request_guard(request, key, 0);
    store_request_put(request, key, TIMESTAMP_NEVER_MS, record_encode(&record, &request->arena));
    store_request_change(request, STORE_CHANGE_SUBJECT, key.id);
    store_submit(loader->store, request);
}

static void load(struct loader *loader, unsigned long count)
{
    for (unsigned long submitted = 0; loader->written < count;) {
        while (submitted < count && submitted - loader->written < ON_THE_WAY_MAX)
            write_subject(loader, submitted++);
        mailbox_wait(&loader->mailbox, TIMEOUT_MS);
    }
}

int main(int argc, char **argv)
{
    struct loader loader = {.names.partition_count = 1};
    struct err err;

    if (argc != 4) {
        fputs("usage: load_subjects SOCKET HASH_KEY_FILE COUNT\n", stderr);
        return 2;
    }
    must(names_read_key(argv[2], false, &loader.names.key, &err), &err);
    must(redis_open(&(struct redis_options){.unix_path = argv[1],
                                            .prefix = "passgate",
                                            .hash_key_id = "k1",
                                            .partition_count = 1,
                                            .clock = &clock_system,
                                            .pending_max = PENDING_MAX,
                                            .connect_timeout_ms = TIMEOUT_MS,
                                            .stall_timeout_ms = TIMEOUT_MS},
                    &loader.store, &err),
         &err);
    mailbox_init(&loader.mailbox);
    load(&loader, strtoul(argv[3], NULL, 10));
    store_free(loader.store);
    mailbox_release(&loader.mailbox);
    return 0;
}
