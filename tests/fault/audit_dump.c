/* SPDX-License-Identifier: Apache-2.0 */
/* audit_dump FOLDER: the records of an audit log as lines, for tests that only see files. */
#include "telemetry/audit_reader.h"

#include <inttypes.h>
#include <stdio.h>

/* Fields are separated by tabs: sequence, kind, number of the write, outcome ("-": done), ids. */
static void print_entry(const struct audit_entry *entry)
{
    const struct audit_record *record = &entry->record;
    const char *kind = audit_kind_name(record->kind);

    printf("%" PRIu64 "\t%s\t%" PRIu64 "\t", entry->sequence, kind ? kind : "?", record->number);
    if (record->outcome.length > 0)
        fwrite(record->outcome.data, 1, record->outcome.length, stdout);
    else
        putchar('-');
    for (size_t i = 0; i < record->id_count; i++) {
        putchar('\t');
        fwrite(record->ids[i].data, 1, record->ids[i].length, stdout);
    }
    putchar('\n');
}

static int fail(const struct err *err)
{
    fprintf(stderr, "audit_dump: %s: %s\n", err_reason(err->code), err->detail);
    return 1;
}

int main(int argc, char **argv)
{
    const struct audit_entry *entry;
    struct audit_reader *reader;
    struct err err;
    int status = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: audit_dump FOLDER\n");
        return 2;
    }
    if (!audit_reader_open(argv[1], &reader, &err))
        return fail(&err);
    do {
        if (!audit_reader_next(reader, &entry, &err))
            status = fail(&err);
        else if (entry)
            print_entry(entry);
    } while (status == 0 && entry);
    audit_reader_close(reader);
    return status;
}
