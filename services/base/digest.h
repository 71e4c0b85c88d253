/* SPDX-License-Identifier: Apache-2.0 */
/* A digest: SHA-256 of bytes in memory, all at once or as they come. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/span.h"

enum { SHA256_BYTES = 32, SHA256_HEX_MAX = 2 * SHA256_BYTES + 1 };

void digest_sha256(struct span span, uint8_t ret_digest[static SHA256_BYTES]);

/* Of pieces one behind the other.  Fast for many small ones: each thread keeps what it needs. */
void digest_sha256_of(const struct span *pieces, size_t count,
                      uint8_t ret_digest[static SHA256_BYTES]);

/* digest_sha256() as 64 lower-case hex digits and a NUL. */
void digest_sha256_hex(struct span span, char ret_text[static SHA256_HEX_MAX]);

/* Of bytes that come piece by piece. */
struct digest;

struct digest *digest_new(void);
void digest_add(struct digest *digest, struct span span);
/* Of everything so far; more may come. */
void digest_hex(const struct digest *digest, char ret_text[static SHA256_HEX_MAX]);
/* NULL is allowed. */
void digest_free(struct digest *digest);

#endif
