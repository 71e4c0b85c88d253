/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: facts that are at hand and facts that are not, reads that are slow, fail and come too late,
 * claims that name the subject.  Every run is answered once, and nothing of it is left.
 */
#include "base/mailbox.h"
#include "base/memory.h"
#include "contract/test_clock.h"
#include "entitlement/attempt.h"
#include "keys/token.h"
#include "storage/claim_record.h"
#include "unit/domain/directive/fixture.h"
#include "unit/entitlement/persons.h"
#include "unit/storage/fake_store.h"

#include <stdio.h>
#include <stdlib.h>

enum { FRESH_MS = 8000, GRACE_MS = 10000, TIMEOUT_MS = 500, INPUTS_MAX = 8, MAX_AGE_MS = 5000 };

#define ISSUER   "https://passgate.test"
#define AUDIENCE "https://realm.test"
#define CALLER   "spiffe://test/gateway"

struct world {
    struct fixture *directives; /* files and their environment */
    struct arena arena;
    char folder[64];
    struct test_clock clock;
    struct mailbox mailbox;
    struct fake_store *fake;
    struct facts_cache *cache;
    struct metrics *metrics;
    struct audit_log *audit;
    struct snapshot set;
    struct snapshot keys;
    struct entitlement *entitlement;
};

static void *ref_set(void *set)
{
    return directive_set_ref(set);
}

static void unref_set(void *set)
{
    directive_set_unref(set);
}

static void *ref_keys(void *ring)
{
    return key_ring_ref(ring);
}

static void unref_keys(void *ring)
{
    key_ring_unref(ring);
}

