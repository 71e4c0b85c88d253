#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Threads that cannot be had and a CPU that is taken away: it ends with a word or serves, it never answers wrongly, and
recovers by itself."""
import os
import resource
import signal
import sys
import threading
import time
import unittest
from collections import Counter
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from passgate_protos import CALL_SECONDS, pb  # noqa: E402
from passgate_samples import check, fresh, passport, submission  # noqa: E402
from passgate_server import EXAMPLES, Server, find_program, main, needs_own_server  # noqa: E402
from redis_store import RedisStore  # noqa: E402

USER = 54321  # whose threads nobody else has
THREADS_MAX = 64
START_REFUSED = 2
NO_THREAD = "thread|Resource temporarily unavailable"
RESOURCE = "model/fable-5"
DECIDED = {pb.DECISION_ALLOW: "ALLOW", pb.DECISION_DENY: "DENY"}
HURRY_SECONDS = 0.2  # the deadline of a check
THROTTLED_SECONDS = 5
RUNS_SECONDS, STANDS_SECONDS = 0.01, 0.09  # a tenth of a CPU, in periods as those of a cgroup
PAUSE_SECONDS = 3  # more than a replica trusts a feed of which it hears nothing
PAUSES = 3


class Threads(unittest.TestCase):
    """RLIMIT_NPROC counts the threads of a user, and does not bind root."""

    def setUp(self):
        needs_own_server()
        if os.getuid() != 0:
            self.skipTest("only root can run it as somebody who has no other thread")
        if not os.access(find_program("PASSGATED", "services/server/passgated"), os.X_OK):
            self.skipTest("passgated is not for everybody")

    def server(self, threads):
        """Not started yet; of a user who may have so many threads."""
        server = Server()
        self.addCleanup(server.close)
        for path in (server.folder, *server.folder.rglob("*")):
            os.chown(path, USER, USER)
        server.process_options = {
            "user": USER, "group": USER, "extra_groups": [],
            "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NPROC, (threads, threads))}
        return server

    def threads_needed(self):
        server = self.server(THREADS_MAX).start()
        self.assertEqual(self.decided(server.stubs(), fresh("nobody")), "DENY")
        count = len(os.listdir(f"/proc/{server.process.pid}/task"))
        server.stop()
        return count

    def decided(self, stubs, name):
        answer = stubs.entitlement.CheckEntitlement(check(name, RESOURCE), timeout=CALL_SECONDS)
        return DECIDED[answer.decision]

    def comes_up(self, threads):
        """Whether it serves; if not, it has ended and said why."""
        server = self.server(threads)
        try:
            server.start()
        except AssertionError:
            status = server.process.wait(CALL_SECONDS)
            self.assertIn(status, (START_REFUSED, -signal.SIGABRT), f"{threads} threads\n{server.log_text()}")
            self.assertRegex(server.log_text(), NO_THREAD, threads)
            server.process = None
            return False
        self.assertEqual(self.decided(server.stubs(), fresh("nobody")), "DENY")
        server.stop()
        return True

    def test_with_too_few_threads_it_does_not_start_and_says_why(self):
        needed = self.threads_needed()
        ends = {threads: self.comes_up(threads) for threads in range(2, needed, 3)}
        print(f"it has {needed} threads; of fewer: {ends}")
        self.assertFalse(ends[2])

    def test_a_server_that_gets_no_more_threads_serves_on(self):
        server = self.server(self.threads_needed() + 2).start()  # core may want another one
        stubs = server.stubs()
        citizen, foreigner = fresh("usa"), fresh("deu")
        for name, country in ((citizen, "USA"), (foreigner, "DEU")):
            stubs.verification.SubmitVerification(submission(name, passport(country)), timeout=CALL_SECONDS)
        for _ in range(20):  # new connections, writes, reads, HTTP
            channel = server.stubs(options=[("grpc.use_local_subchannel_pool", 1)])
            late = fresh("usa")
            channel.verification.SubmitVerification(submission(late, passport("USA")), timeout=CALL_SECONDS)
            self.assertEqual([self.decided(channel, name) for name in (citizen, foreigner, late, fresh("nobody"))],
                             ["ALLOW", "DENY", "ALLOW", "DENY"])
            self.assertEqual(server.get("http", "/.well-known/jwks.json")[0], 200)
            self.assertEqual(server.get("ops", "/readyz")[0], 200)
        server.set_directives(EXAMPLES / "directives" / "2026-06-30")
        server.wait_until(lambda: server.counted("passgate_directive_set_number") == 2, "the other set is in force")
        self.assertEqual(self.decided(stubs, citizen), "ALLOW")
        server.stop()


class Cpu(unittest.TestCase):
    """Stopped and continued: what a cgroup's quota does to a process, without one."""

    def setUp(self):
        needs_own_server()
        self.redis = RedisStore().start()
        self.addCleanup(self.redis.close)
        flags = {**self.redis.flags, "store-read-timeout": "300ms", "rpc-probe-failures": "3", "rpc-probe-interval": "1s"}
        self.servers = [Server(flags=flags) for _ in range(2)]
        for server in self.servers:  # one realm has one set of keys
            server.flags["keys-folder"] = self.servers[0].folder / "passgate-data" / "keys"
            self.addCleanup(server.close)
            server.start()
        self.first, self.second = (server.stubs() for server in self.servers)
        self.citizen, self.foreigner = fresh("usa"), fresh("deu")
        for name, country in ((self.citizen, "USA"), (self.foreigner, "DEU")):
            self.submit(name, country)

    def submit(self, name, country="USA"):
        return self.first.verification.SubmitVerification(submission(name, passport(country)), timeout=CALL_SECONDS)

    def ask(self, stubs, name, seconds=CALL_SECONDS):
        """ALLOW, DENY, or why there is no decision."""
        try:
            return DECIDED[stubs.entitlement.CheckEntitlement(check(name, RESOURCE), timeout=seconds).decision]
        except grpc.RpcError as error:
            return error.code().name

    def wait_until_allowed(self, stubs, name):
        deadline = time.monotonic() + CALL_SECONDS
        while self.ask(stubs, name) != "ALLOW":
            self.assertLess(time.monotonic(), deadline, "it does not recover")
            time.sleep(0.02)

    def throttle(self, server, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            server.process.send_signal(signal.SIGCONT)
            time.sleep(RUNS_SECONDS)
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(STANDS_SECONDS)
        server.process.send_signal(signal.SIGCONT)

    def test_a_process_with_a_tenth_of_a_cpu_answers_rightly_or_not_at_all(self):
        is_over, came_to = threading.Event(), {self.citizen: Counter(), self.foreigner: Counter()}

        def call(name):
            while not is_over.is_set():
                came_to[name][self.ask(self.second, name, HURRY_SECONDS)] += 1
        threads = [threading.Thread(target=call, args=(name,)) for name in came_to for _ in range(4)]
        for thread in threads:
            thread.start()
        self.throttle(self.servers[1], THROTTLED_SECONDS)
        is_over.set()
        for thread in threads:
            thread.join()
        print({name.partition("-")[0]: dict(ends) for name, ends in came_to.items()})
        late = {"DEADLINE_EXCEEDED", "UNAVAILABLE"}
        self.assertLessEqual(set(came_to[self.citizen]), late | {"ALLOW"})
        self.assertLessEqual(set(came_to[self.foreigner]), late | {"DENY"})
        self.wait_until_allowed(self.second, self.citizen)  # the same process: it does not take itself for deaf
        self.assertTrue(self.servers[1].is_running())

    def test_a_process_that_stood_still_does_not_answer_by_what_it_knew_before(self):
        for _ in range(PAUSES):
            name = fresh("usa")
            evidence = self.submit(name).evidence_id
            self.wait_until_allowed(self.second, name)
            self.servers[1].process.send_signal(signal.SIGSTOP)
            try:
                self.first.verification.RevokeEvidence(
                    pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name, evidence_id=evidence,
                                             reason="reported stolen"), timeout=CALL_SECONDS)
                time.sleep(PAUSE_SECONDS)
                waiting = [self.second.entitlement.CheckEntitlement.future(check(name, RESOURCE), timeout=CALL_SECONDS)
                           for _ in range(8)]
                time.sleep(0.2)  # they are in its socket
            finally:
                self.servers[1].process.send_signal(signal.SIGCONT)
            for call in waiting:
                if call.exception() is None:
                    self.assertEqual(DECIDED[call.result().decision], "DENY")
                else:
                    self.assertIn(call.code().name, ("UNAVAILABLE", "DEADLINE_EXCEEDED"))
            self.wait_until_allowed(self.second, self.citizen)


if __name__ == "__main__":
    main()
