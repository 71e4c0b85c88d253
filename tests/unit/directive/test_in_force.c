/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force, on record: whole, in as many records as it takes, and never left out. */
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "directive/in_force.h"
#include "telemetry/audit_reader.h"
#include "unit/domain/directive/fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 200, NAMES = 250 };

struct world {
    struct fixture *directives;
    struct mailbox mailbox;
    char folder[64];
    struct audit_log *audit;
    struct in_force in_force;
};

static void open_log(struct world *world, size_t buffer_bytes, enum audit_mode mode)
{
    struct err err = ERR_NONE;

    if (!audit_open(&(struct audit_options){.folder = world->folder,
                                            .mode = mode,
                                            .buffer_bytes = buffer_bytes,
                                            .clock = &clock_system},
                    &world->audit, &err))
        fail_msg("%s", err.detail);
    world->in_force = (struct in_force){
        .audit = world->audit,
        .groups = world->directives->groups,
        .mailbox = &world->mailbox,
        .bytes_max = IN_FORCE_BYTES_MIN,
    };
}

static int set_up(void **state)
{
    struct world *world = memory_new(struct world);

    mailbox_init(&world->mailbox);
    fixture_setup((void **)&world->directives);
    snprintf(world->folder, sizeof(world->folder), "/tmp/passgate-force-XXXXXX");
    if (!mkdtemp(world->folder))
        return -1;
    open_log(world, 0, AUDIT_BOUNDED);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[96];
    int status;

    audit_close(world->audit);
    snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
    status = system(command);
    fixture_teardown((void **)&world->directives);
    mailbox_release(&world->mailbox);
    memory_free(world);
    return status;
}

static const char *directive_text(struct arena *arena, int number, const char *resources)
{
    return arena_printf(arena,
                        "directive: d-%03d\nlanguage: 1\ntitle: Number %d\n"
                        "authority: {text: \"letter \\\"%d\\\"\"}\n"
                        "effective: {from: 2026-01-01T00:00:00Z}\nresources: [%s]\n"
                        "require: {subject_kind: {any: [user]}}\n",
                        number, number, number, resources);
}

/* `count` directives; the first names `names` resources and the others one. */
static struct directive_set *compile(struct world *world, size_t count, int names)
{
    struct arena *arena = &world->directives->arena;
    struct directive_file *files = arena_new_array(arena, struct directive_file, count + 1);
    const char *list = "model/n-0", *declared = "resources:\n  - {id: model/n-0, base: allow}\n";
    struct directive_set *set;

    for (int i = 1; i < names; i++) {
        list = arena_printf(arena, "%s, model/n-%d", list, i);
        declared = arena_printf(arena, "%s  - {id: model/n-%d, base: allow}\n", declared, i);
    }
    files[0] = (struct directive_file){"resources.yaml", span_text(declared)};
    for (size_t i = 0; i < count; i++)
        files[1 + i] = (struct directive_file){
            arena_printf(arena, "%zu.yaml", i),
            span_text(directive_text(arena, (int)i, i == 0 ? list : "model/n-0")),
        };
    diagnostics_init(&world->directives->diagnostics, arena);
    set = directive_set_compile(files, count + 1, &world->directives->environment,
                                &world->directives->diagnostics);
    assert_non_null(set);
    for (size_t i = 0; i < count; i++)
        directive_set_assign_version(set, i, (uint32_t)i + 7);
    directive_set_assign(set, 4711);
    return set;
}

/* What the log says, put together again. */
struct told {
    size_t parts, directives, names, ids;
    bool is_over;
    json_t *first; /* of the directives */
};