static void open_files(struct world *world)
{
    struct audit_options audit = {.clock = &world->clock.clock};
    struct key_ring *ring;
    struct err err;

    snprintf(world->folder, sizeof(world->folder), "/tmp/passgate-run-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    audit.folder = arena_printf(&world->arena, "%s/audit", world->folder);
    if (!audit_open(&audit, &world->audit, &err) ||
        !key_ring_load_or_make(arena_printf(&world->arena, "%s/keys", world->folder), 960000,
                               PERSONS_NOW_MS, &ring, &err))
        fail_msg("%s", err.detail);
    snapshot_init(&world->keys, ring, ref_keys, unref_keys);
}

static int set_up(void **state)
{
    struct world *world = memory_new(struct world);
    const char *const nothing[] = {fixture_resources, NULL};

    arena_init(&world->arena, 16 * 1024);
    test_clock_init(&world->clock);
    mailbox_init(&world->mailbox);
    fixture_setup((void **)&world->directives);
    open_files(world);
    snapshot_init(&world->set, fixture_compile(world->directives, nothing), ref_set, unref_set);
    world->fake = fake_store_new();
    world->metrics = metrics_new(1);
    world->cache = facts_cache_new(&(struct facts_cache_options){
        .store = fake_store_as_store(world->fake),
        .names = &fake_names,
        .clock = &world->clock.clock,
        .bytes_max = 1 << 20,
        .fresh_ms = FRESH_MS,
        .grace_ms = GRACE_MS,
        .read_timeout_ms = TIMEOUT_MS,
    });
    world->entitlement = entitlement_new(&(struct entitlement_options){
        .directives = &world->set,
        .keys = &world->keys,
        .cache = world->cache,
        .store = fake_store_as_store(world->fake),
        .names = &fake_names,
        .organizations = &fixture_organizations,
        .audit = world->audit,
        .metrics = world->metrics,
        .clock = &world->clock.clock,
        .issuer = span_text(ISSUER),
        .realm_audience = span_text(AUDIENCE),
        .max_age_ms = MAX_AGE_MS,
        .store_timeout_ms = TIMEOUT_MS,
    });
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char *command = arena_printf(&world->arena, "rm -rf '%s'", world->folder);
    int status;

    facts_cache_stop(world->cache);
    fake_store_free(world->fake);
    while (inbox_run(&world->mailbox.inbox) > 0)
        continue;
    audit_close(world->audit);
    mailbox_wait(&world->mailbox, 0);
    facts_cache_free(world->cache);
    entitlement_free(world->entitlement);
    metrics_free(world->metrics);
    snapshot_release(&world->set);
    snapshot_release(&world->keys);
    mailbox_release(&world->mailbox);
    fixture_teardown((void **)&world->directives);
    status = system(command);
    arena_release(&world->arena);
    memory_free(world);
    return status;
}

/* In force from here on: one rule on model/a. */
static void enforce(struct world *world, const char *require, const char *more)
{
    struct directive_set *set = fixture_rule(world->directives, require, more);

    assert_non_null(set);
    directive_set_assign(set, 7);
    snapshot_replace(&world->set, set);
}

#define NOT_FOREIGN "{foreign_person: {regime: ear_772_1, is: false}}"

/* What became of a run. */
struct asked {
    struct check_run *run; /* while it is under way */
    unsigned answers;
    bool is_ok;
    struct err err;
    struct check_result results[INPUTS_MAX];
    struct revision revision;
};

static void take_answer(struct asked *asked, const struct check_order *order)
{
    for (size_t i = 0; asked->is_ok && i < order->count; i++)
        asked->results[i] = order->results[i];
    asked->revision = order->revision;
}

static void on_done(struct check_run *run)
{
    struct asked *asked = run->owner;

    if (asked) {
        asked->answers++;
        asked->run = NULL;
        asked->is_ok = run->is_ok;
        asked->err = run->err;
        take_answer(asked, &run->order);
    }
    check_run_free(run);
}

static struct check_input about(const char *subject)
{
    return (struct check_input){
        .subject = span_text(subject),
        .resource_type = span_text("model"),
        .resource_id = span_text("a"),
        .action = span_text("use"),
    };
}

static struct check_order order_of(struct world *world, const struct check_input *inputs,
                                   size_t count)
{
    return (struct check_order){
        .entitlement = world->entitlement,
        .caller = span_text(CALLER),
        .method = span_text("CheckEntitlement"),
        .inputs = inputs,
        .count = count,
        .is_batch = count > 1,
    };
}

static void begin(struct world *world, const struct check_order *order, struct asked *asked)
{
    struct arena arena;

    *asked = (struct asked){.answers = 0};
    arena_init(&arena, 4096);
    asked->run = check_run_new(order, arena, &world->mailbox.inbox, on_done, asked);
    check_run_go(asked->run);
}

/* One read for everything that waits, and everything that comes of it. */
static void let_the_store_answer(struct world *world)
{
    do {
        while (fake_store_read(world->fake))
            continue;
        while (fake_store_answer(world->fake))
            continue;
    } while (inbox_run(&world->mailbox.inbox) > 0);
}

static void let_the_store_fail(struct world *world, enum err_code code)
{
    while (fake_store_refuse(world->fake, code))
        continue;
    let_the_store_answer(world);
}

static void ask(struct world *world, const struct check_input *inputs, size_t count,
                struct asked *asked)
{
    struct check_order order = order_of(world, inputs, count);

    begin(world, &order, asked);
    let_the_store_answer(world);
    assert_int_equal(asked->answers, 1);
}

static void keep(struct world *world, struct record record)
{
    fake_store_write_record(world->fake, &record);
}

static void what_is_not_at_hand_is_read_once_and_then_is(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct check_order order = order_of(world, &input, 1);
    struct asked asked;
    struct err err;
    bool is_ok;

    enforce(world, NOT_FOREIGN, "");
    keep(world, person_american(&world->arena, "alice"));
    assert_false(check_try(&order, &world->arena, &is_ok, &err));
    assert_null(order.set);
    ask(world, &input, 1, &asked);
    assert_true(asked.is_ok && asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_ALLOWED);
    assert_int_equal(fake_store_submitted(world->fake), 1);
    assert_true(check_try(&order, &world->arena, &is_ok, &err));
    assert_true(is_ok && order.results[0].is_allowed);
    assert_int_equal(order.revision.directive_set, 7);
    assert_int_equal(order.revision.number, asked.revision.number);
    check_order_release(&order);
    assert_int_equal(fake_store_submitted(world->fake), 1);
}

static void somebody_unknown_is_asked_to_verify(void **state)
{
    struct world *world = *state;
    struct check_input input = about("nobody");
    struct asked asked;

    enforce(world, NOT_FOREIGN, "");
    ask(world, &input, 1, &asked);
    assert_true(asked.is_ok);
    assert_false(asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_VERIFICATION_REQUIRED);
    assert_int_equal(asked.results[0].max_age_ms, 0);
}

static void a_service_stands_for_the_persons_behind_it(void **state)
{
    static const char *const good[] = {"alice", "adam"}, *const mixed[] = {"alice", "ivan"};
    struct world *world = *state;
    struct check_input inputs[] = {about("bot"), about("other-bot"), about("lonely-bot")};
    struct asked asked;

    enforce(world, NOT_FOREIGN, "");
    keep(world, person_american(&world->arena, "alice"));
    keep(world, person_american(&world->arena, "adam"));
    keep(world, person_foreigner(&world->arena, "ivan", "RUS"));
    keep(world, person_service(&world->arena, "bot", good, 2));
    keep(world, person_service(&world->arena, "other-bot", mixed, 2));
    keep(world, person_service(&world->arena, "lonely-bot", NULL, 0));
    ask(world, inputs, ARRAY_LEN(inputs), &asked);
    assert_true(asked.results[0].is_allowed);
    assert_int_equal(asked.results[1].reason, DECISION_REASON_NOT_PERMITTED);
    assert_int_equal(asked.results[2].reason, DECISION_REASON_VERIFICATION_REQUIRED);
}

static void papers_of_a_service_let_nobody_in(void **state)
{
    struct world *world = *state;
    struct record record = person_american(&world->arena, "bot");
    struct check_input input = about("bot");
    struct asked asked;

    enforce(world, NOT_FOREIGN, "");
    record.kind = SUBJECT_SERVICE;
    keep(world, record);
    ask(world, &input, 1, &asked);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_VERIFICATION_REQUIRED);
}

