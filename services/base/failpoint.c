/* SPDX-License-Identifier: Apache-2.0 */
/* Failpoints: parsed once from the environment, looked up by name. */
#include "base/failpoint.h"

#if PASSGATE_FAILPOINTS

#include "base/attributes.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum action { ACTION_KILL, ACTION_ERROR, ACTION_DELAY };

struct failpoint {
    char name[48];
    enum action action;
    long delay_ms;
    long only_hit; /* 0 = every one */
    atomic_long hits;
};

static struct failpoint failpoints[32];
static size_t failpoint_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void arm(const char *text)
{
    struct failpoint *point = &failpoints[failpoint_count];
    const char *at = strchr(text, '@');
    char action[32] = "";

    if (sscanf(text, "%47[^=]=%31[^@]", point->name, action) != 2) {
        fprintf(stderr, "PASSGATE_FAILPOINTS: cannot read \"%s\"\n", text);
        abort();
    }
    point->action = strcmp(action, "kill") == 0    ? ACTION_KILL
                    : strcmp(action, "error") == 0 ? ACTION_ERROR
                                                   : ACTION_DELAY;
    if (point->action == ACTION_DELAY && sscanf(action, "delay:%ld", &point->delay_ms) != 1) {
        fprintf(stderr, "PASSGATE_FAILPOINTS: unknown action \"%s\"\n", action);
        abort();
    }
    if (at)
        point->only_hit = strtol(at + 1, NULL, 10);
    failpoint_count++;
}

static void read_environment(void)
{
    const char *value = getenv("PASSGATE_FAILPOINTS");
    char copy[1024], *rest = copy, *part;

    if (!value)
        return;
    snprintf(copy, sizeof(copy), "%s", value);
    while ((part = strsep(&rest, ";")))
        if (*part && failpoint_count < ARRAY_LEN(failpoints))
            arm(part);
}

bool failpoint_hit(const char *name)
{
    pthread_once(&once, read_environment);
    for (size_t i = 0; i < failpoint_count; i++) {
        struct failpoint *point = &failpoints[i];
        struct timespec pause = {point->delay_ms / 1000, point->delay_ms % 1000 * 1000000};

        if (strcmp(point->name, name) != 0)
            continue;
        if (point->only_hit && atomic_fetch_add(&point->hits, 1) + 1 != point->only_hit)
            continue;
        if (point->action == ACTION_KILL)
            kill(getpid(), SIGKILL);
        if (point->action == ACTION_DELAY)
            nanosleep(&pause, NULL);
        if (point->action == ACTION_ERROR)
            return true;
    }
    return false;
}

#else

/* ISO C wants a declaration in every file. */
typedef int failpoint_is_not_built;

#endif
