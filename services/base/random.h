/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness from the kernel. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Aborts when the kernel gives none: nothing here may go on with guessable bytes. */
void random_fill(void *buffer, size_t length);
uint64_t random_u64(void);

/* 128 random bits as 22 characters of base64url, NUL-terminated: ids, jti. */
enum { RANDOM_ID_MAX = 23 };
void random_id(char text[static RANDOM_ID_MAX]);

#endif
