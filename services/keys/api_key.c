/* SPDX-License-Identifier: Apache-2.0 */
/* API keys. */
#include "keys/api_key.h"

#include "base/crc32c.h"
#include "base/encoding.h"
#include "base/random.h"
#include "base/secret.h"

enum { CHECKSUM_BYTES = 4, KEY_BYTES = API_KEY_RANDOM_BYTES + CHECKSUM_BYTES };

static const char prefix[] = "pgk_";

_Static_assert(sizeof(prefix) - 1 + KEY_BYTES / 3 * 4 == API_KEY_LENGTH && KEY_BYTES % 3 == 0,
               "every character of a key counts: one key has one text");

/* Big-endian. */
static void write_checksum(const uint8_t *random, uint8_t checksum[static CHECKSUM_BYTES])
{
    uint32_t crc = crc32c(0, span_of(random, API_KEY_RANDOM_BYTES));

    for (size_t i = 0; i < CHECKSUM_BYTES; i++)
        checksum[i] = (uint8_t)(crc >> (24 - 8 * i));
}

void api_key_make(char ret_text[static API_KEY_MAX])
{
    uint8_t bytes[KEY_BYTES];

    random_fill(bytes, API_KEY_RANDOM_BYTES);
    write_checksum(bytes, bytes + API_KEY_RANDOM_BYTES);
    memcpy(ret_text, prefix, sizeof(prefix) - 1);
    base64url_encode(span_of(bytes, sizeof(bytes)), ret_text + sizeof(prefix) - 1);
    secret_wipe(bytes, sizeof(bytes));
}

bool api_key_hash(struct span text, uint8_t ret_hash[static SHA256_BYTES])
{
    uint8_t bytes[KEY_BYTES], checksum[CHECKSUM_BYTES];
    size_t length;
    bool is_key;

    if (text.length != API_KEY_LENGTH || !span_starts_with(text, span_text(prefix)))
        return false;
    is_key = base64url_decode(span_from(text, sizeof(prefix) - 1), bytes, &length);
    if (is_key) {
        write_checksum(bytes, checksum);
        is_key = memcmp(checksum, bytes + API_KEY_RANDOM_BYTES, CHECKSUM_BYTES) == 0;
    }
    secret_wipe(bytes, sizeof(bytes));
    if (is_key)
        digest_sha256_of(&text, 1, ret_hash);
    return is_key;
}