static void take_part(struct told *told, const struct audit_record *record)
{
    struct err err = ERR_NONE;
    const json_t *list;
    json_t *payload;

    assert_true(record->payload.length <= IN_FORCE_BYTES_MIN);
    assert_int_equal(record->directive_set, 4711);
    assert_false(told->is_over);
    if (!json_read(record->payload, &payload, &err))
        fail_msg("%s", err.detail);
    assert_int_equal(json_integer_value(json_object_get(payload, "part")), ++told->parts);
    assert_non_null(json_object_get(json_object_get(payload, "countries"), "as_of"));
    told->is_over = json_is_true(json_object_get(payload, "last"));
    told->ids += record->id_count - 1;
    list = json_object_get(payload, "directives");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        bool is_begun = json_object_get(entry, "id") != NULL;

        told->directives += is_begun;
        assert_int_equal(json_integer_value(json_object_get(entry, "index")), told->directives - 1);
        told->names += json_array_size(json_object_get(entry, "resources"));
        if (is_begun && !told->first)
            told->first = json_incref(json_array_get(list, i));
    }
    json_decref(payload);
}

static struct told read_back(struct world *world)
{
    const struct audit_entry *entry;
    struct audit_reader *reader;
    struct err err = ERR_NONE;
    struct told told = {0};

    audit_close(world->audit);
    world->audit = NULL;
    assert_true(audit_reader_open(world->folder, &reader, &err));
    for (;;) {
        if (!audit_reader_next(reader, &entry, &err))
            fail_msg("%s", err.detail);
        if (!entry)
            break;
        if (entry->record.kind == AUDIT_DIRECTIVES_IN_FORCE)
            take_part(&told, &entry->record);
    }
    audit_reader_close(reader);
    return told;
}

static void record(struct world *world, struct directive_set *set)
{
    struct err err = ERR_NONE;

    if (!in_force_record(&world->in_force, set, clock_wall_ms(&clock_system), &err))
        fail_msg("%s", err.detail);
    directive_set_unref(set);
}

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void a_small_set_is_one_record_that_names_authorities(void **state)
{
    struct told told;

    record(*state, compile(*state, 3, 2));
    told = read_back(*state);
    assert_int_equal(told.parts, 1);
    assert_int_equal(told.directives, 3);
    assert_int_equal(told.ids, 3);
    assert_int_equal(told.names, 4);
    assert_true(told.is_over);
    assert_string_equal(text_in(told.first, "id"), "d-000");
    assert_int_equal(json_integer_value(json_object_get(told.first, "version")), 7);
    assert_int_equal(strlen(text_in(told.first, "sha256")), 64);
    assert_string_equal(text_in(json_object_get(told.first, "authority"), "text"), "letter \"0\"");
    json_decref(told.first);
}

static void a_set_of_nothing_is_on_record_as_well(void **state)
{
    struct directive_set *set = directive_set_empty();
    struct told told;

    directive_set_assign(set, 4711);
    record(*state, set);
    told = read_back(*state);
    assert_int_equal(told.parts, 1);
    assert_int_equal(told.directives, 0);
    assert_true(told.is_over);
}

static void a_large_set_is_on_record_whole_in_several(void **state)
{
    struct told told;

    record(*state, compile(*state, MANY, NAMES));
    told = read_back(*state);
    assert_true(told.parts > 3);
    assert_int_equal(told.directives, MANY);
    assert_int_equal(told.ids, MANY);
    assert_int_equal(told.names, NAMES + MANY - 1);
    assert_true(told.is_over);
    json_decref(told.first);
}

/* Much more than both buffers take: the log has to be waited for, whatever its mode. */
static void a_log_that_is_full_is_waited_for(void **state)
{
    static const enum audit_mode modes[] = {AUDIT_BOUNDED, AUDIT_RING};
    struct world *world = *state;

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        char command[96];
        struct told told;

        audit_close(world->audit);
        snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
        assert_int_equal(system(command), 0);
        open_log(world, 32 * 1024, modes[i]);
        record(world, compile(world, MANY, NAMES));
        told = read_back(world);
        assert_int_equal(told.directives, MANY);
        assert_true(told.is_over);
        json_decref(told.first);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_small_set_is_one_record_that_names_authorities),
        TEST(a_set_of_nothing_is_on_record_as_well),
        TEST(a_large_set_is_on_record_whole_in_several),
        TEST(a_log_that_is_full_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
