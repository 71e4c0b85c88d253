/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a machine-readable zone: what is read can be read again, and keeps its promises. */
#include "domain/document/mrz.h"

#include <stdlib.h>

enum { TODAY = 20616 }; /* 2026-06-12 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_NONE;
    struct mrz mrz, again;
    uint8_t joined[90];
    size_t length = 0;

    if (!mrz_parse(span_of(data, size), "mrz", TODAY, &mrz, &err)) {
        expect(err.code >= ERR_MRZ_LENGTH && err.code <= ERR_MRZ_DOCUMENT_CODE);
        expect(span_starts_with(span_text(err.field), span_text("mrz")));
        return 0;
    }
    expect(strlen(mrz.number) >= 1 && strlen(mrz.number) <= MRZ_NUMBER_MAX);
    expect(mrz.birth_day <= TODAY);
    expect(country_get(mrz.nationality)->alpha3 && country_get(mrz.issuer)->alpha3);
    for (size_t i = 0; i < size; i++)
        if (data[i] != '\n' && data[i] != '\r')
            joined[length++] = data[i];
    expect(mrz_parse(span_of(joined, length), "mrz", TODAY, &again, &err));
    expect(again.format == mrz.format && strcmp(again.number, mrz.number) == 0);
    return 0;
}
