/* SPDX-License-Identifier: Apache-2.0 */
/* The library against a server: tests/integration/fake_passgate.py, which is started here. */
#include "base/attributes.h"
#include "client/include/passgate/client.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREAD_COUNT = 8, CHECKS_PER_THREAD = 500, PATIENT_MS = 30000 };

static const struct passgate_call patient = {.timeout_ms = PATIENT_MS};

static struct server {
    pid_t pid;
    int input; /* the server ends when this is closed */
    char target[160];
    char folder[64];
} server;

static atomic_bool is_listening; /* refuse_one() */

static void exec_server(int input, int output, const char *root, const char *address)
{
    char script[512];

    snprintf(script, sizeof(script), "%s/tests/integration/fake_passgate.py", root ? root : ".");
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execl("/usr/bin/python3", "python3", script, address, (char *)NULL);
    _exit(127);
}

/* 0 when the server says that it is ready. */
static int start_server(void **state)
{
    int input[2], output[2];
    char ready[6] = ""; /* with the line's end, which may come by itself */
    size_t length = 0;
    ssize_t more;

    (void)state;
    snprintf(server.folder, sizeof(server.folder), "/tmp/passgate-client-XXXXXX");
    if (!mkdtemp(server.folder) || pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
        return -1;
    snprintf(server.target, sizeof(server.target), "unix:%s/fake.sock", server.folder);
    server.pid = fork();
    if (server.pid == 0)
        exec_server(input[0], output[1], getenv("PASSGATE_SOURCE_DIR"), server.target);
    close(input[0]);
    close(output[1]);
    server.input = input[1];
    do
        more = read(output[0], ready + length, sizeof(ready) - length);
    while (more > 0 && (length += (size_t)more) < sizeof(ready));
    close(output[0]);
    return memcmp(ready, "READY\n", sizeof(ready)) == 0 ? 0 : -1;
}

static int stop_server(void **state)
{
    char socket[200];

    (void)state;
    close(server.input);
    waitpid(server.pid, NULL, 0);
    snprintf(socket, sizeof(socket), "%s/fake.sock", server.folder);
    unlink(socket);
    return rmdir(server.folder);
}

static struct passgate_client *connect_with(struct passgate_options options)
{
    struct passgate_client *client;
    struct passgate_error error = {0};

    options.target = server.target;
    client = passgate_client_new(&options, &error);
    if (!client)
        fail_msg("%s", error.message);
    assert_true(passgate_client_wait_ready(client, PATIENT_MS));
    return client;
}

static struct passgate_check check_of(const char *subject)
{
    return (struct passgate_check){
        .subject = subject, .resource_type = "model", .resource_id = "m", .action = "use"};
}

/* Turns the first connection away; from then on the path leads to the server. */
static void *refuse_one(void *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), first;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", (const char *)path);
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0)
        abort();
    atomic_store(&is_listening, true);
    first = accept(listener, NULL, NULL);
    unlink(path);
    if (symlink(server.target + strlen("unix:"), path) != 0)
        abort();
    close(first);
    close(listener);
    return NULL;
}

static void one_failed_attempt_to_connect_is_not_the_end(void **state)
{
    char target[200];
    struct passgate_client *client;
    pthread_t thread;

    (void)state;
    snprintf(target, sizeof(target), "unix:%s/refusing.sock", server.folder);
    pthread_create(&thread, NULL, refuse_one, target + strlen("unix:"));
    while (!atomic_load(&is_listening))
        usleep(1000);
    client = passgate_client_new(&(struct passgate_options){.target = target}, NULL);
    assert_non_null(client);
    assert_true(passgate_client_wait_ready(client, PATIENT_MS));
    pthread_join(thread, NULL);
    unlink(target + strlen("unix:"));
    passgate_client_free(client);
}

static void nobody_there_is_said_soon(void **state)
{
    char target[200];
    struct passgate_client *client;

    (void)state;
    snprintf(target, sizeof(target), "unix:%s/nobody.sock", server.folder);
    client = passgate_client_new(&(struct passgate_options){.target = target}, NULL);
    assert_non_null(client);
    assert_false(passgate_client_wait_ready(client, INT_MAX)); /* else this takes 24 days */
    passgate_client_free(client);
}

