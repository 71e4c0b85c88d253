#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two replicas on one Redis, of which one hears of no changes any more: what is restricted it refuses, in time."""
import time
import unittest

import grpc

from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh, passport, submission
from passgate_server import Server, main
from redis_store import RedisStore

LEASE_SECONDS = 3
SURE_SECONDS = 2  # a feed that is silent for longer is not trusted: services/storage/facts_cache.h
TICK_SECONDS = 0.05  # of clocks that are read often
SOON_SECONDS = 10  # on a busy machine, under a sanitizer
PASSWORD = "of-this-test"
RULE = """\
directive: {id}
language: 1
title: For US persons
authority: {{text: a letter}}
effective: {{from: 2026-01-01T00:00:00Z}}
resources: [model/{id}]
require:
  all:
    - foreign_person: {{regime: ear_772_1, is: false}}
    - location: any
      location_authority: {{text: a letter}}
stale: allow
{more}
"""
DIRECTIVES = {
    "resources.yaml": "resources:\n" + "".join(f"  - {{id: model/{name}, base: allow}}\n"
                                               for name in ("closed", "open", "urgent")),
    "closed.yaml": RULE.format(id="closed", more=""),
    "urgent.yaml": RULE.format(id="urgent", more="lease: 0"),
}
FLAGS = {"directives-lease": f"{LEASE_SECONDS}s", "cache-fresh": "60s", "cache-grace": "60s",
         "store-read-timeout": "500ms", "store-write-timeout": "2s"}
USERS = ("first", "second")


