#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Directives from a folder: what is in force after a file has changed, is broken, or is gone."""
import time

from passgate_protos import CALL_SECONDS, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import EXAMPLES, Server, ServerTestCase, main

RESOURCES = "resources:\n  - {id: model/fable-5, base: allow}\n  - {id: model/opus-4, base: allow}\n"


def directive(name="abroad", country="USA", extra="", title="Where it may be used"):
    return f"""\
directive: {name}
language: 1
title: {title}
authority: {{text: "letter of 2026-06-12"}}
effective: {{from: 2026-06-12T17:21:00-04:00}}
{extra}
resources: ["model/fable-5"]
require: {{location: {{in: [{country}]}}}}
"""


LIFTED_LATER = 'lifted: {at: 2099-03-01T00:00:00Z, authority: {text: "letter of 2026-06-30"}}'
LIFTED = 'lifted: {at: 2026-06-30T20:00:00-04:00, authority: {text: "letter of 2026-06-30"}}'


class FolderTestCase(ServerTestCase):
    """A server of its own for each test: what is in force is remembered."""

    directives = {"resources.yaml": RESOURCES, "abroad.yaml": directive()}
    poll = "100ms"

    @classmethod
    def setUpClass(cls):
        pass

    def setUp(self):
        self.server.start()
        self.connect()

    def run(self, result=None):
        self.server = Server(flags={"directives-poll": self.poll, "store-read-timeout": "10s"},
                             directives=self.directives)
        self.addCleanup(self.server.close)
        return super().run(result)

    def connect(self):
        self.stubs = self.server.stubs()

    def restart(self):
        self.server.stop()
        self.server.start()
        self.connect()

    def info(self):
        return self.stubs.admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS)

    def check(self, resource="model/fable-5", location="USA"):
        return self.stubs.entitlement.CheckEntitlement(
            check("anybody", resource, location=location, want_reasons=True), timeout=CALL_SECONDS)

    def decision(self, *arguments, **options):
        return pb.Decision.Name(self.check(*arguments, **options).decision).removeprefix("DECISION_")

    def put(self, **files):
        """Replace the folder: abroad="…" is the file abroad.yaml; None leaves one out."""
        content = dict(self.directives)
        for name, text in files.items():
            content[name + ".yaml"] = text
        self.server.set_directives({name: text for name, text in content.items() if text is not None})

    def wait_for_set(self, number):
        self.server.wait_until(lambda: self.info().directive_set == number, f"directive set {number}", seconds=20)

    def wait_for_event(self, event, since):
        return self.server.wait_for_log(lambda line: line.get("event") == event, since=since, seconds=20)


class Reloading(FolderTestCase):
    def test_a_changed_file_is_in_force_a_moment_later(self):
        self.assertEqual(self.info().directive_set, 1)
        self.assertEqual((self.decision(location="USA"), self.decision(location="DEU")), ("ALLOW", "DENY"))
        self.put(abroad=directive(country="DEU"))
        self.wait_for_set(2)
        self.assertEqual((self.decision(location="USA"), self.decision(location="DEU")), ("DENY", "ALLOW"))
        self.assertEqual([(finding.directive, finding.version) for finding in self.check().directives],
                         [("abroad", 2)])
        self.assertEqual(self.server.counted("passgate_directive_set_number"), 2)

    def test_another_file_is_another_set_and_the_same_versions(self):
        self.put(more=directive("more", "CAN"))
        self.wait_for_set(2)
        self.assertEqual([(finding.directive, finding.version) for finding in self.check().directives],
                         [("abroad", 1), ("more", 1)])
        self.assertEqual(self.info().directive_count, 2)

    def test_a_file_that_is_written_again_as_it_was_changes_nothing(self):
        digest = self.info().directive_set_digest
        begin = len(self.server.lines)
        self.put()
        self.wait_for_event("directive.in_force", begin)
        self.assertEqual((self.info().directive_set, self.info().directive_set_digest), (1, digest))

    def test_calls_that_run_meanwhile_all_get_an_answer(self):
        for number in range(2, 8):
            self.put(abroad=directive(country="DEU" if number % 2 == 0 else "USA"))
            while self.info().directive_set < number:
                for _ in range(20):
                    answer = self.check()
                    self.assertEqual(answer.decision == pb.DECISION_ALLOW, answer.directive_set % 2 == 1, answer)

    def test_a_lifted_directive_binds_nobody_and_may_go(self):
        self.put(abroad=directive(extra=LIFTED))
        self.wait_for_set(2)
        self.assertEqual(self.decision(location="DEU"), "ALLOW")
        self.put(abroad=None)
        self.wait_for_set(3)
        self.assertEqual(self.info().directive_count, 0)
        self.put()
        self.wait_for_set(4)
        self.assertEqual([finding.version for finding in self.check().directives], [3], "a new version")


