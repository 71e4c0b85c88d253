#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""passgate audit verify on a log that passgated wrote under load while it was killed again and again: it finds nothing
in it, and finds each kind of damage that is done to it.  PASSGATE_TEST_RECORDS says how many records there are."""
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import grpc
from jwcrypto import jwk, jws

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from passgate_protos import pb  # noqa: E402
from passgate_samples import check  # noqa: E402
from passgate_server import Server, find_program, main, needs_own_server  # noqa: E402

RECORDS = int(os.environ.get("PASSGATE_TEST_RECORDS") or 100_000)
LIVES = max(6, RECORDS // 50_000)  # each but the last ends with SIGKILL
STREAMS = 4
SUBJECTS = 50
STREAM_METHOD = "/passgate.v1.EntitlementService/StreamCheckEntitlements"
HEADER_BYTES = 48
FLAGS = {"audit-segment-bytes": str(max(1 << 20, RECORDS * 5)), "audit-ring-bytes": str(1 << 20)}


def crc32c(content):
    """RFC 3720 appendix B.4, a bit at a time."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def frames(segment):
    """Where each frame of a segment begins and ends, and the first byte of its payload."""
    at = HEADER_BYTES
    while at < len(segment):
        length, shift, begin = 0, 0, at
        while True:
            byte = segment[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        yield begin, at + 4 + length, segment[at + 4]
        at += 4 + length


class AuditVerify(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.server = Server(flags=FLAGS)
        self.addCleanup(self.server.close)
        self.audit = self.server.folder / "passgate-data" / "audit"
        self.jwks = self.server.folder / "jwks.json"
        self.answered = 0
        self.is_over = threading.Event()
        self.seed = int(os.environ.get("PASSGATE_TEST_SEED") or time.time_ns() % 1_000_000)
        self.random = random.Random(self.seed)
        print(f"PASSGATE_TEST_SEED={self.seed}", flush=True)

    # ----- writing -----

    def ask(self, channel, goal):
        """Questions on streams, each of which lives no longer than its connection, until so many answers are there."""
        questions = [pb.StreamCheckEntitlementsRequest(
            id=number + 1, check=check(f"user-{number}", "model/fable-5")).SerializeToString()
            for number in range(SUBJECTS)]

        def endless():
            while self.answered < goal and not self.is_over.is_set():
                yield from questions
        while self.answered < goal and not self.is_over.is_set():
            try:
                for answer in channel.stream_stream(STREAM_METHOD)(endless()):
                    if b"UNAVAILABLE" not in answer:  # what could not be recorded was not answered
                        self.answered += 1  # torn updates only make it ask more
                    if self.answered >= goal:
                        return
            except grpc.RpcError:
                time.sleep(0.01)

    def live(self, share, is_killed):
        self.server.start()
        self.server.stubs()
        goal = self.answered + share
        self.is_over.clear()
        threads = [threading.Thread(target=self.ask, args=(self.server.channels[-1], float("inf") if is_killed else goal))
                   for _ in range(STREAMS)]
        for thread in threads:
            thread.start()
        if is_killed:
            while self.answered < goal:
                time.sleep(self.random.uniform(0, 0.01))
            self.server.process.kill()  # in the middle of what is under way
            self.is_over.set()
        for thread in threads:
            thread.join()
        if is_killed:
            self.server.wait_until_dead()
            return
        self.jwks.write_text(self.server.get("http", "/.well-known/jwks.json")[2], encoding="utf-8")
        self.server.stop()

    def write_log(self):
        for life in range(LIVES):
            self.live(RECORDS // LIVES + 1, is_killed=life + 1 < LIVES)

    # ----- asking -----

    def passgate(self, *arguments):
        program = find_program("PASSGATE", "client/cli/passgate")
        done = subprocess.run([program, "audit", *map(str, arguments)], capture_output=True, text=True, check=False)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def verify(self, folder, *more):
        done = self.passgate("verify", folder, "--jwks", self.jwks, "-o", "json", *more)
        self.assertIn(done.returncode, (0, 1), done.stdout + done.stderr)
        verdict = json.loads(done.stdout)
        self.assertEqual(verdict["clean"], done.returncode == 0)
        return verdict

    def damaged(self, what, damage, expected, is_placed=True):
        """Of a copy: damage() gets its segments and its heads, and what it returns is where it must be found."""
        with self.subTest(what):
            folder = self.server.folder / "damaged"
            shutil.copytree(self.audit, folder)
            try:
                place = damage(sorted((folder / "segments").glob("*.pgaudit")), sorted((folder / "heads").glob("*.jws")))
                findings = self.verify(folder)["findings"]
                self.assertTrue(findings, f"{what} was not found")
                kinds = {(finding["finding"], Path(finding["file"]).name) for finding in findings}
                self.assertTrue(any(kind in expected and (not is_placed or name == place.name) for kind, name in kinds),
                                f"{what} at {place}: {findings}")
                print(f"{what}: {findings[0]['finding']} at {Path(findings[0]['file']).name}:{findings[0]['offset']}",
                      flush=True)
            finally:
                shutil.rmtree(folder)

    # ----- damage -----

    def flip_a_byte(self, segments, _heads):
        path = self.random.choice(segments)
        content = bytearray(path.read_bytes())
        content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
        path.write_bytes(content)
        return path

    def rewrite_a_record(self, segments, _heads):
        """With a checksum that is right: nobody sees that but the tree."""
        path = self.random.choice(segments)
        content = bytearray(path.read_bytes())
        begin, end, _kind = self.random.choice([frame for frame in frames(content) if frame[2] == 1])
        content[end - 1] ^= 1
        head = begin + next(at for at, byte in enumerate(content[begin:end], 1) if byte < 128)
        content[head:head + 4] = crc32c(content[begin:head] + content[head + 4:end]).to_bytes(4, "little")
        path.write_bytes(content)
        path.with_suffix(".pgindex").unlink()  # which he would have made again
        return path

    def remove_a_record(self, segments, _heads):
        path = self.random.choice(segments)
        content = path.read_bytes()
        begin, end, _kind = self.random.choice([frame for frame in frames(content) if frame[2] != 0][1:-1])
        path.write_bytes(content[:begin] + content[end:])
        return path

    def swap_segments(self, segments, _heads):
        one, two = self.random.sample(segments, 2)
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)
        return one

    def cut_the_tail(self, segments, _heads):
        path = segments[-1]
        ends = [end for _begin, end, _kind in frames(path.read_bytes())]
        os.truncate(path, self.random.choice(ends[:-1]))
        path.with_suffix(".pgindex").unlink()
        return path

    def take_the_last_segment(self, segments, _heads):
        segments[-1].unlink()
        segments[-1].with_suffix(".pgindex").unlink()
        return segments[-2]

    def replace_a_head(self, _segments, heads):
        path = self.random.choice(heads)
        lines = path.read_text(encoding="ascii").splitlines()
        number = self.random.randrange(len(lines))
        header, payload, signature = lines[number].split(".")
        at = self.random.randrange(len(payload))
        payload = payload[:at] + ("A" if payload[at] != "A" else "B") + payload[at + 1:]
        lines[number] = ".".join((header, payload, signature))
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return path

    def forge_a_head(self, _segments, heads):
        """Signed by whoever has the realm's key: of a history that is not that of the records."""
        path = heads[-1]
        line = path.read_text(encoding="ascii").splitlines()[-1]
        said = json.loads(base64.urlsafe_b64decode(line.split(".")[1] + "=="))
        header = json.loads(base64.urlsafe_b64decode(line.split(".")[0] + "=="))
        key_file, = (self.server.folder / "passgate-data" / "keys").glob("*.pem")
        said["root"] = ("A" if said["root"][0] != "A" else "B") + said["root"][1:]
        text = line
        while base64.urlsafe_b64decode(text.rpartition(".")[2] + "==")[32] >= 0x7F or text == line:  # the lower of its twins
            token = jws.JWS(json.dumps(said))
            token.add_signature(jwk.JWK.from_pem(key_file.read_bytes()), None, json.dumps(header))
            text = token.serialize(compact=True)
        path.write_text(text + "\n", encoding="ascii")
        return path

    def put_an_older_head(self, _segments, heads):
        """Well signed, and not of the end: what was written since could be changed."""
        shutil.copy(heads[-2], heads[-1])
        return heads[-1]

    def put_an_index_elsewhere(self, segments, _heads):
        one, two = self.random.sample([path.with_suffix(".pgindex") for path in segments], 2)
        shutil.copy(one, two)
        return two

    # ----- the test -----

    def test_a_clean_log_is_clean_and_damage_is_found(self):
        self.write_log()
        began = time.monotonic()
        verdict = self.verify(self.audit)
        seconds = time.monotonic() - began
        self.assertEqual(verdict["findings"], [])
        self.assertGreaterEqual(verdict["records"], RECORDS)
        self.assertEqual(verdict["signedRecords"], verdict["records"])
        self.assertTrue(verdict["signaturesChecked"] and verdict["closed"])
        self.assertGreaterEqual(verdict["heads"], LIVES)
        self.assertGreaterEqual(verdict["segments"], LIVES)
        size = sum(path.stat().st_size for path in self.audit.rglob("*") if path.is_file())
        print(f"{verdict['records']} records, {LIVES} lives, {verdict['segments']} segments, {verdict['heads']} heads, "
              f"{size / verdict['records']:.1f} bytes a record; verified in {seconds:.1f} s", flush=True)
        self.assertLessEqual(size / verdict["records"], 96)
        self.prove_some()
        self.damaged("a flipped byte", self.flip_a_byte, {"frame_damaged", "header_damaged"})
        self.damaged("a rewritten record", self.rewrite_a_record, {"tree_differs"}, is_placed=False)
        self.damaged("a removed record", self.remove_a_record, {"frame_damaged", "index_wrong"}, is_placed=False)
        self.damaged("swapped segments", self.swap_segments, {"out_of_order"})
        self.damaged("a cut tail", self.cut_the_tail, {"log_cut"})
        self.damaged("no last segment", self.take_the_last_segment, {"log_cut"})
        self.damaged("a replaced head", self.replace_a_head, {"head_wrong"})
        self.damaged("a forged head", self.forge_a_head, {"tree_differs", "head_wrong"}, is_placed=False)
        self.damaged("an older head", self.put_an_older_head, {"not_signed"}, is_placed=False)
        self.damaged("another index", self.put_an_index_elsewhere, {"index_wrong"})
        self.check_removed_end()

    def prove_some(self):
        """Decisions of all lives, by the ids that list shows."""
        done = self.passgate("list", self.audit, "-o", "json", "--outcome", "allow", "--caller", "local")
        denied = self.passgate("list", self.audit, "-o", "json", "--outcome", "deny", "--caller", "local")
        self.assertEqual((done.returncode, denied.returncode), (0, 0), done.stderr + denied.stderr)
        lines = done.stdout.splitlines() + denied.stdout.splitlines()
        self.assertGreaterEqual(len(lines), RECORDS - 1)
        for line in self.random.sample(lines, 5):
            record = json.loads(line)
            self.assertEqual(record["kind"], "decision")
            proof = self.passgate("prove", record["id"], self.audit, "--jwks", self.jwks, "-o", "json")
            self.assertEqual(proof.returncode, 0, proof.stdout)
            self.assertTrue(json.loads(proof.stdout)["proved"])
        log_id = json.loads(lines[0])["id"].partition("-")[0]
        self.assertEqual(self.passgate("prove", f"{log_id}-99999999999", self.audit).returncode, 1)
        self.assertEqual(self.passgate("prove", "nonsense", self.audit).returncode, 2)

    def follow(self, *filters):
        """A running `audit list -f`, whose lines are taken by the test."""
        program = find_program("PASSGATE", "client/cli/passgate")
        process = subprocess.Popen([program, "audit", "list", self.audit, "-f", "-o", "json", *filters],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process.stdout

    def decide(self, subject, resource):
        return self.server.stubs().entitlement.CheckEntitlement(check(subject, resource)).decision_id

    def test_the_commands_work_beside_a_server_that_writes(self):
        self.server.start()
        lines = self.follow("--outcome", "deny", "--resource", "model/fable-5")
        first = self.decide("alice", "model/fable-5")
        record = json.loads(lines.readline())
        self.assertEqual((record["id"], record["kind"], record["caller"]), (first, "decision", "local"))
        subject, = {item["subject"] for item in record["items"]}
        self.decide("alice", "model/mythos-5")
        second = self.decide("bob", "model/fable-5")
        self.assertEqual(json.loads(lines.readline())["id"], second)
        only = self.passgate("list", self.audit, "--subject-hash", subject, "--since", record["time"])
        self.assertEqual(len(only.stdout.splitlines()), 2, only.stdout + only.stderr)
        self.assertIn(f"{first}  decision  deny  local  {subject}  model/fable-5 use  VERIFICATION_REQUIRED", only.stdout)
        self.assertEqual(self.passgate("list", self.audit, "--before", record["time"], "--outcome", "deny").stdout, "")
        self.jwks.write_text(self.server.get("http", "/.well-known/jwks.json")[2], encoding="utf-8")
        self.wait_until_proved(second)
        verified = self.passgate("verify", self.audit, "--jwks", self.jwks)
        self.assertEqual(verified.returncode, 0, verified.stdout)
        self.assertIn("CLEAN\n", verified.stdout)
        self.assertIn("CLEAN, as far as unsigned heads tell\n", self.passgate("verify", self.audit).stdout)
        other = self.server.folder / "other.json"
        other.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519",
                                               "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}), encoding="utf-8")
        self.assertIn("no key has this kid", self.passgate("verify", self.audit, "--jwks", other).stdout)
        self.assertEqual(self.passgate("verify", self.server.folder / "nowhere").returncode, 2)
        self.server.stop()

    def wait_until_proved(self, decision_id):
        """A head that covers it comes within a second; on a machine that is busy, later."""
        deadline = time.monotonic() + 30
        while True:
            proof = self.passgate("prove", decision_id, self.audit, "--jwks", self.jwks)
            if proof.returncode == 0 or time.monotonic() > deadline:
                break
            self.assertEqual(proof.returncode, 1, proof.stderr)
            time.sleep(0.05)
        self.assertIn("PROVED\n", proof.stdout, proof.stderr)

    def check_removed_end(self):
        """The end of the log, its heads and all: found by a head that was kept elsewhere."""
        folder = self.server.folder / "damaged"
        shutil.copytree(self.audit, folder)
        heads = sorted((folder / "heads").glob("*.jws"))
        kept = self.server.folder / "kept.jws"
        shutil.move(heads[-1], kept)
        for path in sorted((folder / "segments").iterdir())[-2:]:
            path.unlink()
        self.assertIn("log_cut", {finding["finding"] for finding in self.verify(folder, "--head", kept)["findings"]})
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
