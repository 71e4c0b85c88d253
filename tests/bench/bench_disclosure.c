/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether refusals can be told apart by the time that they take:
 *
 *     bench_disclosure CALLS SUBJECTS SERVER CA CERTIFICATE KEY KIND…
 *
 * The caller, of whose binding it is said `disclose: decision`, asks about the subjects KIND-0 to
 * KIND-(SUBJECTS - 1) of every kind, one call after the other and the kinds in turn, so that a
 * noisy machine is noisy for all of them.  Every answer must be the same DENY.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "client/include/passgate/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS_MAX = 8, ID_MAX = 64, TIMEOUT_MS = 20000, WARM_ROUNDS = 20, NS_PER_US = 1000 };

enum argument { CALLS = 1, SUBJECTS, SERVER, CA, CERTIFICATE, KEY, FIRST_KIND };

struct kind {
    const char *name;
    double *calls_us;
    size_t count;
};

static void fail(const char *what, const struct passgate_error *error)
{
    fprintf(stderr, "bench_disclosure: %s: %s %s\n", what, error ? error->reason : "",
            error ? error->message : "");
    exit(1);
}

/* In microseconds. */
static double ask(struct passgate_client *client, const char *kind, size_t number)
{
    const struct passgate_pair context = {"location", "USA"};
    char subject[ID_MAX];
    const struct passgate_check check = {
        .subject = subject,
        .resource_type = "model",
        .resource_id = "mythos-5",
        .action = "use",
        .context = &context,
        .context_count = 1,
    };
    struct passgate_decision *decision;
    struct passgate_error error;
    int64_t begin_ns;
    double took_us;

    snprintf(subject, sizeof(subject), "%s-%zu", kind, number);
    begin_ns = clock_now_ns();
    decision = passgate_check(client, &check, NULL, &error);
    took_us = (double)(clock_now_ns() - begin_ns) / NS_PER_US;
    if (!decision)
        fail(subject, &error);
    if (passgate_is_allowed(decision))
        fail("allowed", NULL);
    passgate_free(decision);
    return took_us;
}

static int by_value(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return (first > second) - (first < second);
}

static double median(struct kind *kind)
{
    qsort(kind->calls_us, kind->count, sizeof(*kind->calls_us), by_value);
    return kind->calls_us[kind->count / 2];
}

static void print(struct kind *kinds, size_t count)
{
    double least = 0, most = 0;

    for (size_t i = 0; i < count; i++) {
        double middle = median(&kinds[i]);

        printf("%-12s median %.2f us  (%zu calls)\n", kinds[i].name, middle, kinds[i].count);
        least = i == 0 || middle < least ? middle : least;
        most = middle > most ? middle : most;
    }
    printf("slowest against fastest %.3f\n", most / least);
}

static struct passgate_client *connect_to(char **arguments)
{
    const struct passgate_options options = {
        .target = arguments[SERVER],
        .ca_file = arguments[CA],
        .certificate_file = arguments[CERTIFICATE],
        .key_file = arguments[KEY],
        .server_name = "localhost",
        .check_timeout_ms = TIMEOUT_MS,
    };
    struct passgate_client *client;
    struct passgate_error error;

    client = passgate_client_new(&options, &error);
    if (!client)
        fail("connect", &error);
    return client;
}

int main(int count, char **arguments)
{
    size_t calls, subjects, kind_count;
    struct kind kinds[KINDS_MAX];
    struct passgate_client *client;

    if (count <= FIRST_KIND || count > FIRST_KIND + KINDS_MAX) {
        fputs("usage: bench_disclosure CALLS SUBJECTS SERVER CA CERTIFICATE KEY KIND...\n", stderr);
        return 2;
    }
    calls = strtoul(arguments[CALLS], NULL, 10);
    subjects = strtoul(arguments[SUBJECTS], NULL, 10);
    kind_count = (size_t)(count - FIRST_KIND);
    client = connect_to(arguments);
    for (size_t i = 0; i < kind_count; i++)
        kinds[i] = (struct kind){.name = arguments[FIRST_KIND + i],
                                 .calls_us = memory_new_array(double, calls / kind_count + 1)};
    for (size_t i = 0; i < WARM_ROUNDS * subjects; i++)
        for (size_t k = 0; k < kind_count; k++)
            ask(client, kinds[k].name, i % subjects);
    for (size_t i = 0; i < calls; i++) {
        struct kind *kind = &kinds[i % kind_count];

        kind->calls_us[kind->count++] = ask(client, kind->name, i / kind_count % subjects);
    }
    print(kinds, kind_count);
    for (size_t i = 0; i < kind_count; i++)
        memory_free(kinds[i].calls_us);
    passgate_client_free(client);
    return 0;
}
