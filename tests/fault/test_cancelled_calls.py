#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Callers that cancel or do not wait, on a Redis that stops now and then: no answer is ever about somebody else.

Neighbouring subjects have facts that differ, nothing is cached, and every answer that does come is compared with what is
known of its subject.  PASSGATE_TEST_GIVEN_UP says how many questions are given up; nightly it is a million."""
import itertools
import os
import random
import sys
import threading
import time
import unittest
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from passgate_protos import CALL_SECONDS, pb  # noqa: E402
from passgate_samples import check, fresh, passport, submission  # noqa: E402
from passgate_server import Server, main, needs_own_server  # noqa: E402
from redis_store import RedisStore  # noqa: E402

GIVEN_UP = int(os.environ.get("PASSGATE_TEST_GIVEN_UP", "20000"))
SUBJECTS, BATCH, CLIENTS = 400, 200, 6
PAUSE_SECONDS = 0.08     # at most
PATIENCE_SECONDS = 0.02  # at most, of those who give up
COUNTRIES = ("USA", "DEU")
FLAGS = {"cache-fresh": "0", "cache-grace": "0", "store-read-timeout": "50ms", "audit-segment-bytes": "16MiB"}


class CancelledCalls(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.redis = RedisStore()
        self.addCleanup(self.redis.close)
        self.redis.start()
        self.server = Server(flags={**FLAGS, **self.redis.flags})
        self.addCleanup(self.server.close)
        self.server.start()
        self.stubs = self.server.stubs()
        self.lock = threading.Lock()
        self.counts = {"given up": 0, "without facts": 0, "decided": 0, "read": 0}
        self.is_over = threading.Event()

    def is_submitted(self, request):
        """A disk that is busy takes longer than reads may take here."""
        try:
            return self.stubs.verification.SubmitVerification(request, timeout=CALL_SECONDS)
        except grpc.RpcError:
            return None

    def submit_all(self):
        self.subjects = {}
        for country in itertools.islice(itertools.cycle(COUNTRIES), SUBJECTS):
            request = submission(fresh("subject"), passport(country))
            self.server.wait_until(lambda request=request: self.is_submitted(request), "not submitted")
            self.subjects[request.subject] = (country, request.evidence.check_id)

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] += number
            return self.counts["given up"] < GIVEN_UP

    def pause_now_and_then(self, chance):
        while not self.is_over.wait(chance.uniform(0, PAUSE_SECONDS)):
            self.redis.pause()
            time.sleep(chance.uniform(0, PAUSE_SECONDS))
            self.redis.resume()

    # ----- callers -----

    def call(self, chance, method, request):
        """The answer, or None when the caller has not waited for it."""
        patience = chance.uniform(0.001, PATIENCE_SECONDS)
        kind = chance.choice(("cancel", "deadline", "wait"))
        call = method.future(request, timeout=patience if kind == "deadline" else CALL_SECONDS)
        if kind == "cancel":
            time.sleep(patience)
            call.cancel()
        try:
            return call.result()
        except grpc.FutureCancelledError:
            return None
        except grpc.RpcError as error:
            self.assertIn(error.code(), (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE))
            return None

    def ask_batches(self, chance):
        names = list(self.subjects)
        go_on = True
        while go_on:
            asked = chance.sample(names, BATCH)
            answer = self.call(chance, self.stubs.entitlement.BatchCheckEntitlements,
                               pb.BatchCheckEntitlementsRequest(checks=[check(name) for name in asked]))
            if answer is None:
                go_on = self.count("given up", BATCH)
                continue
            for name, decision in zip(asked, answer.decisions, strict=True):
                if decision.HasField("error"):
                    self.assertIn(decision.error.reason, ("STORE_UNAVAILABLE", "DEADLINE"))
                    self.count("without facts")
                    continue
                self.count("decided")
                is_allowed = self.subjects[name][0] == "USA" and not decision.stale  # says its directive
                self.assertEqual(decision.decision == pb.DECISION_ALLOW, is_allowed, name)

    def get_subjects(self, chance):
        names = list(self.subjects)
        go_on = True
        while go_on:
            name = chance.choice(names)
            answer = self.call(chance, self.stubs.verification.GetSubject, pb.GetSubjectRequest(subject=name))
            if answer is None:
                go_on = self.count("given up")
                continue
            go_on = self.count("read")
            evidence, = answer.evidence
            self.assertEqual((answer.subject, evidence.nationality, evidence.check_id), (name, *self.subjects[name]))

    def test_no_answer_is_about_another_subject(self):
        seed = int(os.environ.get("PASSGATE_TEST_SEED") or time.time_ns() % 1000000)
        print(f"PASSGATE_TEST_SEED={seed}", flush=True)
        self.submit_all()
        failures = []

        def client(number):
            try:
                (self.get_subjects if number == 0 else self.ask_batches)(random.Random(seed + 1 + number))
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)
                self.count("given up", GIVEN_UP)

        pauser = threading.Thread(target=self.pause_now_and_then, args=(random.Random(seed),))
        clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
        began = time.monotonic()
        for thread in [pauser, *clients]:
            thread.start()
        for thread in clients:
            thread.join()
        self.is_over.set()
        pauser.join()
        if failures:
            raise failures[0]
        loads = self.server.counted('passgate_facts_cache_lookups_total{result="miss"}')
        print(", ".join(f"{number} {what}" for what, number in self.counts.items()),
              f"in {time.monotonic() - began:.0f} s; {loads:.0f} questions to the store", flush=True)
        for what, number in self.counts.items():
            self.assertGreater(number, 0, what)
        for name in ("passgate_store_pending_requests", "passgate_rpc_parked_calls"):
            self.server.wait_until(lambda name=name: self.server.counted(name) == 0, f"{name} does not go back to 0")
        self.server.stop()


if __name__ == "__main__":
    main()