class Refusing(FolderTestCase):
    def refuse(self, finding, **files):
        """Put files that must be refused; the log line of the finding."""
        begin = len(self.server.lines)
        before = self.info()
        self.put(**files)
        self.wait_for_event("directive.refused", begin)
        line = self.server.wait_for_log(lambda line: finding in str(line), since=begin, seconds=20)
        after = self.info()
        self.assertEqual((after.directive_set, after.directive_set_digest),
                         (before.directive_set, before.directive_set_digest))
        self.assertEqual((self.decision(location="USA"), self.decision(location="DEU")), ("ALLOW", "DENY"))
        self.assertEqual(self.server.get("ops", "/readyz")[0], 200)
        self.assertGreaterEqual(self.server.counted('passgate_directive_loads_total{result="failure"}'), 1)
        return line

    def test_a_broken_file_keeps_the_last_good_set_and_is_told_with_its_line(self):
        broken = directive().replace("require:", "reqire:")
        line = self.refuse("reqire", abroad=broken)
        self.assertTrue(line["file"].endswith("abroad.yaml"), line)
        self.assertEqual(line["line"], broken.splitlines().index('reqire: {location: {in: [USA]}}') + 1)
        self.put()
        self.server.wait_until(lambda: self.server.counted('passgate_directive_loads_total{result="success"}') >= 1,
                               "the good file")

    def test_one_broken_file_refuses_the_whole_change(self):
        self.refuse("nowhere", abroad=directive(country="DEU"), more=directive("more", "nowhere"))

    def test_all_errors_are_told_at_once(self):
        begin = len(self.server.lines)
        self.refuse("XX9", one=directive("one", "XX9"), two=directive("two", "YY9"))
        self.server.wait_for_log(lambda line: "YY9" in str(line), since=begin, seconds=20)

    def test_yaml_that_is_none_is_refused(self):
        self.refuse("more.yaml", more="directive: [\n")

    def test_a_directive_in_force_is_not_lifted_by_removing_its_file(self):
        line = self.refuse("its file is gone", abroad=None)
        self.assertIn("abroad", str(line))
        self.assertIn("lift it in the file", str(line))

    def test_a_directive_that_is_to_be_lifted_needs_its_file_until_then(self):
        self.put(abroad=directive(extra=LIFTED_LATER))
        self.wait_for_set(2)
        line = self.refuse("its file is gone", abroad=None)
        self.assertIn("abroad is lifted at 2099-03-01T00:00:00", str(line))

    def test_an_empty_folder_lifts_nothing(self):
        self.refuse("its file is gone", abroad=None, resources=None)

    def test_a_server_does_not_start_without_a_directive_that_was_in_force(self):
        self.server.stop()
        self.put(abroad=None)
        with self.assertRaises(AssertionError) as failure:
            self.server.start()
        self.assertIn("its file is gone", str(failure.exception))
        self.assertGreater(self.server.process.wait(20), 0)
        self.server.process = None

    def test_a_server_does_not_start_with_a_broken_file(self):
        self.server.stop()
        self.put(abroad=directive().replace("require:", "reqire:"))
        with self.assertRaises(AssertionError) as failure:
            self.server.start()
        self.assertRegex(str(failure.exception), r'abroad\.yaml","line":\d+,"column":\d+,"finding":".*reqire')
        self.assertEqual(self.server.process.wait(20), 2)
        self.server.process = None


class Signals(FolderTestCase):
    poll = "1h"

    def test_a_hangup_looks_at_the_folder_at_once(self):
        time.sleep(1)  # a server that has just started takes a first look
        self.put(abroad=directive(country="DEU"))
        self.assertEqual(self.info().directive_set, 1)
        self.server.reload()
        self.wait_for_set(2)
        self.assertEqual(self.decision(location="DEU"), "ALLOW")

    def test_many_hangups_at_once_do_no_harm(self):
        for number in range(50):
            self.server.reload()
            self.assertEqual(self.decision(), "ALLOW", number)


class Remembering(FolderTestCase):
    def test_numbers_and_versions_outlive_a_restart(self):
        self.put(abroad=directive(country="DEU"))
        self.wait_for_set(2)
        digest = self.info().directive_set_digest
        self.restart()
        self.assertEqual((self.info().directive_set, self.info().directive_set_digest), (2, digest))
        self.assertEqual([finding.version for finding in self.check().directives], [2])
        self.server.stop()
        self.put(abroad=directive(country="CAN"))
        self.server.start()
        self.connect()
        self.assertEqual(self.info().directive_set, 3)
        self.assertEqual([finding.version for finding in self.check().directives], [3])

    def test_a_revision_of_before_the_restart_is_good_after_it(self):
        name = fresh("alice")
        written = self.stubs.verification.SubmitVerification(submission(name, passport("USA")), timeout=CALL_SECONDS)
        self.restart()
        answer = self.stubs.entitlement.CheckEntitlement(
            check(name, "model/fable-5", min_revision=written.revision), timeout=CALL_SECONDS)
        self.assertEqual(answer.decision, pb.DECISION_ALLOW)


class Examples(FolderTestCase):
    directives = EXAMPLES / "directives" / "2026-06-12"

    def test_the_case_of_june_goes_through_its_three_versions(self):
        name = fresh("alice")
        self.stubs.verification.SubmitVerification(submission(name, passport("USA")), timeout=CALL_SECONDS)
        for number, version in enumerate(("2026-06-12", "2026-06-26", "2026-06-30"), 1):
            self.server.set_directives(EXAMPLES / "directives" / version)
            self.wait_for_set(number)
            abroad = self.stubs.entitlement.CheckEntitlement(
                check(name, "model/fable-5", location="DEU", want_reasons=True), timeout=CALL_SECONDS)
            self.assertEqual(abroad.decision, pb.DECISION_ALLOW if number == 3 else pb.DECISION_DENY)
            self.assertEqual([finding.version for finding in abroad.directives], [number] if number < 3 else [])


if __name__ == "__main__":
    main()
