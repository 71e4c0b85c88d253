/* SPDX-License-Identifier: Apache-2.0 */
/* Directives from a folder: numbers and versions are the store's, and no file lifts by going away.
 */
#include "base/file.h"
#include "base/memory.h"
#include "contract/test_clock.h"
#include "directive/folder.h"
#include "directive/register.h"
#include "storage/blocking.h"
#include "storage/sqlite.h"
#include "unit/domain/directive/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    struct fixture *directives;
    struct arena arena;
    char folder[64];
    struct test_clock clock;
    struct names names;
    struct store *store;
    struct mailbox mailbox;
    struct metrics *metrics;
    struct readiness *readiness;
    struct snapshot set;
    struct audit_log *audit;
    struct in_force in_force;
    struct directive_folder *source;
    struct diagnostics diagnostics;
    struct err err;
};

static char *path_of(struct world *world, const char *name)
{
    return arena_printf(&world->arena, "%s/%s", world->folder, name);
}

/* The store and what reads the folder, as after a start. */
static void start(struct world *world)
{
    const struct sqlite_options sqlite = {
        .path = path_of(world, "store/passgate.db"),
        .clock = &world->clock.clock,
        .pending_max = 16,
    };

    if (!sqlite_open(&sqlite, &world->store, &world->err))
        fail_msg("%s", world->err.detail);
    if (!audit_open(&(struct audit_options){.folder = path_of(world, "audit"),
                                            .clock = &world->clock.clock},
                    &world->audit, &world->err))
        fail_msg("%s", world->err.detail);
    world->in_force = (struct in_force){
        .audit = world->audit,
        .groups = world->directives->groups,
        .mailbox = &world->mailbox,
        .bytes_max = IN_FORCE_BYTES_MAX,
    };
    world->names.partition_count = world->store->partition_count;
    directive_set_snapshot_init(&world->set, NULL);
    world->source = directive_folder_new(&(struct directive_folder_options){
        .path = path_of(world, "directives"),
        .environment = &world->directives->environment,
        .store = world->store,
        .names = &world->names,
        .directives = &world->set,
        .metrics = world->metrics,
        .readiness = world->readiness,
        .clock = &world->clock.clock,
        .mailbox = &world->mailbox,
        .in_force = &world->in_force,
    });
}

static void stop(struct world *world)
{
    directive_folder_free(world->source);
    snapshot_release(&world->set);
    audit_close(world->audit);
    store_free(world->store);
}

