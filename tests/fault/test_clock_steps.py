#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole server, and its Redis, under a wall clock that steps: five minutes forth and back.  What has ended does not come
back, nothing is issued that would begin in the future of others, revocations count, and nobody waits longer for it."""
import base64
import json
import mmap
import os
import random
import struct
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from passgate_protos import CALL_SECONDS, Stubs, pb, refusal_of  # noqa: E402
from passgate_samples import check, fresh, passport, statement, submission  # noqa: E402
from passgate_server import EXAMPLES, Server, main, needs_own_server  # noqa: E402

STEP_SECONDS = 300
LIFETIME_SECONDS = 300  # of claims, unless configured otherwise
SOON_SECONDS = 10
STEPPING_SECONDS = 4
CLIENTS = 4
AUDIENCE = "https://shop.example"
DIRECTIVES = EXAMPLES / "directives" / "2026-06-26"
EXEMPTION = """\
  - when: {affiliated_with: {organizations: ["org/partner-a"], as: [employee]}}
    resources: ["model/fable-5"]
    from: 2026-06-26T18:00:00-04:00
    until: %s
    authority: {text: "letter of 2026-06-26, annex B"}
    waives: [require]
"""


class WallClock:
    """What the preloaded library adds to the time of day: the file that it maps."""

    def __init__(self, path):
        path.write_bytes(bytes(16))
        with path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), 16)

    def set_off(self, seconds):
        self.map[:8] = struct.pack("=q", int(seconds * 1e9))

    def be_synchronized(self, is_synchronized):
        self.map[8:] = struct.pack("=q", not is_synchronized)

    def now(self):
        return time.time() + struct.unpack("=q", self.map[:8])[0] / 1e9


class ClockStepsTestCase(unittest.TestCase):
    """A server for each test: what a process has told of the time stays with it."""

    def setUp(self):
        needs_own_server()
        folder = tempfile.TemporaryDirectory(prefix="passgate-clock-")
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "offset")
        self.clock = WallClock(path)
        with mock.patch.dict(os.environ, {"LD_PRELOAD": os.environ["STEPPING_CLOCK_SO"], "STEPPING_CLOCK": str(path)}):
            self.server = Server(flags=self.flags())
            self.addCleanup(self.server.close)
            self.server.start()
        self.stubs = self.server.stubs()

    def flags(self):
        return {}

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(self.server.log_text(), file=sys.stderr)
        return result

    # ----- calls -----

    def submit(self, subject, *evidence):
        for one in evidence:
            answer = self.stubs.verification.SubmitVerification(submission(subject, one), timeout=CALL_SECONDS)
        return answer

    def citizen(self):
        name = fresh("usa")
        self.submit(name, passport("USA"))
        return name

    def partner(self):
        """A citizen of Iran, shown to be no US person, whom an exemption lets in."""
        name = fresh("irn")
        self.submit(name, passport("IRN"), statement(pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE),
                    statement(pb.STATEMENT_KIND_US_STATUS_NONE))
        self.stubs.verification.SetAffiliations(pb.SetAffiliationsRequest(
            request_id=fresh("request"), subject=name, organization="org/partner-a", complete=True,
            affiliations=[pb.Affiliation(affiliation_as=pb.AFFILIATION_AS_EMPLOYEE)]), timeout=CALL_SECONDS)
        return name

    def is_allowed(self, subject, **changes):
        answer = self.stubs.entitlement.CheckEntitlement(check(subject, "model/fable-5", **changes), timeout=CALL_SECONDS)
        return answer.decision == pb.DECISION_ALLOW

    def issue(self, subject):
        return self.stubs.claim.IssueClaim(self.order(subject), timeout=CALL_SECONDS).token

    @staticmethod
    def order(subject):
        return pb.IssueClaimRequest(subject=subject, audience=AUDIENCE)

    def is_active(self, token):
        return self.stubs.claim.IntrospectClaim(pb.IntrospectClaimRequest(token=token), timeout=CALL_SECONDS).active

    def assert_issues_nothing(self, subject, reason="CLOCK_BEHIND"):
        refusal = refusal_of(self.stubs.claim.IssueClaim, self.order(subject))
        self.assertEqual((refusal.code.name, refusal.reason), ("UNAVAILABLE", reason), refusal)

    def assert_fits(self, token):
        """It begins now, by the clock of the machine, and lives as long as it may."""
        body = token.split(".")[1]
        payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        self.assertLess(abs(payload["iat"] - self.clock.now()), SOON_SECONDS)
        self.assertEqual((payload["nbf"], payload["exp"]), (payload["iat"], payload["iat"] + LIFETIME_SECONDS))

    def wait_until(self, holds, what):
        self.server.wait_until(holds, what, SOON_SECONDS)


class Steps(ClockStepsTestCase):
    def test_a_claim_lives_as_long_as_it_says_and_no_step_back_revives_it(self):
        name = self.citizen()
        token = self.issue(name)
        self.assert_fits(token)
        self.assertTrue(self.is_active(token))
        self.clock.set_off(LIFETIME_SECONDS - SOON_SECONDS)
        self.assertTrue(self.is_active(token))
        self.clock.set_off(LIFETIME_SECONDS + 1)
        self.assertFalse(self.is_active(token))
        self.assert_fits(self.issue(name))
        for offset in (0, -STEP_SECONDS, LIFETIME_SECONDS + 1):
            self.clock.set_off(offset)
            self.assertFalse(self.is_active(token), offset)

    def test_nothing_is_issued_while_the_clock_is_behind_what_it_was(self):
        name, other = self.citizen(), self.citizen()
        self.assert_fits(self.issue(name))
        self.clock.set_off(-0.5)  # a correction like any other
        self.assert_fits(self.issue(other))
        begin = len(self.server.lines)
        self.clock.set_off(-STEP_SECONDS)
        self.assert_issues_nothing(name)  # not the one that was issued before, either
        self.assert_issues_nothing(self.citizen())
        self.assertTrue(self.is_allowed(name))
        self.wait_until(lambda: self.server.get("ops", "/readyz")[0] == 503, "/readyz says that it is not ready")
        self.assertIn("\nclock: the clock went back", self.server.get("ops", "/readyz")[2])
        behind = self.server.counted("passgate_clock_behind_seconds")
        self.assertTrue(STEP_SECONDS - SOON_SECONDS < behind <= STEP_SECONDS + SOON_SECONDS, behind)
        line = self.server.wait_for_log(lambda line: line.get("event") == "readiness.failed", begin)
        self.assertEqual((line["level"], line["condition"]), ("warn", "clock"))
        self.clock.set_off(0)
        self.assert_fits(self.issue(name))
        self.wait_until(lambda: self.server.get("ops", "/readyz")[0] == 200, "it is ready again")
        self.assertEqual(self.server.counted("passgate_clock_behind_seconds"), 0)

    def test_what_has_ended_stays_ended_when_the_clock_goes_back(self):
        name = self.partner()
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + STEP_SECONDS // 2))
        rules = {path.name: path.read_text(encoding="utf-8") for path in DIRECTIVES.glob("*.yaml")}
        rules["foreign-persons.yaml"] = rules["foreign-persons.yaml"].replace("exempt:\n", "exempt:\n" + EXEMPTION % until)
        self.assertFalse(self.is_allowed(name))
        self.server.set_directives(rules)
        self.wait_until(lambda: self.is_allowed(name), "the exemption lets him in")
        self.clock.set_off(-STEP_SECONDS)
        self.assertTrue(self.is_allowed(name))
        for offset in (STEP_SECONDS, 0, -STEP_SECONDS, 0):
            self.clock.set_off(offset)
            self.assertFalse(self.is_allowed(name), offset)

    def test_a_revocation_counts_whatever_the_clock_says(self):
        for before, after in ((0, STEP_SECONDS), (STEP_SECONDS, 0), (0, -STEP_SECONDS), (-STEP_SECONDS, STEP_SECONDS)):
            with self.subTest(before=before, after=after):
                self.clock.set_off(before)
                name = fresh("usa")
                evidence = self.submit(name, passport("USA")).evidence_id
                self.assertTrue(self.is_allowed(name))
                revision = self.stubs.verification.RevokeEvidence(
                    pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name, evidence_id=evidence,
                                             reason="reported stolen"), timeout=CALL_SECONDS).revision
                self.assertFalse(self.is_allowed(name, min_revision=revision))
                self.clock.set_off(after)
                self.assertFalse(self.is_allowed(name, min_revision=revision))
                self.assertFalse(self.is_allowed(name))


class SynchronizationTestCase(ClockStepsTestCase):
    def assert_synchronized(self, is_synchronized):
        self.clock.be_synchronized(is_synchronized)
        self.assertEqual(self.server.counted("passgate_clock_synchronized"), is_synchronized)


class Unsynchronized(SynchronizationTestCase):
    def test_a_clock_that_nobody_keeps_right_is_told_and_taken(self):
        name = self.citizen()
        self.assert_synchronized(False)
        self.assert_fits(self.issue(name))
        self.assertEqual(self.server.get("ops", "/readyz")[0], 200)
        self.assert_synchronized(True)


class Synchronized(SynchronizationTestCase):
    def flags(self):
        return {"claims-clock": "synchronized"}

    def test_nothing_is_issued_by_a_clock_that_nobody_keeps_right_where_that_matters(self):
        name, other = self.citizen(), self.citizen()
        self.assert_synchronized(True)
        self.assert_fits(self.issue(name))
        self.assert_synchronized(False)
        for subject in (name, other):
            self.assert_issues_nothing(subject, "CLOCK_UNSYNCHRONIZED")
        self.assertTrue(self.is_allowed(name))
        self.wait_until(lambda: self.server.get("ops", "/readyz")[0] == 503, "/readyz says that it is not ready")
        self.assertIn("\nclock: the clock is not synchronized\n", self.server.get("ops", "/readyz")[2])
        self.assert_synchronized(True)
        self.assert_fits(self.issue(other))
        self.wait_until(lambda: self.server.get("ops", "/readyz")[0] == 200, "it is ready again")


class UnderLoad(ClockStepsTestCase):
    """Steps of all sizes, twenty a second, while clients ask about somebody who may and somebody who may not."""

    def flags(self):
        return {"rpc-connection-age": "1s", "rpc-connection-grace": "500ms", "rpc-handshake-timeout": "1s"}

    def ask(self, allowed, refused, is_over, findings, slowest):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self.server.address, options) as channel:
            stubs = Stubs(channel)
            told_at = 0
            while not is_over.is_set():
                for name, decision in ((allowed, pb.DECISION_ALLOW), (refused, pb.DECISION_DENY)):
                    began = time.monotonic()
                    try:
                        answer = stubs.entitlement.CheckEntitlement(check(name, "model/fable-5"), timeout=CALL_SECONDS)
                    except grpc.RpcError as error:
                        findings.append(repr(error))
                        continue
                    slowest.append(time.monotonic() - began)
                    at = answer.evaluated_at.ToMilliseconds()
                    if answer.decision != decision or at < told_at:
                        findings.append(f"{told_at}, then {at}: {answer}")
                    told_at = at

    def test_calls_are_answered_in_their_time_and_no_time_goes_back(self):
        allowed, refused = self.citizen(), self.partner()
        is_over, findings, took = threading.Event(), [], []
        clients = [threading.Thread(target=self.ask, args=(allowed, refused, is_over, findings, took))
                   for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        chance = random.Random(4711)
        end = time.monotonic() + STEPPING_SECONDS
        while time.monotonic() < end:
            self.clock.set_off(chance.choice((1, -1)) * chance.uniform(0, STEP_SECONDS))
            time.sleep(0.05)
        is_over.set()
        for client in clients:
            client.join()
        self.assertEqual(findings, [])
        print(f"{len(took)} checks while the clock stepped, the slowest took {max(took) * 1000:.0f} ms")
        self.assertGreater(len(took), 100)
        self.assertLess(max(took), SOON_SECONDS)
        self.assertFalse(self.is_allowed(refused))
        self.assert_record_goes_forward()

    def assert_record_goes_forward(self):
        """To the second: who takes the time a moment earlier may write a moment later.  What comes through the outbox of the
        store is not among them, as it comes later with the time of its write."""
        latest, count = 0, 0
        for message in self.stubs.audit.ListDecisions(pb.ListDecisionsRequest(), timeout=CALL_SECONDS):
            for record in message.records:
                at = record.time.ToMilliseconds()
                self.assertGreaterEqual(at, latest - 1000, record)
                latest, count = max(latest, at), count + 1
        self.assertGreater(count, 100)


if __name__ == "__main__":
    main()
