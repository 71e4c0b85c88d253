/* SPDX-License-Identifier: Apache-2.0 */
/* WatchRevisions over real gRPC: what changes is told, once, to everybody who asked, and nothing
 * but that. */
#include "base/mailbox.h"
#include "passgate/v1/entitlement.pb-c.h"
#include "storage/blocking.h"
#include "unit/product/evidence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TERSE  WORLD_TERSE
#define TOLD   WORLD_TOLD
#define NOBODY "other_uri" /* whom nobody has bound */

enum { WAIT_MS = 20000, QUIET_MS = 100, HANDLE_LENGTH = 22 };

/* Evidence that the subject is a citizen of the USA; returns the revision. */
static const char *submit(struct world *world, const char *subject, int number)
{
    return submit_statement(world, &(struct statement){
                                       .subject = subject,
                                       .id = arena_printf(world_arena(world), "%d", number),
                                       .kind = "CITIZEN_OF",
                                       .country = "USA",
                                   });
}

static void set_principal(struct world *world, const char *service, const char *person)
{
    const char *json =
        arena_printf(world_arena(world),
                     "{\"request_id\": \"%s-%s\", \"subject\": \"%s\", \"principals\": [\"%s\"]}",
                     service, person, service, person);

    world_expect_ok(world_call_json(world, TOLD, "VerificationService/SetPrincipals",
                                    &passgate__v1__set_principals_request__descriptor, json,
                                    &passgate__v1__set_principals_response__descriptor));
}

static const Passgate__V1__CheckEntitlementResponse *check(struct world *world, const char *caller,
                                                           const char *subject, const char *more)
{
    const char *json = arena_printf(world_arena(world),
                                    "{\"subject\": \"%s\", \"action\": \"use\", \"want_handles\": "
                                    "true, \"resource\": {\"type\": \"model\", \"id\": "
                                    "\"closed\"}%s}",
                                    subject, more);

    return world_expect_ok(world_call_json(world, caller, "EntitlementService/CheckEntitlement",
                                           &passgate__v1__check_entitlement_request__descriptor,
                                           json,
                                           &passgate__v1__check_entitlement_response__descriptor));
}

static struct core_call *start(struct world *world, const char *caller, const char *revision,
                               const Passgate__V1__WatchKind *kinds, size_t kind_count)
{
    Passgate__V1__WatchRevisionsRequest request = PASSGATE__V1__WATCH_REVISIONS_REQUEST__INIT;
    struct core_call *call = core_stream_start(
        world_client(world, caller),
        &(struct core_start){.path = "/passgate.v1.EntitlementService/WatchRevisions"});

    request.revision = (char *)(uintptr_t)revision;
    request.kinds = (Passgate__V1__WatchKind *)(uintptr_t)kinds;
    request.n_kinds = kind_count;
    core_stream_send(call, &request.base);
    core_stream_half_close(call);
    return call;
}

static struct core_call *watch(struct world *world, const char *caller, const char *revision)
{
    return start(world, caller, revision, NULL, 0);
}

static const Passgate__V1__WatchRevisionsResponse *next(struct core_call *call)
{
    const Passgate__V1__WatchRevisionsResponse *message =
        (const Passgate__V1__WatchRevisionsResponse *)core_stream_read(
            call, &passgate__v1__watch_revisions_response__descriptor, WAIT_MS);

    if (!message)
        fail_msg("no message: %s", core_call_describe(call));
    assert_in_range(strlen(message->revision), 1, REVISION_TEXT_MAX);
    return message;
}

static void assert_quiet(struct core_call *call)
{
    assert_null(
        core_stream_read(call, &passgate__v1__watch_revisions_response__descriptor, QUIET_MS));
}

/* The first message, which says where it stands and nothing else. */
static const Passgate__V1__WatchRevisionsResponse *assert_begins(struct core_call *call)
{
    const Passgate__V1__WatchRevisionsResponse *message = next(call);

    assert_false(message->reset);
    assert_int_equal(message->n_subjects, 0);
    return message;
}

static void end(struct core_call *call)
{
    core_call_cancel(call);
    assert_end(call, GRPC_STATUS_CANCELLED);
}

static void assert_told_one(const Passgate__V1__WatchRevisionsResponse *message, const char *handle)
{
    assert_false(message->reset);
    assert_int_equal(message->n_subjects, 1);
    assert_int_equal(strlen(handle), HANDLE_LENGTH);
    assert_string_equal(message->subjects[0], handle);
}

