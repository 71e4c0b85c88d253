/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a claim for every person and disclosure of the tests, one JSON object a line. */
#include "unit/domain/claim/people.h"

#include "base/attributes.h"

#include <stdio.h>

int main(void)
{
    struct country_group group = {.name = "EAR:E:1", .title = ""};
    const struct country_group *sets[] = {&group};
    struct arena arena;

    country_set_add(&group.countries, country_from_iso(span_text("IRN")));
    arena_init(&arena, 16 * 1024);
    for (size_t i = 0; i < people_count(); i++)
        for (int depth = CLAIM_DISCLOSURE_PREDICATES; depth <= CLAIM_DISCLOSURE_FULL; depth++) {
            struct claim_request request =
                person_request(person_get(i), (enum claim_disclosure)depth, &arena);
            struct err err = ERR_NONE;
            struct claim claim;

            request.sets = sets;
            request.set_count = ARRAY_LEN(sets);
            if (claim_build(&request, &arena, &claim, &err))
                printf("%.*s\n", SPAN_FORMAT(claim.payload));
        }
    arena_release(&arena);
    return 0;
}
