/* SPDX-License-Identifier: Apache-2.0 */
/* Progress. */
#include "client/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { SHOWN_FROM = 20, BAR_WIDTH = 40 };

struct progress progress_begin(size_t total)
{
    return (struct progress){total, total >= SHOWN_FROM && isatty(STDERR_FILENO)};
}

void progress_show(const struct progress *progress, size_t done)
{
    static const char full[] = "########################################";
    int filled;

    if (!progress->is_shown)
        return;
    filled = (int)(done * BAR_WIDTH / progress->total);
    fprintf(stderr, "\r[%.*s%*s] %zu of %zu", filled, full, BAR_WIDTH - filled, "", done,
            progress->total);
    fflush(stderr);
}

void progress_clear(const struct progress *progress)
{
    if (!progress->is_shown)
        return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
}
