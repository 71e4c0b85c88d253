#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Redis behind sentinels: the primary dies, a replica is promoted, and passgated goes on by itself with everything that
it has acknowledged."""
import itertools
import shutil
import threading
import time
import unittest

import grpc

from passgate_protos import CALL_SECONDS, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import Server, main
from redis_sentinels import RedisSentinels, wait_until

FAILOVER_SECONDS = 30  # the sentinels need a few; on a busy machine
BEFORE = 20
REVOKE_EVERY = 3  # of those who were written while the primary died
FLAGS = {"store-replicas-min": "1", "store-read-timeout": "500ms", "store-write-timeout": "2s", "cache-fresh": "1s",
         "cache-grace": "1s"}


class Sentinel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = RedisSentinels()
        cls.addClassCleanup(cls.redis.close)
        cls.redis.start()
        cls.server = Server(flags={**FLAGS, **cls.redis.flags})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()
        cls.stubs = cls.server.stubs()

    def submit(self, name):
        """The id of the evidence, or None when it was not acknowledged."""
        try:
            return self.stubs.verification.SubmitVerification(submission(name, passport("USA")), timeout=3).evidence_id
        except grpc.RpcError as error:
            self.assertIn(error.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED))
            return None

    def decision(self, name):
        """None when there is no answer."""
        try:
            return self.stubs.entitlement.CheckEntitlement(check(name), timeout=1).decision
        except grpc.RpcError:
            return None

    def is_revoked(self, name, evidence):
        """Acknowledged; otherwise it may have happened or not."""
        try:
            self.stubs.verification.RevokeEvidence(
                pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name, evidence_id=evidence,
                                         reason="reported stolen"), timeout=3)
            return True
        except grpc.RpcError:
            return False

    def write_until(self, is_over, acknowledged, revoked):
        for number in itertools.count():
            if is_over.is_set():
                return
            name = fresh("during")
            evidence = self.submit(name)
            if evidence and number % REVOKE_EVERY:
                acknowledged.append(name)
            elif evidence and self.is_revoked(name, evidence):
                revoked.append(name)

    def watch_until(self, is_over, revoked, wrong):
        while not is_over.is_set():
            wrong.extend(name for name in list(revoked) if self.decision(name) == pb.DECISION_ALLOW)
            time.sleep(0.01)

    def fail_over(self, old, new):
        """From the kill until a check of somebody new is answered; returns how long that took."""
        began = time.monotonic()
        old.kill()
        wait_until(lambda: self.decision(fresh("after")) is not None and "role:master" in new.ask("INFO", "replication"),
                   "passgated did not go on by itself", FAILOVER_SECONDS)
        return time.monotonic() - began

    def test_after_a_failover_everything_acknowledged_is_there_and_nobody_who_was_revoked_gets_in(self):
        first, second = self.redis.servers
        acknowledged = [name for name in (fresh("before") for _ in range(BEFORE)) if self.submit(name)]
        self.assertEqual(len(acknowledged), BEFORE)
        revoked = []
        is_over, wrong = threading.Event(), []
        threads = [threading.Thread(target=self.write_until, args=(is_over, acknowledged, revoked)),
                   threading.Thread(target=self.watch_until, args=(is_over, revoked, wrong))]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: len(acknowledged) > 2 * BEFORE and revoked, "nothing is acknowledged")
            took = self.fail_over(first, second)
            # The old primary comes back and takes itself for one, until the sentinels make it a replica.  Only then
            # is a write on two servers again.
            first.start()
            self.redis.wait_for_replica(second)
            count = len(acknowledged)
            wait_until(lambda: len(acknowledged) > count + BEFORE, "nothing is acknowledged after the failover")
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])
        for name in acknowledged:
            wait_until(lambda name=name: self.decision(name) == pb.DECISION_ALLOW, f"{name} is lost", 5)
        for name in revoked:
            self.assertEqual(self.decision(name), pb.DECISION_DENY)
        print(f"{len(acknowledged)} writes and {len(revoked)} revocations acknowledged, back after {took:.1f} s")

    def test_sentinels_that_are_gone_take_nothing_with_them(self):
        for sentinel in self.redis.sentinels:
            sentinel.kill()
        try:
            self.assertTrue(self.submit(fresh("without")))
        finally:
            for sentinel in self.redis.sentinels:
                sentinel.start()
            self.redis.wait_until_complete()

    def test_what_the_sentinels_say_is_followed_though_the_old_primary_answers(self):
        """As when it is cut off from everybody else, and does not know that it has been replaced."""
        name = fresh("known")
        wait_until(lambda: self.submit(name), "the evidence was not acknowledged")
        self.assertEqual(self.decision(name), pb.DECISION_ALLOW)
        other = self.redis.add_server()
        since = len(self.server.lines)
        self.redis.monitor(other)
        self.server.wait_for_log(lambda line: line.get("event") == "store.primary" and line["port"] == other.port,
                                 since=since)
        # Which is empty: what it has now was put there again.
        wait_until(lambda: other.ask("KEYS", "passgate:{p00}:*:1:*"), "nothing was put there")
        wait_until(lambda: self.decision(name) == pb.DECISION_ALLOW, "what was put there is not read")

    def test_a_name_that_the_sentinels_do_not_know_is_said_at_the_start(self):
        flags = {**FLAGS, **self.redis.flags}
        flags["store-url"] = f"{flags['store-url']}-not"
        self.assert_does_not_start(flags, "3 of 3 sentinels know no primary")

    def test_sentinels_that_let_nobody_in_are_said_at_the_start(self):
        flags = {**FLAGS, **self.redis.flags}
        del flags["store-sentinel-user"], flags["store-sentinel-password-file"]
        self.assert_does_not_start(flags, "0 of 3 sentinels answer, 2 must: .*NOAUTH")

    def assert_does_not_start(self, flags, why):
        server = Server(flags=flags)
        self.addCleanup(shutil.rmtree, server.folder)
        with self.assertRaises(AssertionError):
            server.start()
        self.assertEqual(server.process.wait(CALL_SECONDS), 1)
        self.assertRegex(server.log_text(), why)


if __name__ == "__main__":
    main()
