/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failpoints: named places where a test makes the process die, wait or fail.
 *
 * They exist only in builds with PASSGATE_FAILPOINTS (presets test, asan, tsan); elsewhere the
 * macros are nothing.  The environment variable PASSGATE_FAILPOINTS arms them before main():
 *
 *     NAME=ACTION[@N][;…]     ACTION is kill, error, say or delay:MS
 *                             @N: only the Nth time that it is reached
 *     list                    print NAME and source file of every place, and exit
 *
 * `say` writes "failpoint NAME" to standard error, so that a test can learn which are reached, and
 * how often.  A name that no place in the program has ends it: a test that arms it proves nothing.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>

#if PASSGATE_FAILPOINTS
/* One place in the source.  The linker lays out those of a program side by side. */
struct failpoint_place {
    const char *name;
    const char *file;
};

/* Dies or waits here when armed; true when the place is to fail. */
bool failpoint_hit(const struct failpoint_place *place);
#define FAILPOINT(name)                                                        \
    __extension__({                                                            \
        static const struct failpoint_place failpoint_place_                   \
            __attribute__((section("failpoints"), used)) = {(name), __FILE__}; \
        failpoint_hit(&failpoint_place_);                                      \
    })
#else
#define FAILPOINT(name) false
#endif

#endif