class Lease(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = RedisStore().start()
        cls.addClassCleanup(cls.redis.close)
        cls.replicas = []
        for user in USERS:  # an access control list apart, so that one can be cut off alone
            cls.redis.do("ACL", "SETUSER", user, "on", f">{PASSWORD}", "~*", "+@all")
            replica = Server(flags={**FLAGS, **cls.redis.flags, "store-user": user}, directives=DIRECTIVES)
            cls.addClassCleanup(replica.close)
            password = replica.folder / "password"
            password.touch(mode=0o600)
            password.write_text(PASSWORD, encoding="utf-8")
            replica.flags["store-password-file"] = password
            cls.replicas.append(replica.start())
        cls.first, cls.second = (replica.stubs() for replica in cls.replicas)

    def setUp(self):
        self.name, self.evidence = self.known()

    def tearDown(self):
        self.restore()

    def restore(self):
        self.redis.resume()
        self.redis.do("ACL", "SETUSER", "second", "+@all")
        self.wait_for(lambda: self.outcome(self.second, fresh("stranger"), "urgent") == "DENY", "it did not come back by itself")
        self.wait_for(lambda: self.replicas[1].get("ops", "/readyz")[0] == 200, "it did not become ready by itself")

    def cut(self, *commands):
        """The second replica may not use these any more; returns a time from which on it hears nothing."""
        self.redis.do("ACL", "SETUSER", "second", *(f"-{command}" for command in commands))
        for line in self.redis.do("CLIENT", "LIST").splitlines():  # an XREAD that waits already would bring more
            client = dict(word.partition("=")[::2] for word in line.split())
            if (client["user"], client["name"]) == ("second", "passgate-feed"):
                self.redis.do("CLIENT", "KILL", "ID", client["id"])
        return time.monotonic()

    def wait_for(self, holds, what, seconds=SOON_SECONDS):
        deadline = time.monotonic() + seconds
        while not holds():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def known(self):
        """Somebody whose facts are in the cache of the second replica, and the evidence for them."""
        name = fresh("known")
        accepted = self.first.verification.SubmitVerification(submission(name, passport("USA")), timeout=CALL_SECONDS)
        self.assertEqual(self.ask(self.second, name, "closed", min_revision=accepted.revision).decision,
                         pb.DECISION_ALLOW)
        return name, accepted.evidence_id

    def ask(self, stubs, name, model, **changes):
        return stubs.entitlement.CheckEntitlement(check(name, f"model/{model}", **changes), timeout=CALL_SECONDS)

    def outcome(self, stubs, name, model):
        """ALLOW, DENY, or the status code without a decision."""
        try:
            return pb.Decision.Name(self.ask(stubs, name, model).decision).removeprefix("DECISION_")
        except grpc.RpcError as error:
            return error.code().name

    def assert_lapsed(self, call, *arguments):
        refusal = refusal_of(call, *arguments)
        self.assertEqual((refusal.code.name, refusal.reason), ("UNAVAILABLE", "LEASE_LAPSED"), refusal)

    def wait_until_refused(self, name, model):
        self.wait_for(lambda: self.outcome(self.second, name, model) == "UNAVAILABLE", f"{model} is not refused")
        self.assert_lapsed(self.second.entitlement.CheckEntitlement, check(name, f"model/{model}"))

    def test_what_is_restricted_is_refused_and_the_rest_is_answered(self):
        cut_at = self.cut("xread")
        self.wait_until_refused(self.name, "urgent")
        self.assertLess(time.monotonic() - cut_at, LEASE_SECONDS + SURE_SECONDS + SOON_SECONDS)
        self.wait_until_refused(self.name, "closed")
        self.assertEqual(self.outcome(self.second, self.name, "open"), "ALLOW")
        self.assertEqual(self.outcome(self.second, fresh("unknown"), "open"), "ALLOW")
        self.assertEqual(self.outcome(self.second, self.name, "unheard-of"), "DENY")
        for model in ("closed", "urgent", "open"):  # the other one hears
            self.assertEqual(self.outcome(self.first, self.name, model), "ALLOW")

    def test_every_method_refuses_and_operators_see_it(self):
        self.cut("xread")
        self.wait_until_refused(self.name, "closed")
        before = self.replicas[1].counted("passgate_lease_refusals_total")
        entitlement = self.second.entitlement
        checks = [check(self.name, "model/closed"), check(self.name, "model/open")]
        batch = entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(checks=checks), timeout=CALL_SECONDS)
        self.assertEqual([decision.decision for decision in batch.decisions],
                         [pb.DECISION_UNSPECIFIED, pb.DECISION_ALLOW])
        self.assertEqual(batch.decisions[0].error.reason, "LEASE_LAPSED")
        items = [pb.StreamCheckEntitlementsRequest(id=i, check=question) for i, question in enumerate(checks)]
        answers = {answer.id: answer for answer in entitlement.StreamCheckEntitlements(iter(items), timeout=CALL_SECONDS)}
        self.assertEqual(answers[0].error.reason, "LEASE_LAPSED")
        self.assertFalse(answers[0].HasField("decision"))
        self.assertEqual(answers[1].decision.decision, pb.DECISION_ALLOW)
        self.assert_lapsed(entitlement.ListEntitlements, pb.ListEntitlementsRequest(subject=self.name, action="use"))
        self.assert_lapsed(entitlement.ExplainEntitlement, pb.ExplainEntitlementRequest(check=checks[0]))
        explained = entitlement.ExplainEntitlement(pb.ExplainEntitlementRequest(check=checks[1]), timeout=CALL_SECONDS)
        self.assertEqual(explained.decision.decision, pb.DECISION_ALLOW)
        # The batch's item, the stream's, two of the list, and the explanation.
        self.assertEqual(self.replicas[1].counted("passgate_lease_refusals_total") - before, 5)
        self.assertEqual(self.replicas[1].counted("passgate_lease_remaining_seconds"), 0)
        self.assertGreaterEqual(self.replicas[1].counted("passgate_store_feed_age_seconds"), LEASE_SECONDS)
        self.wait_for(lambda: "lease: the change feed is silent" in self.replicas[1].get("ops", "/readyz")[2],
                      "readiness does not say so")
        self.assertEqual(self.replicas[0].get("ops", "/readyz")[0], 200)

    def revoke(self):
        """Returns a time at which it was acknowledged."""
        self.first.verification.RevokeEvidence(
            pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=self.name, evidence_id=self.evidence,
                                     reason="reported stolen"), timeout=CALL_SECONDS)
        return time.monotonic()

    def last_allow(self, model, seconds):
        """When the last check began that was allowed by the second replica; what the checks came to at all."""
        last, outcomes = 0, set()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            began = time.monotonic()
            outcome = self.outcome(self.second, self.name, model)
            outcomes.add(outcome)
            if outcome == "ALLOW":
                last = began
            time.sleep(0.005)
        return last, outcomes

    def test_with_the_feed_cut_a_revocation_is_enforced_as_soon_as_the_feed_is_not_trusted(self):
        self.cut("xread")
        acknowledged_at = self.revoke()
        last, outcomes = self.last_allow("closed", LEASE_SECONDS + 1)
        self.assertLess(last - acknowledged_at, SURE_SECONDS + TICK_SECONDS)
        self.assertEqual(outcomes - {"ALLOW"}, {"DENY", "UNAVAILABLE"})

    def test_with_reads_cut_too_a_revocation_is_refused_within_the_lease(self):
        for model, seconds in (("closed", LEASE_SECONDS), ("urgent", SURE_SECONDS)):
            with self.subTest(model):
                self.name, self.evidence = self.known()
                self.cut("xread", "mget")
                acknowledged_at = self.revoke()
                last, outcomes = self.last_allow(model, seconds + 1)
                self.assertLess(last - acknowledged_at, seconds + TICK_SECONDS)
                self.assertEqual(outcomes - {"ALLOW"}, {"UNAVAILABLE"})  # it never heard of it
                self.assertEqual(self.outcome(self.second, self.name, "open"), "ALLOW")
                self.restore()

    def test_no_answer_may_be_reused_past_the_end_of_the_lease(self):
        self.assertEqual(self.ask(self.second, self.name, "urgent").max_age.ToTimedelta().total_seconds(), 0)
        self.assertGreater(self.ask(self.second, self.name, "closed").max_age.ToTimedelta().total_seconds(), 0)
        cut_at = self.cut("xread")
        ends = []
        while time.monotonic() < cut_at + LEASE_SECONDS + 1:
            began = time.monotonic()
            try:
                ends.append(began + self.ask(self.second, self.name, "closed").max_age.ToTimedelta().total_seconds())
            except grpc.RpcError:
                break
        self.assertGreater(len(ends), 1)
        self.assertLess(max(ends), cut_at + LEASE_SECONDS + TICK_SECONDS)

    def test_a_redis_that_stands_still_ends_the_lease_of_all(self):
        self.ask(self.first, self.name, "open")
        self.redis.pause()
        self.wait_until_refused(self.name, "closed")
        self.wait_for(lambda: self.outcome(self.first, self.name, "closed") == "UNAVAILABLE", "the first one goes on")
        self.assertEqual(self.outcome(self.second, self.name, "open"), "ALLOW")  # within the grace


if __name__ == "__main__":
    main()
