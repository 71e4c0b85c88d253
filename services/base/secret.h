/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: bytes that are wiped when they have been used, and compared without telling where they
 * differ. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/span.h"

/* Overwrite, also where the compiler sees no use in it. */
void secret_wipe(void *memory, size_t length);

#endif