/* So many changes of as many subjects, straight into the store. */
static void change_many(struct world *world, uint64_t first, size_t count)
{
    struct mailbox mailbox;
    struct err err;

    mailbox_init(&mailbox);
    for (uint64_t i = first; i < first + count;) {
        struct store_request *request = store_request_new_blocking(STORE_WRITE, 0, &mailbox);

        for (size_t k = 0; k < STORE_KEYS_MAX && i < first + count; k++, i++)
            store_request_change(request, STORE_CHANGE_SUBJECT, (struct hash128){i, i});
        assert_true(store_call(world_store(world), request, &mailbox, &err));
        store_request_free(request);
    }
    mailbox_release(&mailbox);
}

static void a_change_is_told_by_the_handle_that_the_check_gave(void **state)
{
    const Passgate__V1__CheckEntitlementResponse *allowed;
    struct core_call *call;

    submit(*state, "american", 1);
    allowed = check(*state, TOLD, "american", "");
    assert_int_equal(allowed->decision, PASSGATE__V1__DECISION__DECISION_ALLOW);
    assert_int_equal(allowed->n_handles, 1);
    call = watch(*state, TOLD, "");
    assert_int_equal(assert_begins(call)->directive_set, 1);
    submit(*state, "american", 2);
    assert_told_one(next(call), allowed->handles[0]);
    assert_string_equal(check(*state, TOLD, "american", "")->handles[0], allowed->handles[0]);
    submit(*state, "somebody-else", 1);
    assert_string_not_equal(next(call)->subjects[0], allowed->handles[0]);
    end(call);
}

static void a_handle_is_one_callers(void **state)
{
    struct core_call *told, *terse;
    const char *mine, *theirs;

    submit(*state, "american", 1);
    mine = check(*state, TOLD, "american", "")->handles[0];
    theirs = check(*state, TERSE, "american", "")->handles[0];
    assert_string_not_equal(mine, theirs);
    told = watch(*state, TOLD, "");
    terse = watch(*state, TERSE, "");
    assert_begins(told);
    assert_begins(terse);
    submit(*state, "american", 2);
    assert_told_one(next(told), mine);
    assert_told_one(next(terse), theirs);
    end(told);
    end(terse);
}

static void an_answer_names_everyone_whose_facts_decided(void **state)
{
    const Passgate__V1__CheckEntitlementResponse *answer;
    const char *american, *service;

    submit(*state, "american", 1);
    submit(*state, "other", 1);
    set_principal(*state, "service", "american");
    american = check(*state, TOLD, "american", "")->handles[0];
    answer = check(*state, TOLD, "service", "");
    assert_int_equal(answer->n_handles, 2);
    service = answer->handles[0];
    assert_string_equal(answer->handles[1], american);
    answer = check(*state, TOLD, "american",
                   ", \"also_subjects\": [\"service\", \"american\", \"other\"]");
    assert_int_equal(answer->n_handles, 3);
    assert_string_equal(answer->handles[0], american);
    assert_string_equal(answer->handles[1], service);
}

/* No refusal shows by its size whose facts decided. */
static void a_refusal_has_no_handles_where_only_the_decision_is_told(void **state)
{
    assert_int_equal(check(*state, TERSE, "nobody", "")->n_handles, 0);
    assert_int_equal(check(*state, TOLD, "nobody", "")->n_handles, 1);
}

static void a_batch_gives_handles_where_they_are_wanted(void **state)
{
    const Passgate__V1__BatchCheckEntitlementsResponse *batch;

    submit(*state, "american", 1);
    batch = world_expect_ok(
        world_call_json(*state, TOLD, "EntitlementService/BatchCheckEntitlements",
                        &passgate__v1__batch_check_entitlements_request__descriptor,
                        "{\"checks\": ["
                        "{\"subject\": \"american\", \"action\": \"use\", \"want_handles\": true,"
                        " \"resource\": {\"type\": \"model\", \"id\": \"closed\"}},"
                        "{\"subject\": \"american\", \"action\": \"use\","
                        " \"resource\": {\"type\": \"model\", \"id\": \"open\"}}]}",
                        &passgate__v1__batch_check_entitlements_response__descriptor));
    assert_int_equal(batch->decisions[0]->n_handles, 1);
    assert_string_equal(batch->decisions[0]->handles[0],
                        check(*state, TOLD, "american", "")->handles[0]);
    assert_int_equal(batch->decisions[1]->n_handles, 0);
}

