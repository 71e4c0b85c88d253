#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Descriptors run out: a server that cannot hear anybody new any more ends by itself, to be started again; one that can
stays (docs/rpc.md, the probe)."""
import os
import resource
import socket
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from certificates import tls_flags  # noqa: E402
from passgate_protos import CALL_SECONDS, pb  # noqa: E402
from passgate_samples import check, fresh  # noqa: E402
from passgate_server import STOP_SECONDS, Server, main, needs_own_server  # noqa: E402

DEAF_STATUS = 3
DEAF_SECONDS = 5  # the stated bound: from the last accept() to the end of the process
SILENCE_SECONDS = 4.5  # longer than all rounds that would end the process
ROOM = 20  # descriptors that are left
KEPT = 3   # for the probe
# Nothing but connections takes descriptors meanwhile, and those that say nothing stay.
FLAGS = {"rpc-probe-failures": "3", "rpc-probe-interval": "1s", "directives-poll": "3600s",
         "rpc-connection-age": "3600s", "rpc-handshake-timeout": "120s"}


class DescriptorsTestCase(unittest.TestCase):
    flags = FLAGS

    def setUp(self):
        needs_own_server()
        self.server = Server(flags=self.flags)
        self.addCleanup(self.server.close)
        self.server.start()
        if not os.access(f"/proc/{self.server.process.pid}/fd", os.R_OK):
            self.skipTest("the process is not dumpable: only root may count its descriptors")
        self.peers = []
        self.addCleanup(self.hang_up)

    def hang_up(self):
        while self.peers:
            self.peers.pop().close()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def settled(self):
        """How many there are when that does not change; None when it does."""
        seen = []
        for _ in range(5):
            seen.append(self.descriptors())
            time.sleep(0.1)
        return seen[0] if len(set(seen)) == 1 else None

    def leave_room(self, count):
        """As if the limit were so small.  What has just been answered may still be open."""
        before = None
        while before is None:
            before = self.settled()
        limit = before + count
        resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        return limit

    def connect(self, count, door="grpc"):
        for _ in range(count):
            self.peers.append(socket.create_connection(("127.0.0.1", self.server.ports[door]), timeout=CALL_SECONDS))

    def attack(self):
        """More connections than descriptors, which then go: what is left is a listener that accepts nobody."""
        self.leave_room(ROOM)
        self.connect(4 * ROOM)
        self.hang_up()

    def wait_for_end(self):
        """Exit status, and seconds until the server had stopped."""
        began = time.monotonic()
        self.server.wait_for_log(lambda line: line.get("event") == "server.stopped", seconds=STOP_SECONDS)
        seconds = time.monotonic() - began
        return -self.server.wait_until_dead(), seconds

    def assert_ends_in_time(self):
        status, seconds = self.wait_for_end()
        self.assertEqual(status, DEAF_STATUS)
        self.assertLessEqual(seconds, DEAF_SECONDS)
        self.assertEqual(len(self.logged("probe.failed")), 3)
        self.assertEqual(len(self.logged("server.deaf")), 1)

    def assert_answers(self):
        answer = self.server.stubs().entitlement.CheckEntitlement(check(fresh("anybody")), timeout=CALL_SECONDS)
        self.assertEqual(answer.decision, pb.DECISION_DENY)

    def logged(self, event):
        return [line for line in self.server.log() if line.get("event") == event]

    def is_ready(self):
        return self.server.get("ops", "/readyz")[0] == 200


class Deaf(DescriptorsTestCase):
    def test_a_burst_of_connections_beyond_the_descriptors_ends_in_a_restart_and_not_in_silence(self):
        self.attack()
        self.assert_ends_in_time()
        self.server.start()
        self.assert_answers()

    def test_calls_on_a_connection_that_is_there_are_served_until_the_end(self):
        stubs = self.server.stubs()
        stubs.entitlement.CheckEntitlement(check("anybody"), timeout=CALL_SECONDS)
        self.attack()
        self.server.wait_for_log(lambda line: line.get("event") == "probe.failed")
        stubs.entitlement.CheckEntitlement(check("anybody"), timeout=CALL_SECONDS)
        self.assertEqual(self.wait_for_end()[0], DEAF_STATUS)


class DeafOverTls(DescriptorsTestCase):
    """No certificate is needed for the attack, nor for the probe."""

    def setUp(self):
        self.flags = {**FLAGS, **tls_flags(self.addCleanup)}
        super().setUp()

    def test_a_burst_of_connections_ends_in_a_restart_as_well(self):
        self.attack()
        self.assert_ends_in_time()

    def test_the_probe_leaves_no_trace_in_the_log(self):
        begin = len(self.server.lines)
        time.sleep(SILENCE_SECONDS)
        self.assertEqual(self.server.log_text(begin), "")


class DeafAndLogged(DescriptorsTestCase):
    flags = {**FLAGS, "rpc-probe-failures": "0"}

    def test_with_0_failures_it_stays_and_says_so_each_time(self):
        self.attack()
        self.server.wait_until(lambda: len(self.logged("probe.failed")) > 4, "five rounds")
        self.assertTrue(self.server.is_running())
        self.assertGreater(self.server.counted("passgate_rpc_probe_failures_total"), 3)


class Hearing(DescriptorsTestCase):
    def test_a_listener_that_has_survived_is_probed_with_what_was_kept_for_it(self):
        """All descriptors are in use, the last one by another door: the probe must not be the one that goes too far."""
        limit = self.leave_room(ROOM)
        self.connect(ROOM - 1)
        self.server.wait_until(lambda: self.descriptors() >= limit - KEPT - 1, "nobody is let in", CALL_SECONDS)
        self.connect(1, "ops")
        self.server.wait_until(lambda: self.descriptors() == limit, "descriptors are not in use", CALL_SECONDS)
        time.sleep(SILENCE_SECONDS)
        self.assertEqual(self.logged("probe.failed"), [])
        self.hang_up()
        self.server.wait_until(self.is_ready, "room again", CALL_SECONDS)
        self.assert_answers()

    def test_a_replica_with_few_descriptors_left_is_not_ready(self):
        self.assertTrue(self.is_ready())
        limit = self.leave_room(2 * self.descriptors())
        self.connect(max(1, limit * 9 // 10 - self.descriptors()))
        self.server.wait_until(lambda: not self.is_ready(), "ready without room", CALL_SECONDS)
        self.assertIn("descriptors: most file descriptors are in use", self.server.get("ops", "/readyz")[2])
        self.assert_answers()
        self.hang_up()
        self.server.wait_until(self.is_ready, "room again", CALL_SECONDS)


if __name__ == "__main__":
    main()
