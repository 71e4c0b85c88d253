/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An API key: `pgk_` and 32 characters of base64url, which are 160 random bits and a checksum.
 *
 * Only its SHA-256 is kept.  A plain digest is enough, and a slow one of the kind made for
 * passwords would only help whoever wants this server to be busy: nobody guesses 160 bits.  The
 * prefix lets scanners of repositories and logs find keys that were lost; the checksum (CRC-32C)
 * says without a look-up that something is no key.
 */
#ifndef KEYS_API_KEY_H
#define KEYS_API_KEY_H

#include "base/digest.h"

#include <stdbool.h>

enum {
    API_KEY_RANDOM_BYTES = 20,
    API_KEY_LENGTH = 36,
    API_KEY_MAX = API_KEY_LENGTH + 1, /* with the NUL */
};

/* A new one, to be wiped by the caller. */
void api_key_make(char ret_text[static API_KEY_MAX]);

/* What is kept of a key; false for a text that is none. */
bool api_key_hash(struct span text, uint8_t ret_hash[static SHA256_BYTES]);

#endif