static void as_many_persons_as_can_stand_behind_a_question_are_asked_about(void **state)
{
    struct world *world = *state;
    const char *principals[RECORD_PRINCIPALS_MAX];
    struct check_input input = about("bot-0");
    struct asked asked;

    enforce(world, NOT_FOREIGN, "");
    for (size_t bot = 0; bot <= CHECK_ALSO_SUBJECTS_MAX; bot++) {
        const char *id = arena_printf(&world->arena, "bot-%zu", bot);

        for (size_t i = 0; i < RECORD_PRINCIPALS_MAX; i++) {
            principals[i] = arena_printf(&world->arena, "person-%zu-%zu", bot, i);
            keep(world, person_american(&world->arena, principals[i]));
        }
        keep(world, person_service(&world->arena, id, principals, RECORD_PRINCIPALS_MAX));
        if (bot > 0)
            input.also_subjects[input.also_subject_count++] = span_text(id);
    }
    input.on_behalf_of = span_text("org/lab");
    ask(world, &input, 1, &asked);
    assert_true(asked.is_ok);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_VERIFICATION_REQUIRED);
    input.on_behalf_of = span_of(NULL, 0);
    ask(world, &input, 1, &asked);
    assert_true(asked.results[0].is_allowed);
}

static void all_subjects_of_a_question_must_pass(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct asked asked;

    enforce(world, NOT_FOREIGN, "");
    keep(world, person_american(&world->arena, "alice"));
    keep(world, person_foreigner(&world->arena, "ivan", "RUS"));
    input.also_subjects[input.also_subject_count++] = span_text("ivan");
    ask(world, &input, 1, &asked);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_NOT_PERMITTED);
}

static void an_unregistered_organization_is_an_error_that_only_some_are_told(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct check_order order = order_of(world, &input, 1);
    struct asked asked;

    keep(world, person_american(&world->arena, "alice"));
    input.on_behalf_of = span_text("org/unheard-of");
    ask(world, &input, 1, &asked);
    assert_false(asked.is_ok);
    assert_int_equal(asked.err.code, ERR_ORGANIZATION_UNKNOWN);
    assert_string_equal(asked.err.field, "on_behalf_of");
    order.is_terse = true;
    begin(world, &order, &asked);
    let_the_store_answer(world);
    assert_true(asked.is_ok);
    assert_false(asked.results[0].is_allowed);
    assert_int_equal(asked.results[0].reason, DECISION_REASON_NOT_PERMITTED);
}

static void one_read_serves_everyone_who_asks_about_one_subject(void **state)
{
    struct world *world = *state;
    struct check_input inputs[] = {about("alice"), about("alice"), about("alice")};
    struct check_order order = order_of(world, inputs, ARRAY_LEN(inputs));
    struct asked first, second;

    enforce(world, NOT_FOREIGN, "");
    keep(world, person_american(&world->arena, "alice"));
    begin(world, &order, &first);
    begin(world, &order, &second);
    assert_int_equal(fake_store_submitted(world->fake), 1);
    let_the_store_answer(world);
    assert_int_equal(first.answers, 1);
    assert_int_equal(second.answers, 1);
    assert_true(first.results[2].is_allowed && second.results[0].is_allowed);
}

