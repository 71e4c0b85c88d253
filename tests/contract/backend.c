/* SPDX-License-Identifier: Apache-2.0 */
/* The backends under test. */
#include "contract/backend.h"

#include <stdio.h>
#include <stdlib.h>

static const struct backend *const backends[] = {&backend_sqlite, &backend_redis,
                                                 &backend_redis_tls};

const struct backend *backend_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(backends); i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

void fixture_close(struct fixture *fixture)
{
    store_free(fixture->store);
    fixture->store = NULL;
}

void backend_must(bool is_done, const struct err *err)
{
    if (!is_done) {
        fprintf(stderr, "backend: %s %s\n", err_reason(err->code), err->detail);
        abort();
    }
}
