/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a store is: of one realm, and of one hash key. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "contract/test_clock.h"
#include "storage/blocking.h"
#include "storage/owner.h"
#include "storage/sqlite.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char folder[32];
    char path[64];
    struct test_clock clock;
    struct mailbox mailbox;
    struct store *store;
    struct names names;
    struct owner owner;
};

static void open_store(struct world *world)
{
    struct err err;

    if (!sqlite_open(&(struct sqlite_options){.path = world->path,
                                              .clock = &world->clock.clock,
                                              .pending_max = 16},
                     &world->store, &err))
        fail_msg("%s", err.detail);
}

static int set_up(void **state)
{
    struct world *world = memory_new(struct world);

    snprintf(world->folder, sizeof(world->folder), "/tmp/passgate-owner-XXXXXX");
    if (!mkdtemp(world->folder))
        return -1;
    snprintf(world->path, sizeof(world->path), "%s/passgate.db", world->folder);
    test_clock_init(&world->clock);
    mailbox_init(&world->mailbox);
    world->names = (struct names){.key = {.bytes = {1}}, .partition_count = 1};
    world->owner = (struct owner){"lab", &world->names, &world->clock.clock};
    open_store(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[64];

    store_free(world->store);
    mailbox_release(&world->mailbox);
    snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
    memory_free(world);
    return system(command);
}

static void assert_is_ours(struct world *world)
{
    struct err err;

    if (!owner_check(&world->owner, world->store, &world->mailbox, &err))
        fail_msg("%s", err.detail);
}

static void assert_refused(struct world *world, enum err_code code, const char *field,
                           const char *because)
{
    struct err err;

    assert_false(owner_check(&world->owner, world->store, &world->mailbox, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.field, field);
    if (!strstr(err.detail, because))
        fail_msg("\"%s\" does not say \"%s\"", err.detail, because);
}

static void store_owner(struct world *world, struct span value)
{
    struct store_request *request = store_request_new_blocking(STORE_WRITE, 0, &world->mailbox);
    struct err err;

    store_request_put(request, names_owner(), TIMESTAMP_NEVER_MS, value);
    assert_true(store_call(world->store, request, &world->mailbox, &err));
    store_request_free(request);
}

static void who_comes_first_owns_it_also_after_a_restart(void **state)
{
    struct world *world = *state;

    assert_is_ours(world);
    assert_is_ours(world);
    store_free(world->store);
    open_store(world);
    assert_is_ours(world);
}

static void another_hash_key_is_refused_and_both_are_named(void **state)
{
    struct world *world = *state;
    char first[NAMES_KEY_TEXT_MAX], second[NAMES_KEY_TEXT_MAX];

    assert_is_ours(world);
    names_key_text(&world->names, first);
    world->names.key.bytes[0] = 2;
    names_key_text(&world->names, second);
    assert_refused(world, ERR_CONFIG_INVALID, "store.hash_key_file", first);
    assert_refused(world, ERR_CONFIG_INVALID, "store.hash_key_file", second);
    world->names.key.bytes[0] = 1;
    assert_is_ours(world);
}

static void another_realm_is_refused_and_both_are_named(void **state)
{
    static const char *const others[] = {"la", "labs", "Lab", "other"};
    struct world *world = *state;

    assert_is_ours(world);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        world->owner.realm = others[i];
        assert_refused(world, ERR_CONFIG_INVALID, "realm.name", "`lab`");
        assert_refused(world, ERR_CONFIG_INVALID, "realm.name", others[i]);
    }
}

static void an_owner_that_cannot_be_read_lets_nobody_in(void **state)
{
    static const char *const values[] = {
        "x",
        "\1",
        "\1"
        "0123456789abcdef ",
        "\1"
        "0123456789abcdef-lab",
        "\2"
        "0123456789abcdef lab",
    };
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        store_owner(world, span_text(values[i]));
        assert_refused(world, ERR_STORE_CORRUPT, "", "cannot be read");
    }
}

struct rival {
    struct world *world;
    struct owner owner;
    struct mailbox mailbox;
    struct err err;
    bool is_ours;
};

static void *check_as_well(void *argument)
{
    struct rival *rival = argument;

    rival->is_ours = owner_check(&rival->owner, rival->world->store, &rival->mailbox, &rival->err);
    return NULL;
}

static void of_two_who_come_at_once_one_owns_it(void **state)
{
    static const char *const realms[] = {"lab", "other"};
    struct world *world = *state;
    struct rival rivals[ARRAY_LEN(realms)];
    pthread_t threads[ARRAY_LEN(realms)];

    for (size_t i = 0; i < ARRAY_LEN(realms); i++) {
        rivals[i] = (struct rival){.world = world, .owner = world->owner};
        rivals[i].owner.realm = realms[i];
        mailbox_init(&rivals[i].mailbox);
        pthread_create(&threads[i], NULL, check_as_well, &rivals[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(realms); i++) {
        pthread_join(threads[i], NULL);
        mailbox_release(&rivals[i].mailbox);
    }
    assert_int_equal(rivals[0].is_ours + rivals[1].is_ours, 1);
    assert_int_equal(rivals[rivals[0].is_ours ? 1 : 0].err.code, ERR_CONFIG_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_comes_first_owns_it_also_after_a_restart),
        TEST(another_hash_key_is_refused_and_both_are_named),
        TEST(another_realm_is_refused_and_both_are_named),
        TEST(an_owner_that_cannot_be_read_lets_nobody_in),
        TEST(of_two_who_come_at_once_one_owns_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