static void no_answer_of_the_store_is_no_decision(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct check_order order = order_of(world, &input, 1);
    struct asked asked;

    begin(world, &order, &asked);
    assert_int_equal(asked.answers, 0);
    let_the_store_fail(world, ERR_STORE_UNAVAILABLE);
    assert_int_equal(asked.answers, 1);
    assert_false(asked.is_ok);
    assert_int_equal(asked.err.code, ERR_STORE_UNAVAILABLE);
}

static void in_a_batch_a_failed_read_fails_its_own_question(void **state)
{
    struct world *world = *state;
    struct check_input inputs[] = {about("alice"), about("bob")};
    struct check_order order = order_of(world, inputs, ARRAY_LEN(inputs));
    struct asked asked;

    enforce(world, NOT_FOREIGN, "");
    keep(world, person_american(&world->arena, "alice"));
    ask(world, &inputs[0], 1, &asked);
    begin(world, &order, &asked);
    let_the_store_fail(world, ERR_STORE_UNAVAILABLE);
    assert_true(asked.is_ok);
    assert_true(asked.results[0].is_allowed);
    assert_true(asked.results[1].is_failed);
    assert_int_equal(asked.results[1].err.code, ERR_STORE_UNAVAILABLE);
    assert_false(asked.results[1].is_allowed);
}

static void a_damaged_record_is_no_decision(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct asked asked;

    fake_store_write_bytes(world->fake, names_subject_hash(&fake_names, span_text("alice")),
                           span_text("\1garbage"));
    ask(world, &input, 1, &asked);
    assert_int_equal(asked.err.code, ERR_STORE_CORRUPT);
}

static void a_run_that_nobody_waits_for_is_freed_when_its_reads_are_back(void **state)
{
    static const char *const principals[] = {"alice", "adam"};
    struct world *world = *state;
    struct check_input inputs[] = {about("bot"), about("ivan")};
    struct check_order order = order_of(world, inputs, ARRAY_LEN(inputs));
    struct asked asked;

    keep(world, person_service(&world->arena, "bot", principals, 2));
    begin(world, &order, &asked);
    check_run_abandon(asked.run);
    let_the_store_answer(world);
    assert_int_equal(asked.answers, 0);
    begin(world, &order, &asked); /* this one's principals are on their way when it is abandoned */
    while (fake_store_read(world->fake) && fake_store_answer(world->fake))
        inbox_run(&world->mailbox.inbox);
    if (asked.run) {
        check_run_abandon(asked.run);
        let_the_store_answer(world);
    }
    begin(world, &order, &asked); /* and this one is under way when the store closes */
    if (asked.run)
        check_run_abandon(asked.run);
}

static void a_revision_that_the_store_has_not_reached_is_refused(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct check_order order = order_of(world, &input, 1);
    char text[REVISION_TEXT_MAX];
    struct asked asked;

    keep(world, person_american(&world->arena, "alice"));
    ask(world, &input, 1, &asked);
    asked.revision.number++;
    order.min_revision = span_text(revision_format(&asked.revision, text));
    begin(world, &order, &asked);
    let_the_store_answer(world);
    assert_int_equal(asked.err.code, ERR_REVISION_AHEAD);
    assert_string_equal(asked.err.field, "min_revision");
    keep(world, person_american(&world->arena, "adam"));
    begin(world, &order, &asked);
    let_the_store_answer(world);
    assert_true(asked.is_ok);
}

static void the_revision_is_as_new_as_anything_that_was_used(void **state)
{
    static const char *const principals[] = {"alice"};
    struct world *world = *state;
    struct check_input input;
    struct asked asked;
    uint64_t newest;

    enforce(world, NOT_FOREIGN, "");
    keep(world, person_american(&world->arena, "alice"));
    input = about("alice");
    ask(world, &input, 1, &asked);
    newest = asked.revision.number;
    keep(world, person_service(&world->arena, "bot", principals, 1));
    input = about("bot");
    ask(world, &input, 1, &asked);
    assert_true(asked.results[0].is_allowed);
    assert_true(asked.revision.number > newest); /* of the service, not of the person behind it */
}

static void a_revision_of_another_directive_set_is_ahead(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct check_order order = order_of(world, &input, 1);
    const struct revision ahead = {.directive_set = 8};
    char text[REVISION_TEXT_MAX];
    struct err err;
    bool is_ok;

    enforce(world, NOT_FOREIGN, "");
    order.min_revision = span_text(revision_format(&ahead, text));
    assert_true(check_try(&order, &world->arena, &is_ok, &err));
    assert_false(is_ok);
    assert_int_equal(err.code, ERR_REVISION_AHEAD);
    order.min_revision = span_text("no revision");
    assert_true(check_try(&order, &world->arena, &is_ok, &err));
    assert_int_equal(err.code, ERR_FIELD_CHARACTERS);
    check_order_release(&order);
}