static int set_up(void **state)
{
    struct world *world = memory_new(struct world);

    arena_init(&world->arena, 16 * 1024);
    test_clock_init(&world->clock);
    mailbox_init(&world->mailbox);
    fixture_setup((void **)&world->directives);
    world->metrics = metrics_new(1);
    world->readiness = readiness_new();
    snprintf(world->folder, sizeof(world->folder), "/tmp/passgate-folder-XXXXXX");
    if (!mkdtemp(world->folder))
        return -1;
    start(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char *command = arena_printf(&world->arena, "chmod -R u+rwx '%s'; rm -rf '%s'", world->folder,
                                 world->folder);
    int status;

    stop(world);
    status = system(command);
    readiness_free(world->readiness);
    metrics_free(world->metrics);
    fixture_teardown((void **)&world->directives);
    mailbox_release(&world->mailbox);
    arena_release(&world->arena);
    memory_free(world);
    return status;
}

static void write_file(struct world *world, const char *name, const char *text)
{
    assert_true(file_make_folder(path_of(world, "directives"), &world->err));
    assert_true(
        file_write_durably(arena_printf(&world->arena, "%s/directives/%s", world->folder, name),
                           span_text(text), 0600, &world->err));
}

static void remove_file(struct world *world, const char *name)
{
    assert_int_equal(unlink(arena_printf(&world->arena, "%s/directives/%s", world->folder, name)),
                     0);
}

static void write_rule(struct world *world, const char *id, const char *title, const char *from,
                       const char *more)
{
    write_file(world, arena_printf(&world->arena, "%s.yaml", id),
               arena_printf(&world->arena,
                            "directive: %s\nlanguage: 1\ntitle: %s\nauthority: {text: a letter}\n"
                            "effective: {from: %s}\nresources: [model/a]\n"
                            "require: {subject_kind: {any: [user]}}\n%s",
                            id, title, from, more));
}

/* A directive on model/a with this title, and lifted or not. */
static void write_directive(struct world *world, const char *id, const char *title, bool is_lifted)
{
    write_rule(world, id, title, "2026-01-01T00:00:00Z",
               is_lifted ? "lifted: {at: 2026-06-01T00:00:00Z, authority: {text: x}}\n" : "");
}

static bool load(struct world *world)
{
    diagnostics_init(&world->diagnostics, &world->arena);
    world->err = ERR_NONE;
    return directive_folder_load(world->source, &world->diagnostics, &world->err);
}

static void assert_loads(struct world *world, uint64_t number)
{
    struct directive_set *set;

    if (!load(world)) {
        diagnostics_print(&world->diagnostics, stderr);
        fail_msg("%s", world->err.detail);
    }
    set = snapshot_get(&world->set);
    assert_int_equal(directive_set_number(set), number);
    directive_set_unref(set);
}

/* 0: no such directive. */
static uint32_t version_of(struct world *world, const char *id)
{
    struct directive_set *set = snapshot_get(&world->set);
    const struct directive *directive = directive_set_find(set, span_text(id));
    uint32_t version = directive ? directive->version : 0;

    directive_set_unref(set);
    return version;
}

static void no_folder_is_a_set_of_nothing(void **state)
{
    struct world *world = *state;

    assert_loads(world, 1);
    assert_loads(world, 1);
    assert_int_equal(directive_set_count(world->set.current), 0);
}

static void a_changed_set_is_the_next_number_and_a_changed_directive_its_next_version(void **state)
{
    struct world *world = *state;

    write_file(world, "resources.yaml", fixture_resources);
    write_directive(world, "one", "First", false);
    write_directive(world, "two", "Second", false);
    assert_loads(world, 1);
    assert_int_equal(version_of(world, "one"), 1);
    assert_loads(world, 1);
    write_directive(world, "one", "Changed", false);
    assert_loads(world, 2);
    assert_int_equal(version_of(world, "one"), 2);
    assert_int_equal(version_of(world, "two"), 1);
    write_directive(world, "one", "First", false); /* the old text is not the old version */
    assert_loads(world, 3);
    assert_int_equal(version_of(world, "one"), 3);
}

static void numbers_and_versions_outlive_a_restart(void **state)
{
    struct world *world = *state;

    write_file(world, "resources.yaml", fixture_resources);
    write_directive(world, "one", "First", false);
    assert_loads(world, 1);
    write_directive(world, "one", "Changed", false);
    assert_loads(world, 2);
    stop(world);
    start(world);
    assert_loads(world, 2);
    assert_int_equal(version_of(world, "one"), 2);
    write_directive(world, "two", "Second", false);
    assert_loads(world, 3);
    assert_int_equal(version_of(world, "one"), 2);
}

static void a_file_that_is_gone_lifts_nothing(void **state)
{
    struct world *world = *state;

    write_file(world, "resources.yaml", fixture_resources);
    write_directive(world, "one", "First", false);
    write_directive(world, "two", "Second", false);
    assert_loads(world, 1);
    remove_file(world, "two.yaml");
    assert_false(load(world));
    assert_int_equal(world->err.code, ERR_FILE_INVALID);
    assert_non_null(strstr(world->err.detail, "two"));
    assert_int_equal(version_of(world, "two"), 1); /* still in force */
    stop(world);
    start(world);
    assert_false(load(world)); /* nor does a restart */
    write_directive(world, "two", "Second", true);
    assert_loads(world, 2);
    assert_int_equal(version_of(world, "two"), 2);
    remove_file(world, "two.yaml");
    assert_loads(world, 3);
    write_directive(world, "two", "Second", false);
    assert_loads(world, 4);
    assert_int_equal(version_of(world, "two"), 3);
}

static void a_file_is_needed_until_its_directive_is_lifted(void **state)
{
    struct world *world = *state;

    write_file(world, "resources.yaml", fixture_resources);
    write_rule(world, "one", "First", "2026-01-01T00:00:00Z",
               "lifted: {at: 2027-03-01T00:00:00Z, authority: {text: x}}\n");
    assert_loads(world, 1);
    remove_file(world, "one.yaml");
    assert_false(load(world));
    assert_int_equal(world->err.code, ERR_FILE_INVALID);
    assert_non_null(strstr(world->err.detail, "one is lifted at 2027-03-01T00:00:00"));
    assert_int_equal(version_of(world, "one"), 1);
    stop(world);
    start(world);
    assert_false(load(world));
    world->clock.wall_ms = INT64_C(1803859200000) - 1; /* 2027-03-01T00:00:00Z */
    assert_false(load(world));
    world->clock.wall_ms++;
    assert_loads(world, 2); /* what was loaded before the moment may go after it */
}

static void a_directive_that_has_not_begun_is_not_said_to_have_been_in_force(void **state)
{
    struct world *world = *state;

    write_file(world, "resources.yaml", fixture_resources);
    write_rule(world, "one", "First", "2030-01-01T00:00:00Z", "");
    assert_loads(world, 1);
    remove_file(world, "one.yaml");
    assert_false(load(world));
    assert_non_null(strstr(world->err.detail, "one is not lifted and its file is gone"));
    assert_null(strstr(world->err.detail, "in force"));
}

static void a_wrong_file_changes_nothing_and_is_not_looked_at_again(void **state)
{
    struct world *world = *state;

    write_file(world, "resources.yaml", fixture_resources);
    write_directive(world, "one", "First", false);
    assert_true(directive_folder_has_changed(world->source));
    assert_loads(world, 1);
    assert_false(directive_folder_has_changed(world->source));
    write_file(world, "one.yaml", "directive: one\nlanguage: 1\n");
    assert_true(directive_folder_has_changed(world->source));
    assert_false(load(world));
    assert_int_equal(world->err.code, ERR_FILE_INVALID);
    assert_true(world->diagnostics.error_count > 0);
    assert_int_equal(version_of(world, "one"), 1);
    assert_false(directive_folder_has_changed(world->source));
}

static void what_failed_for_another_reason_is_tried_again(void **state)
{
    struct world *world = *state;
    char *path = path_of(world, "directives");

    write_file(world, "resources.yaml", fixture_resources);
    assert_loads(world, 1);
    assert_int_equal(rename(path, path_of(world, "moved")), 0);
    assert_true(file_write_durably(path, span_text("no folder"), 0600, &world->err));
    assert_false(load(world));
    assert_int_equal(world->err.code, ERR_IO);
    assert_true(directive_folder_has_changed(world->source));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(path_of(world, "moved"), path), 0);
    assert_loads(world, 1);
}

