#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad files: JSON that is none as input of `passgate submit`, and directives with every field blanked in turn."""
import json
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from google.protobuf import json_format

from passgate_protos import CALL_SECONDS, ROOT, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import SANITIZER_WORDS, ServerTestCase, find_program, main

VECTORS = ROOT / ".." / "shared" / "vectors" / "jsontestsuite"
EXIT_REFUSED, EXIT_ERROR = 1, 2

# A directive that uses every key of the language.  JSON is YAML: so each field can be blanked without a YAML writer.
DIRECTIVE = {
    "directive": "bis-is-informed-2026-06-12",
    "language": 1,
    "title": "Foreign persons, two models",
    "authority": {"text": "15 CFR 744.22(b), letter of 2026-06-12", "document_sha256": "ab" * 32,
                  "received": "2026-06-12T17:21:00-04:00"},
    "effective": {"from": "2026-06-12T17:21:00-04:00", "until": "2036-06-12T17:21:00-04:00"},
    "lifted": {"at": "2035-06-30T20:00:00-04:00", "authority": {"text": "letter of 2035-06-30"}},
    "resources": ["model/fable-5", "model/mythos-5"],
    "actions": ["use", "read"],
    "require": {"all": [{"foreign_person": {"regime": "ear_772_1", "is": False}}, {"location": {"in": ["USA"]}},
                        {"any": [{"not": {"citizen_of": {"any": ["CUB"]}}}, {"subject_kind": {"any": ["employee"]}}]}]},
    "proof": "document_authenticated",
    "exempt": [{"when": {"affiliated_with": {"organizations": ["self"], "as": ["employee"]}},
                "resources": ["model/mythos-5"], "from": "2026-06-26T18:00:00-04:00",
                "until": "2036-06-26T18:00:00-04:00",
                "authority": {"text": "letter of 2026-06-26", "document_sha256": "cd" * 32}, "waives": ["require"]}],
    "unverified": {"obligation": "verify", "accept": ["passport", "permanent_resident_card"]},
    "stale": "deny",
    "record": "durable",
    "instead": ["model/opus-4"],
    "notice": {"en": "Access to this model is limited.", "url": "https://example.com/notice"},
    "appeal": {"url": "https://example.com/appeal"},
}
RESOURCES = {"resources": [{"id": "model/fable-5", "base": "allow"}, {"id": "model/mythos-5", "base": "allow"},
                           {"id": "model/opus-4", "base": "deny"}]}


def places(node, path=()):
    """Paths to every value below the top."""
    if path:
        yield path
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from places(node[key], (*path, key))


def with_value(node, path, value):
    """A copy in which the value at the path is another."""
    copy = json.loads(json.dumps(node))
    parent = copy
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return copy


def text_of(node, path=(), blank=None):
    """A YAML file, one key of the top a line; at the path stands `blank` as it is."""
    marker = "@blank@"
    content = with_value(node, path, marker) if path else node
    lines = [f"{key}: {json.dumps(value)}" for key, value in content.items()]
    return "\n".join(lines).replace(f'"{marker}"', blank or "") + "\n"


# What may stand where a value was: nothing, an empty text, an empty list, an empty mapping.
BLANKS = ["", '""', "[]", "{}", "null"]


def variants(node, blanks):
    """Every value blanked in every way.  Nothing in place of an element of a list is no blank: `[a, ]` has one."""
    for path in places(node):
        for blank in blanks:
            if blank or not isinstance(path[-1], int):
                yield path, blank


