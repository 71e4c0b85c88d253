#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No allocation that fails lets anybody in.  Every question that has to be refused is asked again and again, each time
with another allocation failing, once or from then on, until it needs no more: the process ends or the answer is a refusal."""
import http.client
import mmap
import os
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest import mock

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from authzen_client import AuthzenClient, question as question_over_http  # noqa: E402
from passgate_protos import CALL_SECONDS, pb  # noqa: E402
from passgate_samples import check, fresh, passport, submission  # noqa: E402
from passgate_server import ServerTestCase, main  # noqa: E402

RESOURCE = "model/fable-5"
REALM = "passgate-test"  # realm.audience of the fixture
STRANGERS = 40  # whose facts are read from the store, one for each try
TRIES = 400  # more allocations than any of the questions needs
NEVER = 2**63
ANSWER_SECONDS = 2


class Plan:
    """What the preloaded allocator does: the file that it maps."""

    def __init__(self, path):
        path.write_bytes(bytes(24))
        with path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), 24)

    def fail(self, first, until):
        self.map[:] = struct.pack("=QQQ", 0, first, until)

    def rest(self):
        """How many allocations there were."""
        seen = struct.unpack("=QQQ", self.map[:])[0]
        self.map[:] = bytes(24)
        return seen


# We end the process; libraries that do not look at what they were given (gRPC core, upb) crash, which opens nothing either.
ENDS = (signal.SIGABRT, signal.SIGSEGV)


class FailingMemory(ServerTestCase):
    needs_control = True

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="passgate-memory-")
        cls.addClassCleanup(folder.cleanup)
        path = Path(folder.name, "plan")
        cls.plan = Plan(path)
        # For what the server is started with, and for this process too late to matter.
        patch = mock.patch.dict(os.environ, {"LD_PRELOAD": os.environ["FAILING_MALLOC_SO"], "FAILING_MALLOC": str(path)})
        patch.start()
        cls.addClassCleanup(patch.stop)
        super().setUpClass()
        cls.citizen, cls.foreigner = fresh("usa"), fresh("deu")
        cls.strangers = [fresh("fra") for _ in range(STRANGERS)]
        for name, country in [(cls.citizen, "USA"), (cls.foreigner, "DEU")] + [(name, "FRA") for name in cls.strangers]:
            cls.stubs.verification.SubmitVerification(submission(name, passport(country)), timeout=CALL_SECONDS)
        cls.claim = cls.stubs.claim.IssueClaim(pb.IssueClaimRequest(subject=cls.citizen, audience=REALM),
                                               timeout=CALL_SECONDS).token

    def setUp(self):
        self.came_to = Counter()

    def ask_over_http(self, body):
        client = AuthzenClient(self.server.ports["http"])
        client.connection.timeout = ANSWER_SECONDS
        try:
            answer = client.evaluate(body)
        except (OSError, http.client.HTTPException):
            return "UNAVAILABLE"
        finally:
            client.close()
        return f"HTTP {answer.status}" if answer.status != 200 else "ALLOW" if answer.decision else "DENY"

    def ask(self, question, seconds=ANSWER_SECONDS):
        """ALLOW, DENY, or why there is no decision."""
        if isinstance(question, dict):
            return self.ask_over_http(question)
        try:
            if isinstance(question, pb.BatchCheckEntitlementsRequest):
                answer = self.stubs.entitlement.BatchCheckEntitlements(question, timeout=seconds)
                decisions = [decision.decision for decision in answer.decisions]
            else:
                decisions = [self.stubs.entitlement.CheckEntitlement(question, timeout=seconds).decision]
        except grpc.RpcError as error:
            return error.code().name
        return "ALLOW" if pb.DECISION_ALLOW in decisions else "DENY"

    def assert_serves(self):
        """Alive, and as it was; started again when it has ended, by running out of memory and by nothing else.  A
        process that ends is not gone at once."""
        deadline = time.monotonic() + CALL_SECONDS
        while True:
            if not self.server.is_running():
                self.assertIn(self.server.wait_until_dead(), ENDS)
                self.server.start()
                type(self).stubs = self.server.stubs()
                self.came_to["ended"] += 1
            answer = self.ask(check(self.citizen, RESOURCE), CALL_SECONDS)
            if answer == "ALLOW":
                return
            self.assertNotEqual(answer, "DENY")
            self.assertLess(time.monotonic(), deadline, f"it has not ended, and answers {answer}")
            time.sleep(0.01)

    def refused_whatever_fails(self, questions, ways=(True, False), stride=1):
        """`questions(number)` is one that has to be refused, the same or another one each time; the `ways` to fail are
        once and from there on."""
        for is_once in ways:
            for first in range(1, TRIES, stride):
                self.assert_serves()
                self.plan.fail(first, first + 1 if is_once else NEVER)
                answer = self.ask(questions(first))
                seen = self.plan.rest()
                self.assertNotEqual(answer, "ALLOW", f"when allocation {first} fails")
                self.came_to[answer] += 1
                if seen < first and self.server.is_running():
                    break
            print(f"{'one' if is_once else 'all from there on'} of {first - 1} allocations: {dict(self.came_to)}")
            self.assertGreater(self.came_to["UNAVAILABLE"], 0, "nothing failed")
        self.assert_serves()

    def test_somebody_whose_facts_are_cached(self):
        self.refused_whatever_fails(lambda number: check(self.foreigner, RESOURCE))

    def test_somebody_whose_facts_have_to_be_read(self):
        self.refused_whatever_fails(lambda number: check(self.strangers[number % STRANGERS], RESOURCE))

    def test_a_batch_of_those_who_are_refused(self):
        self.refused_whatever_fails(lambda number: pb.BatchCheckEntitlementsRequest(
            checks=[check(name, RESOURCE) for name in (self.foreigner, fresh("nobody"), self.strangers[number % STRANGERS])]))

    def test_somebody_who_is_asked_about_over_http(self):
        """A text of which a part is lost is another question.  Only once: whoever waits for an HTTP server without memory
        waits for so long that gRPC core comes to need some, and it does not bear that."""
        self.refused_whatever_fails(lambda number: question_over_http(self.foreigner, RESOURCE), ways=(True,),
                                    stride=1 if os.environ.get("EVERY_ALLOCATION") else 5)

    def test_a_claim_that_somebody_has_changed(self):
        """Verification that cannot be done is not done."""
        head, body, signature = self.claim.split(".")
        forged = ".".join((head, body, signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]))
        self.refused_whatever_fails(lambda number: check("", RESOURCE, claim_token=forged))


if __name__ == "__main__":
    main()
