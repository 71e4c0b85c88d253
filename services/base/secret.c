/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets. */
#include "base/secret.h"

#include <openssl/crypto.h>

void secret_wipe(void *memory, size_t length)
{
    OPENSSL_cleanse(memory, length);
}
