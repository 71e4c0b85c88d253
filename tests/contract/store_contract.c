/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of storage/store.h, that every backend has to keep.  usage: store_contract [BACKEND]
 */
#include "contract/fixture.h"

#include <stdio.h>

enum { SKIPPED = 77 };

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "sqlite";

    backend_under_test = backend_find(name);
    if (!backend_under_test) {
        fprintf(stderr, "there is no backend %s\n", name);
        return 1;
    }
    if (backend_under_test->is_installed && !backend_under_test->is_installed()) {
        fprintf(stderr, "skipped: %s is not installed\n", name);
        return SKIPPED;
    }
    return contract_run_data_tests() + contract_run_scan_tests() + contract_run_world_tests();
}