/* The register alone. */

static struct directive_register register_of(struct world *world)
{
    return (struct directive_register){world->store, &world->names, &world->clock.clock,
                                       &world->mailbox, NULL};
}

static struct directive_set *compile_many(struct world *world, size_t count)
{
    struct directive_file *files = arena_new_array(&world->arena, struct directive_file, count + 1);

    files[0] = (struct directive_file){"resources.yaml", span_text(fixture_resources)};
    for (size_t i = 1; i <= count; i++)
        files[i] = (struct directive_file){
            arena_printf(&world->arena, "%zu.yaml", i),
            span_text(arena_printf(
                &world->arena,
                "directive: a-directive-with-a-rather-long-name-number-%zu\nlanguage: 1\n"
                "title: T\nauthority: {text: a letter}\n"
                "effective: {from: 2026-01-01T00:00:00Z}\nresources: [model/a]\n"
                "require: {subject_kind: {any: [user]}}\n",
                i))};
    diagnostics_init(&world->diagnostics, &world->arena);
    return directive_set_compile(files, count + 1, &world->directives->environment,
                                 &world->diagnostics);
}

static void a_thousand_directives_are_registered(void **state)
{
    struct world *world = *state;
    struct directive_register reg = register_of(world);
    struct directive_set *many = compile_many(world, 1000), *again = compile_many(world, 1000);

    assert_non_null(many);
    if (!directive_register_number(&reg, many, &world->arena, &world->err))
        fail_msg("%s", world->err.detail);
    assert_int_equal(directive_set_number(many), 1);
    assert_true(directive_register_number(&reg, again, &world->arena, &world->err));
    assert_int_equal(directive_set_number(again), 1);
    assert_int_equal(directive_set_get(again, 999)->version, 1);
    directive_set_unref(many);
    directive_set_unref(again);
}

