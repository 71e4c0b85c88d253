#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""WatchRevisions, as a caller uses it that keeps answers and wants to know when they are old."""
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import grpc

from passgate_protos import CALL_SECONDS, Refusal, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import Server, ServerTestCase, main, needs_own_server

RESOURCES = "resources:\n  - {id: model/fable-5, base: allow}\n"
SOON_SECONDS = 2  # under a sanitizer; 100 ms is what the bench measures


def directive(country):
    return f"""\
directive: citizens
language: 1
title: Citizens
authority: {{text: "letter of 2026-06-12"}}
effective: {{from: 2026-06-12T17:21:00-04:00}}
resources: ["model/fable-5"]
require: {{all: [{{citizen_of: {{any: [{country}]}}}}, {{location: any, location_authority: {{text: "a letter"}}}}]}}
proof: mrz
"""


class WatchTestCase(ServerTestCase):
    needs_control = True
    directives = {"resources.yaml": RESOURCES, "citizens.yaml": directive("DEU")}

    def setUp(self):
        type(self).stubs = self.server.stubs()  # also after a restart

    def submit(self, subject, country="DEU"):
        return self.stubs.verification.SubmitVerification(submission(subject, passport(country)), timeout=CALL_SECONDS)

    def revoke(self, subject, evidence_id):
        return self.stubs.verification.RevokeEvidence(
            pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=subject, evidence_id=evidence_id,
                                     reason="stolen"), timeout=CALL_SECONDS)

    def check(self, subject, **options):
        return self.stubs.entitlement.CheckEntitlement(
            check(subject, "model/fable-5", want_handles=True, **options), timeout=CALL_SECONDS)

    def watch(self, revision="", kinds=()):
        return self.stubs.entitlement.WatchRevisions(pb.WatchRevisionsRequest(revision=revision, kinds=kinds),
                                                     timeout=CALL_SECONDS)

    def next_with(self, stream, holds):
        """The first message for which that holds; everything that was told until then."""
        told = []
        for message in stream:
            self.assertFalse(message.reset, message)
            told.extend(message.subjects)
            if holds(message):
                return message, told
        self.fail("the stream ended")

    def refused(self, stream):
        try:
            for _ in stream:
                pass
        except grpc.RpcError as error:
            return Refusal(error)
        self.fail("the stream ended in good order")


class Watching(WatchTestCase):
    def test_a_revocation_is_told_and_the_next_answer_is_another(self):
        name = fresh("anna")
        submitted = self.submit(name)
        kept = self.check(name)
        self.assertEqual((kept.decision, len(kept.handles)), (pb.DECISION_ALLOW, 1))
        stream = self.watch()
        next(stream)
        begun = time.monotonic()
        self.revoke(name, submitted.evidence_id)
        message, _ = self.next_with(stream, lambda message: kept.handles[0] in message.subjects)
        self.assertLess(time.monotonic() - begun, SOON_SECONDS)
        now = self.check(name, min_revision=message.revision)
        self.assertEqual((now.decision, list(now.handles)), (pb.DECISION_DENY, list(kept.handles)))

    def test_a_submission_for_somebody_who_was_refused_is_told(self):
        name = fresh("bodo")
        refused = self.check(name)
        self.assertEqual((refused.decision, refused.reason), (pb.DECISION_DENY, pb.REASON_VERIFICATION_REQUIRED))
        stream = self.watch()
        next(stream)
        self.submit(name)
        message, told = self.next_with(stream, lambda message: message.subjects)
        self.assertEqual(told, list(refused.handles))
        self.assertEqual(self.check(name, min_revision=message.revision).decision, pb.DECISION_ALLOW)

    def test_no_id_and_no_name_is_told(self):
        name = fresh("carla-with-a-name")
        stream = self.watch()
        next(stream)
        self.submit(name)
        message, told = self.next_with(stream, lambda message: message.subjects)
        self.assertNotIn(name.encode(), message.SerializeToString())
        self.assertRegex(told[0], r"^[A-Za-z0-9_-]{22}$")

    def test_who_comes_back_is_told_what_changed_meanwhile(self):
        names = [fresh("dora") for _ in range(20)]
        stream = self.watch()
        revision = next(stream).revision
        stream.cancel()
        for name in names:
            self.submit(name)
        _, told = self.next_with(self.watch(revision), lambda message: len(message.subjects) >= len(names))
        self.assertEqual({self.check(name).handles[0] for name in names} - set(told), set())
        self.assertEqual(len(told), len(set(told)))

    def test_from_a_write_on_its_own_change_is_told(self):
        name = fresh("emil")
        written = self.submit(name)
        message = next(self.watch(written.revision))
        self.assertEqual((message.reset, list(message.subjects)), (False, list(self.check(name).handles)))

    def test_a_revision_that_is_none_is_refused(self):
        self.assert_refused(self.refused(self.watch("yesterday")), "INVALID_ARGUMENT", "FIELD_REVISION", "revision")
        self.assert_refused(self.refused(self.watch(kinds=[0])), "INVALID_ARGUMENT", "FIELD_ENUM", "kinds[0]")


