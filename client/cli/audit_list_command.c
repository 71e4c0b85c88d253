/* SPDX-License-Identifier: Apache-2.0 */
/* passgate audit list: the records of a log, filtered, and as they come. */
#include "base/memory.h"
#include "client/cli/audit_filter.h"
#include "client/cli/audit_record_text.h"
#include "client/cli/log_folder.h"
#include "domain/audit/index.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_AGAIN_MS = 200, READ_BYTES_MIN = 64 * 1024 };

/* The segment that is being read, as far as it was there when it was looked at. */
struct reading {
    uint64_t first_sequence; /* 0: none yet */
    int fd;
    uint8_t *bytes;
    size_t length, capacity;
    bool has_header;
    struct audit_segment_header header;
    struct audit_cursor cursor;
};

struct listing {
    const struct cli *cli;
    struct log_folder folder;
    struct audit_filter filter;
    struct reading reading;
    struct audit_dictionary *dictionary;
    struct arena names;  /* of the segments */
    struct arena record; /* one */
};

/* ---- reading ---- */

static void leave_segment(struct reading *reading)
{
    if (reading->fd >= 0)
        close(reading->fd);
    memory_free(reading->bytes);
    *reading = (struct reading){.first_sequence = reading->first_sequence, .fd = -1};
}

static bool enter_segment(struct listing *listing, uint64_t first_sequence, struct err *err)
{
    struct reading *reading = &listing->reading;
    const char *path =
        log_folder_file(&listing->folder, first_sequence, AUDIT_SEGMENT_SUFFIX, &listing->names);

    leave_segment(reading);
    reading->first_sequence = first_sequence;
    reading->fd = open(path, O_RDONLY | O_CLOEXEC);
    audit_dictionary_clear(listing->dictionary);
    if (reading->fd < 0)
        return err_set(err, ERR_IO, "cannot open %s: %s", path, strerrordesc_np(errno));
    return true;
}

/* What has been written since. */
static bool read_on(struct reading *reading, struct err *err)
{
    for (;;) {
        ssize_t got;

        if (reading->capacity - reading->length < READ_BYTES_MIN) {
            reading->capacity = 2 * reading->capacity + READ_BYTES_MIN;
            reading->bytes = memory_grow(reading->bytes, reading->capacity, 1);
        }
        got = pread(reading->fd, reading->bytes + reading->length,
                    reading->capacity - reading->length, (off_t)reading->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_IO, "cannot read a segment: %s", strerrordesc_np(errno));
        if (got == 0)
            return true;
        reading->length += (size_t)got;
    }
}

static bool show(struct listing *listing, struct span payload, uint64_t sequence, struct err *err)
{
    const struct reading *reading = &listing->reading;
    struct audit_record record;

    arena_reset(&listing->record);
    if (!audit_record_get(payload, listing->dictionary, reading->cursor.base_ms, &listing->record,
                          &record, err))
        return false;
    if (audit_filter_fits(&listing->filter, &record))
        audit_record_show(&listing->cli->output, reading->header.log_id, sequence, &record,
                          &listing->record);
    return true;
}

/* The records that are there.  Behind the last of a segment that is not the last there is nothing.
 */
static bool show_all(struct listing *listing, bool is_last, struct err *err)
{
    struct reading *reading = &listing->reading;
    enum audit_step step;
    struct span payload;
    uint64_t sequence;

    if (!reading->has_header) {
        if (reading->length < AUDIT_SEGMENT_HEADER_BYTES && is_last)
            return true;
        if (!audit_segment_header_get(span_of(reading->bytes, reading->length), &reading->header,
                                      err))
            return false;
        reading->has_header = true;
        audit_cursor_init(&reading->cursor, span_of(NULL, 0), &reading->header);
    }
    reading->cursor.segment = span_of(reading->bytes, reading->length);
    while ((step = audit_cursor_next(&reading->cursor, &payload, &sequence)) == AUDIT_STEP_RECORD)
        if (!show(listing, payload, sequence, err))
            return false;
    if (step == AUDIT_STEP_END || (step == AUDIT_STEP_TORN && is_last))
        return true;
    return err_set(err, ERR_STORE_CORRUPT,
                   "%020" PRIu64 AUDIT_SEGMENT_SUFFIX
                   " is damaged at byte %zu: passgate audit verify",
                   reading->first_sequence, reading->cursor.offset);
}

/* Its index says that nothing in the segment is of the time that is asked for. */
static bool is_out_of_time(struct listing *listing, uint64_t first_sequence)
{
    const struct audit_filter *filter = &listing->filter;
    struct audit_index index;
    bool is_out = false;
    struct span bytes;
    struct err ignored;

    if (filter->since_ms == INT64_MIN && filter->before_ms == INT64_MAX)
        return false;
    if (listing->folder.files.read_index(&listing->folder, first_sequence, &listing->names, &bytes,
                                         &ignored) &&
        bytes.length > 0 && audit_index_decode(bytes, &index, &ignored)) {
        is_out = index.latest_ms < filter->since_ms || index.earliest_ms >= filter->before_ms;
        audit_index_release(&index);
    }
    return is_out;
}

/* Everything that is there and was not shown. */
static bool list_on(struct listing *listing, struct err *err)
{
    const struct audit_files *files = &listing->folder.files;
    struct reading *reading = &listing->reading;

    arena_reset(&listing->names);
    if (!log_folder_list(&listing->folder, err))
        return false;
    for (size_t i = 0; i < files->count; i++) {
        uint64_t first_sequence = files->first_sequences[i];
        bool is_last = i + 1 == files->count;

        if (first_sequence < reading->first_sequence)
            continue;
        if (first_sequence > reading->first_sequence || reading->fd < 0) {
            if (!is_last && is_out_of_time(listing, first_sequence))
                continue;
            if (!enter_segment(listing, first_sequence, err))
                return false;
        }
        if (!read_on(reading, err) || !show_all(listing, is_last, err))
            return false;
    }
    return true;
}

static bool list(struct listing *listing, bool is_following, struct err *err)
{
    const struct timespec pause = {0, LOOK_AGAIN_MS * 1000000L};
    FILE *stream = listing->cli->output.stream;

    do {
        if (!list_on(listing, err))
            return false;
        if (fflush(stream) != 0) /* nobody reads any more */
            return true;
    } while (is_following && nanosleep(&pause, NULL) == 0);
    return true;
}

int run_audit_list(struct cli *cli)
{
    struct listing listing = {.cli = cli, .reading.fd = -1};
    struct err err;
    bool is_listed;

    if (!audit_filter_take(cli, &listing.filter))
        return EXIT_ERROR;
    if (cli->operand_count == 0)
        return audit_list_server(cli, &listing.filter);
    if (cli->flags.subject)
        return cli_fail_with(cli, "--subject is for the server to hash; a folder's records are "
                                  "found by --subject-hash");
    if (!log_folder_open(cli, cli->operands[0], &listing.folder))
        return EXIT_ERROR;
    arena_init(&listing.names, 4096);
    arena_init(&listing.record, 16 * 1024);
    listing.folder.arena = &listing.names;
    listing.dictionary = audit_dictionary_new();
    is_listed = list(&listing, cli->flags.follow, &err);
    leave_segment(&listing.reading);
    audit_dictionary_free(listing.dictionary);
    arena_release(&listing.record);
    arena_release(&listing.names);
    return is_listed ? EXIT_ALLOW : cli_fail_err(cli, &err);
}
