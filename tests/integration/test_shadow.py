#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Directives that are tried on live traffic: on record, counted, shown to those who may see them, and in no answer."""
import base64
import json
import subprocess
import threading
import time
import unittest

from passgate_protos import CALL_SECONDS, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import Server, ServerTestCase, find_program, main

RESOURCES = "resources:\n  - {id: model/fable-5, base: allow}\n  - {id: model/opus-4, base: allow}\n"
FLUSH_SECONDS = 10


def directive(name="abroad", require="{location: {in: [USA]}}", resource="model/fable-5", start="2026-06-12T17:21:00-04:00"):
    return f"""\
directive: {name}
language: 1
title: Where it may be used
authority: {{text: "letter of 2026-06-12"}}
effective: {{from: {start}}}
resources: ["{resource}"]
require: {require}
"""


IN_FORCE = {"resources.yaml": RESOURCES, "abroad.yaml": directive()}
# Tried in the place of what is in force, before it begins; needs what nobody had to say.
NARROWER = directive(require="{all: [{location: {in: [USA]}}, {context: {key: purpose, in: [research]}}]}",
                     start="2099-01-01T00:00:00Z")
ANYWHERE = '{location: any, location_authority: {text: "letter of 2026-06-12"}}'
LOOSER = directive(require="{location: {in: [USA, DEU]}}")


