/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are given up: who is guilty of it, and what is done about it. */
#include "rpc/resets.h"

#include "rpc/hang_up.h"
#include "unit/rpc/echo_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND_NS INT64_C(1000000000)

enum { PER_SECOND = 100, STREAMS = 50, PEER_MAX = 96, MANY = 4 * PER_SECOND };

/* Looks at connection 7, a second apart: so many begun and answered in each. */
static bool is_guilty_after(struct resets *resets, int seconds, uint64_t begun, uint64_t answered)
{
    static int64_t id = 7;
    bool is_guilty = false;

    id++;
    for (int i = 0; i <= seconds; i++)
        is_guilty = resets_look(resets, id, (uint64_t)i * begun, (uint64_t)i * answered,
                                (100 + i) * SECOND_NS);
    return is_guilty;
}

static struct resets *fresh(void)
{
    static struct resets resets;

    memset(&resets, 0, sizeof(resets));
    resets.per_second_max = PER_SECOND;
    resets.streams_max = STREAMS;
    return &resets;
}

static void two_looks_on_end_at_who_gives_up_all_are_enough(void **state)
{
    (void)state;
    assert_false(is_guilty_after(fresh(), 1, 10000, 0));
    assert_true(is_guilty_after(fresh(), 2, 10000, 0));
    assert_true(is_guilty_after(fresh(), 2, PER_SECOND + STREAMS + 1, 0));
    assert_false(is_guilty_after(fresh(), 5, PER_SECOND + STREAMS, 0));
}

static void a_burst_is_forgiven(void **state)
{
    struct resets *resets = fresh();
    uint64_t begun = 0;

    (void)state;
    for (int64_t second = 100; second < 120; second++) {
        begun += second % 2 ? 50 * PER_SECOND : 10;
        assert_false(resets_look(resets, 7, begun, 0, second * SECOND_NS));
    }
}

static void who_waits_for_most_answers_may_give_up_the_others(void **state)
{
    (void)state;
    assert_false(is_guilty_after(fresh(), 5, 30000, 20000)); /* one in three */
    assert_false(is_guilty_after(fresh(), 5, 40000, 20000));
    assert_true(is_guilty_after(fresh(), 5, 40001, 20000));
}

/* Fifty streams, of which each waits for its deadline of so long, again and again. */
static void who_waits_for_deadlines_that_pass_is_not_guilty(void **state)
{
    (void)state;
    for (uint64_t deadline_ms = STREAMS * 1000 / PER_SECOND; deadline_ms < 10000; deadline_ms *= 2)
        assert_false(is_guilty_after(fresh(), 5, STREAMS * 1000 / deadline_ms, 0));
}

static void looks_that_are_far_apart_are_no_excuse_and_no_guilt(void **state)
{
    struct resets *resets = fresh();

    (void)state;
    for (int64_t i = 0; i < 5; i++)
        assert_false(
            resets_look(resets, 7, (uint64_t)(i * 30 * PER_SECOND), 0, i * 30 * SECOND_NS));
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(resets_look(resets, 9, (uint64_t)(i * 31 * (PER_SECOND + STREAMS)), 0,
                                     i * 30 * SECOND_NS),
                         i == 2);
}

/* Another connection in the place of one, and no bound at all. */
static void what_is_not_known_is_not_guilty(void **state)
{
    struct resets *resets = fresh();

    (void)state;
    for (int64_t i = 0; i < 10; i++)
        assert_false(resets_look(resets, 7 + (i % 2) * RESETS_CONNECTIONS, (uint64_t)i * 100000, 0,
                                 (100 + i) * SECOND_NS));
    resets->per_second_max = 0;
    assert_false(is_guilty_after(resets, 5, 1000000, 0));
}

static void what_core_calls_a_peer_is_read(void **state)
{
    static const struct {
        const char *peer;
        const char *host; /* NULL: no address */
        int port;
    } rows[] = {
        {"ipv4:192.0.2.1:50000", "::ffff:192.0.2.1", 50000},
        {"ipv6:%5B2001:db8::1%5D:443", "2001:db8::1", 443},
        {"ipv6:%5Bfe80::1%25eth0%5D:65535", "fe80::1", 65535},
        {"ipv4:192.0.2.1:0", NULL, 0},
        {"ipv4:192.0.2.1:65536", NULL, 0},
        {"ipv4:192.0.2.1:", NULL, 0},
        {"ipv4:192.0.2.1:1x", NULL, 0},
        {"ipv4:192.0.2.1", NULL, 0},
        {"ipv4::80", NULL, 0},
        {"ipv6:[::1]:80", NULL, 0},
        {"ipv6:%5B::1:80", NULL, 0},
        {"ipv6:%5B%5D:80", NULL, 0},
        {"unix:", NULL, 0},
        {"unix:/run/passgate.sock", NULL, 0},
        {"", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_in6 address;
        char host[INET6_ADDRSTRLEN] = "";
        bool is_good = hang_up_parse(rows[i].peer, &address);

        if (is_good != (rows[i].host != NULL))
            fail_msg("%s", rows[i].peer);
        if (!is_good)
            continue;
        inet_ntop(AF_INET6, &address.sin6_addr, host, sizeof(host));
        assert_string_equal(host, rows[i].host);
        assert_int_equal(ntohs(address.sin6_port), rows[i].port);
    }
}

/* A connection over loopback: both ends, and the port that is served. */
static int connect_pair(int family, int *ret_client, int *ret_port)
{
    struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
    socklen_t length = sizeof(address);
    int listener = socket(family, SOCK_STREAM, 0), served;

    if (family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
    else
        ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, length) != 0) {
        close(listener);
        return -1;
    }
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    *ret_client = socket(family, SOCK_STREAM, 0);
    assert_int_equal(connect(*ret_client, (struct sockaddr *)&address, length), 0);
    served = accept(listener, NULL, NULL);
    close(listener);
    *ret_port = ntohs(((struct sockaddr_in *)&address)->sin_port);
    return served;
}

