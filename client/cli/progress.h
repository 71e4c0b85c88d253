/* SPDX-License-Identifier: Apache-2.0 */
/* Progress: a bar on standard error, only where somebody can see it and only when it takes long. */
#ifndef CLIENT_CLI_PROGRESS_H
#define CLIENT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    size_t total;
    bool is_shown;
};

struct progress progress_begin(size_t total);
void progress_show(const struct progress *progress, size_t done);
/* How much of something lies behind whose whole is not known: progress_begin(PROGRESS_SHARES). */
enum { PROGRESS_SHARES = 1000 };
void progress_show_share(const struct progress *progress, size_t permille, uint64_t values);
/* Take the bar away: before a line is printed, and at the end. */
void progress_clear(const struct progress *progress);

#endif
