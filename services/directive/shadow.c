/* SPDX-License-Identifier: Apache-2.0 */
/* Directives that are tried. */
#include "directive/shadow.h"

#include "base/log.h"
#include "directive/append_record.h"
#include "domain/directive/shadow.h"

/* What is tried by now, as far as records tell it apart; `set` may be NULL. */
static bool is_same(const struct directive_set *set, const struct directive_set *other)
{
    if (!set || !other)
        return set == other;
    return directive_set_number(set) == directive_set_number(other) &&
           strcmp(directive_set_digest(set), directive_set_digest(other)) == 0;
}

/* "ID VERSION DIGEST" of every directive that is tried. */
static struct span *list_directives(const struct directive_set *set, struct arena *arena,
                                    size_t *ret_count)
{
    struct span *ids = arena_new_array(arena, struct span, directive_set_count(set));
    size_t count = 0;

    for (size_t i = 0; i < directive_set_count(set); i++) {
        const struct directive *directive = directive_set_get(set, i);

        if (directive->is_shadow)
            ids[count++] = span_text(arena_printf(arena, "%s %u %s", directive->id,
                                                  directive->version, directive->digest));
    }
    *ret_count = count;
    return ids;
}

/* In as many records as it takes to name them all. */
static bool put_on_record(const struct shadow *shadow, const struct directive_set *set,
                          struct arena *arena, struct err *err)
{
    struct audit_record record = {
        .kind = AUDIT_SHADOW_ACTIVATED,
        .time_ms = clock_wall_ms(shadow->clock),
        .caller = shadow->caller,
        .method = shadow->method,
    };
    struct span *ids = NULL;
    size_t count = 0, next = 0;

    if (set) {
        record.directive_set = directive_set_number(set);
        record.shadow_set = span_text(directive_set_digest(set));
        ids = list_directives(set, arena, &count);
    }
    do {
        record.ids = ids ? ids + next : NULL;
        record.id_count = count - next < AUDIT_IDS_MAX ? count - next : AUDIT_IDS_MAX;
        next += record.id_count;
        if (!append_record(shadow->audit, shadow->mailbox, &record, err))
            return false;
    } while (next < count);
    return true;
}

static void tell(const struct shadow *shadow, const struct directive_set *set)
{
    size_t count = set ? directive_set_shadow_count(set) : 0;

    metrics_set(shadow->metrics, METRIC_SHADOW_DIRECTIVES, (double)count);
    if (set)
        LOG(INFO, "shadow.tried", "directives are tried beside those in force",
            log_number("directives", (int64_t)count), log_text("digest", directive_set_digest(set)),
            log_number("set", (int64_t)directive_set_number(set)));
    else
        LOG(INFO, "shadow.none", "no directives are tried any more");
}

/* The one way by which a shadow set changes.  Takes the reference on `set`, which may be NULL. */
static bool swap(const struct shadow *shadow, struct directive_set *set, struct err *err)
{
    struct directive_set *before = snapshot_get(shadow->set);
    bool is_known = is_same(before, set), is_on_record = true;
    struct arena arena;

    directive_set_unref(before);
    if (!is_known) {
        arena_init(&arena, 4096);
        is_on_record = put_on_record(shadow, set, &arena, err);
        arena_release(&arena);
    }
    if (is_known || !is_on_record) {
        directive_set_unref(set);
        return is_on_record;
    }
    snapshot_replace(shadow->set, set); /* which nobody else replaces: `set` is there */
    tell(shadow, set);
    return true;
}

bool shadow_try(const struct shadow *shadow, const struct directive_file *files, size_t count,
                struct diagnostics *diagnostics, struct err *err)
{
    struct directive_set *base, *set;

    if (count == 0)
        return swap(shadow, NULL, err);
    base = snapshot_get(shadow->directives);
    set = directive_set_compile_shadow(base, files, count, shadow->environment, diagnostics);
    directive_set_unref(base);
    if (!set)
        return err_set(err, ERR_FILE_INVALID, "%zu errors in the directives to be tried",
                       diagnostics->error_count);
    return swap(shadow, set, err);
}

bool shadow_is_behind(const struct shadow *shadow)
{
    struct directive_set *base = snapshot_get(shadow->directives);
    struct directive_set *set = snapshot_get(shadow->set);
    bool is_behind = set && directive_set_number(set) != directive_set_number(base);

    directive_set_unref(set);
    directive_set_unref(base);
    return is_behind;
}

bool shadow_renew(const struct shadow *shadow, struct diagnostics *diagnostics, struct err *err)
{
    struct directive_set *before = snapshot_get(shadow->set);
    const struct directive_file *files = NULL;
    size_t count = 0;
    struct err ignored;
    bool is_renewed;

    if (before)
        files = directive_set_files(before, &count);
    is_renewed = shadow_try(shadow, files, count, diagnostics, err);
    if (!is_renewed && err->code == ERR_FILE_INVALID)
        (void)!swap(shadow, NULL, &ignored);
    directive_set_unref(before);
    return is_renewed;
}