static struct sockaddr_in6 address_of(int client)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    char host[INET6_ADDRSTRLEN], peer[PEER_MAX];
    bool is_four;
    struct sockaddr_in6 address;

    assert_int_equal(getsockname(client, (struct sockaddr *)&name, &length), 0);
    is_four = name.ss_family == AF_INET;
    inet_ntop(name.ss_family,
              is_four ? (void *)&((struct sockaddr_in *)&name)->sin_addr
                      : (void *)&((struct sockaddr_in6 *)&name)->sin6_addr,
              host, sizeof(host));
    snprintf(peer, sizeof(peer), is_four ? "ipv4:%s:%d" : "ipv6:%%5B%s%%5D:%d", host,
             ntohs(((struct sockaddr_in *)&name)->sin_port));
    assert_true(hang_up_parse(peer, &address));
    return address;
}

static bool has_ended(int client)
{
    char byte;

    return recv(client, &byte, 1, MSG_DONTWAIT) == 0;
}

static void it_is_the_socket_of_that_peer_and_no_other(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        int client, other, port, other_port, wrong_port = 1;
        int served = connect_pair(families[i], &client, &port);
        int other_served = connect_pair(AF_INET, &other, &other_port);
        struct sockaddr_in6 peer;

        if (served < 0) { /* a machine without IPv6 */
            close(other);
            close(other_served);
            continue;
        }
        peer = address_of(client);
        assert_false(hang_up(&peer, &wrong_port, 1)); /* a connection, but to none of ours */
        assert_false(has_ended(client));
        assert_true(hang_up(&peer, &port, 1));
        assert_true(has_ended(client));
        assert_false(has_ended(other));
        assert_true(send(served, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
        assert_int_equal(close(served), 0); /* it is its owner's */
        assert_false(hang_up(&peer, &port, 1));
        close(client);
        close(other);
        close(other_served);
    }
}

static int start_watched(void **state)
{
    struct rpc_options options = echo_options();

    options.resets_per_second = PER_SECOND;
    options.streams_max = MANY;
    return echo_set_up_with(state, &options, 4);
}

/* Begins as many as there may be and ends them in this way, again and again; a look at every fourth
 * time, since what is open counts for nothing. */
static uint32_t flood(struct echo_fixture *fixture, bool is_given_up)
{
    struct core_call *calls[MANY];
    uint32_t ended = 0;

    for (int times = 1; times <= 20 && ended == 0; times++) {
        for (size_t i = 0; i < MANY; i++)
            calls[i] =
                echo_start(fixture->client, is_given_up ? ECHO_PATH "Park" : ECHO_PATH "Echo",
                           i + 1, ECHO_WAIT_MS);
        if (is_given_up)
            WAIT_FOR(fixture->client, echo_stats(fixture->echo).parked == MANY);
        for (size_t i = 0; is_given_up && i < MANY; i++)
            core_call_cancel(calls[i]);
        for (size_t i = 0; i < MANY; i++)
            core_call_end(calls[i]);
        WAIT_FOR(fixture->client, echo_stats(fixture->echo).parked == 0);
        if (times % 4 == 0)
            ended = rpc_server_hang_up(echo_server_rpc(fixture->echo));
    }
    return ended;
}

static void a_connection_that_gives_up_all_of_its_calls_is_ended(void **state)
{
    struct echo_fixture *fixture = *state;

    assert_int_equal(flood(fixture, true), 1);
    WAIT_FOR(fixture->client,
             echo_status(fixture->client, ECHO_PATH "Echo") == GRPC_STATUS_OK); /* on another one */
    assert_int_equal(rpc_server_hang_up(echo_server_rpc(fixture->echo)), 0);
}

static void one_that_is_answered_is_not(void **state)
{
    assert_int_equal(flood(*state, false), 0);
}

#define WATCHED(name) cmocka_unit_test_setup_teardown(name, start_watched, echo_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_looks_on_end_at_who_gives_up_all_are_enough),
        cmocka_unit_test(a_burst_is_forgiven),
        cmocka_unit_test(who_waits_for_most_answers_may_give_up_the_others),
        cmocka_unit_test(who_waits_for_deadlines_that_pass_is_not_guilty),
        cmocka_unit_test(looks_that_are_far_apart_are_no_excuse_and_no_guilt),
        cmocka_unit_test(what_is_not_known_is_not_guilty),
        cmocka_unit_test(what_core_calls_a_peer_is_read),
        cmocka_unit_test(it_is_the_socket_of_that_peer_and_no_other),
        WATCHED(a_connection_that_gives_up_all_of_its_calls_is_ended),
        WATCHED(one_that_is_answered_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
