#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""GetTreeHead and GetInclusionProof, checked as somebody would who has RFC 6962, RFC 9162 and the keys, and nothing of
Passgate."""
import base64
import hashlib
import json
import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import grpc
from jwcrypto import jwk, jws

from passgate_protos import CALL_SECONDS, Refusal, pb, refusal_of
from passgate_samples import check, fresh, passport, submission
from passgate_server import ServerTestCase, find_program, main

RESOURCE = "model/fable-5"
PASSGATE = os.environ.get("PASSGATE") or find_program("PASSGATE", "client/cli/passgate")
HEAD_SECONDS = 10  # a head comes within a second; on a machine that is busy, later


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_inclusion(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2; None when the path is none of that tree."""
    node, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return found if last == 0 else None


def roots_of_consistency(old_size, size, old_root, path):
    """RFC 9162 section 2.1.4.2: the roots of both trees, as the path has them."""
    if old_size & (old_size - 1) == 0:
        path = [old_root, *path]
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_found = found = path[0]
    for step in path[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old_found, found = node_hash(step, old_found), node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return (old_found, found) if last == 0 else None


class TreeHeadTestCase(ServerTestCase):
    needs_control = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.citizen = fresh("usa")
        cls.stubs.verification.SubmitVerification(submission(cls.citizen, passport("USA")), timeout=CALL_SECONDS)
        cls.keys = jwk.JWKSet.from_json(cls.server.get("http", "/.well-known/jwks.json")[2])

    def decide(self, **changes):
        return self.stubs.entitlement.CheckEntitlement(check(self.citizen, RESOURCE, **changes),
                                                       timeout=CALL_SECONDS).decision_id

    def head(self, **request):
        return self.stubs.audit.GetTreeHead(pb.GetTreeHeadRequest(**request), timeout=CALL_SECONDS)

    def proof(self, decision_id):
        return self.stubs.audit.GetInclusionProof(pb.GetInclusionProofRequest(decision_id=decision_id),
                                                  timeout=CALL_SECONDS)

    def refusal(self, method, request):
        return refusal_of(getattr(self.stubs.audit, method), request)

    def assert_signed(self, head):
        """By the realm, and saying what the members say."""
        token = jws.JWS()
        token.allowed_algs = ["ES256"]
        token.deserialize(head.jws)
        header = json.loads(token.objects["protected"])
        token.verify(self.keys.get_key(header["kid"]))
        said = json.loads(token.payload)
        self.assertEqual(header["typ"], "passgate-tree-head+jwt")
        self.assertEqual((said["log"], said["size"], said["iat"]), (head.log_id, head.size, head.time.seconds))
        self.assertEqual(base64.urlsafe_b64decode(said["root"] + "="), head.root)

    def assert_included(self, decision_id, answer):
        self.assert_signed(answer.head)
        self.assertEqual(struct.unpack("<Q", answer.leaf[:8])[0], int(decision_id.partition("-")[2]))
        self.assertEqual(root_of_inclusion(leaf_hash(answer.leaf), answer.leaf_index, answer.head.size, answer.path),
                         answer.head.root)


class Heads(TreeHeadTestCase):
    def test_a_head_is_signed_and_covers_what_was_waited_for(self):
        decision_id = self.decide()
        head = self.head(wait_for=decision_id).head
        self.assert_signed(head)
        self.assertEqual(head.log_id, decision_id.partition("-")[0])
        self.assert_included(decision_id, self.proof(decision_id))  # at once
        self.assertLess(abs(head.time.seconds - time.time()), HEAD_SECONDS)

    def test_every_head_goes_on_from_those_before_it(self):
        heads = []
        for _ in range(3):
            for _ in range(7):
                decision_id = self.decide()
            heads.append(self.head(wait_for=decision_id).head)
        for old in heads:
            answer = self.head(from_size=old.size)
            self.assert_signed(answer.head)
            self.assertLessEqual(old.size, answer.head.size)
            if old.size == answer.head.size:
                self.assertEqual((list(answer.consistency), answer.head.root), ([], old.root))
                continue
            self.assertEqual(roots_of_consistency(old.size, answer.head.size, old.root, list(answer.consistency)),
                             (old.root, answer.head.root))

    def test_asking_for_heads_makes_no_records(self):
        size = self.head(wait_for=self.decide()).head.size
        for _ in range(20):
            self.head(from_size=1)
        self.assertEqual(self.head(wait_for=self.decide()).head.size, size + 1)

    def test_a_log_goes_on_over_a_restart(self):
        before = self.head(wait_for=self.decide()).head
        self.server.stop()
        self.server.start()
        type(self).stubs = self.server.stubs()
        answer = self.head(from_size=before.size, wait_for=self.decide())
        self.assertEqual(answer.head.log_id, before.log_id)
        self.assertEqual(roots_of_consistency(before.size, answer.head.size, before.root, list(answer.consistency)),
                         (before.root, answer.head.root))


class Proofs(TreeHeadTestCase):
    def test_every_decision_is_proved_and_shown_as_it_is_listed(self):
        ids = [self.decide(location="USA") for _ in range(30)]
        self.head(wait_for=ids[-1])
        for decision_id in ids[::5]:
            answer = self.proof(decision_id)
            self.assert_included(decision_id, answer)
            self.assertEqual(answer.record.decision_id, decision_id)
            listed, = (record for message in self.stubs.audit.ListDecisions(pb.ListDecisionsRequest(subject=self.citizen))
                       for record in message.records if record.decision_id == decision_id)
            self.assertEqual(answer.record, listed)

    def test_who_looked_is_on_record(self):
        decision_id = self.decide()
        self.head(wait_for=decision_id)
        self.proof(decision_id)
        self.head(wait_for=self.decide())
        self.assertTrue(any(record.method == "GetInclusionProof" and list(record.ids) == [decision_id]
                            for message in self.stubs.audit.ListDecisions(pb.ListDecisionsRequest(all_kinds=True))
                            for record in message.records))

    def test_each_thing_that_cannot_be_proved_has_its_reason(self):
        decision_id = self.decide()
        log_id, _, number = decision_id.partition("-")
        other = ("1" if log_id[0] == "0" else "0") + log_id[1:] + "-" + number
        self.head(wait_for=decision_id)
        for asked, code, reason in (
                ("", "INVALID_ARGUMENT", "FIELD_REQUIRED"), ("x", "INVALID_ARGUMENT", "FIELD_CHARACTERS"),
                (other, "FAILED_PRECONDITION", "RECORD_OF_OTHER_LOG"), (log_id + "-99999999999", "NOT_FOUND", "RECORD_UNKNOWN"),
                (log_id + "-0", "INVALID_ARGUMENT", "FIELD_CHARACTERS")):
            with self.subTest(asked):
                self.assert_refused(self.refusal("GetInclusionProof", pb.GetInclusionProofRequest(decision_id=asked)),
                                    code, reason)
                if asked:
                    self.assert_refused(self.refusal("GetTreeHead", pb.GetTreeHeadRequest(wait_for=asked)), code, reason)
        self.assert_refused(self.refusal("GetTreeHead", pb.GetTreeHeadRequest(from_size=2**40)),
                            "INVALID_ARGUMENT", "FIELD_RANGE", "from_size")

    def test_what_is_not_covered_yet_says_so_and_is_proved_a_second_later(self):
        """A head may come just then; not every time."""
        deadline = time.monotonic() + HEAD_SECONDS
        reason = ""
        while reason != "TREE_HEAD_BEHIND":
            self.assertLess(time.monotonic(), deadline)
            decision_id = self.decide()
            try:
                self.proof(decision_id)
            except grpc.RpcError as error:
                reason = Refusal(error).reason
                self.assertEqual(reason, "TREE_HEAD_BEHIND")
        self.head(wait_for=decision_id)
        self.assert_included(decision_id, self.proof(decision_id))


class CommandLine(TreeHeadTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="passgate-heads-")))
        cls.jwks = cls.folder / "jwks.json"
        cls.jwks.write_text(cls.server.get("http", "/.well-known/jwks.json")[2], encoding="utf-8")

    def passgate(self, *arguments):
        return subprocess.run([PASSGATE, "audit", *map(str, arguments), "--server", self.server.address], text=True,
                              capture_output=True, check=False, timeout=CALL_SECONDS)

    def passed(self, *arguments):
        done = self.passgate(*arguments, "-o", "json")
        self.assertEqual(done.returncode, 0, done)
        return json.loads(done.stdout)

    def test_a_head_is_kept_and_the_next_one_goes_on_from_it(self):
        kept = self.folder / "heads.jws"
        first = self.passed("head", "--jwks", self.jwks)
        kept.write_text(first["jws"] + "\n", encoding="ascii")
        self.assertEqual((first["verified"], first["keys"]), (True, "file"))
        self.head(wait_for=self.decide())
        second = self.passed("head", "--from", kept)
        self.assertEqual((second["keys"], second["from"]["size"], second["log"]), ("server", first["size"], first["log"]))
        self.assertGreater(second["size"], first["size"])
        self.assertTrue(second["from"]["proof"])
        shown = self.passgate("head", "--jwks", self.jwks, "--from", kept)
        self.assertEqual(shown.returncode, 0, shown)
        self.assertTrue(shown.stdout.startswith("SIGNED, and goes on from the older head\n"), shown.stdout)

    def test_a_head_that_is_no_prefix_is_told(self):
        """Signed with the realm's own key, as whoever has that could: of another history, another log, a longer log."""
        head = self.head(wait_for=self.decide()).head
        said = {"iat": head.time.seconds, "log": head.log_id, "size": head.size, "root": "A" * 43}
        other = ("1" if head.log_id[0] == "0" else "0") + head.log_id[1:]
        self.head(wait_for=self.decide())
        for changes, reason in (({"size": head.size - 1}, "PROOF"), ({"size": head.size + 10**6}, "LOG_SHORTER"),
                                ({"log": other}, "OTHER_LOG")):
            with self.subTest(reason):
                done = self.passgate("head", "--jwks", self.jwks, "--from", self.forged({**said, **changes}), "-o", "json")
                self.assertEqual((done.returncode, json.loads(done.stdout)["reason"]), (1, reason), done)
        tampered = self.folder / "tampered.jws"
        tampered.write_text(head.jws[:-5] + ("AAAA" if head.jws[-5:-1] != "AAAA" else "BBBB") + head.jws[-1], encoding="ascii")
        done = self.passgate("head", "--jwks", self.jwks, "--from", tampered)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("NOT PROVED: ", done.stdout)

    def forged(self, payload):
        key_file, = (self.server.folder / "passgate-data" / "keys").glob("*.pem")
        key = jwk.JWK.from_pem(key_file.read_bytes())
        header = json.dumps({"alg": "ES256", "kid": key.thumbprint(), "typ": "passgate-tree-head+jwt"})
        path = self.folder / "forged.jws"
        while True:
            token = jws.JWS(json.dumps(payload))
            token.add_signature(key, None, header)
            text = token.serialize(compact=True)
            if base64.urlsafe_b64decode(text.rpartition(".")[2] + "==")[32] < 0x7f:  # the lower of the twins s and n - s
                path.write_text(text + "\n", encoding="ascii")
                return path

    def test_a_decision_is_proved_by_the_server_as_soon_as_it_can_be(self):
        decision_id = self.decide()
        proof = self.passed("prove", decision_id, "--jwks", self.jwks)  # waits for the head
        self.assertEqual((proof["proved"], proof["record"]["id"], proof["record"]["caller"]), (True, decision_id, "local"))
        offline = self.passed("prove", decision_id, self.server.folder / "passgate-data" / "audit", "--jwks", self.jwks)
        self.assertEqual((offline["leafHash"], offline["leafIndex"]), (proof["leafHash"], proof["leafIndex"]))
        shown = self.passgate("prove", decision_id)
        self.assertTrue(shown.stdout.startswith("PROVED, with the keys that the server itself gives (--jwks)\n"), shown)
        self.assertIn(f"{decision_id}  decision  allow  local", shown.stdout)
        log_id = decision_id.partition("-")[0]
        self.assertEqual(self.passgate("prove", log_id + "-99999999999").returncode, 1)
        other = self.passgate("prove", ("1" if log_id[0] == "0" else "0") + log_id[1:] + "-1")
        self.assertEqual(other.returncode, 2)
        self.assertIn("Next: ask the replica with that log", other.stderr)

    def test_the_log_is_listed_from_the_server_as_from_its_files(self):
        decision_id = self.decide(location="USA")
        self.head(wait_for=decision_id)
        folder = self.server.folder / "passgate-data" / "audit"
        filters = ("--outcome", "allow", "--resource", RESOURCE, "--caller", "local", "-o", "json")
        here, there = (self.passgate("list", *where, *filters).stdout.splitlines() for where in ((), (folder,)))
        self.assertIn(decision_id, [json.loads(line)["id"] for line in here])
        shown = [{name: value for name, value in json.loads(line).items() if name not in ("number", "partition")}
                 for line in there]
        self.assertEqual([json.loads(line) for line in here], shown)
        subject = json.loads(here[-1])["items"][0]["subject"]
        for names in (("--subject", self.citizen), ("--subject-hash", subject)):
            self.assertEqual(self.passgate("list", *names, *filters).stdout.splitlines(), here, names)
        self.assertEqual(self.passgate("list", "--subject", "nobody").stdout, "")
        self.assertNotIn("log_opened", self.passgate("list").stdout)
        self.assertIn("log_opened", self.passgate("list", "--all").stdout)

    def test_following_shows_what_comes_and_asks_only_when_there_is_something(self):
        process = subprocess.Popen([PASSGATE, "audit", "list", "-f", "--all", "-o", "json", "--server", self.server.address],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        records = map(json.loads, process.stdout)
        for _ in range(2):
            decision_id = self.decide()
            self.assertEqual(next(record["id"] for record in records if record["kind"] == "decision"
                                  and record["id"] == decision_id), decision_id)
        time.sleep(1.5)
        size = self.head(wait_for=self.decide()).head.size
        time.sleep(1.5)
        self.assertLessEqual(self.head(wait_for=self.decide()).head.size, size + 3)  # these two, and a listing between


if __name__ == "__main__":
    main()
