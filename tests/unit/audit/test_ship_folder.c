/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that segments are shipped to: whole or not at all, and never over something else. */
#include "audit/ship_place.h"
#include "base/attributes.h"
#include "base/file.h"
#include "unit/telemetry/audit_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "0123456789abcdef/segments/00000000000000000001.pgaudit"

struct world {
    char *folder;
    struct arena arena;
    atomic_bool is_cancelled;
    struct ship_place *place;
    struct err err;
};

static const char *in_folder(struct world *world, const char *name)
{
    return arena_printf(&world->arena, "%s/%s", world->folder, name);
}

static int set_up(void **state)
{
    static struct world world;

    world = (struct world){.folder = folder_new()};
    arena_init(&world.arena, 4096);
    world.place = ship_folder_new(in_folder(&world, "place"), &world.is_cancelled);
    *state = &world;
    return mkdir(in_folder(&world, "place"), 0700);
}

static int tear_down(void **state)
{
    struct world *world = *state;

    ship_place_free(world->place);
    folder_free(world->folder);
    arena_release(&world->arena);
    return 0;
}

static enum ship_result put(struct world *world, const char *key, const char *content,
                            bool is_replaceable)
{
    struct ship_object object = {
        .key = key,
        .content = span_text(content),
        .bytes = strlen(content),
        .is_replaceable = is_replaceable,
    };

    digest_sha256_hex(object.content, object.sha256);
    return world->place->ops->put(world->place, &object, &world->err);
}

static enum ship_result put_file(struct world *world, const char *content)
{
    struct ship_object object = {.key = KEY, .path = in_folder(world, "source")};

    assert_true(file_write_durably(object.path, span_text(content), 0600, &world->err));
    digest_sha256_hex(span_text(content), object.sha256);
    return world->place->ops->put(world->place, &object, &world->err);
}

static const char *what_is_there(struct world *world, const char *key)
{
    struct span content;
    enum ship_result result =
        world->place->ops->get(world->place, key, 1024, &world->arena, &content, &world->err);

    if (result == SHIP_ABSENT)
        return "(nothing)";
    assert_int_equal(result, SHIP_SAME);
    return arena_text(&world->arena, content);
}

static void an_object_is_stored_once_and_then_it_is_the_same(void **state)
{
    struct world *world = *state;

    assert_string_equal(what_is_there(world, KEY), "(nothing)");
    assert_int_equal(put_file(world, "records"), SHIP_STORED);
    assert_string_equal(what_is_there(world, KEY), "records");
    assert_int_equal(put_file(world, "records"), SHIP_SAME);
    assert_int_equal(put(world, KEY, "records", false), SHIP_SAME);
}

static void another_content_stays(void **state)
{
    struct world *world = *state;

    assert_int_equal(put(world, KEY, "theirs", false), SHIP_STORED);
    assert_int_equal(put_file(world, "ours"), SHIP_OTHER_CONTENT);
    assert_int_equal(world->err.code, ERR_CONFLICT);
    assert_int_equal(put(world, KEY, "", false), SHIP_OTHER_CONTENT);
    assert_string_equal(what_is_there(world, KEY), "theirs");
}

static void what_says_so_is_replaced(void **state)
{
    struct world *world = *state;

    assert_int_equal(put(world, "a/heads/latest.jws", "one", true), SHIP_STORED);
    assert_int_equal(put(world, "a/heads/latest.jws", "two", true), SHIP_STORED);
    assert_string_equal(what_is_there(world, "a/heads/latest.jws"), "two");
}

static void what_a_crash_has_left_beside_it_is_no_object(void **state)
{
    struct world *world = *state;
    const char *left = in_folder(world, "place/" KEY ".new");

    assert_int_equal(put(world, "0123456789abcdef/segments/other", "x", false), SHIP_STORED);
    assert_true(file_write_durably(left, span_text("half of i"), 0600, &world->err));
    assert_string_equal(what_is_there(world, KEY), "(nothing)");
    assert_int_equal(put_file(world, "half of it, and the rest"), SHIP_STORED);
    assert_string_equal(what_is_there(world, KEY), "half of it, and the rest");
    assert_int_not_equal(access(left, F_OK), 0);
}

/* Where a disk is not mounted nothing is to be put into what is below it. */
static void a_folder_that_is_not_there_is_not_made(void **state)
{
    struct world *world = *state;
    struct span content;

    assert_int_equal(rmdir(in_folder(world, "place")), 0);
    assert_int_equal(put_file(world, "records"), SHIP_UNREACHABLE);
    assert_int_not_equal(access(in_folder(world, "place"), F_OK), 0);
    assert_int_equal(
        world->place->ops->get(world->place, KEY, 1024, &world->arena, &content, &world->err),
        SHIP_UNREACHABLE);
}

static void a_file_in_the_way_is_a_failure(void **state)
{
    struct world *world = *state;

    assert_true(file_write_durably(in_folder(world, "place/0123456789abcdef"), span_text("file"),
                                   0600, &world->err));
    assert_int_equal(put_file(world, "records"), SHIP_FAILED);
}

static void who_stops_leaves_nothing_half(void **state)
{
    struct world *world = *state;

    atomic_store(&world->is_cancelled, true);
    assert_int_equal(put_file(world, "records"), SHIP_FAILED);
    assert_string_equal(what_is_there(world, KEY), "(nothing)");
    atomic_store(&world->is_cancelled, false);
    assert_int_equal(put_file(world, "records"), SHIP_STORED);
}

int main(void)
{
#define ON_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_A_FOLDER(an_object_is_stored_once_and_then_it_is_the_same),
        ON_A_FOLDER(another_content_stays),
        ON_A_FOLDER(what_says_so_is_replaced),
        ON_A_FOLDER(what_a_crash_has_left_beside_it_is_no_object),
        ON_A_FOLDER(a_folder_that_is_not_there_is_not_made),
        ON_A_FOLDER(a_file_in_the_way_is_a_failure),
        ON_A_FOLDER(who_stops_leaves_nothing_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
