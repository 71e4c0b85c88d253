/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of every method that is served: none of them works without roles. */
#include "admin/admin.h"
#include "claim/claim_service.h"
#include "entitlement/service.h"
#include "health/health.h"
#include "reflection/reflection.h"
#include "rpc/registry.h"
#include "verification/verification.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SERVICES = 5 + REFLECTION_SERVICES, ROWS_MAX = 16 };

/* As server/wiring.c lists them; nobody is called here. */
static int list_services(void **state)
{
    static struct rpc_service services[SERVICES];

    services[0] = entitlement_service(NULL);
    services[1] = verification_service(NULL);
    services[2] = claim_service(NULL);
    services[3] = admin_service(NULL);
    services[4] = health_service(NULL);
    reflection_services(NULL, &services[5]);
    *state = services;
    return 0;
}

static void every_table_fits_its_contract(void **state)
{
    const struct rpc_service *services = *state;
    struct err err;

    for (size_t i = 0; i < SERVICES; i++)
        if (!rpc_service_check(&services[i], &err))
            fail_msg("%s", err.detail);
}

static void no_server_starts_with_a_row_that_has_lost_its_roles(void **state)
{
    struct rpc_service *services = *state;
    char expected[128];

    for (size_t i = 0; i < SERVICES; i++)
        for (size_t k = 0; k < services[i].method_count; k++) {
            struct rpc_service service = services[i];
            struct rpc_method rows[ROWS_MAX];
            struct rpc_registry *registry;
            struct err err = ERR_NONE;

            assert_true(service.method_count <= ROWS_MAX);
            memcpy(rows, service.methods, service.method_count * sizeof(rows[0]));
            rows[k].roles = 0;
            service.methods = rows;
            snprintf(expected, sizeof(expected), "%s.%s has no roles", service.descriptor->name,
                     rows[k].name);
            assert_false(rpc_registry_new(&service, 1, &registry, &err));
            assert_string_equal(err.detail, expected);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_fits_its_contract),
        cmocka_unit_test(no_server_starts_with_a_row_that_has_lost_its_roles),
    };

    return cmocka_run_group_tests(tests, list_services, NULL);
}
