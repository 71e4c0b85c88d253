/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of country groups: either a finding, or sets that can be found again. */
#include "domain/country/groups.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diagnostics diagnostics;
    struct country_groups *groups;
    struct arena arena;

    arena_init(&arena, 16384);
    diagnostics_init(&diagnostics, &arena);
    groups = country_groups_load(span_of(data, size), "fuzz", &arena, &diagnostics);
    expect((groups == NULL) == (diagnostics.error_count > 0));
    for (size_t i = 0; groups && i < groups->count; i++) {
        const struct country_group *group = &groups->groups[i];

        expect(country_groups_find(groups, span_text(group->name)) == group);
        expect(!country_set_is_empty(&group->countries));
        expect(!country_set_has(&group->countries, country_from_mrz(span_text("UTO"))));
    }
    arena_release(&arena);
    return 0;
}
