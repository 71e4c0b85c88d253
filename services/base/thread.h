/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: started with a name and all signals blocked (signals belong to the main thread). */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Aborts, and says so, when the system gives no thread: that happens at start only.  Stack 1 MiB.
 */
void thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *argument);

/* Let this thread run when others do not want to. */
void thread_lower_priority(void);

#endif
