/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds accidents in files, proves nothing. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/span.h"

/* The checksum of `before` followed by `span`, where `crc` is that of `before` (0 for none). */
uint32_t crc32c(uint32_t crc, struct span span);

/* What crc32c() does on a processor without an instruction for it; for tests elsewhere. */
uint32_t crc32c_by_tables(uint32_t crc, struct span span);

#endif
