/* SPDX-License-Identifier: Apache-2.0 */
/* Randomness. */
#include "base/random.h"

#include "base/encoding.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void random_fill(void *buffer, size_t length)
{
    unsigned char *bytes = buffer;

    while (length > 0) {
        ssize_t got = getrandom(bytes, length, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        bytes += got;
        length -= (size_t)got;
    }
}

uint64_t random_u64(void)
{
    uint64_t number;

    random_fill(&number, sizeof(number));
    return number;
}

void random_id(char text[static RANDOM_ID_MAX])
{
    uint8_t bits[16];

    random_fill(bits, sizeof(bits));
    base64url_encode(span_of(bits, sizeof(bits)), text);
}