static void only_exactly_allow_is_allowed(void **state)
{
    static const struct {
        const char *subject;
        bool is_allowed;
        enum passgate_reason reason;
    } rows[] = {
        {"alice", true, PASSGATE_REASON_ALLOWED},
        {"bob", false, PASSGATE_REASON_VERIFICATION_REQUIRED},
        {"carol", false, PASSGATE_REASON_NOT_PERMITTED},
        {"future", false, PASSGATE_REASON_UNSPECIFIED},
    };
    struct passgate_client *client = connect_with((struct passgate_options){0});

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct passgate_check check = check_of(rows[i].subject);
        struct passgate_decision *decision = passgate_check(client, &check, &patient, NULL);

        assert_non_null(decision);
        assert_int_equal(passgate_is_allowed(decision), rows[i].is_allowed);
        assert_int_equal(decision->reason, rows[i].reason);
        assert_string_equal(decision->revision, "r7");
        assert_int_equal(decision->directive_set, 4711);
        assert_int_equal(decision->evaluated_at_ms, INT64_C(1781299260000));
        assert_int_equal(decision->max_age_ms, 60000);
        assert_non_null(strstr(passgate_json(decision), "\"directiveSet\": \"4711\""));
        passgate_free(decision);
    }
    passgate_client_free(client);
}

static void everything_of_a_check_arrives(void **state)
{
    static const struct passgate_pair context[] = {{"location", "USA"}, {"purpose", "x"}};
    static const char *const also[] = {"dave", "erin"};
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_check check = check_of("bob");
    struct passgate_decision *decision;

    (void)state;
    check.context = context;
    check.context_count = ARRAY_LEN(context);
    check.also_subjects = also;
    check.also_subject_count = ARRAY_LEN(also);
    check.want_reasons = true;
    decision = passgate_check(client, &check, &patient, NULL);
    assert_non_null(decision);
    assert_int_equal(decision->vary_context_count, 2);
    assert_string_equal(decision->vary_context[1], "purpose");
    assert_int_equal(decision->obligation_count, 1);
    assert_string_equal(decision->obligations[0]->type, "verify");
    assert_string_equal(decision->obligations[0]->properties[0].value, "any");
    assert_string_equal(decision->instead->id, "opus-4");
    assert_int_equal(decision->finding_count, 1);
    assert_int_equal(decision->findings[0]->truth, PASSGATE_TRUTH_TRUE);
    assert_string_equal(decision->findings[0]->authority->text, "15 CFR 744.22(b)");
    assert_null(decision->findings[0]->exemption);
    passgate_free(decision);
    passgate_client_free(client);
}

static void failures_carry_code_reason_and_field(void **state)
{
    static const struct {
        const char *subject;
        int timeout_ms;
        enum passgate_code code;
        const char *reason, *field;
    } rows[] = {
        {"broken", PATIENT_MS, PASSGATE_INVALID_ARGUMENT, "FIELD_CHARACTERS", "subject"},
        {"gone", PATIENT_MS, PASSGATE_UNAVAILABLE, "STORE_UNAVAILABLE", ""},
        {"slow", 100, PASSGATE_DEADLINE_EXCEEDED, "DEADLINE", ""},
        {"slow", 0, PASSGATE_DEADLINE_EXCEEDED, "DEADLINE", ""}, /* 200 ms by itself */
        {"alice", -1, PASSGATE_INVALID_ARGUMENT, "FIELD_RANGE", "timeout_ms"},
    };
    struct passgate_client *client = connect_with((struct passgate_options){0});

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct passgate_check check = check_of(rows[i].subject);
        struct passgate_call call = {.timeout_ms = rows[i].timeout_ms};
        struct passgate_error error = {0};

        assert_null(passgate_check(client, &check, &call, &error));
        assert_int_equal(error.code, rows[i].code);
        assert_string_equal(error.reason, rows[i].reason);
        assert_string_equal(error.field, rows[i].field);
        assert_null(passgate_check(client, &check, &call, NULL));
    }
    passgate_client_free(client);
}

static void nothing_is_tried_again_unless_asked_for(void **state)
{
    struct passgate_client *once = connect_with((struct passgate_options){0});
    struct passgate_client *thrice = connect_with((struct passgate_options){.max_attempts = 3});
    struct passgate_check check = check_of("flaky");
    struct passgate_decision *decision;
    struct passgate_error error = {0};

    (void)state;
    for (int i = 0; i < 2; i++) { /* up at every third attempt */
        assert_null(passgate_check(once, &check, &patient, &error));
        assert_string_equal(error.reason, "DRAINING");
    }
    decision = passgate_check(once, &check, &patient, &error);
    assert_true(passgate_is_allowed(decision));
    passgate_free(decision);
    decision = passgate_check(thrice, &check, &patient, &error);
    assert_true(passgate_is_allowed(decision));
    passgate_free(decision);
    passgate_client_free(once);
    passgate_client_free(thrice);
}