static void stale_facts_answer_within_the_grace_and_then_nothing_does(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct check_order order = order_of(world, &input, 1);
    struct asked asked;

    enforce(world, NOT_FOREIGN, "stale: allow\n");
    keep(world, person_american(&world->arena, "alice"));
    ask(world, &input, 1, &asked);
    test_clock_advance(&world->clock, FRESH_MS);
    begin(world, &order, &asked);
    let_the_store_fail(world, ERR_STORE_UNAVAILABLE);
    assert_true(asked.results[0].is_allowed && asked.results[0].is_stale);
    assert_int_equal(asked.results[0].max_age_ms, 0);
    assert_int_equal(asked.results[0].facts_age_ms, FRESH_MS);
    test_clock_advance(&world->clock, GRACE_MS);
    begin(world, &order, &asked);
    let_the_store_fail(world, ERR_STORE_UNAVAILABLE);
    assert_false(asked.is_ok);
}

static void an_answer_that_must_be_on_record_waits_for_it(void **state)
{
    struct world *world = *state;
    struct check_input input = about("alice");
    struct check_order order = order_of(world, &input, 1);
    struct audit_state audit;
    struct asked asked;
    struct err err;
    bool is_ok;

    enforce(world, NOT_FOREIGN, "record: durable\n");
    keep(world, person_american(&world->arena, "alice"));
    begin(world, &order, &asked);
    let_the_store_answer(world);
    while (asked.answers == 0)
        mailbox_wait(&world->mailbox, 1000);
    assert_true(asked.results[0].is_allowed);
    audit_get_state(world->audit, &audit);
    assert_int_equal(audit.durable_sequence, audit.next_sequence - 1);
    assert_false(check_try(&order, &world->arena, &is_ok, &err));
}

/* Claims. */

static struct span sign(struct world *world, const char *jti, const char *audience,
                        const char *party)
{
    struct key_ring *ring = snapshot_get(&world->keys);
    const char *payload = arena_printf(
        &world->arena,
        "{\"iss\":\"" ISSUER "\",\"sub\":\"pair\",\"aud\":\"%s\",\"azp\":\"%s\",\"iat\":%lld,"
        "\"nbf\":%lld,\"exp\":%lld,\"jti\":\"%s\"}",
        audience, party, PERSONS_NOW_MS / 1000LL, PERSONS_NOW_MS / 1000LL,
        PERSONS_NOW_MS / 1000LL + 300, jti);
    struct span token;
    struct err err;

    if (!token_sign(ring, &token_kind_claim, span_text(payload), PERSONS_NOW_MS, &world->arena,
                    &token, &err))
        fail_msg("%s", err.detail);
    key_ring_unref(ring);
    return token;
}

static void keep_claim(struct world *world, const char *stored_under, const char *jti,
                       const char *subject, int64_t revoked_at_ms)
{
    const struct claim_record record = {
        .jti = span_text(jti),
        .subject = names_subject_hash(&fake_names, span_text(subject)),
        .revoked_at_ms = revoked_at_ms,
    };

    fake_store_write_bytes(world->fake, names_claim(&fake_names, span_text(stored_under)).id,
                           claim_record_encode(&record, &world->arena));
}

static struct check_input by_claim(struct span token)
{
    struct check_input input = about("");

    input.subject = span_of(NULL, 0);
    input.claim_token = token;
    return input;
}

static void a_claim_names_the_subject_and_current_facts_decide(void **state)
{
    struct world *world = *state;
    struct check_input input = by_claim(sign(world, "jti-1", AUDIENCE, CALLER));
    struct asked asked;

    enforce(world, NOT_FOREIGN, "");
    keep_claim(world, "jti-1", "jti-1", "alice", 0);
    keep(world, person_american(&world->arena, "alice"));
    ask(world, &input, 1, &asked);
    assert_true(asked.results[0].is_allowed);
    assert_true(asked.results[0].is_by_claim);
    keep(world, person_foreigner(&world->arena, "alice", "RUS"));
    facts_cache_drop(world->cache, names_subject_hash(&fake_names, span_text("alice")));
    ask(world, &input, 1, &asked);
    assert_false(asked.results[0].is_allowed);
}

