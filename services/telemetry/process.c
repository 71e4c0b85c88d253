/* SPDX-License-Identifier: Apache-2.0 */
/* The process in numbers, read from /proc. */
#include "telemetry/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

uint64_t process_max_descriptors(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

uint64_t process_count_descriptors(void)
{
    struct stat status;
    uint64_t count = 0;
    DIR *folder;

    if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0)
        return (uint64_t)status.st_size; /* from Linux 6.2 on: costs nothing */
    folder = opendir("/proc/self/fd");
    if (!folder)
        return process_max_descriptors();
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3; /* ".", ".." and the folder's own */
}

static double open_fds(void *owner, size_t value)
{
    (void)owner, (void)value;
    return (double)process_count_descriptors();
}

static double max_fds(void *owner, size_t value)
{
    (void)owner, (void)value;
    return (double)process_max_descriptors();
}

static double clock_behind(void *owner, size_t value)
{
    (void)value;
    return (double)clock_behind_ms(owner) / 1000;
}

static double clock_synchronized(void *owner, size_t value)
{
    (void)value;
    return clock_is_synchronized(owner) ? 1 : 0;
}

void process_add_metrics(struct metrics *metrics, const struct clock *clock)
{
    metrics_set_source(metrics, METRIC_RESIDENT, resident_bytes, NULL);
    metrics_set_source(metrics, METRIC_OPEN_FDS, open_fds, NULL);
    metrics_set_source(metrics, METRIC_MAX_FDS, max_fds, NULL);
    metrics_set_source(metrics, METRIC_CLOCK_BEHIND, clock_behind, (void *)(uintptr_t)clock);
    metrics_set_source(metrics, METRIC_CLOCK_SYNCHRONIZED, clock_synchronized,
                       (void *)(uintptr_t)clock);
    metrics_set(metrics, METRIC_START_TIME, (double)clock_wall_ms(clock) / 1000);
}
