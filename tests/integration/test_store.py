#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""passgate store stats, check, export, import: from SQLite to Redis and back, and what is refused."""
import json
import os
import re
import secrets
import stat
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh, passport, statement, submission
from passgate_server import Server, find_program, main
from redis_store import RedisStore

COUNTRIES = ("USA", "DEU", "IRN", "CHN", "GBR", "CUB", "FRA", "RUS")
PERSONS = 60
COMMAND_SECONDS = 120


def passgate(server, *words):
    """Exit status, standard output, standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PASSGATE_")}
    end = subprocess.run([find_program("PASSGATE", "client/cli/passgate"), "--server", server.address, *map(str, words)],
                         capture_output=True, text=True, errors="replace", timeout=COMMAND_SECONDS, check=False,
                         env=environment)
    return end.returncode, end.stdout, end.stderr


class StoreTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="passgate-export-"))
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder], check=False)
        cls.hash_key = cls.folder / "hash.key"
        cls.hash_key.touch(mode=0o600)
        cls.hash_key.write_text(secrets.token_hex(16), encoding="utf-8")

    def sqlite(self, hash_key=None, **flags):
        server = Server(flags={"store-url": "sqlite:passgate-data/passgate.db",
                               "store-hash-key-file": hash_key or self.hash_key, **flags})
        self.addCleanup(server.close)
        return server.start()

    def redis(self, **flags):
        try:
            store = RedisStore()
            self.addCleanup(store.close)
            store.start()
        except FileNotFoundError:
            self.skipTest("redis-server is not installed")
        server = Server(flags={**store.flags, "store-hash-key-file": self.hash_key, **flags})
        self.addCleanup(server.close)
        return server.start()

    def new_hash_key(self):
        path = self.folder / fresh("key")
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16), encoding="utf-8")
        return path

    def file(self):
        return self.folder / fresh("export")

    def submit(self, stubs, name, evidence):
        return stubs.verification.SubmitVerification(submission(name, evidence), timeout=CALL_SECONDS)

    def fill(self, server):
        """Persons of all kinds; their names."""
        stubs = server.stubs()
        names = [fresh("person") for _ in range(PERSONS)]
        for index, name in enumerate(names):
            first = self.submit(stubs, name, passport(COUNTRIES[index % len(COUNTRIES)]))
            if index % 3 == 0:
                self.submit(stubs, name, statement(pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE))
            if index % 5 == 0:
                stubs.verification.RevokeEvidence(
                    pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name, evidence_id=first.evidence_id,
                                             reason="reported stolen"), timeout=CALL_SECONDS)
            elif index % 7 == 1:
                stubs.claim.IssueClaim(pb.IssueClaimRequest(subject=name, audience="https://shop.example"),
                                       timeout=CALL_SECONDS)
        stubs.verification.SetPrincipals(
            pb.SetPrincipalsRequest(request_id=fresh("request"), subject=f"service/{names[0]}", principals=names[:2]),
            timeout=CALL_SECONDS)
        refused = submission(fresh("refused"), passport("USA", result=pb.VENDOR_RESULT_FAILED))
        refusal_of(stubs.verification.SubmitVerification, refused)
        return names + [f"service/{names[0]}"]

    def answers(self, server, names):
        stubs = server.stubs()
        return [(name, resource, answer.decision, answer.reason)
                for name in names for resource in ("model/mythos-5", "model/opus-4")
                for answer in [stubs.entitlement.CheckEntitlement(check(name, resource), timeout=CALL_SECONDS)]]

    def export(self, server):
        file = self.file()
        status, output, errors = passgate(server, "store", "export", file)
        self.assertEqual(status, 0, output + errors)
        return file

    def assert_clean(self, server):
        status, output, errors = passgate(server, "store", "check", "-o", "json")
        self.assertEqual(status, 0, output + errors)
        return json.loads(output)

    def assert_imports(self, server, file, *flags, status=0):
        ended, output, errors = passgate(server, "store", "import", file, "-o", "json", *flags)
        self.assertEqual(ended, status, output + errors)
        return json.loads(output)

    def assert_refuses(self, server, file, reason, *flags):
        status, output, errors = passgate(server, "store", "import", file, *flags)
        self.assertEqual(status, 2, output + errors)
        self.assertIn(reason, errors)
        return errors


class Moving(StoreTestCase):
    def test_from_sqlite_to_redis_and_back_every_answer_is_the_same(self):
        origin = self.sqlite()
        names = self.fill(origin)
        wanted = self.answers(origin, names)
        self.assertGreater(len({(decision, reason) for _, _, decision, reason in wanted}), 1)
        self.assertEqual(self.assert_clean(origin)["checksWithoutEvidence"], 1)
        file = self.export(origin)
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)

        shared = self.redis()
        imported = self.assert_imports(shared, file)
        self.assertGreater(imported["written"], 2 * PERSONS)
        self.assertEqual((imported["same"], imported["conflicts"]), (0, []))
        self.assertEqual(self.answers(shared, names), wanted)
        self.assertEqual(self.assert_clean(shared)["checksWithoutEvidence"], 1)

        home = self.sqlite()
        self.assert_imports(home, self.export(shared))
        self.assertEqual(self.answers(home, names), wanted)
        self.assert_clean(home)

    def test_a_request_is_remembered_after_the_move(self):
        origin = self.sqlite()
        request = submission(fresh("person"), passport("USA"))
        first = origin.stubs().verification.SubmitVerification(request, timeout=CALL_SECONDS)
        file = self.export(origin)
        shared = self.redis()
        self.assert_imports(shared, file)
        again = shared.stubs().verification.SubmitVerification(request, timeout=CALL_SECONDS)
        self.assertEqual(again.evidence_id, first.evidence_id)
        self.assertFalse(again.already_known)
        known = shared.stubs().verification.SubmitVerification(
            submission(request.subject, request.evidence), timeout=CALL_SECONDS)
        self.assertTrue(known.already_known)

    def test_a_check_is_still_its_subjects_after_the_move(self):
        origin, home = self.sqlite(), self.sqlite()
        evidence = passport("USA")
        self.submit(origin.stubs(), fresh("person"), evidence)
        self.assert_imports(home, self.export(origin))
        refusal = refusal_of(home.stubs().verification.SubmitVerification, submission(fresh("other"), evidence))
        self.assertEqual(refusal.reason, "CHECK_ID_REUSED")

    def test_importing_again_changes_nothing(self):
        origin, home = self.sqlite(), self.sqlite()
        names = self.fill(origin)
        file = self.export(origin)
        written = self.assert_imports(home, file)["written"]
        self.assertIn("--merge", self.assert_refuses(home, file, "STORE_NOT_EMPTY"))
        again = self.assert_imports(home, file, "--merge")
        self.assertEqual((again["written"], again["same"]), (0, written))
        self.assertEqual(self.answers(home, names), self.answers(origin, names))

    def test_what_is_there_stays_and_is_told(self):
        origin, home = self.sqlite(), self.sqlite()
        name, other = fresh("person"), fresh("person")
        self.submit(origin.stubs(), name, passport("USA"))
        self.submit(origin.stubs(), other, passport("USA"))
        self.submit(home.stubs(), name, passport("IRN"))
        before = self.answers(home, [name])
        imported = self.assert_imports(home, self.export(origin), "--merge", status=1)
        self.assertEqual([conflict["space"] for conflict in imported["conflicts"]], ["subject"])
        self.assertRegex(imported["conflicts"][0]["hash"], "^[0-9a-f]{32}$")
        self.assertEqual(self.answers(home, [name]), before)
        self.assertEqual(self.answers(home, [other]), self.answers(origin, [other]))

    def test_caches_hear_of_what_was_imported(self):
        origin, home = self.sqlite(), self.sqlite()
        name = fresh("person")
        self.submit(origin.stubs(), name, passport("USA"))
        file = self.export(origin)
        self.assertNotEqual(self.answers(home, [name]), self.answers(origin, [name]))  # and now it is cached
        self.assert_imports(home, file)
        self.assertEqual(self.answers(home, [name]), self.answers(origin, [name]))

    def test_an_export_under_concurrent_writes_has_everything_that_was_there(self):
        for origin in (self.sqlite(), self.redis()):
            names = self.fill(origin)
            stop = threading.Event()
            failures = []

            def write(server=origin, stop=stop, failures=failures):
                stubs = server.stubs()
                try:
                    while not stop.is_set():
                        self.submit(stubs, fresh("later"), passport("DEU"))
                except Exception as error:  # pylint: disable=broad-except
                    failures.append(error)

            writers = [threading.Thread(target=write) for _ in range(3)]
            for writer in writers:
                writer.start()
            try:
                file = self.export(origin)
                self.assert_clean(origin)
            finally:
                stop.set()
                for writer in writers:
                    writer.join()
            self.assertEqual(failures, [])
            home = self.sqlite()
            self.assert_imports(home, file)
            self.assertEqual(self.answers(home, names), self.answers(origin, names))


class Owning(StoreTestCase):
    """A store is of one hash key and of one realm; of which, says who came first."""

    def assert_does_not_start(self, option, folder, flags):
        end = subprocess.run([find_program("PASSGATED", "services/server/passgated"), *(f"--{name}={value}" for name, value in flags.items())],
                             cwd=folder, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
        self.assertEqual(end.returncode, 2, end.stderr)
        self.assertIn(f'"field":"{option}"', end.stderr)

    def assert_is_owned(self, server, folder):
        flags = {**server.flags, **{f"listen-{door}": "127.0.0.1:0" for door in ("grpc", "http", "ops")}}
        self.assert_does_not_start("store.hash_key_file", folder, {**flags, "store-hash-key-file": self.new_hash_key()})
        self.assert_does_not_start("realm.name", folder, {**flags, "realm-name": "another"})

    def test_nobody_else_starts_on_redis_while_its_owner_goes_on(self):
        server = self.redis()
        self.assert_is_owned(server, tempfile.mkdtemp(dir=self.folder))
        self.submit(server.stubs(), fresh("person"), passport("USA"))

    def test_nobody_else_starts_on_a_file(self):
        server = self.sqlite()
        server.stop()
        self.assert_is_owned(server, server.folder)
        server.start()


class Refusing(StoreTestCase):
    def test_another_hash_key_is_refused_and_both_are_named(self):
        origin, home = self.sqlite(), self.sqlite(hash_key=self.new_hash_key())
        self.fill(origin)
        errors = self.assert_refuses(home, self.export(origin), "HASH_KEY_OTHER")
        self.assertEqual(len(set(re.findall(r"\b[0-9a-f]{16}\b", errors))), 2)
        self.assertIn("store.hash_key_file", errors)

    def test_a_damaged_file_is_refused_and_nothing_of_it_is_used(self):
        origin, home = self.sqlite(), self.sqlite()
        names = self.fill(origin)
        whole = self.export(origin).read_bytes()
        lines = whole.split(b"\n")
        swapped = lines[:]
        swapped[2], swapped[3] = swapped[3], swapped[2]
        flipped = bytearray(whole)
        place = whole.index(lines[5]) + len(lines[5]) - 9
        flipped[place] = ord("A") if flipped[place] != ord("A") else ord("B")
        cases = {
            "empty": b"", "foreign": b"{}\n", "newer": whole.replace(b"passgate-store 1", b"passgate-store 2", 1),
            "cut": whole[:len(whole) // 2], "cut behind a line": b"\n".join(lines[:10]) + b"\n",
            "no end": b"\n".join(lines[:-2]) + b"\n", "line gone": b"\n".join(lines[:3] + lines[4:]),
            "swapped": b"\n".join(swapped), "flipped": bytes(flipped), "more behind": whole + b"1",
            "long line": lines[0] + b"\n" + b"1" * 200000 + b"\n", "NUL": whole[:300] + b"\0" + whole[301:],
        }
        for name, content in cases.items():
            with self.subTest(name):
                file = self.file()
                file.write_bytes(content)
                self.assertRegex(self.assert_refuses(home, file, "FILE_INVALID"), r"line \d+ \(byte \d+\)")
        answer = json.loads(passgate(home, "store", "stats", "-o", "json")[1])
        self.assertNotIn("subject", answer["partitions"][0]["spaces"])
        self.assertIn("subject", json.loads(passgate(origin, "store", "stats", "-o", "json")[1])["partitions"][0]["spaces"])
        self.assertEqual(len(names), PERSONS + 1)

    def test_an_export_that_cannot_be_finished_leaves_no_file(self):
        origin = self.sqlite()
        self.fill(origin)
        folder = self.folder / fresh("folder")
        folder.mkdir()
        origin.stop()
        self.assertEqual(passgate(origin, "store", "export", folder / "file")[0], 2)
        self.assertEqual(list(folder.iterdir()), [])

    def test_a_server_refuses_values_that_no_export_has(self):
        origin = self.sqlite()
        stubs = origin.stubs()
        file = self.export(origin)
        hash_key = re.search(r"hash_key=(\w+)", file.read_text(encoding="utf-8")).group(1)
        good = {"space": pb.STORE_SPACE_REQUEST, "hash": "0" * 32, "expires_at_ms": 4102444800000, "data": b"x" * 17}
        cases = {
            "entries[0].space": {"space": pb.STORE_SPACE_CLAIM_CACHE}, "entries[0].hash": {"hash": "0" * 31 + "G"},
            "entries[0].data": {"data": b""}, "entries[0].expires_at_ms": {"expires_at_ms": -1},
            "entries[0].partition": {"partition": 1},
        }
        for field, changes in cases.items():
            with self.subTest(field):
                request = pb.ImportStoreRequest(hash_key=hash_key, partitions=1, merge=True,
                                                entries=[pb.StoreEntry(**{**good, **changes})])
                refusal = refusal_of(lambda request, **options: list(stubs.admin.ImportStore(iter([request]), **options)),
                                     request)
                self.assertEqual((refusal.code.name, refusal.fields), ("INVALID_ARGUMENT", [field]))
        for changes in ({"space": pb.STORE_SPACE_SUBJECT}, {"space": pb.STORE_SPACE_CHECK}, {"expires_at_ms": 0}):
            request = pb.ImportStoreRequest(hash_key=hash_key, partitions=1, entries=[pb.StoreEntry(**{**good, **changes})])
            refusal = refusal_of(lambda request, **options: list(stubs.admin.ImportStore(iter([request]), **options)),
                                 request)
            self.assertEqual(refusal.fields, ["entries[0].data"])

    def test_a_token_that_the_server_has_not_given_is_refused(self):
        for server in (self.sqlite(), self.redis()):
            stubs = server.stubs()
            for token in (b"x", b"\0\1", b"\0\0x", b"\0\0" + b"S" * 17, b"\0\0" + b"R" * 16, b"x" * 200):
                refusal = refusal_of(stubs.admin.GetStoreStats, pb.GetStoreStatsRequest(page_token=token))
                self.assertEqual(refusal.code.name, "INVALID_ARGUMENT", token)
                refusal = refusal_of(lambda request, **options: list(stubs.admin.CheckStore(request, **options)),  # pylint: disable=cell-var-from-loop
                                     pb.CheckStoreRequest(resume_token=token))
                self.assertEqual(refusal.code.name, "INVALID_ARGUMENT", token)


class Looking(StoreTestCase):
    def test_statistics_count_what_was_written(self):
        for server in (self.sqlite(), self.redis()):
            names = self.fill(server)
            status, output, errors = passgate(server, "store", "stats", "-o", "json")
            self.assertEqual(status, 0, errors)
            answer = json.loads(output)
            spaces = [partition["spaces"] for partition in answer["partitions"]]
            self.assertEqual(sum(space.get("subject", {"values": 0})["values"] for space in spaces), len(names))
            self.assertGreater(sum(space.get("claim", {"values": 0})["values"] for space in spaces), 0)
            self.assertTrue(all(partition["epoch"] > 0 for partition in answer["partitions"]))
            status, output, errors = passgate(server, "store", "stats")
            self.assertEqual(status, 0, errors)
            self.assertIn("subject", output)

    def test_a_stream_that_ends_for_its_age_is_gone_on_with(self):
        server, home = self.sqlite(**{"rpc-connection-grace": "1s"}), self.sqlite(**{"rpc-connection-grace": "1s"})
        names = self.fill(server)
        wanted, examined = self.answers(server, names), self.assert_clean(server)["examined"]
        for slow in (server, home):
            slow.stop()
            slow.start(failpoints="slow_store_read=delay:120")
        self.assertEqual(self.assert_clean(server)["examined"], examined)
        file = self.export(server)
        self.assertEqual(len(file.read_bytes().splitlines()) - 2, examined - 7)  # but for the claim cache
        self.assert_imports(home, file)
        self.assertEqual(self.answers(home, names), wanted)

    def test_what_is_damaged_is_named_and_not_exported(self):
        server = self.redis()
        names = self.fill(server)
        socket = str(server.flags["store-url"]).partition(":")[2]

        def redis(*words):
            return subprocess.run(["redis-cli", "-s", socket, *words], capture_output=True, text=True, check=True).stdout

        subjects = redis("KEYS", "passgate:{p00}:*:1:*").split()
        checks = redis("KEYS", "passgate:{p00}:*:3:*").split()
        self.assertEqual(len(subjects), len(names))
        redis("COPY", subjects[0], subjects[1], "REPLACE")
        redis("SETRANGE", subjects[2], "34", "\x7f")  # the format of the record
        redis("DEL", *checks[4:])
        redis("SET", checks[0], "garbage")
        redis("COPY", checks[1], checks[2], "REPLACE")
        redis("DEL", subjects[3])
        redis("LPUSH", subjects[3], "a list")
        status, output, _ = passgate(server, "store", "check", "-o", "json")
        self.assertEqual(status, 1)
        found = {}
        for finding in json.loads(output)["findings"]:
            found.setdefault(finding["problem"], set()).add(finding["hash"])
        self.assertEqual(found["VALUE_FOREIGN"], {subjects[1][-32:], checks[2][-32:]})
        self.assertEqual(found["VALUE_MALFORMED"], {subjects[3][-32:], checks[0][-32:]})
        self.assertEqual(found["DATA_UNREADABLE"], {subjects[2][-32:]})
        self.assertGreaterEqual(len(found["CHECK_MISSING"]), PERSONS // 2)
        status, output, errors = passgate(server, "store", "export", self.file(), "-o", "json")
        self.assertEqual((status, json.loads(output)["damaged"]), (1, 4), errors)

    def test_it_is_for_operators_and_goes_on_record(self):
        server = self.sqlite()
        for words in (("stats",), ("check",), ("export", self.file())):
            self.assertEqual(passgate(server, "store", *words)[0], 0)
        server.stop()
        log = b"".join(path.read_bytes() for path in (server.folder / "passgate-data").rglob("*.pgaudit"))
        for method in (b"GetStoreStats", b"CheckStore", b"ExportStore"):
            self.assertIn(method, log)


if __name__ == "__main__":
    main()
