/* SPDX-License-Identifier: Apache-2.0 */
/* Failpoints: read once from the environment, looked up by name. */
#include "base/failpoint.h"

#if PASSGATE_FAILPOINTS

#include "base/attributes.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum action { ACTION_KILL, ACTION_ERROR, ACTION_SAY, ACTION_DELAY, ACTION_COUNT };

static const char *const action_words[ACTION_COUNT] = {
    [ACTION_KILL] = "kill",
    [ACTION_ERROR] = "error",
    [ACTION_SAY] = "say",
    [ACTION_DELAY] = "delay",
};

struct failpoint {
    char name[48];
    enum action action;
    long delay_ms;
    long only_hit; /* 0 = every one */
    atomic_long hits;
};

static struct failpoint failpoints[32];
static size_t failpoint_count;

/* The bounds of the section, which the linker names.  There is none in a program without places. */
extern const struct failpoint_place __start_failpoints[] __attribute__((weak));
extern const struct failpoint_place __stop_failpoints[] __attribute__((weak));

static void die(const char *what, const char *text)
{
    fprintf(stderr, "PASSGATE_FAILPOINTS: %s \"%s\"\n", what, text);
    abort();
}

static bool is_placed(const char *name)
{
    for (const struct failpoint_place *place = __start_failpoints; place < __stop_failpoints;
         place++)
        if (strcmp(place->name, name) == 0)
            return true;
    return false;
}

static void arm(const char *text)
{
    struct failpoint *point = &failpoints[failpoint_count];
    const char *at = strchr(text, '@');
    char action[32] = "";

    if (sscanf(text, "%47[^=]=%31[^:@]:%ld", point->name, action, &point->delay_ms) < 2)
        die("cannot read", text);
    while (point->action < ACTION_COUNT && strcmp(action_words[point->action], action) != 0)
        point->action++;
    if (point->action == ACTION_COUNT)
        die("unknown action", text);
    if (!is_placed(point->name))
        die("no such place in this program", text);
    if (at)
        point->only_hit = strtol(at + 1, NULL, 10);
    failpoint_count++;
}

static void list(void)
{
    for (const struct failpoint_place *place = __start_failpoints; place < __stop_failpoints;
         place++)
        printf("%s %s\n", place->name, place->file);
    exit(EXIT_SUCCESS);
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *value = getenv("PASSGATE_FAILPOINTS");
    char copy[2048], *rest = copy, *part;

    if (!value)
        return;
    if (strcmp(value, "list") == 0)
        list();
    if (snprintf(copy, sizeof(copy), "%s", value) >= (int)sizeof(copy))
        die("too long", value);
    while ((part = strsep(&rest, ";"))) {
        if (!*part)
            continue;
        if (failpoint_count == ARRAY_LEN(failpoints))
            die("too many", part);
        arm(part);
    }
}

bool failpoint_hit(const struct failpoint_place *place)
{
    for (size_t i = 0; i < failpoint_count; i++) {
        struct failpoint *point = &failpoints[i];
        struct timespec pause = {point->delay_ms / 1000, point->delay_ms % 1000 * 1000000};

        if (strcmp(point->name, place->name) != 0)
            continue;
        if (point->only_hit && atomic_fetch_add(&point->hits, 1) + 1 != point->only_hit)
            continue;
        switch (point->action) {
        case ACTION_KILL: kill(getpid(), SIGKILL); break;
        case ACTION_ERROR: return true;
        case ACTION_SAY: fprintf(stderr, "failpoint %s\n", point->name); break;
        case ACTION_DELAY: nanosleep(&pause, NULL); break;
        case ACTION_COUNT: break;
        }
    }
    return false;
}

#else

/* ISO C wants a declaration in every file. */
typedef int failpoint_is_not_built;

#endif
