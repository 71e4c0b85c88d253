/* SPDX-License-Identifier: Apache-2.0 */
/* Directives that are tried, from a folder: what is wrong with them is told, and changes nothing.
 */
#include "base/file.h"
#include "base/memory.h"
#include "contract/test_clock.h"
#include "directive/shadow_folder.h"
#include "telemetry/audit_reader.h"
#include "unit/domain/directive/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    struct fixture *directives;
    struct arena arena;
    char path[64];
    const char *folder;
    struct test_clock clock;
    struct mailbox mailbox;
    struct metrics *metrics;
    struct audit_log *audit;
    struct snapshot set, shadow;
    struct shadow_folder *source;
    struct diagnostics diagnostics;
    struct err err;
};

static const char *rule(struct world *world, const char *id, const char *resource,
                        const char *country)
{
    return arena_printf(&world->arena,
                        "directive: %s\nlanguage: 1\ntitle: T\nauthority: {text: a letter}\n"
                        "effective: {from: 2026-01-01T00:00:00Z}\nresources: [%s]\n"
                        "require: {location: {in: [%s]}}\n",
                        id, resource, country);
}

/* Set `number`: `rule` on model/a; model/more is declared or not. */
static void enforce(struct world *world, uint64_t number, const char *country, bool has_more)
{
    struct directive_set *set = fixture_compile(
        world->directives,
        (const char *[]){fixture_resources, rule(world, "rule", "model/a", country),
                         has_more ? "resources: [{id: model/more, base: allow}]" : NULL, NULL});

    assert_non_null(set);
    directive_set_assign(set, number);
    snapshot_replace(&world->set, set);
}

static int set_up(void **state)
{
    struct world *world = memory_new(struct world);
    struct audit_options audit = {.clock = &world->clock.clock};

    arena_init(&world->arena, 16 * 1024);
    test_clock_init(&world->clock);
    mailbox_init(&world->mailbox);
    fixture_setup((void **)&world->directives);
    world->directives->environment.keeps_files = true;
    world->metrics = metrics_new(1);
    snprintf(world->path, sizeof(world->path), "/tmp/passgate-shadow-XXXXXX");
    if (!mkdtemp(world->path))
        return -1;
    audit.folder = arena_printf(&world->arena, "%s/audit", world->path);
    world->folder = arena_printf(&world->arena, "%s/shadow", world->path);
    if (!audit_open(&audit, &world->audit, &world->err))
        return -1;
    directive_set_snapshot_init(&world->set, NULL);
    directive_set_snapshot_init(&world->shadow, NULL);
    enforce(world, 7, "USA", false);
    world->source =
        shadow_folder_new(world->folder, &(struct shadow){
                                             .directives = &world->set,
                                             .set = &world->shadow,
                                             .environment = &world->directives->environment,
                                             .audit = world->audit,
                                             .metrics = world->metrics,
                                             .clock = &world->clock.clock,
                                             .mailbox = &world->mailbox,
                                             .caller = span_text("local"),
                                             .method = span_text("directives.shadow_folder"),
                                         });
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    int status;

    shadow_folder_free(world->source);
    snapshot_release(&world->shadow);
    snapshot_release(&world->set);
    audit_close(world->audit);
    metrics_free(world->metrics);
    mailbox_release(&world->mailbox);
    fixture_teardown((void **)&world->directives);
    status = system(arena_printf(&world->arena, "rm -rf '%s'", world->path));
    arena_release(&world->arena);
    memory_free(world);
    return status;
}

static void write_file(struct world *world, const char *name, const char *text)
{
    assert_true(file_make_folder(world->folder, &world->err));
    assert_true(file_write_durably(arena_printf(&world->arena, "%s/%s", world->folder, name),
                                   span_text(text), 0600, &world->err));
}

static bool load(struct world *world)
{
    diagnostics_init(&world->diagnostics, &world->arena);
    world->err = ERR_NONE;
    return shadow_folder_load(world->source, &world->diagnostics, &world->err);
}

/* "" when nothing is tried. */
static const char *tried(struct world *world)
{
    struct directive_set *set = world->shadow.current;

    return set ? arena_printf(&world->arena, "%s of %u", directive_set_digest(set),
                              (unsigned)directive_set_number(set))
               : "";
}

/* The `shadow_activated` records so far, each as "SET ID VERSION; ID VERSION;". */
static const char *records(struct world *world)
{
    const struct audit_entry *entry;
    struct audit_reader *reader;
    struct audit_state state;
    const char *text = "";

    do
        audit_get_state(world->audit, &state);
    while (state.durable_sequence + 1 < state.next_sequence);
    assert_true(audit_reader_open(arena_printf(&world->arena, "%s/audit", world->path), &reader,
                                  &world->err));
    while (audit_reader_next(reader, &entry, &world->err) && entry) {
        const struct audit_record *record = &entry->record;

        if (record->kind != AUDIT_SHADOW_ACTIVATED)
            continue;
        text = arena_printf(&world->arena, "%s[%u", text, (unsigned)record->directive_set);
        assert_int_equal(record->shadow_set.length, record->id_count ? 64 : 0);
        for (size_t i = 0; i < record->id_count; i++)
            text = arena_printf(&world->arena, "%s %.*s;", text, (int)record->ids[i].length - 65,
                                (const char *)record->ids[i].data);
        text = arena_printf(&world->arena, "%s]", text);
    }
    audit_reader_close(reader);
    return text;
}

