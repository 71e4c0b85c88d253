/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long replicas take to enforce what one of them has acknowledged:
 *
 *     bench_replicas REVOCATIONS CHANGES FILE PORT:PID PORT:PID PORT:PID
 *
 * Revocation: from the answer of RevokeEvidence on the first replica to the first DENY of the last
 * of the others, for as many subjects, all of them cached as ALLOW there before.  Directive: from
 * the moment at which FILE, the directive file of all replicas, is in its place and they got SIGHUP
 * to the first answer by it of the last replica.
 *
 * Each replica is asked by a thread of its own, again and again with a pause, from before the
 * change on.  What is measured is when the answer was there: up to one pause and one call late.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/thread.h"
#include "client/include/passgate/client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REPLICAS = 3,
    PAUSE_US = 500,
    TIMEOUT_MS = 20000,
    ID_MAX = 64,
    FILE_BYTES_MAX = 64 * 1024,
    COUNTRY_LENGTH = 3,
    NS_PER_US = 1000,
    NS_PER_MS = 1000000,
};

/* What the watchers look for. */
struct question {
    char subject[ID_MAX];
    bool is_allowed; /* the answer that ends the looking */
};

struct watcher {
    struct bench *bench;
    struct passgate_client *client;
    pid_t pid;
    pthread_t thread;
    int64_t seen_ns; /* when the answer was there */
    bool is_looking; /* under the mutex */
    double *polls_us;
    size_t poll_count;
    size_t poll_room;
};

struct bench {
    struct watcher watchers[REPLICAS];
    struct question question;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static void fail(const char *what, const struct passgate_error *error)
{
    fprintf(stderr, "bench_replicas: %s: %s %s\n", what, error ? error->reason : "",
            error ? error->message : "");
    exit(1);
}

/* Asking. */

static bool is_allowed(struct passgate_client *client, const char *subject,
                       const char *min_revision)
{
    const struct passgate_pair context = {"location", "USA"};
    const struct passgate_check check = {
        .subject = subject,
        .resource_type = "model",
        .resource_id = "mythos-5",
        .action = "use",
        .context = &context,
        .context_count = 1,
        .min_revision = min_revision,
    };
    struct passgate_error error;
    struct passgate_decision *decision = passgate_check(client, &check, NULL, &error);
    bool is_yes = passgate_is_allowed(decision);

    if (!decision)
        fail("check", &error);
    passgate_free(decision);
    return is_yes;
}

static void note_poll(struct watcher *watcher, int64_t took_ns)
{
    if (watcher->poll_count == watcher->poll_room) {
        watcher->poll_room = watcher->poll_room ? 2 * watcher->poll_room : 4096;
        watcher->polls_us =
            memory_grow(watcher->polls_us, watcher->poll_room, sizeof(*watcher->polls_us));
    }
    watcher->polls_us[watcher->poll_count++] = (double)took_ns / NS_PER_US;
}

static void look(struct watcher *watcher)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_US * NS_PER_US};
    const struct question *question = &watcher->bench->question;

    for (;;) {
        int64_t asked_ns = clock_now_ns();
        bool is_it = is_allowed(watcher->client, question->subject, NULL) == question->is_allowed;

        watcher->seen_ns = clock_now_ns();
        note_poll(watcher, watcher->seen_ns - asked_ns);
        if (is_it)
            return;
        nanosleep(&pause, NULL);
    }
}

static void *watch(void *argument)
{
    struct watcher *watcher = argument;
    struct bench *bench = watcher->bench;

    pthread_mutex_lock(&bench->mutex);
    for (;;) {
        while (!watcher->is_looking)
            pthread_cond_wait(&bench->changed, &bench->mutex);
        pthread_mutex_unlock(&bench->mutex);
        look(watcher);
        pthread_mutex_lock(&bench->mutex);
        watcher->is_looking = false;
        pthread_cond_broadcast(&bench->changed);
    }
    return NULL;
}

/* From this watcher on. */
static void begin_to_look(struct bench *bench, size_t first)
{
    pthread_mutex_lock(&bench->mutex);
    for (size_t i = first; i < REPLICAS; i++)
        bench->watchers[i].is_looking = true;
    pthread_cond_broadcast(&bench->changed);
    pthread_mutex_unlock(&bench->mutex);
}

static void wait_until_seen(struct bench *bench)
{
    pthread_mutex_lock(&bench->mutex);
    for (size_t i = 0; i < REPLICAS; i++)
        while (bench->watchers[i].is_looking)
            pthread_cond_wait(&bench->changed, &bench->mutex);
    pthread_mutex_unlock(&bench->mutex);
}

/* Until the last of them has seen it; what was seen before the moment took no time. */
static double late_ms(const struct bench *bench, size_t first, int64_t since_ns)
{
    int64_t last_ns = since_ns;

    for (size_t i = first; i < REPLICAS; i++)
        if (bench->watchers[i].seen_ns > last_ns)
            last_ns = bench->watchers[i].seen_ns;
    return (double)(last_ns - since_ns) / NS_PER_MS;
}

/* Results. */