static long asked_for(struct passgate_client *client, const char *subject)
{
    char counted[64];
    struct passgate_check check;
    struct passgate_decision *decision;
    long count;

    snprintf(counted, sizeof(counted), "count:%s", subject);
    check = check_of(counted);
    decision = passgate_check(client, &check, &patient, NULL);
    assert_non_null(decision);
    count = strtol(decision->decision_id + 2, NULL, 10);
    passgate_free(decision);
    return count;
}

/* Some faults are made good, and cost little; when nothing works, trying again stops (gRFC A6). */
static void what_is_tried_again_is_bounded(void **state)
{
    enum { CALLS = 500 };
    static const struct {
        const char *subject;
        long sent_max;
        int allowed;
    } rows[] = {{"tenth", CALLS * 12 / 10, CALLS}, {"gone", CALLS * 12 / 10, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct passgate_client *client = connect_with((struct passgate_options){.max_attempts = 3});
        struct passgate_check check = check_of(rows[i].subject);
        long before = asked_for(client, rows[i].subject);
        int allowed = 0;

        for (int call = 0; call < CALLS; call++) {
            struct passgate_decision *decision = passgate_check(client, &check, &patient, NULL);

            allowed += passgate_is_allowed(decision);
            passgate_free(decision);
        }
        assert_int_equal(allowed, rows[i].allowed);
        assert_in_range(asked_for(client, rows[i].subject) - before, CALLS + 1, rows[i].sent_max);
        passgate_client_free(client);
    }
}

static void a_batch_answers_in_order_or_not_at_all(void **state)
{
    struct passgate_client *client = connect_with((struct passgate_options){.round_robin = true});
    struct passgate_check checks[] = {check_of("alice"), check_of("bob"), check_of("gone")};
    struct passgate_error error = {0};
    struct passgate_batch *batch =
        passgate_check_batch(client, checks, ARRAY_LEN(checks), "r1", &patient, &error);

    (void)state;
    assert_non_null(batch);
    assert_int_equal(batch->decision_count, 3);
    assert_true(passgate_is_allowed(batch->decisions[0]));
    assert_false(passgate_is_allowed(batch->decisions[1]));
    assert_false(passgate_is_allowed(batch->decisions[2]));
    assert_string_equal(batch->decisions[2]->error->reason, "STORE_UNAVAILABLE");
    passgate_free(batch);

    checks[1] = check_of("lost"); /* the server leaves an answer out */
    assert_null(passgate_check_batch(client, checks, ARRAY_LEN(checks), NULL, &patient, &error));
    assert_string_equal(error.reason, "MESSAGE_MALFORMED");
    batch = passgate_check_batch_json(client, "{\"checks\":[{\"subject\":\"alice\"}]}", &patient,
                                      &error);
    assert_non_null(batch);
    passgate_free(batch);
    passgate_client_free(client);
}

static void submissions_go_in_from_structs_and_from_json(void **state)
{
    const struct passgate_document_check document = {
        .subject = "alice",
        .evidence_class = PASSGATE_EVIDENCE_CLASS_PASSPORT,
        .vendor = "veriff",
        .check_id = "c1",
        .verified_at_ms = INT64_C(1781299260123),
        .nationality = "USA",
        .us_endorsement = PASSGATE_US_ENDORSEMENT_ABSENT,
    };
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_error error = {0};
    struct passgate_submission *submission = passgate_submit(client, &document, &patient, &error);

    (void)state;
    assert_non_null(submission);
    assert_string_equal(submission->evidence_id, "e1");
    passgate_free(submission);
    submission =
        passgate_submit_json(client, "{\"subject\":\"a\",\"dryRun\":true}", &patient, &error);
    assert_non_null(submission);
    assert_true(submission->dry_run);
    passgate_free(submission);
    assert_null(passgate_submit_json(
        client, "{\"subject\":\"u\",\"evidence\":{\"document\":{\"nationality\":\"UTO\"}}}",
        &patient, &error));
    assert_string_equal(error.reason, "UNKNOWN_COUNTRY_CODE");
    assert_string_equal(error.field, "evidence.document.nationality");
    assert_null(passgate_submit_json(client, "{\n \"subjet\": 1}", &patient, &error));
    assert_string_equal(error.field, "subjet");
    assert_non_null(strstr(error.message, "line 2, column 2"));
    passgate_client_free(client);
}

static void the_other_calls_answer(void **state)
{
    static const struct passgate_affiliation_term terms[] = {
        {PASSGATE_AFFILIATION_AS_EMPLOYEE, NULL}};
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_check check = check_of("alice");
    struct passgate_explanation *explanation =
        passgate_explain(client, &check, INT64_C(-1500), &patient, NULL);
    struct passgate_list list = {.subject = "alice", .action = "use"};
    struct passgate_entitlements *entitlements = passgate_list(client, &list, &patient, NULL);
    struct passgate_subject *subject = passgate_get_subject(client, "alice", &patient, NULL);
    struct passgate_issue issue = {.subject = "alice", .audience = "x", .lifetime_ms = 60000};
    struct passgate_claim *claim = passgate_issue_claim(client, &issue, &patient, NULL);
    struct passgate_introspection *introspection =
        passgate_introspect_claim(client, claim ? claim->token : "", &patient, NULL);
    struct passgate_jwks *jwks = passgate_get_jwks(client, &patient, NULL);
    struct passgate_affiliate affiliate = {
        .subject = "a", .organization = "o", .affiliations = terms, .affiliation_count = 1};
    struct passgate_written *written = passgate_affiliate(client, &affiliate, &patient, NULL);

    (void)state;
    assert_string_equal(explanation->parties[0]->directives[0]->tests[0]->because, "at -2");
    assert_int_equal(entitlements->entitlement_count, 2);
    assert_string_equal(entitlements->next_page_token, "2");
    assert_string_equal(subject->evidence[0]->evidence_class, "EVIDENCE_CLASS_PASSPORT");
    assert_int_equal(subject->affiliations[0]->as[0], PASSGATE_AFFILIATION_AS_EMPLOYEE);
    assert_int_equal(claim->expires_at_ms, INT64_C(1781299260000) + 60000);
    assert_true(introspection->is_active);
    assert_string_equal(jwks->json, "{\"keys\":[]}");
    assert_string_equal(written->revision, "r1");
    passgate_free(explanation);
    passgate_free(entitlements);
    passgate_free(subject);
    passgate_free(claim);
    passgate_free(introspection);
    passgate_free(jwks);
    passgate_free(written);
    passgate_client_free(client);
}

static void the_server_says_who_and_how_it_is(void **state)
{
    struct passgate_call traced = {.timeout_ms = PATIENT_MS, .traceparent = "00-ab-cd-01"};
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_caller *caller = passgate_who_am_i(client, &traced, NULL);
    struct passgate_health *up = passgate_get_health(client, NULL, &patient, NULL);
    struct passgate_health *down = passgate_get_health(client, "down", &patient, NULL);
    struct passgate_server *info = passgate_get_server(client, &patient, NULL);
    struct passgate_keys *keys = passgate_list_keys(client, &patient, NULL);
    struct passgate_error error = {0};

    (void)state;
    assert_string_equal(caller->caller, "00-ab-cd-01");
    assert_string_equal(caller->roles[0], "checker");
    assert_true(up->is_serving);
    assert_false(down->is_serving);
    assert_string_equal(down->status, "NOT_SERVING");
    assert_string_equal(info->issuer, "https://fake");
    assert_int_equal(keys->keys[0]->state, PASSGATE_KEY_STATE_ACTIVE);
    traced.traceparent = "a\nb";
    assert_null(passgate_who_am_i(client, &traced, &error));
    assert_string_equal(error.field, "traceparent");
    passgate_free(caller);
    passgate_free(up);
    passgate_free(down);
    passgate_free(info);
    passgate_free(keys);
    passgate_client_free(client);
}

struct crowd {
    struct passgate_client *client;
    atomic_int right;
};

static void *ask_often(void *argument)
{
    static const char *const subjects[] = {"alice", "bob", "carol", "future"};
    struct crowd *crowd = argument;

    for (size_t i = 0; i < CHECKS_PER_THREAD; i++) {
        const char *subject = subjects[i % ARRAY_LEN(subjects)];
        struct passgate_check check = check_of(subject);
        struct passgate_decision *decision = passgate_check(crowd->client, &check, &patient, NULL);

        /* The fake puts the subject into the decision's id: no answer to the wrong call. */
        if (decision && strcmp(decision->decision_id + 2, subject) == 0 &&
            passgate_is_allowed(decision) == (i % ARRAY_LEN(subjects) == 0))
            atomic_fetch_add(&crowd->right, 1);
        passgate_free(decision);
    }
    return NULL;
}

static void one_client_serves_many_threads(void **state)
{
    struct crowd crowd = {.client = connect_with((struct passgate_options){0})};
    pthread_t threads[THREAD_COUNT];

    (void)state;
    for (size_t i = 0; i < THREAD_COUNT; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    for (size_t i = 0; i < THREAD_COUNT; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.right), THREAD_COUNT * CHECKS_PER_THREAD);
    passgate_client_free(crowd.client);
}

static void a_stream_that_ends_for_its_age_goes_on_by_itself(void **state)
{
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_stream *stream = passgate_check_store(client, &patient, NULL);
    struct passgate_store_check *part;
    struct passgate_error error;

    (void)state;
    assert_non_null(stream);
    part = passgate_check_store_next(stream, &error);
    assert_non_null(part);
    assert_int_equal(part->examined, 1);
    assert_int_equal(part->finding_count, 2);
    assert_string_equal(part->findings[0].problem, "CHECK_MISSING");
    assert_string_equal(part->findings[1].problem, "77");
    assert_int_equal(part->findings[1].space, PASSGATE_STORE_SPACE_UNSPECIFIED);
    assert_false(part->is_done);
    passgate_free(part);
    part = passgate_check_store_next(stream, &error);
    assert_non_null(part);
    assert_int_equal(part->examined, 2);
    assert_true(part->is_done);
    passgate_free(part);
    assert_null(passgate_check_store_next(stream, &error));
    assert_int_equal(error.code, PASSGATE_OK);
    assert_null(passgate_check_store_next(stream, &error));
    assert_int_equal(error.code, PASSGATE_FAILED_PRECONDITION);
    passgate_stream_free(stream);
    passgate_client_free(client);
}

static void what_was_not_answered_is_sent_again(void **state)
{
    enum { BATCHES = 5 };
    static const struct passgate_import import = {.hash_key = "k", .partitions = 1};
    static const struct passgate_import other = {.hash_key = "other", .partitions = 1};
    static const struct passgate_store_entry entries[] = {
        {.space = PASSGATE_STORE_SPACE_SUBJECT,
         .hash = "0",
         .data = (const uint8_t *)"x",
         .length = 1},
        {.space = PASSGATE_STORE_SPACE_CHECK,
         .hash = "1",
         .data = (const uint8_t *)"y",
         .length = 1},
    };
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_stream *stream = passgate_import_store(client, &import, &patient, NULL);
    struct passgate_error error;

    (void)state;
    assert_non_null(stream);
    for (int i = 0; i < BATCHES; i++) {
        struct passgate_store_imported *answer =
            passgate_import_store_batch(stream, entries, ARRAY_LEN(entries), &error);

        assert_non_null(answer);
        assert_int_equal(answer->written, ARRAY_LEN(entries));
        passgate_free(answer);
    }
    passgate_stream_free(stream);
    assert_null(passgate_import_store(client, &other, &patient, &error));
    assert_string_equal(error.reason, "HASH_KEY_OTHER");
    passgate_client_free(client);
}

static void a_stream_waits_no_longer_than_it_may_for_each_part(void **state)
{
    static const struct passgate_call hasty = {.timeout_ms = 100};
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_stream *stream = passgate_export_store(client, &hasty, NULL);
    struct passgate_error error;

    (void)state;
    assert_non_null(stream);
    assert_null(passgate_export_store_next(stream, &error));
    assert_int_equal(error.code, PASSGATE_DEADLINE_EXCEEDED);
    passgate_stream_free(stream);
    stream = passgate_export_store(client, &patient, NULL);
    passgate_stream_free(stream); /* while something is still to come */
    passgate_stream_free(NULL);
    passgate_client_free(client);
}

static void a_listing_of_the_log_goes_on_where_its_stream_ended(void **state)
{
    static const struct passgate_audit_query query = {
        .caller = "local", .resource_type = "model", .resource_id = "m"};
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_stream *stream = passgate_list_decisions(client, &query, &patient, NULL);
    struct passgate_audit_records *part;
    struct passgate_error error;

    (void)state;
    assert_non_null(stream);
    part = passgate_list_decisions_next(stream, &error);
    assert_non_null(part);
    assert_int_equal(part->record_count, 1);
    assert_string_equal(part->resume_token, "00000000000000a1-1");
    assert_int_equal(part->records[0].latency_us, 1500);
    assert_true(part->records[0].has_waited && part->records[0].id_count == 1);
    assert_true(part->records[0].items[0].is_decided && !part->records[0].items[0].was_allowed);
    assert_int_equal(part->records[0].items[0].truth, PASSGATE_TRUTH_FALSE);
    assert_string_equal(part->records[0].items[0].resource->id, "m");
    passgate_free(part);
    part = passgate_list_decisions_next(stream, &error);
    assert_non_null(part);
    assert_string_equal(part->records[0].kind, "of the future");
    assert_int_equal(part->records[0].item_count, 0);
    passgate_free(part);
    assert_null(passgate_list_decisions_next(stream, &error));
    assert_int_equal(error.code, PASSGATE_OK);
    passgate_stream_free(stream);
    stream = passgate_list_decisions(client, NULL, &patient, &error);
    assert_null(passgate_list_decisions_next(stream, &error));
    assert_string_equal(error.field, "caller");
    passgate_stream_free(stream);
    passgate_client_free(client);
}

static void a_head_that_nobody_signed_arrives_and_proves_nothing(void **state)
{
    struct passgate_client *client = connect_with((struct passgate_options){0});
    struct passgate_tree_head *head = passgate_get_tree_head(client, NULL, &patient, NULL);
    static const uint8_t nothing[PASSGATE_HASH_BYTES];
    struct passgate_error error;

    (void)state;
    assert_non_null(head);
    assert_int_equal(head->size, 2);
    assert_int_equal(head->consistency_count, 2);
    assert_memory_equal(head->root, nothing, sizeof(nothing));
    assert_memory_equal(head->consistency, nothing, sizeof(nothing));
    assert_int_equal(head->consistency[PASSGATE_HASH_BYTES], 'x');
    assert_false(passgate_tree_head_verify(head, "{\"keys\":[]}", &error));
    assert_string_equal(error.field, "jwks");
    passgate_free(head);
    passgate_client_free(client);
}

static void nobody_there_is_no_decision(void **state)
{
    struct passgate_options options = {.target = "unix:/nonexistent/passgate.sock"};
    struct passgate_client *client = passgate_client_new(&options, NULL);
    struct passgate_check check = check_of("alice");
    struct passgate_error error = {0};

    (void)state;
    assert_false(passgate_client_wait_ready(client, 1000));
    assert_null(passgate_check(client, &check, &patient, &error));
    assert_int_equal(error.code, PASSGATE_UNAVAILABLE);
    passgate_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_failed_attempt_to_connect_is_not_the_end),
        cmocka_unit_test(nobody_there_is_said_soon),
        cmocka_unit_test(only_exactly_allow_is_allowed),
        cmocka_unit_test(everything_of_a_check_arrives),
        cmocka_unit_test(failures_carry_code_reason_and_field),
        cmocka_unit_test(nothing_is_tried_again_unless_asked_for),
        cmocka_unit_test(what_is_tried_again_is_bounded),
        cmocka_unit_test(a_batch_answers_in_order_or_not_at_all),
        cmocka_unit_test(submissions_go_in_from_structs_and_from_json),
        cmocka_unit_test(the_other_calls_answer),
        cmocka_unit_test(the_server_says_who_and_how_it_is),
        cmocka_unit_test(one_client_serves_many_threads),
        cmocka_unit_test(a_stream_that_ends_for_its_age_goes_on_by_itself),
        cmocka_unit_test(what_was_not_answered_is_sent_again),
        cmocka_unit_test(a_stream_waits_no_longer_than_it_may_for_each_part),
        cmocka_unit_test(a_listing_of_the_log_goes_on_where_its_stream_ended),
        cmocka_unit_test(a_head_that_nobody_signed_arrives_and_proves_nothing),
        cmocka_unit_test(nobody_there_is_no_decision),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
