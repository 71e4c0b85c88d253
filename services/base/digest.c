/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, computed by OpenSSL. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* There is no input that SHA-256 refuses: what fails here is a broken OpenSSL, or no memory. */
void digest_sha256(struct span span, uint8_t ret_digest[static SHA256_BYTES])
{
    if (EVP_Digest(span.data, span.length, ret_digest, NULL, EVP_sha256(), NULL) != 1) {
        fputs("passgate: OpenSSL cannot compute SHA-256\n", stderr);
        abort();
    }
}

void digest_sha256_hex(struct span span, char ret_text[static SHA256_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_BYTES];

    digest_sha256(span, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        ret_text[2 * i] = digits[digest[i] >> 4];
        ret_text[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_text[SHA256_HEX_MAX - 1] = '\0';
}