class Directives(WatchTestCase):
    def test_another_set_is_told_when_it_is_in_force(self):
        name = fresh("anna")
        self.submit(name)
        self.assertEqual(self.check(name).decision, pb.DECISION_ALLOW)
        stream = self.watch(kinds=[pb.WATCH_KIND_DIRECTIVES])
        before = next(stream).directive_set
        self.server.set_directives({"resources.yaml": RESOURCES, "citizens.yaml": directive("USA")})
        message, told = self.next_with(stream, lambda message: message.directive_set != before)
        self.assertEqual((message.directive_set, told), (before + 1, []))
        answer = self.check(name)
        self.assertEqual((answer.decision, answer.directive_set), (pb.DECISION_DENY, before + 1))

    def test_a_heartbeat_comes_without_any_change(self):
        stream = self.watch()
        first = next(stream)
        begun = time.monotonic()
        second = next(stream)
        self.assertLess(time.monotonic() - begun, 5 + SOON_SECONDS)
        self.assertEqual((second.reset, list(second.subjects), second.directive_set, second.revision),
                         (False, [], first.directive_set, first.revision))


class ShortLived(WatchTestCase):
    """Streams of less than a second, as they end and begin all day."""

    flags = {"rpc-connection-grace": "1s"}

    def test_a_stream_ends_with_its_age(self):
        self.assert_refused(self.refused(self.watch()), "UNAVAILABLE", "STREAM_AGE")

    def test_nothing_is_missed_from_one_stream_to_the_next(self):
        names = [fresh("frida") for _ in range(60)]
        written = []
        told, streams, revision = set(), 0, ""
        until = time.monotonic() + 60

        def go_on(message):
            self.assertFalse(message.reset)
            told.update(message.subjects)
            return message.revision

        while (len(written) < len(names) or not told >= set(written)) and time.monotonic() < until:
            streams += 1
            stream = self.watch(revision)
            try:
                revision = go_on(next(stream))
                for name in names[len(written):len(written) + 12]:
                    self.submit(name)
                    written.append(self.check(name).handles[0])
                while True:
                    revision = go_on(next(stream))
            except grpc.RpcError as error:
                self.assertEqual(Refusal(error).reason, "STREAM_AGE")
        self.assertEqual(set(written) - told, set())
        self.assertGreaterEqual(streams, 5)

    def test_a_server_that_was_started_again_does_not_know_what_was_missed(self):
        revision = next(self.watch()).revision
        self.server.stop()
        self.server.start()
        self.setUp()
        message = next(self.watch(revision))
        self.assertTrue(message.reset)
        self.assertFalse(next(self.watch(message.revision)).reset)


@unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
class TwoReplicas(WatchTestCase):
    """One store, two servers: a caller that goes from one to the other misses nothing."""

    @classmethod
    def setUpClass(cls):
        needs_own_server()
        cls.folder = Path(tempfile.mkdtemp(prefix="passgate-redis-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.start_redis()
        key = cls.folder / "hash.key"
        key.touch(0o600)
        key.write_text("00112233445566778899aabbccddeeff\n", encoding="utf-8")
        cls.flags = {"store-url": f"redis+unix:{cls.folder}/redis.sock", "store-hash-key-file": key}
        super().setUpClass()
        cls.other = Server(flags=cls.flags, directives=cls.directives)
        cls.addClassCleanup(cls.other.close)
        cls.other.start()

    @classmethod
    def start_redis(cls):
        path = cls.folder / "redis.sock"
        redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--dir", cls.folder, "--save", "",
                                  "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        cls.addClassCleanup(redis.wait)
        cls.addClassCleanup(redis.kill)
        until = time.monotonic() + CALL_SECONDS
        with socket.socket(socket.AF_UNIX) as door:
            while door.connect_ex(str(path)) != 0:
                if time.monotonic() > until:
                    raise RuntimeError("redis-server does not listen")
                time.sleep(0.01)

    def watch_other(self, revision=""):
        return self.other.stubs().entitlement.WatchRevisions(pb.WatchRevisionsRequest(revision=revision),
                                                             timeout=CALL_SECONDS)

    def test_what_one_replica_acknowledged_the_other_tells_by_the_same_handle(self):
        name = fresh("anna")
        submitted = self.submit(name)
        kept = self.check(name)
        stream = self.watch_other()
        next(stream)
        self.revoke(name, submitted.evidence_id)
        message, _ = self.next_with(stream, lambda message: kept.handles[0] in message.subjects)
        answer = self.other.stubs().entitlement.CheckEntitlement(
            check(name, "model/fable-5", min_revision=message.revision), timeout=CALL_SECONDS)
        self.assertEqual((kept.decision, answer.decision), (pb.DECISION_ALLOW, pb.DECISION_DENY))

    def test_a_stream_goes_on_at_another_replica(self):
        names = [fresh("dora") for _ in range(5)]
        told = set()
        revision = next(self.watch()).revision
        for name in names:
            self.submit(name)
        wanted = {self.check(name).handles[0] for name in names}
        self.next_with(self.watch_other(revision), lambda message: told.update(message.subjects) or told >= wanted)


if __name__ == "__main__":
    main()
