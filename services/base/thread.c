/* SPDX-License-Identifier: Apache-2.0 */
/* Threads. */
#include "base/thread.h"

#include "base/log.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>

enum { STACK_BYTES = 1024 * 1024 };

void thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    error = pthread_create(ret_thread, &attributes, run, argument);
    if (error != 0) {
        LOG(ERROR, "thread.refused", "the system gives no thread: the process ends",
            log_text("thread", name), log_number("errno", error));
        abort();
    }
    pthread_setname_np(*ret_thread, name);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void thread_lower_priority(void)
{
    struct sched_param none = {0};

    pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}