static int by_value(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static void print(const char *what, double *values, size_t count, const char *unit)
{
    qsort(values, count, sizeof(*values), by_value);
    printf("%-12s p50 %.3f %s, p99 %.3f %s, max %.3f %s  (%zu)\n", what, values[count / 2], unit,
           values[count * 99 / 100], unit, values[count - 1], unit, count);
}

/* Revocations. */

static void submit(struct bench *bench, const char *subject)
{
    const struct passgate_document_check document = {
        .subject = subject,
        .evidence_class = PASSGATE_EVIDENCE_CLASS_PASSPORT,
        .vendor = "bench",
        .check_id = subject,
        .result = PASSGATE_VENDOR_RESULT_PASSED,
        .verified_at_ms = clock_wall_ms(&clock_system),
        .assurance_level = 2,
        .issuer = "USA",
        .nationality = "USA",
        .proof = PASSGATE_PROOF_CHIP,
        .us_endorsement = PASSGATE_US_ENDORSEMENT_ABSENT,
        .face_match = PASSGATE_BINDING_CHECK_PASSED,
        .liveness = PASSGATE_BINDING_CHECK_PASSED,
        .notice_version = "1",
        .purpose = "export_control",
        .legal_basis = "GDPR 6(1)(c)",
    };
    struct passgate_error error;
    struct passgate_submission *submission =
        passgate_submit(bench->watchers[0].client, &document, NULL, &error);

    if (!submission)
        fail("submit", &error);
    for (size_t i = 1; i < REPLICAS; i++)
        if (!is_allowed(bench->watchers[i].client, subject, submission->revision))
            fail("a new subject is not allowed", NULL);
    passgate_free(submission);
}

static void revoke_evidence(struct bench *bench, const char *subject)
{
    const struct passgate_revoke order = {
        .subject = subject,
        .vendor = "bench",
        .check_id = subject,
        .reason = "reported stolen",
    };
    struct passgate_error error;
    struct passgate_written *written =
        passgate_revoke(bench->watchers[0].client, &order, NULL, &error);

    if (!written)
        fail("revoke", &error);
    passgate_free(written);
}

static void name_subject(char name[static ID_MAX], unsigned long number)
{
    snprintf(name, ID_MAX, "revoked-%lu", number);
}

static void measure_revocations(struct bench *bench, unsigned long count)
{
    double *late = memory_new_array(double, count);
    char *subject = bench->question.subject;

    for (unsigned long i = 0; i < count; i++) {
        name_subject(subject, i);
        submit(bench, subject);
    }
    bench->question.is_allowed = false;
    for (unsigned long i = 0; i < count; i++) {
        int64_t acknowledged_ns;

        name_subject(subject, i);
        begin_to_look(bench, 1);
        revoke_evidence(bench, subject);
        acknowledged_ns = clock_now_ns();
        wait_until_seen(bench);
        late[i] = late_ms(bench, 1, acknowledged_ns);
    }
    print("revocation", late, count, "ms");
    memory_free(late);
}

/* Directives. */

struct rule {
    const char *path;
    char *text;  /* of the file */
    char *place; /* of the country where it allows, in the text */
};

static void read_rule(struct rule *rule)
{
    struct arena arena;
    struct span content;
    struct err err;

    arena_init(&arena, FILE_BYTES_MAX);
    if (!file_read(rule->path, FILE_BYTES_MAX, &arena, &content, &err))
        fail(err.detail, NULL);
    rule->text = memory_text(content);
    arena_release(&arena);
    rule->place = strstr(rule->text, "[USA]");
    if (!rule->place)
        fail("the directive says nothing of [USA]", NULL);
    rule->place++;
}

static void write_rule(const struct rule *rule, const char *country)
{
    struct err err;

    memcpy(rule->place, country, COUNTRY_LENGTH);
    if (!file_write_durably(rule->path, span_text(rule->text), 0600, &err))
        fail(err.detail, NULL);
}

static void measure_directives(struct bench *bench, const char *path, unsigned long count)
{
    double *late = memory_new_array(double, count);
    struct rule rule = {.path = path};

    read_rule(&rule);
    snprintf(bench->question.subject, ID_MAX, "resident");
    submit(bench, bench->question.subject);
    for (unsigned long i = 0; i < count; i++) {
        int64_t changed_ns;

        bench->question.is_allowed = i % 2 == 1;
        begin_to_look(bench, 0);
        write_rule(&rule, i % 2 == 1 ? "USA" : "DEU");
        for (size_t k = 0; k < REPLICAS; k++)
            kill(bench->watchers[k].pid, SIGHUP);
        changed_ns = clock_now_ns();
        wait_until_seen(bench);
        late[i] = late_ms(bench, 0, changed_ns);
    }
    print("directive", late, count, "ms");
    memory_free(late);
    memory_free(rule.text);
}

/* Life. */

static void start(struct bench *bench, struct watcher *watcher, const char *place)
{
    char target[ID_MAX];
    struct passgate_options options = {
        .target = target,
        .check_timeout_ms = TIMEOUT_MS,
        .write_timeout_ms = TIMEOUT_MS,
    };
    struct passgate_error error;
    int port, pid;

    if (sscanf(place, "%d:%d", &port, &pid) != 2)
        fail(place, NULL);
    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    watcher->bench = bench;
    watcher->pid = pid;
    watcher->client = passgate_client_new(&options, &error);
    if (!watcher->client || !passgate_client_wait_ready(watcher->client, TIMEOUT_MS))
        fail(target, NULL);
    thread_start(&watcher->thread, "watcher", watch, watcher);
}

int main(int argc, char **argv)
{
    static struct bench bench = {
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };

    if (argc != 4 + REPLICAS) {
        fputs("usage: bench_replicas REVOCATIONS CHANGES FILE PORT:PID PORT:PID PORT:PID\n",
              stderr);
        return 2;
    }
    for (size_t i = 0; i < REPLICAS; i++)
        start(&bench, &bench.watchers[i], argv[4 + i]);
    measure_revocations(&bench, strtoul(argv[1], NULL, 10));
    measure_directives(&bench, argv[3], strtoul(argv[2], NULL, 10));
    print("one poll", bench.watchers[1].polls_us, bench.watchers[1].poll_count, "us");
    printf("%-12s %d us\n", "pause", PAUSE_US);
    fflush(stdout);
    _Exit(0); /* the watchers wait for ever */
}
