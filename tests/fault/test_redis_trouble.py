#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Redis in trouble, seen by callers: what is cached answers up to the grace and is marked, then nobody is let in; nobody
is allowed by default; no call outlives its deadline; a write fails with a stable reason and is there whole or not at all;
and when the trouble is over, service resumes by itself.

Each trouble is a row of TROUBLES with a passgated and a redis-server of its own; several run at once."""
import concurrent.futures
import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time
import unittest
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "deploy"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from manifests import ROOT, redis_version, users_for  # noqa: E402
from passgate_protos import CALL_SECONDS, Refusal, pb  # noqa: E402
from passgate_samples import check, fresh, passport, submission  # noqa: E402
from passgate_server import Server, find_program, main, needs_own_server  # noqa: E402
from redis_admin import RedisAdmin, RedisError, check_whole  # noqa: E402
from redis_proxy import RedisProxy  # noqa: E402
from redis_store import KEEPS_ALL, RedisStore  # noqa: E402

ROWS_AT_ONCE = 5
EARLY_CLIENTS = 3
FRESH_SECONDS, GRACE_SECONDS = 1, 2
READ_SECONDS, WRITE_SECONDS = 0.4, 2
PATIENT_SECONDS = 5      # where reads are answered, however busy the disk is
HURRY_SECONDS = 0.1
BEAT_SECONDS = 0.5       # until then a primary that has become a replica may not have been noticed
TROUBLE_SECONDS = FRESH_SECONDS + GRACE_SECONDS + BEAT_SECONDS + 0.7
LATE_SECONDS = 1.4       # by which a busy machine may be late; less than it takes until a line is given up
RESUME_SECONDS = 10      # a line that is dead takes WRITE_SECONDS, and so may an attempt; they are at most 1 s apart
PENDING_MAX = 32         # what three clients can have under way
STABLE = {("UNAVAILABLE", "STORE_UNAVAILABLE"), ("DEADLINE_EXCEEDED", "DEADLINE")}
PASSWORD = "of-this-test"

FLAGS = {"cache-fresh": f"{FRESH_SECONDS}s", "cache-grace": f"{GRACE_SECONDS}s",
         "store-write-timeout": f"{WRITE_SECONDS}s", "store-user": "passgate"}

STEADY, STRICT = "model/steady", "model/strict"
DIRECTIVE = """\
directive: {name}
language: 1
title: no foreign persons
authority: {{text: "a letter"}}
effective: {{from: 2026-01-01T00:00:00Z}}
resources: ["model/{name}"]
require:
  all:
    - foreign_person: {{regime: ear_772_1, is: false}}
    - location: any
      location_authority: {{text: "a letter"}}
