#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing that was acknowledged is lost: 200 submissions while passgated dies at ten failpoints and at ten moments that
nobody chose.  After each restart every acknowledged one is there, whole; what was not acknowledged is there whole or not
at all, and the same request finds out which; and the audit log has a record of each."""
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from passgate_protos import CALL_SECONDS, pb  # noqa: E402
from passgate_samples import check, fresh, passport, submission  # noqa: E402
from passgate_server import Server, find_program, main, needs_own_server  # noqa: E402

SUBMISSIONS = 200
CLIENTS = 8
ROUND = SUBMISSIONS // 20

# Where it dies, and the how-manieth time: late enough to be serving by then.
FAILPOINTS = ["before_store_write=kill@4", "in_store_transaction=kill@6", "before_store_commit=kill@4",
              "after_store_commit=kill@4", "before_store_reply=kill@4", "after_store_write=kill@5",
              "before_reply=kill@5", "before_audit_fsync=kill@3", "after_audit_fsync=kill@3",
              "before_outbox_durable=kill@2"]


class Submissions:
    """What is to be sent, what was sent, and what was acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.waiting = []
        self.acknowledged = {}  # subject -> evidence id
        self.requests = {}
        self.sent = set()

    def take(self):
        with self.lock:
            if not self.waiting:
                subject = fresh("subject")
                self.requests[subject] = submission(subject, passport("USA", number=f"5{len(self.requests):08}"))
                self.waiting.append(subject)
            subject = self.waiting.pop()
            self.sent.add(subject)
            return self.requests[subject]

    def note(self, request, answer):
        with self.lock:
            if answer is None:
                self.waiting.append(request.subject)
            else:
                self.acknowledged[request.subject] = answer.evidence_id


class NothingLost(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.server = Server()
        self.addCleanup(self.server.close)
        self.submissions = Submissions()
        self.early_deaths = 0

    # ----- one life of the server -----

    def submit_until_it_dies(self, goal):
        """Clients submit until the process is gone, or `goal` more are acknowledged."""
        stubs = self.server.stubs()
        wanted = len(self.submissions.acknowledged) + goal

        def client():
            while len(self.submissions.acknowledged) < wanted:
                request = self.submissions.take()
                try:
                    answer = stubs.verification.SubmitVerification(request, timeout=CALL_SECONDS)
                except grpc.RpcError as error:
                    self.submissions.note(request, None)
                    if error.code() == grpc.StatusCode.UNAVAILABLE and not self.server.is_running():
                        return
                    if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                        raise
                else:
                    self.submissions.note(request, answer)

        threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads

    def live_until_failpoint(self, failpoint):
        try:
            self.server.start(failpoint)
        except AssertionError:  # it died while it started: that is a moment too
            self.assertEqual(self.server.wait_until_dead(), 9)
            self.early_deaths += 1
            return
        threads = self.submit_until_it_dies(20 * ROUND)
        self.assertEqual(self.server.process.wait(60), -9, failpoint)
        for thread in threads:
            thread.join()
        self.server.wait_until_dead()

    def live_for_a_while(self, seconds):
        self.server.start()
        threads = self.submit_until_it_dies(20 * ROUND)
        time.sleep(seconds)
        self.server.process.kill()
        for thread in threads:
            thread.join()
        self.server.wait_until_dead()

    # ----- what must be there -----

    def check_all(self):
        """Asks a server that was just started again."""
        stubs = self.server.stubs()
        for subject in sorted(self.submissions.sent):
            request = self.submissions.requests[subject]
            try:
                record = stubs.verification.GetSubject(pb.GetSubjectRequest(subject=subject), timeout=CALL_SECONDS)
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
                self.assertNotIn(subject, self.submissions.acknowledged, "acknowledged and lost")
                continue
            evidence, = record.evidence
            self.assertEqual((evidence.check_id, evidence.nationality, evidence.revoked),
                             (request.evidence.check_id, "USA", False))
            self.assertEqual(evidence.evidence_id, self.submissions.acknowledged.get(subject, evidence.evidence_id))

    def check_answers(self):
        """Every request again, as a client does that knows of no answer: the same one, and an effect."""
        stubs = self.server.stubs()
        for subject in sorted(self.submissions.sent):
            answer = stubs.verification.SubmitVerification(self.submissions.requests[subject], timeout=CALL_SECONDS)
            self.assertEqual(answer.evidence_id, self.submissions.acknowledged.get(subject, answer.evidence_id))
            self.submissions.acknowledged[subject] = answer.evidence_id
            decision = stubs.entitlement.CheckEntitlement(
                check(subject, "model/fable-5", min_revision=answer.revision), timeout=CALL_SECONDS)
            self.assertEqual(decision.decision, pb.DECISION_ALLOW)

    def check_files(self):
        """Of a server that has stopped: the store is sound, and the log says of each write that it was."""
        with sqlite3.connect(self.server.folder / "passgate-data" / "passgate.db") as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        store.close()
        dump = os.environ.get("AUDIT_DUMP") or find_program("AUDIT_DUMP", "tests/fault/audit_dump")
        done = subprocess.run([dump, self.server.folder / "passgate-data" / "audit"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        sequences = [int(line[0]) for line in lines]
        self.assertEqual(sequences, sorted(set(sequences)), "numbers of records grow")
        recorded = {line[4]: line[2] for line in lines if line[1] == "verification_submitted" and line[3] == "-"}
        self.assertEqual(set(recorded), set(self.submissions.acknowledged.values()))
        numbers = set(recorded.values())
        self.assertEqual(len(numbers), len(recorded), "each write has a number of its own")
        self.assertNotIn("0", numbers)

    def run_lives(self, lives):
        for what, live in lives:
            with self.subTest(what):
                live()
            with self.subTest(f"after {what}"):
                self.server.start()
                self.check_all()
                self.server.kill()
        died_with = len(self.submissions.acknowledged)
        self.server.start()
        missing = SUBMISSIONS - len(self.submissions.acknowledged)
        for thread in self.submit_until_it_dies(max(0, missing)):
            thread.join()
        self.check_all()
        self.check_answers()
        self.server.stop()
        self.check_files()
        print(f"{len(self.submissions.sent)} submissions, {died_with} acknowledged between {len(lives)} deaths, "
              f"{self.early_deaths} of them before it served", flush=True)
        self.assertGreaterEqual(len(self.submissions.acknowledged), SUBMISSIONS)
        self.assertLess(self.early_deaths, 3, "the failpoints are reached too early to prove anything")

    def test_nothing_is_lost_at_ten_failpoints_and_ten_moments(self):
        program = find_program("PASSGATED", "services/server/passgated").read_bytes()
        seed = int(os.environ.get("PASSGATE_TEST_SEED") or time.time_ns() % 1000000)
        print(f"PASSGATE_TEST_SEED={seed}", flush=True)
        moments = random.Random(seed)
        lives = []
        for failpoint in FAILPOINTS:
            if failpoint.partition("=")[0].encode() in program:
                lives.append((failpoint, lambda point=failpoint: self.live_until_failpoint(point)))
            seconds = moments.uniform(0, 0.08)
            lives.append((f"{seconds * 1000:.0f} ms", lambda wait=seconds: self.live_for_a_while(wait)))
        self.run_lives(lives)
        if len(lives) < 2 * len(FAILPOINTS):
            self.skipTest("the ten moments are well; this build has no failpoints (PASSGATE_FAILPOINTS)")


if __name__ == "__main__":
    main()