struct rival {
    struct world *world;
    struct directive_set *set;
    struct mailbox mailbox;
    bool is_numbered;
};

static void *number_as_well(void *argument)
{
    struct rival *rival = argument;
    struct directive_register reg = register_of(rival->world);
    struct arena arena;
    struct err err;

    reg.mailbox = &rival->mailbox;
    arena_init(&arena, 4096);
    rival->is_numbered = directive_register_number(&reg, rival->set, &arena, &err);
    arena_release(&arena);
    return NULL;
}

static void two_at_once_agree_on_the_number(void **state)
{
    struct world *world = *state;

    for (size_t round = 0; round < 10; round++) {
        struct rival rivals[2] = {{.world = world}, {.world = world}};
        pthread_t threads[2];

        for (size_t i = 0; i < 2;
             i++) { /* the same set, one directive more than the round before */
            mailbox_init(&rivals[i].mailbox);
            rivals[i].set = compile_many(world, round + 1);
            pthread_create(&threads[i], NULL, number_as_well, &rivals[i]);
        }
        for (size_t i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
            assert_true(rivals[i].is_numbered);
            assert_int_equal(directive_set_number(rivals[i].set), round + 1);
            directive_set_unref(rivals[i].set);
            mailbox_release(&rivals[i].mailbox);
        }
    }
}

static void a_register_that_cannot_be_read_numbers_nothing(void **state)
{
    static const char *const values[] = {"\2{}", "\1{", "\1[]", "\1{\"number\":1}", "x"};
    struct world *world = *state;
    struct directive_register reg = register_of(world);

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct store_request *request = store_request_new_blocking(STORE_WRITE, 0, &world->mailbox);
        struct directive_set *set = compile_many(world, 1);

        store_request_put(request, names_realm(&world->names, span_text("directives")),
                          TIMESTAMP_NEVER_MS, span_text(values[i]));
        assert_true(store_call(world->store, request, &world->mailbox, &world->err));
        store_request_free(request);
        assert_false(directive_register_number(&reg, set, &world->arena, &world->err));
        assert_int_equal(world->err.code, ERR_STORE_CORRUPT);
        assert_int_equal(directive_set_number(set), 0);
        directive_set_unref(set);
    }
}

/* What a flush does, and nearly what an older copy of the store does that is put back. */
static void lose_register(struct world *world)
{
    struct store_request *request = store_request_new_blocking(STORE_WRITE, 0, &world->mailbox);

    store_request_remove(request, names_realm(&world->names, span_text("directives")));
    assert_true(store_call(world->store, request, &world->mailbox, &world->err));
    store_request_free(request);
}

/* The number that a server gives that starts now, with a folder of as many directives. */
static uint64_t number_of_another(struct world *world, size_t count)
{
    struct directive_register reg = register_of(world);
    struct directive_set *set = compile_many(world, count);
    uint64_t number;

    assert_true(directive_register_number(&reg, set, &world->arena, &world->err));
    number = directive_set_number(set);
    directive_set_unref(set);
    return number;
}

static void what_the_store_has_lost_keeps_its_number_and_its_versions(void **state)
{
    struct world *world = *state;

    write_file(world, "resources.yaml", fixture_resources);
    write_directive(world, "one", "First", false);
    write_directive(world, "two", "Second", false);
    assert_loads(world, 1);
    write_directive(world, "one", "Changed", false);
    assert_loads(world, 2);
    lose_register(world);
    assert_loads(world, 2);
    assert_int_equal(version_of(world, "one"), 2);
    lose_register(world);
    remove_file(world, "two.yaml");
    assert_false(load(world)); /* nor does a loss lift anything */
    write_directive(world, "two", "Second", false);
    write_directive(world, "one", "Changed again", false);
    assert_loads(world, 3);
    assert_int_equal(version_of(world, "one"), 3);
    assert_int_equal(version_of(world, "two"), 1);
    stop(world);
    start(world);
    assert_loads(world, 3); /* and there it is */
}

