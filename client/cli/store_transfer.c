/* SPDX-License-Identifier: Apache-2.0 */
/* passgate store export, import: from a store to a file, and from a file into a store. */
#include "base/clock.h"
#include "client/cli/command.h"
#include "client/cli/progress.h"
#include "client/cli/store_file.h"
#include "client/cli/store_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH_BYTES = 64 * 1024, BATCH_ARENA_BYTES = 256 * 1024 };

static bool file_error(struct err *err, const char *doing, const char *path)
{
    return err_set(err, ERR_IO, "cannot %s %.180s: %s", doing, path, strerrordesc_np(errno));
}

static void fill_error(struct passgate_error *error, const struct err *err)
{
    *error = (struct passgate_error){.code = (enum passgate_code)err_grpc_status(err->code)};
    snprintf(error->reason, sizeof(error->reason), "%s", err_reason(err->code));
    snprintf(error->message, sizeof(error->message), "%s", err->detail);
}

/* ---- the file that an export goes to ---- */

struct target {
    const char *path; /* "-": standard output */
    char temporary[PATH_MAX];
    FILE *stream;
};

static bool target_open(struct target *target, const char *path, struct err *err)
{
    int fd;

    *target = (struct target){.path = path, .stream = stdout};
    if (strcmp(path, "-") == 0)
        return true;
    if ((size_t)snprintf(target->temporary, sizeof(target->temporary), "%s.XXXXXX", path) >=
        sizeof(target->temporary))
        return err_set(err, ERR_IO, "the path is too long");
    fd = mkostemp(target->temporary, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return file_error(err, "write beside", path);
    target->stream = fdopen(fd, "w");
    if (target->stream)
        return true;
    file_error(err, "write", target->temporary);
    close(fd);
    unlink(target->temporary);
    return false;
}

static bool sync_folder_of(const char *path, struct err *err)
{
    char copy[PATH_MAX];
    bool is_synced;
    int fd;

    snprintf(copy, sizeof(copy), "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    is_synced = fd >= 0 && fsync(fd) == 0;
    if (!is_synced)
        file_error(err, "sync the folder of", path);
    if (fd >= 0)
        close(fd);
    return is_synced;
}

/* Whole and durable under its name, or not there. */
static bool target_keep(struct target *target, struct err *err)
{
    bool is_written = fflush(target->stream) == 0 && !ferror(target->stream);

    if (target->stream == stdout)
        return is_written || file_error(err, "write to", "standard output");
    is_written = is_written && fsync(fileno(target->stream)) == 0;
    if (fclose(target->stream) != 0 || !is_written) {
        file_error(err, "write", target->temporary);
        unlink(target->temporary);
        return false;
    }
    if (rename(target->temporary, target->path) != 0) {
        file_error(err, "make", target->path);
        unlink(target->temporary);
        return false;
    }
    return sync_folder_of(target->path, err);
}

static void target_drop(struct target *target)
{
    if (target->stream == stdout || !target->stream)
        return;
    fclose(target->stream);
    unlink(target->temporary);
}

/* ---- export ---- */

struct exporting {
    struct target target;
    struct store_file_writer writer;
    struct progress progress;
    uint64_t damaged;
    char sha256[SHA256_HEX_MAX];
};

static bool write_header(struct exporting *exporting, const struct passgate_store *store,
                         struct err *err)
{
    struct store_file_header header = {
        .partitions = store->partitions,
        .at_ms = clock_wall_ms(&clock_system),
    };

    snprintf(header.hash_key, sizeof(header.hash_key), "%s", store->hash_key);
    snprintf(header.backend, sizeof(header.backend), "%s", store->backend);
    snprintf(header.issuer, sizeof(header.issuer), "%s", store->issuer);
    return store_file_begin(&exporting->writer, exporting->target.stream, &header, err);
}

static bool write_part(struct exporting *exporting, const struct passgate_store_export *part,
                       struct err *err)
{
    struct store_file_writer *writer = &exporting->writer;

    if (!writer->stream && !part->store)
        return err_set(err, ERR_MESSAGE_MALFORMED, "the server does not say what it exports");
    if (!writer->stream && !write_header(exporting, part->store, err))
        return false;
    for (size_t i = 0; i < part->entry_count; i++)
        if (!store_file_put(writer, &part->entries[i], err))
            return false;
    if (ferror(writer->stream))
        return file_error(err, "write", exporting->target.path);
    exporting->damaged += part->damaged;
    progress_show_share(&exporting->progress, part->progress_permille, writer->count);
    return true;
}

static bool write_all(struct cli *cli, struct exporting *exporting, struct passgate_error *error)
{
    struct passgate_stream *stream = passgate_export_store(cli->client, &cli->call, error);
    struct passgate_store_export *part;
    bool is_written = true, is_done = false;
    struct err err;

    while (stream && is_written && (part = passgate_export_store_next(stream, error))) {
        is_written = write_part(exporting, part, &err);
        is_done = part->is_done;
        passgate_free(part);
    }
    passgate_stream_free(stream);
    progress_clear(&exporting->progress);
    if (!is_written) {
        fill_error(error, &err);
    } else if (stream && error->code == PASSGATE_OK && !is_done) {
        err_set(&err, ERR_MESSAGE_MALFORMED, "the export has ended before it was done");
        fill_error(error, &err);
    }
    return stream && is_written && is_done && error->code == PASSGATE_OK;
}

static bool finish_file(struct exporting *exporting, struct passgate_error *error)
{
    struct err err;

    store_file_end(&exporting->writer, exporting->sha256);
    if (target_keep(&exporting->target, &err))
        return true;
    fill_error(error, &err);
    return false;
}

/* Where the file itself is standard output, what is said about it is not. */
static void print_exported(const struct cli *cli, const struct exporting *exporting)
{
    struct output output = cli->output;
    json_t *json;

    if (exporting->target.stream == stdout)
        output = (struct output){.stream = stderr, .is_json = cli->output.is_json};
    if (output.is_json) {
        json = json_pack("{s:I, s:I, s:s}", "values", (json_int_t)exporting->writer.count,
                         "damaged", (json_int_t)exporting->damaged, "sha256", exporting->sha256);
        output_json(&output, json);
        json_decref(json);
        return;
    }
    output_print(&output, "%" PRIu64 " values written, SHA-256 %s.\n", exporting->writer.count,
                 exporting->sha256);
    if (exporting->damaged > 0)
        output_print(&output,
                     "%" PRIu64 " values are damaged and were left out.  Next: passgate store "
                     "check\n",
                     exporting->damaged);
}

int run_store_export(struct cli *cli)
{
    struct exporting *exporting = arena_new(cli->arena, struct exporting);
    struct passgate_error error;
    struct err err;
    bool is_done;

    exporting->progress = progress_begin(PROGRESS_SHARES);
    if (!target_open(&exporting->target, cli->operands[0], &err))
        return cli_fail_err(cli, &err);
    is_done = write_all(cli, exporting, &error);
    if (is_done)
        is_done = finish_file(exporting, &error);
    else
        target_drop(&exporting->target);
    store_file_writer_release(&exporting->writer);
    if (!is_done)
        return cli_fail(cli, &error);
    print_exported(cli, exporting);
    return exporting->damaged == 0 ? EXIT_ALLOW : EXIT_DENY;
}

/* ---- import ---- */

struct importing {
    const char *path;
    FILE *stream;
    struct store_file_reader reader;
    uint64_t total; /* entries of the file */
    struct progress progress;
    json_t *conflicts; /* NULL: they are printed as they come */
    uint64_t conflict_count, written, same, expired, own;
    uint64_t answered;
    struct arena arena; /* of a batch */
    struct passgate_store_entry batch[PASSGATE_STORE_BATCH_MAX];
    size_t batch_count, batch_bytes;
};

/* From the beginning: the reader stands behind the first line. */
static bool open_reader(struct importing *importing, struct err *err)
{
    store_file_reader_release(&importing->reader);
    rewind(importing->stream);
    return store_file_open(&importing->reader, importing->stream, err);
}

/* Is the file whole?  Nothing is imported before that is known. */
static bool verify_file(struct importing *importing, struct err *err)
{
    struct passgate_store_entry entry;
    bool is_end = false;

    if (!open_reader(importing, err))
        return false;
    while (!is_end)
        if (!store_file_next(&importing->reader, &entry, &is_end, err))
            return false;
    importing->total = importing->reader.count;
    return true;
}

static bool open_file(struct importing *importing, struct err *err)
{
    struct stat status;

    importing->stream = fopen(importing->path, "re");
    if (!importing->stream)
        return file_error(err, "open", importing->path);
    if (fstat(fileno(importing->stream), &status) != 0 || !S_ISREG(status.st_mode))
        return err_set(err, ERR_FILE_INVALID,
                       "not a regular file: it is read twice, first to see whether it is whole");
    return verify_file(importing, err);
}

static void add_answer(struct cli *cli, struct importing *importing,
                       const struct passgate_store_imported *answer)
{
    importing->written += answer->written;
    importing->same += answer->same;
    importing->expired += answer->expired;
    importing->own += answer->own;
    importing->conflict_count += answer->conflict_count;
    if (answer->conflict_count > 0)
        progress_clear(&importing->progress);
    for (size_t i = 0; i < answer->conflict_count; i++)
        if (importing->conflicts)
            json_array_append_new(importing->conflicts, store_json_finding(&answer->conflicts[i]));
        else
            store_text_finding(&cli->output, &answer->conflicts[i]);
}

static bool send_batch(struct cli *cli, struct importing *importing, struct passgate_stream *stream,
                       struct passgate_error *error)
{
    struct passgate_store_imported *answer;

    if (importing->batch_count == 0)
        return true;
    answer = passgate_import_store_batch(stream, importing->batch, importing->batch_count, error);
    if (!answer)
        return false;
    add_answer(cli, importing, answer);
    passgate_free(answer);
    importing->answered += importing->batch_count;
    importing->batch_count = importing->batch_bytes = 0;
    arena_reset(&importing->arena);
    progress_show_share(&importing->progress,
                        (size_t)(importing->answered * PROGRESS_SHARES / importing->total),
                        importing->answered);
    return true;
}

static void add_to_batch(struct importing *importing, const struct passgate_store_entry *entry)
{
    struct passgate_store_entry *kept = &importing->batch[importing->batch_count++];

    *kept = *entry;
    kept->hash = arena_text(&importing->arena, span_text(entry->hash));
    kept->data = arena_copy(&importing->arena, span_of(entry->data, entry->length)).data;
    importing->batch_bytes += entry->length;
}

static bool send_all(struct cli *cli, struct importing *importing, struct passgate_stream *stream,
                     struct passgate_error *error)
{
    struct passgate_store_entry entry;
    struct err err;
    bool is_end;

    for (;;) {
        if (!store_file_next(&importing->reader, &entry, &is_end, &err)) {
            fill_error(error, &err);
            return false;
        }
        if (is_end)
            return send_batch(cli, importing, stream, error);
        add_to_batch(importing, &entry);
        if ((importing->batch_count == PASSGATE_STORE_BATCH_MAX ||
             importing->batch_bytes >= BATCH_BYTES) &&
            !send_batch(cli, importing, stream, error))
            return false;
    }
}

/* The server would say the same, but not which keys they are. */
static bool compare_hash_keys(struct cli *cli, const struct importing *importing,
                              struct passgate_error *error)
{
    const struct passgate_call call = {.timeout_ms = cli->call.timeout_ms};
    struct passgate_store_stats *stats = passgate_get_store_stats(cli->client, NULL, &call, error);
    bool is_same;

    if (!stats)
        return false;
    is_same = strcmp(stats->store->hash_key, importing->reader.header.hash_key) == 0;
    if (!is_same) {
        *error = (struct passgate_error){.code = PASSGATE_FAILED_PRECONDITION,
                                         .reason = "HASH_KEY_OTHER"};
        snprintf(error->message, sizeof(error->message),
                 "the file was written with hash key %s, and this store uses %s: nobody would be "
                 "found in it",
                 importing->reader.header.hash_key, stats->store->hash_key);
    }
    passgate_free(stats);
    return is_same;
}

static bool import_all(struct cli *cli, struct importing *importing, struct passgate_error *error)
{
    const struct passgate_import import = {
        .hash_key = importing->reader.header.hash_key,
        .partitions = importing->reader.header.partitions,
        .merge = cli->flags.merge,
    };
    struct passgate_stream *stream;
    struct err err;
    bool is_sent;

    if (!compare_hash_keys(cli, importing, error))
        return false;
    stream = passgate_import_store(cli->client, &import, &cli->call, error);
    if (!stream)
        return false;
    is_sent = open_reader(importing, &err);
    if (is_sent)
        is_sent = send_all(cli, importing, stream, error);
    else
        fill_error(error, &err);
    passgate_stream_free(stream);
    progress_clear(&importing->progress);
    return is_sent;
}

static void print_imported(const struct output *output, const struct importing *importing)
{
    json_t *json;

    if (importing->conflicts) {
        json = json_pack("{s:I, s:I, s:I, s:I, s:O}", "written", (json_int_t)importing->written,
                         "same", (json_int_t)importing->same, "expired",
                         (json_int_t)importing->expired, "own", (json_int_t)importing->own,
                         "conflicts", importing->conflicts);
        output_json(output, json);
        json_decref(json);
        return;
    }
    output_print(output,
                 "%" PRIu64 " values written, %" PRIu64 " there already, %" PRIu64
                 " expired meanwhile.\n",
                 importing->written, importing->same, importing->expired);
    if (importing->own > 0)
        output_print(output, "The register of directives stays that of this realm.\n");
    if (importing->conflict_count > 0)
        output_print(output, "%" PRIu64 " values differ from what is there, which has stayed.\n",
                     importing->conflict_count);
}

static int fail_at(struct cli *cli, const struct importing *importing,
                   const struct passgate_error *error)
{
    const struct output output = {.stream = stderr};

    if (importing->answered > 0)
        output_print(&output,
                     "passgate: %" PRIu64 " of %" PRIu64 " values were imported before this; go "
                     "on with --merge.\n",
                     importing->answered, importing->total);
    return cli_fail(cli, error);
}

static int import_file(struct cli *cli, struct importing *importing)
{
    struct passgate_error error = {0};
    struct err err, named;

    if (!open_file(importing, &err)) {
        err_set(&named, err.code, "%.100s: %.140s", importing->path, err.detail);
        return cli_fail_err(cli, err.code == ERR_FILE_INVALID ? &named : &err);
    }
    if (!import_all(cli, importing, &error))
        return fail_at(cli, importing, &error);
    print_imported(&cli->output, importing);
    return importing->conflict_count == 0 ? EXIT_ALLOW : EXIT_DENY;
}

int run_store_import(struct cli *cli)
{
    struct importing *importing = arena_new(cli->arena, struct importing);
    int status;

    importing->path = cli->operands[0];
    importing->progress = progress_begin(PROGRESS_SHARES);
    importing->conflicts = cli->output.is_json ? json_array() : NULL;
    arena_init(&importing->arena, BATCH_ARENA_BYTES);
    status = import_file(cli, importing);
    store_file_reader_release(&importing->reader);
    if (importing->stream)
        fclose(importing->stream);
    arena_release(&importing->arena);
    json_decref(importing->conflicts);
    return status;
}
