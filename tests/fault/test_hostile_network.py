#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A hostile network: every attack of attacks.py against a real passgated, while somebody else calls.

Each is a test by its name: it holds, the bystander's calls are answered in about their usual time, and descriptors and
memory are as before.  Then all of them together, again and again.  PASSGATE_TEST_SEED and PASSGATE_TEST_MUTANTS say which random
sessions are sent and how many."""
import os
import statistics
import sys
import time
import unittest
import unittest.mock
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from attacks import (ATTACKS, CLOSED_BY, FLAGS, IS_SANITIZED, MIB, OK, RESOURCE_EXHAUSTED,  # noqa: E402
                     STREAMS_MAX, Target, peers_that_say_nothing_or_half_of_it_are_closed_in_time, unfinished)
from bystander import Bystander  # noqa: E402
from certificates import tls_flags  # noqa: E402
from passgate_server import Server, ServerTestCase, main, needs_own_server  # noqa: E402
from raw_http2 import CHECK, HEALTH, WHOAMI, fields, head  # noqa: E402

SEED = int(os.environ.get("PASSGATE_TEST_SEED") or time.time_ns() % 1000000)
MUTANTS = int(os.environ.get("PASSGATE_TEST_MUTANTS", "200"))

QUIET_SECONDS, CALLS = 0.3, 10  # until it is known what is usual
# Of calls beside an attack, in times the usual one: the machine is the attackers' as well.
USUAL_TIMES, USUAL_MORE_SECONDS = 5, 0.5
WORST_SECONDS = 10 if IS_SANITIZED else 1
MEMORY_MIB = 64      # that one attack may leave behind, or take meanwhile
ROUNDS = 3           # of all attacks
GROWTH = 1.5         # of the highest resident memory, from the first round to the last
LEFT_ROUNDS, MUTANTS_EACH = 4, 200
LEFT_GROWTH = 1.05   # of what is resident afterwards, from the rounds before to the last
SETTLE_SECONDS = 6
CALLS_BETWEEN = 20   # for their median time
IN_FLIGHT_MAX = 50
QUOTA_MIB = 32
CONNECTIONS = 60     # that could hold some 4 MiB each


def descriptors(server):
    """As it counts them itself: the process is not dumpable, and others may not look."""
    return int(server.counted("process_open_fds"))


def wait_for_descriptors(server, count):
    server.wait_until(lambda: descriptors(server) <= count, f"more than {count} descriptors", CLOSED_BY + 10)


class HostileNetwork(ServerTestCase):
    """One server for all attacks; the bystander has called it before the first."""

    needs_control = True
    flags = FLAGS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bystander = Bystander(cls.server.address)
        cls.addClassCleanup(cls.bystander.close)

    def usual_seconds(self):
        self.bystander.report()
        times = []
        while len(times) < CALLS:
            time.sleep(QUIET_SECONDS)
            times += self.bystander.report()["times"]
        return statistics.median(times)

    def attack(self, run):
        """Between two looks at everything else."""
        target = Target(self.server, self, seed=SEED, mutants=MUTANTS)
        usual = self.usual_seconds()
        memory = target.resident_bytes()
        open_before = descriptors(self.server)
        run(target)
        report = self.bystander.report()
        self.assertEqual(report["failures"], [])
        if report["times"]:
            self.assertLess(max(report["times"]), WORST_SECONDS)
            self.assertLess(statistics.median(report["times"]), USUAL_TIMES * usual + USUAL_MORE_SECONDS)
        wait_for_descriptors(self.server, open_before + 2)  # the bystander changes connections
        self.assertLess(self.usual_seconds(), USUAL_TIMES * usual + USUAL_MORE_SECONDS)
        target.assert_took(memory, MEMORY_MIB * MIB)


for attack in ATTACKS:
    setattr(HostileNetwork, f"test_{attack.__name__}", lambda self, attack=attack: self.attack(attack))


class Together(unittest.TestCase):
    """All attacks, one after the other, and all of them again."""

    def setUp(self):
        needs_own_server()
        self.server = Server(flags=FLAGS)
        self.addCleanup(self.server.close)
        self.target = Target(self.server, self, seed=SEED, mutants=MUTANTS)

    def usual_seconds(self):
        times = []
        for _ in range(CALLS_BETWEEN):
            began = time.monotonic()
            self.target.call_is_answered()
            times.append(time.monotonic() - began)
        return statistics.median(times)

    def run_all(self):
        """Until it is over: no connection, no call, and what is freed later is freed."""
        for attack in ATTACKS:
            attack(self.target)
        wait_for_descriptors(self.server, self.open_before)
        self.server.wait_until(lambda: self.server.counted("passgate_rpc_active_calls") == 0, "calls are left", 20)
        time.sleep(SETTLE_SECONDS)

    def assert_as_before(self, usual):
        self.assertLessEqual(descriptors(self.server), self.open_before)
        self.assertLess(self.usual_seconds(), USUAL_TIMES * usual + USUAL_MORE_SECONDS)

    def begin(self):
        self.server.start()
        usual = self.usual_seconds()
        self.open_before = descriptors(self.server)
        return usual

    def peak_bytes(self):
        for line in Path(f"/proc/{self.server.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def test_again_and_again_they_take_no_more(self):
        """Resident memory at its highest: what is left afterwards is the allocator's stock, which comes and goes."""
        usual = self.begin()
        peaks = []
        for _ in range(ROUNDS):
            self.run_all()
            self.assert_as_before(usual)
            peaks.append(self.peak_bytes())
        print("highest resident memory after each round: " + ", ".join(f"{peak / MIB:.1f} MiB" for peak in peaks),
              flush=True)
        if not IS_SANITIZED:
            self.assertLess(peaks[-1], GROWTH * peaks[0])

    @unittest.skipIf(IS_SANITIZED, "the memory is the sanitizer's")
    def test_what_is_left_after_them_grows_less_and_less(self):
        """Without a stock: mimalloc gives back what is free at once, which costs too much to be the usual way."""
        self.target.mutants = min(MUTANTS, MUTANTS_EACH)
        with unittest.mock.patch.dict(os.environ, {"MIMALLOC_DECOMMIT_DELAY": "0"}):
            usual = self.begin()
        left = []
        for _ in range(LEFT_ROUNDS):
            self.run_all()
            self.assert_as_before(usual)
            left.append(self.target.resident_bytes())
        print("resident memory after each round: " + ", ".join(f"{size / MIB:.1f} MiB" for size in left), flush=True)
        self.assertLess(left[-1], LEFT_GROWTH * max(left[:-1]))