static void whoever_comes_back_is_told_what_he_missed_once_each(void **state)
{
    const char *revision, *american;
    struct core_call *call;
    const Passgate__V1__WatchRevisionsResponse *message;

    submit(*state, "american", 1);
    american = check(*state, TOLD, "american", "")->handles[0];
    call = watch(*state, TOLD, "");
    assert_begins(call);
    submit(*state, "other", 1);
    revision = arena_text(world_arena(*state), span_text(next(call)->revision));
    end(call);
    for (int i = 2; i < 12; i++)
        submit(*state, "american", i);
    call = watch(*state, TOLD, revision);
    message = next(call);
    assert_false(message->reset);
    assert_int_equal(message->n_subjects, 2); /* the revision's own change, and one for all ten */
    assert_string_equal(message->subjects[1], american);
    assert_quiet(call);
    revision = arena_text(world_arena(*state), span_text(message->revision));
    end(call);
    call = watch(*state, TOLD, revision);
    assert_told_one(next(call), american);
    end(call);
}

static void from_a_write_on_its_own_change_is_told(void **state)
{
    const char *revision = submit(*state, "american", 1);
    const char *american = check(*state, TOLD, "american", "")->handles[0];
    struct core_call *call = watch(*state, TOLD, revision);

    assert_told_one(next(call), american);
    end(call);
}

static void many_changes_come_in_messages_of_a_thousand(void **state)
{
    const char *revision = submit(*state, "american", 1);
    size_t told = 0, largest = 0;
    struct core_call *call;

    change_many(*state, 1000, 2500);
    call = watch(*state, TOLD, revision);
    while (told < 2501) {
        const Passgate__V1__WatchRevisionsResponse *message = next(call);

        assert_false(message->reset);
        told += message->n_subjects;
        largest = message->n_subjects > largest ? message->n_subjects : largest;
    }
    assert_int_equal(told, 2501);
    assert_int_equal(largest, 1000);
    assert_quiet(call);
    end(call);
}

static void whoever_comes_back_too_late_is_told_to_drop_everything(void **state)
{
    const char *revision = submit(*state, "american", 1);
    struct core_call *call;
    const Passgate__V1__WatchRevisionsResponse *message;

    change_many(*state, 1000, WORLD_CHANGES_MAX);
    call = watch(*state, TOLD, revision);
    message = next(call);
    assert_true(message->reset);
    assert_int_equal(message->n_subjects, 0);
    submit(*state, "american", 2); /* and it goes on from there */
    message = next(call);
    assert_false(message->reset);
    assert_int_equal(message->n_subjects, 1);
    end(call);
}

static void a_revision_of_which_nothing_is_known_is_a_reset(void **state)
{
    static const struct revision revisions[] = {{1, 0, 0}, {1, 5, 0}, {1, UINT64_MAX, 3}};

    submit(*state, "american", 1);
    for (size_t i = 0; i < ARRAY_LEN(revisions); i++) {
        char text[REVISION_TEXT_MAX];
        struct core_call *call = watch(*state, TOLD, revision_format(&revisions[i], text));

        assert_true(next(call)->reset);
        end(call);
    }
}

static void another_directive_set_is_told_by_its_number(void **state)
{
    struct core_call *call = watch(*state, TOLD, ""), *terse = watch(*state, TERSE, "");
    const Passgate__V1__WatchRevisionsResponse *message;

    assert_int_equal(assert_begins(call)->directive_set, 1);
    assert_int_equal(assert_begins(terse)->directive_set, 1);
    world_number_directives(*state, 2);
    message = next(call);
    assert_int_equal(message->directive_set, 2);
    assert_false(message->reset);
    assert_int_equal(message->n_subjects, 0);
    assert_int_equal(next(terse)->directive_set, 2);
    world_number_directives(*state, 2);
    assert_quiet(call);
    end(call);
    end(terse);
}

