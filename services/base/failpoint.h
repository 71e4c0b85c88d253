/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failpoints: named places where a test makes the process die, wait or fail.
 *
 * They exist only in builds with PASSGATE_FAILPOINTS (presets test, asan, tsan); elsewhere the
 * macros are nothing.  The environment variable PASSGATE_FAILPOINTS arms them:
 *
 *     NAME=ACTION[@N][;…]     ACTION is kill, error or delay:MS;  @N: only the Nth time that it is
 * reached
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>

#if PASSGATE_FAILPOINTS
/* Dies or waits here when armed; true when the place is to fail. */
bool failpoint_hit(const char *name);
#define FAILPOINT(name) failpoint_hit(name)
#else
#define FAILPOINT(name) false
#endif

#endif
