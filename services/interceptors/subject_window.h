/* SPDX-License-Identifier: Apache-2.0 */
/* The subjects of the last hour: how many different ones, in bounded memory, to the minute. */
#ifndef INTERCEPTORS_SUBJECT_WINDOW_H
#define INTERCEPTORS_SUBJECT_WINDOW_H

#include "base/keyed_hash.h"

enum { SUBJECT_WINDOW_MINUTES = 60 };

struct subject_window;

struct subject_window *subject_window_new(uint32_t subjects_max);
/* NULL is allowed. */
void subject_window_free(struct subject_window *window);

/* False: it would be one too many, and is not counted.  `minute` never goes back.  One thread at a
 * time. */
bool subject_window_take(struct subject_window *window, struct hash128 subject, int64_t minute);

#endif