static void a_claim_that_does_not_hold_names_nobody(void **state)
{
    struct world *world = *state;
    struct {
        const char *what;
        struct span token;
        enum err_code code;
    } rows[] = {
        {"no token", span_text("a.b.c"), ERR_TOKEN_INVALID},
        {"no record", sign(world, "jti-none", AUDIENCE, CALLER), ERR_TOKEN_INVALID},
        {"revoked", sign(world, "jti-revoked", AUDIENCE, CALLER), ERR_TOKEN_INVALID},
        {"another realm", sign(world, "jti-1", "https://elsewhere", CALLER), ERR_TOKEN_INVALID},
        {"another caller", sign(world, "jti-1", AUDIENCE, "spiffe://test/other"),
         ERR_TOKEN_INVALID},
        {"another claim's record", sign(world, "jti-swapped", AUDIENCE, CALLER), ERR_STORE_CORRUPT},
    };

    keep_claim(world, "jti-1", "jti-1", "alice", 0);
    keep_claim(world, "jti-revoked", "jti-revoked", "alice", PERSONS_NOW_MS - 1);
    keep_claim(world, "jti-swapped", "jti-1", "alice", 0);
    keep(world, person_american(&world->arena, "alice"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct check_input input = by_claim(rows[i].token);
        struct asked asked;

        ask(world, &input, 1, &asked);
        if (asked.is_ok || asked.err.code != rows[i].code)
            fail_msg("%s: %s", rows[i].what, err_reason(asked.err.code));
        if (asked.err.code == ERR_TOKEN_INVALID)
            assert_string_equal(asked.err.field, "claim_token");
    }
}

static void claims_in_a_batch_end_each_for_itself(void **state)
{
    struct world *world = *state;
    struct check_input inputs[] = {
        by_claim(sign(world, "jti-1", AUDIENCE, CALLER)),
        by_claim(span_text("a.b.c")),
        about("alice"),
        by_claim(sign(world, "jti-none", AUDIENCE, CALLER)),
    };
    struct check_order order = order_of(world, inputs, ARRAY_LEN(inputs));
    struct asked asked;

    enforce(world, NOT_FOREIGN, "");
    keep_claim(world, "jti-1", "jti-1", "alice", 0);
    keep(world, person_american(&world->arena, "alice"));
    ask(world, inputs, ARRAY_LEN(inputs), &asked);
    assert_true(asked.is_ok);
    assert_true(asked.results[0].is_allowed && asked.results[2].is_allowed);
    assert_true(asked.results[1].is_failed && asked.results[3].is_failed);
    begin(world, &order, &asked);
    let_the_store_fail(world, ERR_STORE_UNAVAILABLE);
    assert_int_equal(asked.answers, 1);
    assert_int_equal(asked.results[0].err.code, ERR_STORE_UNAVAILABLE);
    assert_int_equal(asked.results[1].err.code, ERR_TOKEN_INVALID);
    begin(world, &order, &asked);
    check_run_abandon(asked.run);
    let_the_store_answer(world);
    begin(world, &order, &asked); /* freed with the store */
    check_run_abandon(asked.run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_at_hand_is_read_once_and_then_is),
        TEST(somebody_unknown_is_asked_to_verify),
        TEST(a_service_stands_for_the_persons_behind_it),
        TEST(papers_of_a_service_let_nobody_in),
        TEST(as_many_persons_as_can_stand_behind_a_question_are_asked_about),
        TEST(all_subjects_of_a_question_must_pass),
        TEST(an_unregistered_organization_is_an_error_that_only_some_are_told),
        TEST(one_read_serves_everyone_who_asks_about_one_subject),
        TEST(no_answer_of_the_store_is_no_decision),
        TEST(in_a_batch_a_failed_read_fails_its_own_question),
        TEST(a_damaged_record_is_no_decision),
        TEST(a_run_that_nobody_waits_for_is_freed_when_its_reads_are_back),
        TEST(a_revision_that_the_store_has_not_reached_is_refused),
        TEST(the_revision_is_as_new_as_anything_that_was_used),
        TEST(a_revision_of_another_directive_set_is_ahead),
        TEST(stale_facts_answer_within_the_grace_and_then_nothing_does),
        TEST(an_answer_that_must_be_on_record_waits_for_it),
        TEST(a_claim_names_the_subject_and_current_facts_decide),
        TEST(a_claim_that_does_not_hold_names_nobody),
        TEST(claims_in_a_batch_end_each_for_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