class Files(ServerTestCase):
    flags = {"directives-poll": "1h"}
    directives = {"directive.yaml": text_of(DIRECTIVE), "resources.yaml": text_of(RESOURCES)}
    needs_control = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.passgate = find_program("PASSGATE", "client/cli/passgate")
        cls.folder = tempfile.TemporaryDirectory(prefix="passgate-files-")
        cls.addClassCleanup(cls.folder.cleanup)

    def tearDown(self):
        self.assert_answers()

    def assert_answers(self):
        answer = self.stubs.entitlement.CheckEntitlement(check("anybody", "model/fable-5"), timeout=CALL_SECONDS)
        self.assertEqual(pb.Reason.Name(answer.reason), "REASON_VERIFICATION_REQUIRED")

    def passgate_run(self, *arguments):
        if not self.passgate:
            self.skipTest("passgate is not built")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PASSGATE")}
        done = subprocess.run([self.passgate, "--server", self.server.address, "--timeout", f"{CALL_SECONDS}s",
                               *arguments], capture_output=True, text=True, errors="replace", check=False,
                              env=environment, stdin=subprocess.DEVNULL)
        said = done.stdout + done.stderr
        self.assertFalse(any(word in said for word in SANITIZER_WORDS), said)
        self.assertGreaterEqual(done.returncode, 0, said)
        return done.returncode, said

    def write(self, name, text):
        path = Path(self.folder.name) / name
        path.write_text(text, encoding="utf-8")
        return path

    def write_variants(self, node):
        """A file for each way to blank each field; by its path and blank."""
        return {(path, blank): self.write(f"{number}.yaml", text_of(node, path, blank))
                for number, (path, blank) in enumerate(variants(node, BLANKS))}

    def refuse_all(self, node):
        files = self.write_variants(node)
        with ThreadPoolExecutor(2) as pool:
            ends = pool.map(lambda path: self.passgate_run("directive", "lint", path), files.values())
        for ((path, blank), file), (status, said) in zip(files.items(), ends):
            with self.subTest(path=path, blank=blank):
                self.assertEqual(status, EXIT_ERROR, said)
                self.assertRegex(said, re.escape(str(file)) + r":\d+:\d+: error: ")

    def test_the_unspoilt_files_are_good(self):
        for node in (DIRECTIVE, RESOURCES):
            status, said = self.passgate_run("directive", "lint", self.write("good.yaml", text_of(node)))
            self.assertEqual(status, 0, said)

    def test_lint_finds_every_blank_in_a_directive(self):
        self.refuse_all(DIRECTIVE)

    def test_lint_finds_every_blank_in_a_declaration_of_resources(self):
        self.refuse_all(RESOURCES)

    def test_the_server_refuses_every_blank_and_keeps_what_it_has(self):
        digest = self.stubs.admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS).directive_set_digest
        for name, node in (("directive.yaml", DIRECTIVE), ("resources.yaml", RESOURCES)):
            for path, blank in variants(node, ("", '""')):
                with self.subTest(file=name, path=path, blank=blank):
                    begin = len(self.server.lines)
                    self.server.set_directives({**self.directives, name: text_of(node, path, blank)})
                    self.server.reload()
                    self.server.wait_for_log(lambda line: line.get("event") == "directive.refused", begin, 20)
                    found = self.server.wait_for_log(lambda line: line.get("event") == "directive.finding", begin, 20)
                    self.assertTrue(found["file"].endswith(".yaml") and found["line"] > 0, found)
                    self.assert_answers()
        info = self.stubs.admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS)
        self.assertEqual((info.directive_set, info.directive_set_digest), (1, digest))
        self.server.set_directives(self.directives)

    def test_what_is_no_json_is_no_submission(self):
        if not VECTORS.is_dir():
            self.skipTest("the JSON test suite is not beside the repository")
        files = sorted(VECTORS.glob("*.json"))
        self.assertGreater(len(files), 200)
        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(lambda path: self.passgate_run("submit", path), files))
        for file, (status, said) in zip(files, ends):
            with self.subTest(file.name):
                # "[]" is a list of nothing: nothing was refused.  "{}" is a message, which the server refuses.  No file of
                # the suite is a submission.
                content = file.read_bytes().translate(None, b" \t\r\n")
                self.assertEqual(status, {b"[]": 0, b"{}": EXIT_REFUSED}.get(content, EXIT_ERROR), said)
                self.assertTrue(said)
                if content == b"{}":
                    self.assertIn(".json:1:1: refused: subject: a required field is missing", said)

    def test_a_good_file_is_submitted_and_a_torn_one_is_not(self):
        request = submission(fresh("alice"), passport("USA"))
        text = json_format.MessageToJson(request)
        status, said = self.passgate_run("submit", self.write("good.json", text))
        self.assertEqual(status, 0, said)
        for length in range(0, len(text) - 1, 97):
            status, said = self.passgate_run("submit", self.write("torn.json", text[:length]))
            self.assertEqual(status, EXIT_ERROR, said)


if __name__ == "__main__":
    main()
