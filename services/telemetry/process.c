/* SPDX-License-Identifier: Apache-2.0 */
/* The process in numbers, read from /proc. */
#include "telemetry/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* The second number of statm, in pages. */
static double resident_bytes(void *owner, size_t value)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";
    const char *second;

    (void)owner, (void)value;
    if (!file)
        return 0;
    second = fgets(line, sizeof(line), file) ? strchr(line, ' ') : NULL;
    fclose(file);
    return second ? (double)strtoull(second, NULL, 10) * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double open_fds(void *owner, size_t value)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    (void)owner, (void)value;
    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3; /* ".", ".." and the folder's own */
}

static double max_fds(void *owner, size_t value)
{
    struct rlimit limit;

    (void)owner, (void)value;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

void process_add_metrics(struct metrics *metrics, const struct clock *clock)
{
    metrics_set_source(metrics, METRIC_RESIDENT, resident_bytes, NULL);
    metrics_set_source(metrics, METRIC_OPEN_FDS, open_fds, NULL);
    metrics_set_source(metrics, METRIC_MAX_FDS, max_fds, NULL);
    metrics_set(metrics, METRIC_START_TIME, (double)clock_wall_ms(clock) / 1000);
}
