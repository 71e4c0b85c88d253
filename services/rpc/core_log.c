/* SPDX-License-Identifier: Apache-2.0 */
/* Core's log. */
#include "rpc/core_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "rpc/core_compat.h"

#include <pthread.h>

enum { LINES_PER_SECOND = 10 };

/* One for the process, as core's log is. */
static struct budget {
    pthread_mutex_t mutex;
    int64_t second;
    int64_t said;
    int64_t left_out;
} budget = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Whether there is room for one more line in this second. */
static bool take_line(int64_t *ret_left_out)
{
    int64_t second = clock_now_ns() / 1000000000;
    bool has_room;

    pthread_mutex_lock(&budget.mutex);
    if (budget.second != second) {
        budget.second = second;
        budget.said = 0;
    }
    has_room = budget.said < LINES_PER_SECOND;
    if (has_room) {
        *ret_left_out = budget.left_out;
        budget.left_out = 0;
        budget.said++;
    } else {
        budget.left_out++;
    }
    pthread_mutex_unlock(&budget.mutex);
    return has_room;
}

/* Anything less than an error is there only if GRPC_VERBOSITY asks for it. */
static void log_line(const char *message, bool is_error)
{
    enum err_level level = is_error ? ERR_LEVEL_WARN : ERR_LEVEL_DEBUG;
    int64_t left_out;

    if (log_is_on(level) && take_line(&left_out))
        log_write(level, "grpc.core", "gRPC core reports",
                  (const struct log_field[]){
                      log_text("line", message), log_number("left_out", left_out), {0}});
}

void core_log_start(void)
{
    core_compat_set_log(log_line);
}
