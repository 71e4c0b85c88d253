/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of storage/store.h, that every backend has to keep. */
#include "contract/fixture.h"

int main(void)
{
    int failed = 0;

    for (size_t i = 0; i < backend_count; i++) {
        backend_under_test = backends[i];
        failed += contract_run_data_tests();
        failed += contract_run_world_tests();
    }
    return failed;
}