class InFlight(ServerTestCase):
    needs_control = True
    flags = {**FLAGS, "rpc-in-flight-max": str(IN_FLIGHT_MAX)}

    def test_calls_that_are_begun_and_not_ended_are_bounded_also_without_an_acknowledgement(self):
        target = Target(self.server, self)
        with target.connect(acknowledges=False) as connection:
            numbers = [connection.stream() for _ in range(3 * IN_FLIGHT_MAX)]
            connection.send(b"".join(head(number, fields(WHOAMI)) for number in numbers))
            answers = [connection.answer(number) for number in numbers]
            connection.run(lambda: sum(answer.is_over for answer in answers) >= 2 * IN_FLIGHT_MAX, 10)
            refused = [answer.status for answer in answers if answer.is_over]
            self.assertEqual(set(refused), {RESOURCE_EXHAUSTED})
            self.assertGreaterEqual(len(refused), 2 * IN_FLIGHT_MAX)
            with target.connect() as other:
                self.assertEqual(other.call(HEALTH).status, OK)
                self.assertEqual(other.call(WHOAMI).status, RESOURCE_EXHAUSTED)
        self.server.wait_until(lambda: self.server.counted("passgate_rpc_active_calls") == 0, "calls are left", 10)
        target.call_is_answered()


class MemoryQuota(ServerTestCase):
    """Core takes a message whole before it looks at how long it is: what bounds that is the quota of all connections."""

    needs_control = True
    flags = {**FLAGS, "rpc-connection-age": "60s", "rpc-connection-grace": "10s", "rpc-keepalive": "30s",
             "rpc-memory-quota": f"{QUOTA_MIB}MiB"}

    def setUp(self):
        self.target = Target(self.server, self)
        self.target.call_is_answered()
        self.before = self.target.resident_bytes()

    def assert_bounded(self):
        self.target.assert_took(self.before, 2 * QUOTA_MIB * MIB)

    def test_a_message_of_many_megabytes_is_cut_off(self):
        with self.assertRaises(grpc.RpcError) as failure:
            self.server.stubs().raw(CHECK, bytes(8 * QUOTA_MIB * MIB))
        self.assertEqual(failure.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assert_bounded()
        self.target.call_is_answered()

    def test_messages_that_never_end_on_many_connections_are_bounded_together(self):
        connections = []
        for _ in range(CONNECTIONS):
            connection = self.target.connect()
            self.addCleanup(connection.close)
            connection.send(unfinished(connection, STREAMS_MAX // 2, 60000), 0.3)
            connections.append(connection)
        self.assert_bounded()
        for connection in connections:
            connection.close()
        self.target.call_is_answered()


class Keepalive(ServerTestCase):
    needs_control = True
    flags = {**FLAGS, "rpc-connection-age": "60s", "rpc-connection-grace": "10s"}

    def test_a_peer_that_answers_no_ping_is_closed_long_before_its_age(self):
        target = Target(self.server, self)
        with target.connect(answers_pings=False) as silent, target.connect() as other:
            self.assertEqual(other.call(WHOAMI).status, OK)
            while silent.ended is None and silent.age() < 6:  # 1 s until it is asked, 1 s to answer
                for connection in (silent, other):
                    connection.run(lambda: False, 0.1)
            self.assertIsNotNone(silent.ended)
            self.assertEqual(other.call(WHOAMI).status, OK)


class OverTls(ServerTestCase):
    """What needs no certificate."""

    needs_control = True

    @classmethod
    def setUpClass(cls):
        cls.flags = {**FLAGS, **tls_flags(cls.addClassCleanup)}
        super().setUpClass()

    def test_peers_that_say_nothing_or_half_of_it_are_closed_in_time(self):
        open_before = descriptors(self.server)
        peers_that_say_nothing_or_half_of_it_are_closed_in_time(Target(self.server, self))
        wait_for_descriptors(self.server, open_before)


if __name__ == "__main__":
    print(f"PASSGATE_TEST_SEED={SEED} PASSGATE_TEST_MUTANTS={MUTANTS}", flush=True)
    main()