class ShadowTestCase(ServerTestCase):
    """A server of its own for each test, with a folder of what is tried."""

    directives = IN_FORCE
    shadow = {}
    flags = {}

    @classmethod
    def setUpClass(cls):
        pass

    def run(self, result=None):
        self.server = Server(flags={"directives-shadow-folder": "shadow", **self.flags}, directives=self.directives)
        self.addCleanup(self.server.close)
        self.folder = self.server.folder / "shadow"
        if self.shadow:
            self.try_files(**self.shadow)
        return super().run(result)

    def setUp(self):
        self.server.start()
        self.stubs = self.server.stubs()

    def try_files(self, **files):
        """Exactly these; each changes in one step."""
        self.folder.mkdir(exist_ok=True)
        for name, text in files.items():
            fresh_file = self.server.folder / f"{name}.new"
            fresh_file.write_text(text, encoding="utf-8")
            fresh_file.rename(self.folder / f"{name}.yaml")
        for path in self.folder.iterdir():
            if path.stem not in files:
                path.unlink()

    def wait_for_event(self, event, since):
        return self.server.wait_for_log(lambda line: line.get("event") == event, since=since, seconds=20)

    def put(self, **files):
        """Tries them, and waits until they are."""
        begin = len(self.server.lines)
        self.try_files(**files)
        self.wait_for_event("shadow.tried" if files else "shadow.none", begin)
        self.server.wait_until(lambda: self.info().shadow_directive_count == len(files), "all files", seconds=20)

    def info(self):
        return self.stubs.admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS)

    def check(self, location="USA", resource="model/fable-5", **changes):
        return self.stubs.entitlement.CheckEntitlement(check("anybody", resource, location=location, **changes),
                                                       timeout=CALL_SECONDS)

    def record_of(self, decision_id, **filters):
        """Once it is on disk; None when the filters leave it out."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while True:
            records = [record for message in self.stubs.audit.ListDecisions(
                pb.ListDecisionsRequest(all_kinds=True), timeout=CALL_SECONDS) for record in message.records]
            if any(record.decision_id == decision_id for record in records):
                break
            self.assertLess(time.monotonic(), deadline, "it never comes to disk")
        listed = [record for message in self.stubs.audit.ListDecisions(
            pb.ListDecisionsRequest(**filters), timeout=CALL_SECONDS) for record in message.records]
        return next((record for record in listed if record.decision_id == decision_id), None)

    def shadow_of(self, answer):
        record = self.record_of(answer.decision_id)
        return record.items[0].shadow if record.items[0].HasField("shadow") else None

    def compared(self, comparison):
        return self.server.counted(f'passgate_shadow_decisions_total{{comparison="{comparison}"}}')


class Trying(ShadowTestCase):
    def test_what_narrows_is_on_record_and_the_answer_is_what_it_was(self):
        self.put(abroad=NARROWER)
        answer = self.check()
        self.assertEqual(answer.decision, pb.DECISION_ALLOW)
        record = self.record_of(answer.decision_id, shadow_differs=True)
        shadow = record.items[0].shadow
        self.assertEqual((shadow.truth, shadow.reason, shadow.comparison, shadow.directive),
                         (pb.TRUTH_UNKNOWN, pb.REASON_CONTEXT_REQUIRED, pb.SHADOW_COMPARISON_NARROWS, "abroad"))
        self.assertRegex(shadow.directive_digest, "^[0-9a-f]{64}$")
        self.assertEqual(record.shadow_set_digest, self.info().shadow_set_digest)
        self.assertEqual(self.compared("narrows"), 1)

    def test_what_loosens_lets_nobody_in(self):
        self.put(abroad=LOOSER)
        answer = self.check(location="DEU")
        self.assertEqual((answer.decision, answer.reason), (pb.DECISION_DENY, pb.REASON_NOT_PERMITTED))
        shadow = self.shadow_of(answer)
        self.assertEqual((shadow.truth, shadow.comparison), (pb.TRUTH_TRUE, pb.SHADOW_COMPARISON_LOOSENS))
        self.assertEqual(self.compared("loosens"), 1)

    def test_what_needs_more_facts_calls_unknown_what_it_does_not_know(self):
        self.put(more=directive("more", f"{{all: [{{foreign_person: {{regime: ear_772_1, is: false}}}}, {ANYWHERE}]}}"))
        answer = self.check()
        self.assertEqual(answer.decision, pb.DECISION_ALLOW)
        shadow = self.shadow_of(answer)
        self.assertEqual((shadow.truth, shadow.reason, shadow.directive),
                         (pb.TRUTH_UNKNOWN, pb.REASON_VERIFICATION_REQUIRED, "more"))

    def test_what_agrees_is_on_record_and_left_out_of_the_differences(self):
        self.put(abroad=LOOSER)
        answer = self.check(location="USA")
        self.assertEqual(self.shadow_of(answer).comparison, pb.SHADOW_COMPARISON_AGREES)
        self.assertIsNone(self.record_of(answer.decision_id, shadow_differs=True))
        self.assertEqual(self.compared("agrees"), 1)

    def test_what_it_does_not_concern_has_none(self):
        self.put(abroad=NARROWER)
        answer = self.check(resource="model/opus-4")
        self.assertIsNone(self.shadow_of(answer))
        self.assertEqual(self.record_of(answer.decision_id).shadow_set_digest, "")

    def test_an_explanation_says_what_would_be_answered(self):
        self.put(abroad=NARROWER)
        answer = self.stubs.entitlement.ExplainEntitlement(
            pb.ExplainEntitlementRequest(check=check("anybody", "model/fable-5", location="USA")), timeout=CALL_SECONDS)
        self.assertEqual(answer.decision.decision, pb.DECISION_ALLOW)
        self.assertEqual((answer.shadow.comparison, answer.shadow.directive),
                         (pb.SHADOW_COMPARISON_NARROWS, "abroad"))
        tried, = answer.parties[0].tried_directives
        self.assertEqual((tried.directive, tried.version, tried.truth), ("abroad", 0, pb.TRUTH_UNKNOWN))
        self.assertEqual([test.truth for test in tried.require], [pb.TRUTH_UNKNOWN, pb.TRUTH_TRUE, pb.TRUTH_UNKNOWN])
        self.assertEqual([directive.version for directive in answer.parties[0].directives], [1])

    def test_a_batch_and_a_stream_are_compared_as_well(self):
        self.put(abroad=LOOSER)
        batch = self.stubs.entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(
            checks=[check("anybody", "model/fable-5", location=place) for place in ("USA", "DEU")] +
            [check("anybody", "model/opus-4")]), timeout=CALL_SECONDS)
        self.assertEqual([item.shadow.comparison for item in self.record_of(batch.decision_id).items],
                         [pb.SHADOW_COMPARISON_AGREES, pb.SHADOW_COMPARISON_LOOSENS, pb.SHADOW_COMPARISON_UNSPECIFIED])
        stream = self.stubs.entitlement.StreamCheckEntitlements(iter([pb.StreamCheckEntitlementsRequest(
            id=1, check=check("anybody", "model/fable-5", location="DEU"))]), timeout=CALL_SECONDS)
        self.assertEqual([item.decision.decision for item in stream], [pb.DECISION_DENY])
        self.assertEqual(self.compared("loosens"), 2)

    def test_what_is_tried_is_on_record_with_its_digest(self):
        self.put(abroad=NARROWER, more=directive("more", resource="model/opus-4"))
        info = self.info()
        self.assertEqual((info.directive_count, info.shadow_directive_count), (1, 2))
        answer = self.check()
        self.record_of(answer.decision_id)
        activated = [record for message in self.stubs.audit.ListDecisions(
            pb.ListDecisionsRequest(all_kinds=True), timeout=CALL_SECONDS) for record in message.records
            if record.kind == "shadow_activated"]
        self.assertEqual(activated[-1].shadow_set_digest, info.shadow_set_digest)
        self.assertEqual([line.split(" ")[0] for line in activated[-1].ids], ["abroad", "more"])

    def test_an_explanation_of_what_is_not_concerned_has_none(self):
        self.put(abroad=NARROWER)
        answer = self.stubs.entitlement.ExplainEntitlement(
            pb.ExplainEntitlementRequest(check=check("anybody", "model/opus-4")), timeout=CALL_SECONDS)
        self.assertFalse(answer.HasField("shadow"))
        self.assertFalse(answer.parties[0].tried_directives)


class Reloading(ShadowTestCase):
    shadow = {"abroad": LOOSER}

    def test_a_broken_file_keeps_what_was_tried_and_is_told_with_its_line(self):
        digest = self.info().shadow_set_digest
        self.assertTrue(digest)
        begin = len(self.server.lines)
        self.try_files(abroad=LOOSER.replace("require:", "reqire:"))
        self.wait_for_event("shadow.refused", begin)
        line = self.wait_for_event("shadow.finding", begin)
        self.assertTrue(line["file"].endswith("shadow/abroad.yaml"), line)
        self.assertEqual(self.info().shadow_set_digest, digest)
        self.assertEqual(self.shadow_of(self.check("DEU")).comparison, pb.SHADOW_COMPARISON_LOOSENS)
        self.assertEqual(self.server.get("ops", "/readyz")[0], 200)
        self.assertGreaterEqual(self.server.counted('passgate_shadow_directive_loads_total{result="failure"}'), 1)

    def test_another_set_in_force_is_tried_with_the_same_files(self):
        before = self.info()
        begin = len(self.server.lines)
        self.server.set_directives({**IN_FORCE, "more.yaml": directive("more", resource="model/opus-4")})
        self.wait_for_event("shadow.tried", begin)
        after = self.info()
        self.assertEqual((before.directive_set, after.directive_set), (1, 2))
        self.assertNotEqual(before.shadow_set_digest, after.shadow_set_digest)
        self.assertEqual(self.shadow_of(self.check("DEU")).comparison, pb.SHADOW_COMPARISON_LOOSENS)

    def test_what_is_taken_out_of_the_folder_is_not_tried_any_more(self):
        self.put()
        self.assertEqual((self.info().shadow_set_digest, self.info().shadow_directive_count), ("", 0))
        self.assertIsNone(self.shadow_of(self.check("DEU")))
        self.assertEqual(self.server.counted("passgate_shadow_directives"), 0)

    def test_calls_that_run_meanwhile_all_get_the_answer_of_what_is_in_force(self):
        stop, answers = threading.Event(), []

        def ask():
            while not stop.is_set():
                answers.append(self.check("USA").decision)

        callers = [threading.Thread(target=ask) for _ in range(3)]
        for caller in callers:
            caller.start()
        try:
            for number in range(6):
                self.put(abroad=(NARROWER, LOOSER)[number % 2])
                self.put()
        finally:
            stop.set()
            for caller in callers:
                caller.join()
        self.assertEqual(set(answers), {pb.DECISION_ALLOW})
        self.assertGreater(self.compared("narrows") + self.compared("agrees"), 0)

    def test_a_file_moved_into_force_agrees(self):
        begin = len(self.server.lines)
        self.server.set_directives({**IN_FORCE, "abroad.yaml": LOOSER})
        self.wait_for_event("shadow.tried", begin)
        answer = self.check("DEU")
        self.assertEqual(answer.decision, pb.DECISION_ALLOW)
        self.assertEqual(self.shadow_of(answer).comparison, pb.SHADOW_COMPARISON_AGREES)


class Starting(ShadowTestCase):
    shadow = {"abroad": LOOSER.replace("require:", "reqire:")}

    def test_a_broken_file_does_not_keep_the_server_from_starting(self):
        self.assertEqual(self.check().decision, pb.DECISION_ALLOW)
        self.assertEqual(self.info().shadow_set_digest, "")
        self.server.wait_for_log(lambda line: line.get("event") == "shadow.finding")
        self.put(abroad=LOOSER)
        self.assertEqual(self.shadow_of(self.check("DEU")).comparison, pb.SHADOW_COMPARISON_LOOSENS)


class CommandLine(ShadowTestCase):
    shadow = {"abroad": NARROWER}

    def passgate(self, *arguments):
        program = find_program("PASSGATE", "client/cli/passgate")
        return subprocess.run([program, *arguments], cwd=self.server.folder, capture_output=True, text=True,
                              timeout=CALL_SECONDS, check=True).stdout

    def test_the_differences_are_listed_from_the_files(self):
        narrowed, agreed = self.check(), self.check("DEU")
        self.record_of(agreed.decision_id)
        log = "passgate-data/audit"
        lines = [json.loads(line) for line in
                 self.passgate("audit", "list", log, "--shadow-differs", "-o", "json").splitlines()]
        self.assertEqual([line["id"] for line in lines], [narrowed.decision_id])
        item, = lines[0]["items"]
        self.assertEqual((item["outcome"], item["shadow"]["outcome"], item["shadow"]["comparison"],
                          item["shadow"]["directive"]), ("allow", "deny", "narrows", "abroad"))
        self.assertEqual(lines[0]["shadowSet"], self.info().shadow_set_digest)
        self.assertIn("shadow narrows: CONTEXT_REQUIRED by abroad",
                      self.passgate("audit", "list", log, "--shadow-differs"))
        self.assertIn("shadow_activated", self.passgate("audit", "list", log))
        asked = self.passgate("audit", "list", "--shadow-differs", "-o", "json", "--server", self.server.address)
        for key in ("id", "items", "shadowSet"):
            self.assertEqual([json.loads(line)[key] for line in asked.splitlines()], [line[key] for line in lines])

    def test_the_differences_are_listed_from_the_server_as_from_the_files(self):
        narrowed, agreed = self.check(), self.check("DEU")
        self.record_of(agreed.decision_id)
        command = ("audit", "list", "--shadow-differs", "-o", "json")
        listed = [json.loads(line) for line in self.passgate(*command, "--server", self.server.address).splitlines()]
        read = [json.loads(line) for line in self.passgate(*command, "passgate-data/audit").splitlines()]
        self.assertEqual([line["id"] for line in listed], [narrowed.decision_id])
        self.assertEqual(([item["shadow"] for item in listed[0]["items"]], listed[0]["shadowSet"]),
                         ([item["shadow"] for item in read[0]["items"]], read[0]["shadowSet"]))

    def test_a_folder_of_what_is_tried_is_linted_as_any_other(self):
        self.assertIn("0 errors", self.passgate("directive", "lint", "shadow"))

    def test_the_server_says_what_is_tried(self):
        self.assertIn("tried:", self.passgate("server", "info", "--server", self.server.address))


class Unseen(unittest.TestCase):
    """The same calls to a server that tries much and to one that tries nothing."""

    @classmethod
    def setUpClass(cls):
        cls.names = [fresh(what) for what in ("usa", "deu", "nobody")]

    def answers(self, shadow):
        server = Server(flags={"directives-shadow-folder": "shadow"} if shadow else {},
                        directives=IN_FORCE)
        self.addCleanup(server.close)
        for name, text in shadow.items():
            (server.folder / "shadow").mkdir(exist_ok=True)
            (server.folder / "shadow" / name).write_text(text, encoding="utf-8")
        server.start()
        self.assertEqual(bool(shadow), bool(server.counted("passgate_shadow_directives")))
        stubs = server.stubs()
        for name, country in zip(self.names, ("USA", "DEU")):
            stubs.verification.SubmitVerification(submission(name, passport(country)), timeout=CALL_SECONDS)
        checks = [check(name, resource, location=location, want_reasons=True)
                  for name in self.names for resource in ("model/fable-5", "model/opus-4", "model/none")
                  for location in ("USA", "DEU")]
        found = []
        for question in checks:
            question.want_receipt = True
            found.append(self.without_ids(stubs.entitlement.CheckEntitlement(question, timeout=CALL_SECONDS)))
            question.want_receipt = question.want_reasons = False
        batch = stubs.entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(checks=checks),
                                                         timeout=CALL_SECONDS)
        self.assertEqual(bool(shadow), server.counted(
            'passgate_shadow_decisions_total{comparison="narrows"}') > 0, "something was compared")
        found.append(self.without_ids(batch))
        found.append(self.without_ids(stubs.entitlement.ListEntitlements(pb.ListEntitlementsRequest(
            subject=self.names[0], action="use"), timeout=CALL_SECONDS)))
        server.stop()
        return found

    def without_ids(self, answer):
        """Its bytes, and what its receipt says, without what no two answers have in common: ids and times."""
        receipt = {}
        if getattr(answer, "receipt", ""):
            body = answer.receipt.split(".")[1]
            receipt = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            for name in ("jti", "iat", "sub"):
                receipt.pop(name)
            for name in ("evaluated_at", "revision"):
                receipt["passgate_decision"].pop(name)
            answer.receipt = ""
        for part in (answer, *getattr(answer, "decisions", ())):
            for name in ("evaluated_at", "facts_age", "decision_id", "revision"):
                if name in part.DESCRIPTOR.fields_by_name:
                    part.ClearField(name)
        return answer.SerializeToString(deterministic=True), json.dumps(receipt, sort_keys=True)

    def test_answers_are_the_same_to_the_byte_whatever_is_tried(self):
        shadow = {"abroad.yaml": NARROWER, "opus.yaml": directive("opus", f"{{all: [{{citizen_of: {{any: [DEU]}}}}, {ANYWHERE}]}}", "model/opus-4"),
                  "resources.yaml": "resources: [{id: model/none, base: allow}]\n"}
        self.assertEqual(self.answers({}), self.answers(shadow))


if __name__ == "__main__":
    main()