static void only_what_was_asked_for_is_told(void **state)
{
    static const Passgate__V1__WatchKind subjects[] = {
        PASSGATE__V1__WATCH_KIND__WATCH_KIND_SUBJECTS};
    static const Passgate__V1__WatchKind directives[] = {
        PASSGATE__V1__WATCH_KIND__WATCH_KIND_DIRECTIVES};
    struct core_call *of_subjects = start(*state, TOLD, "", subjects, 1);
    struct core_call *of_directives = start(*state, TOLD, "", directives, 1);
    const Passgate__V1__WatchRevisionsResponse *message;

    assert_int_equal(assert_begins(of_subjects)->directive_set, 0);
    assert_int_equal(assert_begins(of_directives)->directive_set, 1);
    submit(*state, "american", 1);
    assert_int_equal(next(of_subjects)->n_subjects, 1);
    assert_quiet(of_directives);
    world_number_directives(*state, 2);
    message = next(of_directives);
    assert_int_equal(message->directive_set, 2);
    assert_int_equal(message->n_subjects, 0);
    assert_quiet(of_subjects);
    end(of_subjects);
    end(of_directives);
}

static void a_stream_without_news_says_that_it_lives(void **state)
{
    struct core_call *call = watch(*state, TOLD, "");

    assert_begins(call);
    assert_quiet(call); /* time stands still */
    for (int i = 0; i < 3; i++) {
        test_clock_advance(world_clock(*state), WORLD_HEARTBEAT_MS / 2);
        assert_int_equal(assert_begins(call)->directive_set, 1);
        assert_quiet(call);
    }
    end(call);
}

static void assert_refused(struct core_call *call, grpc_status_code code, const char *reason,
                           const char *field)
{
    assert_null(
        core_stream_read(call, &passgate__v1__watch_revisions_response__descriptor, WAIT_MS));
    assert_ended(call, code);
    assert_string_equal(core_call_reason(call), reason);
    assert_string_equal(core_call_field(call), field);
    core_call_free(call);
}

static void what_is_wrong_in_the_request_is_named(void **state)
{
    static const Passgate__V1__WatchKind kinds[] = {
        PASSGATE__V1__WATCH_KIND__WATCH_KIND_SUBJECTS,
        PASSGATE__V1__WATCH_KIND__WATCH_KIND_UNSPECIFIED};

    assert_refused(watch(*state, TOLD, "revision"), GRPC_STATUS_INVALID_ARGUMENT, "FIELD_REVISION",
                   "revision");
    assert_refused(start(*state, TOLD, "", kinds, ARRAY_LEN(kinds)), GRPC_STATUS_INVALID_ARGUMENT,
                   "FIELD_ENUM", "kinds[1]");
    assert_refused(watch(*state, NOBODY, ""), GRPC_STATUS_UNAUTHENTICATED, "UNAUTHENTICATED", "");
}

/* Above the server's bound there are no more, and room again when one has gone. */
static void there_are_so_many_watches_and_no_more(void **state)
{
    static struct core_call *calls[WATCHES_MAX];

    for (size_t i = 0; i < WATCHES_MAX; i++)
        calls[i] = watch(*state, TOLD, "");
    for (size_t i = 0; i < WATCHES_MAX; i++)
        assert_begins(calls[i]);
    assert_refused(watch(*state, TOLD, ""), GRPC_STATUS_RESOURCE_EXHAUSTED, "OVERLOADED", "");
    submit(*state, "american", 1);
    for (size_t i = 0; i < WATCHES_MAX; i++)
        assert_int_equal(next(calls[i])->n_subjects, 1);
    for (size_t i = 0; i < WATCHES_MAX; i++)
        end(calls[i]);
    for (bool is_back = false; !is_back;) { /* the server hears of the ends a moment later */
        struct core_call *call = watch(*state, TOLD, "");

        is_back = core_stream_read(call, &passgate__v1__watch_revisions_response__descriptor,
                                   WAIT_MS) != NULL;
        core_call_cancel(call);
        core_call_end(call);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up_callers, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_told_by_the_handle_that_the_check_gave),
        TEST(a_handle_is_one_callers),
        TEST(an_answer_names_everyone_whose_facts_decided),
        TEST(a_refusal_has_no_handles_where_only_the_decision_is_told),
        TEST(a_batch_gives_handles_where_they_are_wanted),
        TEST(whoever_comes_back_is_told_what_he_missed_once_each),
        TEST(from_a_write_on_its_own_change_is_told),
        TEST(many_changes_come_in_messages_of_a_thousand),
        TEST(whoever_comes_back_too_late_is_told_to_drop_everything),
        TEST(a_revision_of_which_nothing_is_known_is_a_reset),
        TEST(another_directive_set_is_told_by_its_number),
        TEST(only_what_was_asked_for_is_told),
        TEST(a_stream_without_news_says_that_it_lives),
        TEST(what_is_wrong_in_the_request_is_named),
        TEST(there_are_so_many_watches_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
