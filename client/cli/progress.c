/* SPDX-License-Identifier: Apache-2.0 */
/* Progress. */
#include "client/cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { SHOWN_FROM = 20, BAR_WIDTH = 40 };

struct progress progress_begin(size_t total)
{
    return (struct progress){total, total >= SHOWN_FROM && isatty(STDERR_FILENO)};
}

static void draw_bar(const struct progress *progress, size_t done)
{
    static const char full[] = "########################################";
    int filled = (int)(done * BAR_WIDTH / progress->total);

    fprintf(stderr, "\r[%.*s%*s] ", filled, full, BAR_WIDTH - filled, "");
}

void progress_show(const struct progress *progress, size_t done)
{
    if (!progress->is_shown)
        return;
    draw_bar(progress, done);
    fprintf(stderr, "%zu of %zu", done, progress->total);
    fflush(stderr);
}

void progress_show_share(const struct progress *progress, size_t permille, uint64_t values)
{
    if (!progress->is_shown)
        return;
    draw_bar(progress, permille < PROGRESS_SHARES ? permille : PROGRESS_SHARES);
    fprintf(stderr, "%zu %%, %" PRIu64 " values", permille / 10, values);
    fflush(stderr);
}

void progress_clear(const struct progress *progress)
{
    if (!progress->is_shown)
        return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
}