stale: {stale}
"""
DIRECTIVES = {
    "resources.yaml": "resources:\n  - {id: model/steady, base: allow}\n  - {id: model/strict, base: allow}\n",
    "steady.yaml": DIRECTIVE.format(name="steady", stale="allow"),
    "strict.yaml": DIRECTIVE.format(name="strict", stale="deny"),
}


# ----- How trouble is made -----

@dataclass
class Trouble:
    name: str
    begin: Callable
    end: Callable
    are_reads_lost: bool = True
    may_happen: bool = False  # a write that was refused may have been done all the same
    prepare: Callable = field(default=lambda case: None)


def on_line(mode):
    return lambda case: case.proxy.set(mode)


def asked(*words):
    return lambda case: case.admin.ask(*words)


FILLER_KEYS, FILLER_DELAY_US = 30000, 250


def fill(case):
    case.admin.ask_all([("SET", f"filler:{number}", "x") for number in range(FILLER_KEYS)])


def load_slowly(case):
    case.redis.kill()
    case.redis.start("--key-load-delay", str(FILLER_DELAY_US))


def finish_loading(case):
    case.admin.close()
    case.admin.ask("CONFIG", "SET", "key-load-delay", "0")


def save_in_vain(case):
    (case.redis.folder / "dump.rdb").mkdir()
    case.admin.ask("CONFIG", "SET", "save", "3600 1000000")
    case.admin.ask("BGSAVE")
    case.wait_until(lambda: case.admin.info("rdb_last_bgsave_status") == "err", "BGSAVE did not fail")


def save_again(case):
    (case.redis.folder / "dump.rdb").rmdir()
    case.admin.ask("BGSAVE")
    case.wait_until(lambda: case.admin.info("rdb_last_bgsave_status") == "ok", "BGSAVE failed")


TROUBLES = [
    Trouble("loading", load_slowly, finish_loading, prepare=fill),
    Trouble("stopped", lambda case: case.redis.stop(), lambda case: case.redis.start()),
    Trouble("paused", lambda case: case.redis.pause(), lambda case: case.redis.resume(), may_happen=True),
    Trouble("cut_off", on_line("cut"), on_line("open")),
    Trouble("dead_line", on_line("dead"), on_line("open")),
    Trouble("slow_by_a_byte_a_second", on_line("slow"), on_line("open"), may_happen=True),
    Trouble("readonly", asked("REPLICAOF", "127.0.0.1", "1"), asked("REPLICAOF", "NO", "ONE")),
    Trouble("noperm_for_reads", asked("ACL", "SETUSER", "passgate", "-mget"),
            asked("ACL", "SETUSER", "passgate", "+mget")),
    Trouble("noperm_for_writes", asked("ACL", "SETUSER", "passgate", "-evalsha"),
            asked("ACL", "SETUSER", "passgate", "+evalsha"), are_reads_lost=False),
    Trouble("oom", asked("CONFIG", "SET", "maxmemory", "1"), asked("CONFIG", "SET", "maxmemory", "0"),
            are_reads_lost=False),
    Trouble("misconf", save_in_vain, save_again, are_reads_lost=False),
    Trouble("noreplicas", asked("CONFIG", "SET", "min-replicas-to-write", "1"),
            asked("CONFIG", "SET", "min-replicas-to-write", "0"), are_reads_lost=False),
]


# ----- What was seen -----

@dataclass
class Answer:
    """Of one check."""
    began: float
    seconds: float
    refusal: Refusal = None
    is_allowed: bool = False
    is_stale: bool = False
    age: float = 0


@dataclass
class Attempt:
    """One write; the same request is sent again when all is well."""
    method: Callable
    request: object
    began: float = 0
    seconds: float = 0
    refusal: Refusal = None

    def send(self):
        self.began = time.monotonic()
        try:
            return self.method(self.request, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            self.refusal = Refusal(error)
            return None
        finally:
            self.seconds = time.monotonic() - self.began


class Case:
    """One trouble from before it to after it."""

    def __init__(self, trouble):
        self.trouble = trouble
        self.test = unittest.TestCase()
        self.read_seconds = READ_SECONDS if trouble.are_reads_lost else PATIENT_SECONDS
        self.early = []
        self.attempts = []
        self.answers = {}
        self.began = float("inf")  # when the trouble had come
        self.worst = 0

    # ----- life -----

    def run(self):
        with contextlib.ExitStack() as stack:
            self.redis = RedisStore((*KEEPS_ALL, "--user", *user()))
            stack.callback(self.redis.close)
            self.redis.start()
            self.admin = RedisAdmin(self.redis.socket)
            stack.callback(self.admin.close)
            self.proxy = RedisProxy(self.redis.folder / "proxy.sock", self.redis.socket)
            stack.callback(self.proxy.close)
            password = self.redis.folder / "password"
            password.touch(mode=0o600)
            password.write_text(PASSWORD, encoding="utf-8")
            self.server = Server(config="{}\n", directives=DIRECTIVES, flags={
                **FLAGS, **self.redis.flags, "store-url": f"redis+unix:{self.proxy.path}",
                "store-password-file": password, "store-read-timeout": f"{self.read_seconds * 1000:.0f}ms"})
            stack.callback(self.server.close)
            try:
                return self.live()
            except Exception as error:
                raise AssertionError(f"{self.trouble.name}: {error!r}\n--- its log\n"
                                     f"{self.server.log_text()}") from error

    def live(self):
        self.prepare()
        with concurrent.futures.ThreadPoolExecutor(EARLY_CLIENTS) as threads:
            early = [threads.submit(self.write_until_refused) for _ in range(EARLY_CLIENTS)]
            try:
                self.wait_until(lambda: len(self.early) > 10 * EARLY_CLIENTS, "no writes under way")
                self.trouble.begin(self)
                self.began = time.monotonic()
                self.clients(self.look, self.look_elsewhere, self.write, self.hurry)
            except BaseException:
                self.began = 0  # so that those end, too
                raise
            for done in early:
                done.result()
        self.check_process()
        self.trouble.end(self)
        seconds = self.resume()
        self.check_attempts()
        self.repeat()
        self.check_quiet()
        self.server.stop()
        self.check_store()
        return (f"{self.trouble.name}: {len(self.early)} writes around it, {len(self.attempts)} in it, "
                f"resumed after {seconds:.1f} s, a call was late by {self.worst * 1000:.0f} ms at most")

    def clients(self, *loops):
        """Each loop in a thread of its own until the time of the trouble is over."""
        with concurrent.futures.ThreadPoolExecutor(len(loops)) as threads:
            for done in [threads.submit(self.repeatedly, loop) for loop in loops]:
                done.result()

    def repeatedly(self, loop):
        for turn in itertools.count():
            if time.monotonic() > self.began + TROUBLE_SECONDS:
                return
            loop(turn)
            time.sleep(0.02)

    def wait_until(self, holds, what, seconds=RESUME_SECONDS):
        deadline = time.monotonic() + seconds
        while not holds():
            self.test.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    # ----- before -----

    def prepare(self):
        self.trouble.prepare(self)
        self.server.start()
        self.stubs = self.server.stubs()
        self.allowed, self.denied, self.revoked = fresh("allowed"), fresh("denied"), fresh("revoked")
        self.elsewhere = [(fresh("uncached"), country) for country in ("USA", "DEU")]
        self.written = [(self.allowed, "USA"), (self.denied, "DEU"), (self.revoked, "USA"), *self.elsewhere]
        self.evidence = {}
        for name, country in self.written:
            answer = self.stubs.verification.SubmitVerification(submission(name, passport(country)),
                                                                timeout=CALL_SECONDS)
            self.evidence[name] = answer.evidence_id
        for name, resource in itertools.product((self.allowed, self.denied), (STEADY, STRICT)):
            answer = self.ask(name, resource)
            self.test.assertEqual(answer.is_allowed, name == self.allowed, answer)

    # ----- during -----

    def ask(self, name, resource=STEADY):
        began = time.monotonic()
        try:
            said = self.stubs.entitlement.CheckEntitlement(check(name, resource), timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            return Answer(began, time.monotonic() - began, refusal=Refusal(error))
        return Answer(began, time.monotonic() - began, is_allowed=said.decision == pb.DECISION_ALLOW,
                      is_stale=said.stale, age=said.facts_age.seconds + said.facts_age.nanos / 1e9)

    def look(self, _turn):
        """Those who are cached."""
        for name, resource in [(self.allowed, STEADY), (self.allowed, STRICT), (self.denied, STEADY)]:
            self.see(name, resource, self.ask(name, resource))

    def look_elsewhere(self, _turn):
        """Those who are not, and somebody who is not known at all."""
        for name in [*dict(self.elsewhere), None]:
            self.see(name, STEADY, self.ask(name or fresh("nobody")))

    def see(self, name, resource, answer):
        self.check_answer(name, resource, answer)
        self.answers.setdefault((name, resource), []).append(answer)

    def check_answer(self, name, resource, answer):
        self.check_time(answer.seconds, self.read_seconds)
        if answer.refusal:
            self.test.assertIn((answer.refusal.code.name, answer.refusal.reason), STABLE)
            self.test.assertTrue(self.trouble.are_reads_lost, f"Redis can be read: {answer}")
            return
        is_american = (name, "USA") in self.written
        self.test.assertEqual(answer.is_allowed, is_american and not (answer.is_stale and resource == STRICT), answer)
        self.test.assertLessEqual(answer.age, FRESH_SECONDS + (GRACE_SECONDS if answer.is_stale else 0), answer)
        if self.trouble.are_reads_lost:
            self.test.assertLess(answer.began, self.began + BEAT_SECONDS + FRESH_SECONDS + GRACE_SECONDS + 0.1,
                                 "older than the grace")
        else:
            self.test.assertFalse(answer.is_stale, "Redis can be read")

    def write_until_refused(self):
        """What is under way when the trouble comes."""
        attempt = None
        while not attempt or not attempt.refusal:
            self.test.assertTrue(not attempt or attempt.began < self.began, "acknowledged in the middle of the trouble")
            attempt = Attempt(self.stubs.verification.SubmitVerification, submission(fresh("early"), passport("USA")))
            attempt.send()
            self.early.append(attempt)
        self.check_refusal(attempt)

    def check_refusal(self, attempt):
        self.test.assertIn((attempt.refusal.code.name, attempt.refusal.reason), STABLE)
        self.check_time(attempt.seconds, self.read_seconds + WRITE_SECONDS)

    def write(self, turn):
        """A submission, a revocation and a claim in turn; each is refused."""
        name = fresh("written")
        kinds = [
            (self.stubs.verification.SubmitVerification, lambda: submission(name, passport("USA"))),
            (self.stubs.verification.RevokeEvidence, lambda: pb.RevokeEvidenceRequest(
                request_id=fresh("request"), subject=self.revoked, evidence_id=self.evidence[self.revoked],
                reason="reported stolen")),
            (self.stubs.claim.IssueClaim, lambda: pb.IssueClaimRequest(
                subject=self.allowed, audience=f"https://{name}.example")),
        ]
        method, make = kinds[turn % len(kinds)]
        attempt = Attempt(method, make())
        self.attempts.append(attempt)
        answer = attempt.send()
        self.test.assertIsNone(answer, "acknowledged in the middle of the trouble")
        self.check_refusal(attempt)

    def hurry(self, turn):
        """Callers that do not wait: a deadline that is too short, or none and then a change of mind."""
        began = time.monotonic()
        call = self.stubs.entitlement.CheckEntitlement.future(check(fresh("hurried"), STEADY), timeout=HURRY_SECONDS)
        if turn % 2:
            call.cancel()
        try:
            self.test.assertNotEqual(call.result().decision, pb.DECISION_ALLOW)
        except (grpc.RpcError, grpc.FutureCancelledError):
            pass
        self.check_time(time.monotonic() - began, HURRY_SECONDS)
        if turn % 20 == 10:
            self.test.assertLess(self.server.counted("passgate_store_pending_requests"), PENDING_MAX)

    def check_time(self, seconds, bound):
        self.worst = max(self.worst, seconds - bound)
        self.test.assertLess(seconds, bound + LATE_SECONDS, "a call outlived its deadline")

    def check_process(self):
        """What all of it showed."""
        self.test.assertTrue(self.server.is_running())
        self.test.assertEqual(self.server.get("ops", "/livez")[0], 200)
        if not self.trouble.are_reads_lost:
            return
        steady, strict = (self.answers[self.allowed, resource] for resource in (STEADY, STRICT))
        self.test.assertTrue(any(answer.is_allowed and answer.is_stale for answer in steady), "nothing was answered")
        self.test.assertTrue(any(answer.is_stale and not answer.is_allowed for answer in strict))
        for answers in self.answers.values():
            self.test.assertIsNotNone(answers[-1].refusal, answers)

    # ----- after -----

    def resume(self):
        """By itself: reads are answered from Redis, and writes are done."""
        began = time.monotonic()
        for name, country in self.elsewhere:
            self.wait_until(lambda name=name, country=country: not (answer := self.ask(name)).refusal and
                            answer.is_allowed == (country == "USA"), f"reading did not resume: {name}")
        attempt = Attempt(self.stubs.verification.SubmitVerification, submission(fresh("resumed"), passport("USA")))
        self.wait_until(attempt.send, "writing did not resume")
        self.wait_until(lambda: self.server.get("ops", "/readyz")[0] == 200, "it is not ready")
        attempt.refusal = None
        self.early.append(attempt)
        return time.monotonic() - began

    def evidence_of(self, name):
        """It works again; a machine that is busy may need a second question."""
        for is_last in (False, True):
            try:
                record = self.stubs.verification.GetSubject(pb.GetSubjectRequest(subject=name), timeout=CALL_SECONDS)
                return list(record.evidence)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.NOT_FOUND:
                    return []
                if is_last or error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise
        return []

    def is_there(self, attempt):
        found = [evidence.check_id for evidence in self.evidence_of(attempt.request.subject)]
        self.test.assertIn(found, [[], [attempt.request.evidence.check_id]])
        return bool(found)

    def check_attempts(self):
        """What was acknowledged is there; what was refused is not there, or there as a whole."""
        check_whole(self.test, self.admin.written())
        for attempt in self.early:
            self.test.assertTrue(self.is_there(attempt) or attempt.refusal, "acknowledged and lost")
        for attempt in self.attempts:
            if isinstance(attempt.request, pb.SubmitVerificationRequest):
                self.test.assertTrue(not self.is_there(attempt) or self.trouble.may_happen, "refused, and done")
        evidence, = self.evidence_of(self.revoked)
        self.test.assertTrue(self.trouble.may_happen or not evidence.revoked, "refused, and done")

    def repeat(self):
        """The same requests again: each is done, once."""
        for attempt in self.early + self.attempts:
            self.wait_until(lambda attempt=attempt: attempt.send() is not None, f"not done again: {attempt}")
            if isinstance(attempt.request, pb.SubmitVerificationRequest):
                self.test.assertTrue(self.is_there(attempt))
        evidence, = self.evidence_of(self.revoked)
        self.test.assertTrue(evidence.revoked)
        self.wait_until(lambda: not self.ask(self.revoked).is_allowed, "revoked and allowed")
        self.wait_until(lambda: self.ask(self.allowed).is_allowed, "not allowed any more")

    def check_quiet(self):
        for name in ("passgate_store_pending_requests", "passgate_rpc_parked_calls"):
            self.wait_until(lambda name=name: self.server.counted(name) == 0, f"{name} does not go back to 0")

    def check_store(self):
        """Of a server that has stopped: each request was written once, and each write is in the audit log once."""
        found = self.admin.written()
        check_whole(self.test, found)
        requests = {attempt.request.request_id for attempt in self.early + self.attempts
                    if hasattr(attempt.request, "request_id")}
        self.test.assertEqual(len(found.requests), len(requests) + len(self.written))
        dump = os.environ.get("AUDIT_DUMP") or find_program("AUDIT_DUMP", "tests/fault/audit_dump")
        lines = subprocess.run([dump, self.server.folder / "passgate-data" / "audit"], capture_output=True, text=True,
                               check=True).stdout.splitlines()
        recorded = [int(line.split("\t")[2]) for line in lines if line.split("\t")[1] in
                    ("verification_submitted", "evidence_revoked", "claim_issued")]
        self.test.assertEqual(len(recorded), len(set(recorded)), "a record was written again")
        self.test.assertEqual(set(recorded) | set(found.outbox), set(found.requests + found.claims))


def user():
    """The words of redis-server's `user` for the rights that deploy/ gives."""
    text = users_for(redis_version(), (ROOT / "deploy" / "redis" / "users.acl").read_text(encoding="utf-8"))
    words = next(line for line in text.splitlines() if line.startswith("user passgate ")).split()[1:]
    return [{"off": "on", "resetpass": f">{PASSWORD}"}.get(word, word) for word in words]


class RedisTrouble(unittest.TestCase):
    """A test for each row, which waits for that row."""

    @classmethod
    def setUpClass(cls):
        needs_own_server()
        if not redis_version():
            raise unittest.SkipTest("redis-server is not installed")
        threads = concurrent.futures.ThreadPoolExecutor(ROWS_AT_ONCE)
        cls.addClassCleanup(threads.shutdown, cancel_futures=True)
        cls.rows = {trouble.name: threads.submit(Case(trouble).run) for trouble in TROUBLES}


def add_test(trouble):
    def test(self):
        print(self.rows[trouble.name].result(), flush=True)

    setattr(RedisTrouble, f"test_{trouble.name}", test)


for row in TROUBLES:
    add_test(row)

if __name__ == "__main__":
    main()
