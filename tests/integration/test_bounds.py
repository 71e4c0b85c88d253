#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How old an answer may be on three replicas of which one does not hear of changes: docs/storage.md."""
import base64
import itertools
import threading
import time
import unittest

from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh, passport, submission
from passgate_server import Server, main
from redis_store import RedisStore
from tcp_proxy import TcpProxy

SILENT_SECONDS = 2.0  # the stated bound: a feed that is silent for longer is not trusted
AT_ONCE_SECONDS = 2  # on a busy machine, under a sanitizer; below every timeout of the store
HAMMER_WRITES = 500
# The feed is cut and comes back all the time; never for as long as a lease.
CUT_SECONDS, HEALED_SECONDS = 2.6, 0.6
FEED, EVERYTHING = "passgate-feed", "passgate-"
FLAGS = {"cache-fresh": "3600s",  # nothing is read again because of its age
         "store-read-timeout": "3s"}

# A revision is a format byte, then directive set, partition and number: the epoch and a counter.
EPOCH_END, NUMBER_END = 14, 19


def later(revision, end):
    content = bytearray(base64.urlsafe_b64decode(revision + "=" * (-len(revision) % 4)))
    content[end - 1] += 1
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class BoundsTestCase(unittest.TestCase):
    """Replicas a, b and c; `proxy` stands between b and Redis."""

    @classmethod
    def setUpClass(cls):
        redis = RedisStore().start()
        cls.addClassCleanup(redis.close)
        cls.proxy = TcpProxy(redis.socket)
        cls.addClassCleanup(cls.proxy.close)
        replicas = [Server(flags={**redis.flags, **FLAGS}) for _ in range(3)]
        replicas[1].flags["store-url"] = f"redis://127.0.0.1:{cls.proxy.port}"
        for replica in replicas:
            replica.flags["keys-folder"] = replicas[0].folder / "passgate-data" / "keys"
            cls.addClassCleanup(replica.close)
            replica.start()
        cls.a, cls.b, cls.c = (replica.stubs() for replica in replicas)

    def setUp(self):
        self.addCleanup(self.proxy.cut, None)

    def submit(self, stubs, name):
        return stubs.verification.SubmitVerification(submission(name, passport("USA")), timeout=CALL_SECONDS)

    def revoke(self, stubs, name, evidence):
        return stubs.verification.RevokeEvidence(
            pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name, evidence_id=evidence,
                                     reason="reported stolen"), timeout=CALL_SECONDS)

    def is_allowed(self, stubs, name, **changes):
        answer = stubs.entitlement.CheckEntitlement(check(name, **changes), timeout=CALL_SECONDS)
        return answer.decision == pb.DECISION_ALLOW

    def allowed_everywhere(self, count):
        """People with their evidence, whom every replica has cached."""
        evidence = {name: self.submit(self.a, name).evidence_id for name in (fresh("bound") for _ in range(count))}
        for stubs in (self.a, self.b, self.c):
            for name in evidence:
                self.wait_until_allowed(stubs, name)
        return evidence

    def wait_until_allowed(self, stubs, name):
        deadline = time.monotonic() + CALL_SECONDS
        while not self.is_allowed(stubs, name):
            self.assertLess(time.monotonic(), deadline, "the evidence did not arrive")


class Bound(BoundsTestCase):
    def test_with_the_feed_cut_a_revocation_is_a_deny_within_the_bound(self):
        has_lagged = False
        for _ in range(3):
            people = self.allowed_everywhere(5)
            self.proxy.cut(FEED)
            acknowledged = {}
            for name, evidence in people.items():
                self.revoke(self.a, name, evidence)
                acknowledged[name] = time.monotonic()
            while acknowledged:
                for name in list(acknowledged):
                    asked = time.monotonic()
                    if self.is_allowed(self.b, name):
                        self.assertLessEqual(asked - acknowledged[name], SILENT_SECONDS, name)
                        has_lagged = True
                    else:
                        del acknowledged[name]
            self.proxy.cut(None)
        self.assertTrue(has_lagged, "the feed was not cut")

    def test_replicas_with_a_feed_do_not_wait_for_one_without(self):
        (name, evidence), = self.allowed_everywhere(1).items()
        self.proxy.cut(FEED)
        self.revoke(self.a, name, evidence)
        deadline = time.monotonic() + SILENT_SECONDS
        while self.is_allowed(self.c, name):
            self.assertLess(time.monotonic(), deadline)


class Revisions(BoundsTestCase):
    def cut_again_and_again(self, is_over):
        while not is_over.is_set():
            self.proxy.cut(FEED)
            is_over.wait(CUT_SECONDS)
            self.proxy.cut(None)
            is_over.wait(HEALED_SECONDS)

    def test_a_check_with_the_revision_of_a_write_never_sees_what_was_before(self):
        people = self.allowed_everywhere(50)
        is_over = threading.Event()
        cutter = threading.Thread(target=self.cut_again_and_again, args=(is_over,))
        cutter.start()
        try:
            for number, name in zip(range(HAMMER_WRITES), itertools.cycle(people)):
                if people[name]:
                    revision = self.revoke(self.a, name, people[name]).revision
                    people[name] = None
                else:
                    written = self.submit(self.a, name)
                    revision, people[name] = written.revision, written.evidence_id
                if number % 2:  # what b writes itself says nothing of what a wrote before
                    self.submit(self.b, fresh("bystander"))
                for stubs in (self.b, self.c):
                    self.assertEqual(self.is_allowed(stubs, name, min_revision=revision), bool(people[name]),
                                     f"write {number}")
        finally:
            is_over.set()
            cutter.join()

    def test_without_the_store_a_check_with_the_revision_is_not_answered_from_what_was_before(self):
        (name, evidence), = self.allowed_everywhere(1).items()
        self.proxy.cut(EVERYTHING)
        revision = self.revoke(self.a, name, evidence).revision
        refusal = refusal_of(self.b.entitlement.CheckEntitlement, check(name, min_revision=revision))
        self.assertIn(refusal.code.name, ("UNAVAILABLE", "DEADLINE_EXCEEDED"))
        self.proxy.cut(None)
        self.assertFalse(self.is_allowed(self.b, name, min_revision=revision))

    def test_a_revision_ahead_of_the_store_or_of_an_unknown_epoch_is_refused_at_once(self):
        (name, _), = self.allowed_everywhere(1).items()
        revision = self.a.verification.GetSubject(pb.GetSubjectRequest(subject=name), timeout=CALL_SECONDS).revision
        for is_cut in (False, True):
            self.proxy.cut(FEED if is_cut else None)
            for stubs, end in itertools.product((self.b, self.c), (EPOCH_END, NUMBER_END)):
                with self.subTest(is_cut=is_cut, end=end):
                    began = time.monotonic()
                    refusal = refusal_of(stubs.entitlement.CheckEntitlement,
                                         check(name, min_revision=later(revision, end)))
                    self.assertEqual((refusal.code.name, refusal.reason, refusal.fields),
                                     ("FAILED_PRECONDITION", "REVISION_AHEAD", ["min_revision"]))
                    self.assertLess(time.monotonic() - began, AT_ONCE_SECONDS)


if __name__ == "__main__":
    main()
