/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of credentials: what is read can stand in a header. */
#include "audit/ship_credentials.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_header(const char *text, size_t max, bool may_be_empty)
{
    size_t length = strlen(text);

    if (length > max || (length == 0 && !may_be_empty))
        abort();
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ship_credentials credentials;
    struct err err;

    if (!ship_credentials_parse(span_of(data, size), &credentials, &err))
        return 0;
    expect_header(credentials.access_key_id, SHIP_KEY_ID_MAX, false);
    expect_header(credentials.secret_access_key, SHIP_SECRET_MAX, false);
    expect_header(credentials.session_token, SHIP_TOKEN_MAX, true);
    return 0;
}
