#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two replicas on one Redis: what one has acknowledged the other knows; what happens when Redis does not answer; each
write is in one audit log."""
import os
import subprocess
import time
import unittest

import grpc

from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh, passport, submission
from passgate_server import Server, find_program, main
from redis_store import RedisStore

SOON_SECONDS = 10  # on a busy machine, under a sanitizer; `make bench` says how fast it is
GRACE_SECONDS = 2
FLAGS = {"cache-fresh": "1s", "cache-grace": f"{GRACE_SECONDS}s", "store-read-timeout": "500ms",
         "store-write-timeout": "2s"}


class ReplicasTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = RedisStore().start()
        cls.addClassCleanup(cls.redis.close)
        cls.replicas = [Server(flags={**FLAGS, **cls.redis.flags}) for _ in range(2)]
        keys = cls.replicas[0].folder / "passgate-data" / "keys"
        for replica in cls.replicas:  # one realm has one set of keys
            replica.flags["keys-folder"] = keys
            cls.addClassCleanup(replica.close)
            replica.start()
        cls.first, cls.second = (replica.stubs() for replica in cls.replicas)

    def submit(self, stubs, name, country="USA"):
        return stubs.verification.SubmitVerification(submission(name, passport(country)), timeout=CALL_SECONDS)

    def check(self, stubs, name, **changes):
        return stubs.entitlement.CheckEntitlement(check(name, **changes), timeout=CALL_SECONDS)

    def refusal(self, stubs, name):
        return refusal_of(stubs.entitlement.CheckEntitlement, check(name), timeout=CALL_SECONDS)

    def wait_for(self, holds, what):
        deadline = time.monotonic() + SOON_SECONDS
        while not holds():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def is_allowed(self, stubs, name):
        try:
            return self.check(stubs, name).decision == pb.DECISION_ALLOW
        except grpc.RpcError:
            return None


class Sharing(ReplicasTestCase):
    def test_a_write_on_one_is_read_on_the_other_with_its_revision(self):
        for _ in range(50):
            name = fresh("shared")
            self.assertFalse(self.is_allowed(self.second, name))  # and now it is cached there
            revision = self.submit(self.first, name).revision
            answer = self.check(self.second, name, min_revision=revision)
            self.assertEqual(answer.decision, pb.DECISION_ALLOW)

    def test_a_revocation_on_one_denies_on_the_other(self):
        name = fresh("revoked")
        evidence = self.submit(self.first, name).evidence_id
        self.wait_for(lambda: self.is_allowed(self.second, name), "the evidence did not arrive")
        self.first.verification.RevokeEvidence(
            pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name, evidence_id=evidence,
                                     reason="reported stolen"), timeout=CALL_SECONDS)
        self.wait_for(lambda: self.is_allowed(self.second, name) is False, "the revocation did not arrive")

    def test_a_claim_of_one_is_given_again_by_the_other(self):
        name = fresh("claimed")
        self.submit(self.first, name)
        tokens = {stubs.claim.IssueClaim(pb.IssueClaimRequest(subject=name, audience="https://shop.example"),
                                         timeout=CALL_SECONDS).token for stubs in (self.first, self.second)}
        self.assertEqual(len(tokens), 1)


class Records(ReplicasTestCase):
    """Who moves the records of writes into a log."""

    def recorded(self):
        """The ids of evidence in the records of submissions, of each log."""
        dump = os.environ.get("AUDIT_DUMP") or find_program("AUDIT_DUMP", "tests/fault/audit_dump")
        return [[line.split("\t")[4] for line in subprocess.run(
            [dump, replica.folder / "passgate-data" / "audit"], capture_output=True, text=True, check=True).stdout.splitlines()
            if line.split("\t")[1] == "verification_submitted"] for replica in self.replicas]

    def test_each_write_is_in_one_log_and_in_some_log_when_a_replica_dies(self):
        written = [self.submit(stubs, fresh("recorded")).evidence_id for _ in range(40) for stubs in (self.first, self.second)]
        self.wait_for(lambda: set(written) <= set(sum(self.recorded(), [])), "a record is missing")
        time.sleep(1.5)  # whoever would have taken it as well has looked by now
        for evidence_id in written:
            self.assertEqual([log.count(evidence_id) for log in self.recorded()].count(1), 1)
        mover = max(range(2), key=lambda number: len(self.recorded()[number]))
        other = self.second if mover == 0 else self.first
        self.replicas[mover].kill()
        try:
            late = [self.submit(other, fresh("late")).evidence_id for _ in range(20)]
            deadline = time.monotonic() + 2 * SOON_SECONDS  # its claim is waited out
            while not set(late) <= set(self.recorded()[1 - mover]):
                self.assertLess(time.monotonic(), deadline, "nobody takes them over")
                time.sleep(0.1)
            self.assertEqual(len(set(self.recorded()[1 - mover])), len(self.recorded()[1 - mover]))
        finally:
            self.replicas[mover].start()
            type(self).first, type(self).second = (replica.stubs() for replica in self.replicas)
        self.assertLessEqual(set(written) | set(late), set(sum(self.recorded(), [])))


class Flushed(ReplicasTestCase):
    """What is in force is known to who enforces it, also when the store has lost it."""

    def number(self, replica):
        return replica.counted("passgate_directive_set_number")

    def test_what_is_in_force_keeps_its_number(self):
        replica = self.replicas[0]
        self.replicas[1].stop()
        before = self.number(replica)
        path = next(path for path in replica.directives.iterdir() if "title:" in path.read_text(encoding="utf-8"))
        text = path.read_text(encoding="utf-8")
        replica.set_directives({**{other.name: other.read_text(encoding="utf-8") for other in replica.directives.iterdir()},
                                path.name: text.replace("title:", "title: Once more,", 1)})
        self.wait_for(lambda: self.number(replica) > before, "the changed file is not in force")
        replica.stop()
        replica.start()  # what it wrote itself it would put there again in any case
        self.redis.do("FLUSHALL")
        replica.wait_for_log(lambda line: line.get("event") == "directive.recalled")
        self.replicas[1].set_directives(replica.directives)
        self.replicas[1].start()
        self.assertEqual(self.number(self.replicas[1]), self.number(replica))


class Trouble(ReplicasTestCase):
    def test_cached_facts_answer_up_to_the_grace_and_are_marked_then_nobody_is_let_in(self):
        name, unknown = fresh("cached"), fresh("unknown")
        self.submit(self.first, name)
        self.assertTrue(self.is_allowed(self.first, name))
        self.redis.kill()
        try:
            self.assertIn(self.refusal(self.first, unknown).code.name, ("UNAVAILABLE", "DEADLINE_EXCEEDED"))
            seen = set()
            deadline = time.monotonic() + SOON_SECONDS
            while time.monotonic() < deadline:
                try:
                    seen.add(("stale" if self.check(self.first, name).stale else "fresh"))
                except grpc.RpcError as error:
                    self.assertIn(error.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED))
                    seen.add("unavailable")
                    break
            self.assertIn("unavailable", seen)
            with self.assertRaises(grpc.RpcError) as raised:
                self.submit(self.first, fresh("lost"))
            self.assertIn(raised.exception.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED))
        finally:
            self.redis.start()
        self.wait_for(lambda: self.is_allowed(self.first, name), "service did not resume by itself")
        self.wait_for(lambda: self.is_allowed(self.second, name), "the other one did not resume")

    def test_no_call_outlives_its_deadline_while_redis_is_paused(self):
        self.redis.pause()
        try:
            for _ in range(20):
                began = time.monotonic()
                with self.assertRaises(grpc.RpcError) as raised:
                    self.first.entitlement.CheckEntitlement(check(fresh("paused")), timeout=0.3)
                self.assertLess(time.monotonic() - began, 3)
                self.assertIn(raised.exception.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED))
        finally:
            self.redis.resume()
        name = fresh("after")
        self.wait_for(lambda: self.is_allowed(self.first, name) is False, "service did not resume by itself")

    def test_what_was_acknowledged_outlives_a_killed_redis(self):
        names = [fresh("kept") for _ in range(20)]
        for name in names:
            self.submit(self.first, name)
        self.redis.kill()
        self.redis.start()
        for name in names:
            self.wait_for(lambda name=name: self.is_allowed(self.second, name), f"{name} is lost")


if __name__ == "__main__":
    main()