static void a_number_is_not_given_again_by_who_knows_more_than_the_store(void **state)
{
    struct world *world = *state;

    write_file(world, "resources.yaml", fixture_resources);
    write_directive(world, "one", "First", false);
    assert_loads(world, 1);
    write_directive(world, "one", "Changed", false);
    assert_loads(world, 2);
    lose_register(world);
    assert_int_equal(number_of_another(world, 1), 1);
    assert_int_equal(number_of_another(world, 2), 2); /* as ours, and another set */
    write_directive(world, "one", "Changed again", false);
    assert_false(load(world)); /* the other's directives are registered */
    assert_int_equal(world->err.code, ERR_FILE_INVALID);
    assert_int_equal(number_of_another(world, 3), 3);
}

static uint64_t epoch;

static void tell_epoch(struct store *store, struct store_state *ret_state)
{
    (void)store;
    *ret_state = (struct store_state){.is_up = true, .epoch = epoch};
}

static void another_epoch_of_the_store_has_what_is_in_force_registered_again(void **state)
{
    struct world *world = *state;
    const struct store_ops *ops = world->store->ops;
    struct store_ops with_epoch = *ops;

    with_epoch.state = tell_epoch;
    world->store->ops = &with_epoch;
    epoch = 7;
    assert_loads(world, 1);
    write_file(world, "resources.yaml", fixture_resources);
    assert_loads(world, 2);
    lose_register(world);
    assert_true(directive_folder_recall(world->source, &world->err)); /* it is the same epoch */
    assert_int_equal(number_of_another(world, 1), 1);
    lose_register(world);
    epoch = 8;
    assert_true(directive_folder_recall(world->source, &world->err));
    assert_int_equal(number_of_another(world, 1), 3);
    world->store->ops = ops;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Records in the log. */
static uint64_t count_records(struct world *world)
{
    struct audit_state state;

    audit_get_state(world->audit, &state);
    return state.next_sequence - 1;
}

static void what_is_in_force_is_on_record_at_once_and_again_every_day(void **state)
{
    struct world *world = *state;
    uint64_t count = count_records(world);

    write_file(world, "resources.yaml", fixture_resources);
    write_directive(world, "one", "First", false);
    assert_loads(world, 1);
    assert_int_equal(count_records(world), ++count);
    assert_loads(world, 1); /* the same again is on record */
    assert_true(directive_folder_record(world->source, &world->err));
    assert_int_equal(count_records(world), count);
    write_directive(world, "one", "Changed", false);
    assert_loads(world, 2);
    assert_int_equal(count_records(world), ++count);
    test_clock_advance(&world->clock, TIMESTAMP_DAY_MS);
    assert_true(directive_folder_record(world->source, &world->err));
    assert_int_equal(count_records(world), ++count);
    assert_true(directive_folder_record(world->source, &world->err));
    assert_int_equal(count_records(world), count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_folder_is_a_set_of_nothing),
        TEST(a_changed_set_is_the_next_number_and_a_changed_directive_its_next_version),
        TEST(numbers_and_versions_outlive_a_restart),
        TEST(a_file_that_is_gone_lifts_nothing),
        TEST(a_file_is_needed_until_its_directive_is_lifted),
        TEST(a_directive_that_has_not_begun_is_not_said_to_have_been_in_force),
        TEST(a_wrong_file_changes_nothing_and_is_not_looked_at_again),
        TEST(what_failed_for_another_reason_is_tried_again),
        TEST(a_thousand_directives_are_registered),
        TEST(two_at_once_agree_on_the_number),
        TEST(a_register_that_cannot_be_read_numbers_nothing),
        TEST(what_the_store_has_lost_keeps_its_number_and_its_versions),
        TEST(a_number_is_not_given_again_by_who_knows_more_than_the_store),
        TEST(another_epoch_of_the_store_has_what_is_in_force_registered_again),
        TEST(what_is_in_force_is_on_record_at_once_and_again_every_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