static void no_folder_tries_nothing(void **state)
{
    struct world *world = *state;

    assert_true(shadow_folder_has_changed(world->source));
    assert_true(load(world));
    assert_string_equal(tried(world), "");
    assert_false(shadow_folder_has_changed(world->source));
    assert_string_equal(records(world), "");
}

static void what_is_in_the_folder_is_tried_and_on_record(void **state)
{
    struct world *world = *state;

    write_file(world, "a.yaml", rule(world, "rule", "model/a", "DEU"));
    write_file(world, "b.yaml", rule(world, "more", "model/b", "DEU"));
    assert_true(load(world));
    assert_int_equal(directive_set_count(world->shadow.current), 2);
    assert_string_equal(records(world), "[7 more 0; rule 0;]");
    assert_true(load(world)); /* the same again is nothing new */
    assert_string_equal(records(world), "[7 more 0; rule 0;]");
    assert_int_equal(unlink(arena_printf(&world->arena, "%s/a.yaml", world->folder)), 0);
    assert_int_equal(unlink(arena_printf(&world->arena, "%s/b.yaml", world->folder)), 0);
    assert_true(shadow_folder_has_changed(world->source));
    assert_true(load(world));
    assert_string_equal(tried(world), "");
    assert_string_equal(records(world), "[7 more 0; rule 0;][0]");
}

static void a_wrong_file_keeps_what_was_tried_before(void **state)
{
    struct world *world = *state;
    const char *before;

    write_file(world, "a.yaml", rule(world, "rule", "model/a", "DEU"));
    assert_true(load(world));
    before = tried(world);
    write_file(world, "a.yaml", "directive: rule\nlanguage: 1\n");
    assert_true(shadow_folder_has_changed(world->source));
    assert_false(load(world));
    assert_int_equal(world->err.code, ERR_FILE_INVALID);
    assert_true(world->diagnostics.error_count > 0);
    assert_string_equal(tried(world), before);
    assert_false(shadow_folder_has_changed(world->source));
}

static void what_is_tried_follows_the_set_in_force(void **state)
{
    struct world *world = *state;
    const char *before;

    write_file(world, "a.yaml", rule(world, "more", "model/b", "DEU"));
    assert_true(load(world));
    before = tried(world);
    enforce(world, 8, "CAN", false);
    assert_true(shadow_folder_has_changed(world->source));
    assert_true(load(world));
    assert_string_not_equal(tried(world), before);
    assert_int_equal(directive_set_number(world->shadow.current), 8);
    assert_string_equal(records(world), "[7 more 0;][8 more 0;]");
}

static void a_wrong_file_does_not_end_what_is_tried_when_another_set_comes(void **state)
{
    struct world *world = *state;

    write_file(world, "a.yaml", rule(world, "more", "model/b", "DEU"));
    assert_true(load(world));
    write_file(world, "a.yaml", "directive: [");
    assert_false(load(world));
    enforce(world, 8, "CAN", false);
    assert_true(shadow_folder_has_changed(world->source));
    assert_false(load(world));
    assert_int_equal(directive_set_number(world->shadow.current), 8);
    assert_non_null(directive_set_find(world->shadow.current, span_text("more")));
}

static void what_does_not_go_with_the_set_in_force_is_not_tried_until_it_does(void **state)
{
    struct world *world = *state;

    write_file(world, "a.yaml", rule(world, "more", "model/more", "DEU"));
    assert_false(load(world));
    assert_string_equal(tried(world), "");
    assert_false(shadow_folder_has_changed(world->source));
    enforce(world, 8, "USA", true);
    assert_true(shadow_folder_has_changed(world->source));
    assert_true(load(world));
    assert_int_equal(directive_set_number(world->shadow.current), 8);
    enforce(world, 9, "USA", false);
    assert_false(load(world));
    assert_string_equal(tried(world), "");
    assert_string_equal(records(world), "[8 more 0;][0]");
}

static void many_directives_are_all_on_record(void **state)
{
    enum { MANY = 150 };
    struct world *world = *state;
    const char *text;
    size_t count = 0;

    for (size_t i = 0; i < MANY; i++)
        write_file(world, arena_printf(&world->arena, "%zu.yaml", i),
                   rule(world, arena_printf(&world->arena, "many-%03zu", i), "model/b", "DEU"));
    assert_true(load(world));
    text = records(world);
    for (const char *at = text; (at = strstr(at, "many-")); at++)
        count++;
    assert_int_equal(count, MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_folder_tries_nothing),
        TEST(what_is_in_the_folder_is_tried_and_on_record),
        TEST(a_wrong_file_keeps_what_was_tried_before),
        TEST(what_is_tried_follows_the_set_in_force),
        TEST(a_wrong_file_does_not_end_what_is_tried_when_another_set_comes),
        TEST(what_does_not_go_with_the_set_in_force_is_not_tried_until_it_does),
        TEST(many_directives_are_all_on_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
