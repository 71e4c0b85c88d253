#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""passgate audit show: what an auditor is told about one decision, from the logs of real servers."""
import json
import subprocess
import unittest

from passgate_protos import CALL_SECONDS, pb
from passgate_samples import ago, check, fresh, passport, statement, submission
from passgate_server import Server, find_program, main, needs_own_server
from redis_store import RedisStore
from test_retention_key import make_pair

NUMBER = "M4RK3RN02"  # of a document: must be found nowhere
NAMES = ("EXAMPLE", "ANNA", "1991-07-19", "910719")
RESOURCE = "model/fable-5"


class AuditShowTestCase(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.servers = []

    def server(self, **flags):
        server = Server(flags={key.replace("_", "-"): value for key, value in flags.items()})
        self.addCleanup(server.close)
        self.servers.append(server)
        server.private, server.public = make_pair(server.folder, "retention")
        return server

    def begin(self, server, with_key=True, **flags):
        server.flags.update({key.replace("_", "-"): value for key, value in flags.items()})
        server.flags.pop("audit-retention-key-file", None)
        if with_key:
            server.flags["audit-retention-key-file"] = str(server.public)
        server.start()
        return server.stubs()

    @staticmethod
    def submit(stubs, subject, evidence):
        return stubs.verification.SubmitVerification(submission(subject, evidence), timeout=CALL_SECONDS)

    @staticmethod
    def ask(stubs, subject, **changes):
        return stubs.entitlement.CheckEntitlement(check(subject, RESOURCE, **changes), timeout=CALL_SECONDS)

    @staticmethod
    def audit_folder(server):
        return server.folder / "passgate-data" / "audit"

    def run_show(self, decision_id, *arguments):
        folders = [self.audit_folder(server) for server in self.servers]
        done = subprocess.run([find_program("PASSGATE", "client/cli/passgate"), "audit", "show", decision_id,
                               *map(str, folders), *map(str, arguments)], capture_output=True, text=True, check=False)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def report(self, decision_id, *arguments):
        done = self.run_show(decision_id, "-o", "json", *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def facts(self, decision_id, *arguments):
        (subject,) = self.report(decision_id, *arguments)["subjects"].values()
        return subject["facts"]

    @staticmethod
    def citizenships(facts):
        return [row["country"] for row in facts["known"]["citizenships"]]


class OneReplica(AuditShowTestCase):
    def test_everything_about_a_decision_is_told(self):
        server = self.server()
        stubs = self.begin(server)
        name = fresh("auditee")
        papers = passport("DEU", with_zone=True, number=NUMBER)
        papers.reviewer.id, papers.reviewer.documents_seen = "reviewer-07", "passport"
        evidence = self.submit(stubs, name, papers).evidence_id
        self.submit(stubs, name, statement(pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE))
        self.submit(stubs, name, statement(pb.STATEMENT_KIND_US_STATUS_NONE))
        stubs.verification.SetAffiliations(pb.SetAffiliationsRequest(
            request_id=fresh("request"), subject=name, organization="org/partner-a", complete=True,
            affiliations=[pb.Affiliation(affiliation_as=pb.AFFILIATION_AS_EMPLOYEE)]), timeout=CALL_SECONDS)
        answer = self.ask(stubs, name, on_behalf_of="org/partner-a")
        jwks = server.folder / "jwks.json"
        jwks.write_text(server.get("http", "/.well-known/jwks.json")[2], encoding="utf-8")
        server.stop()
        key = server.folder / "passgate-data" / "hash.key"
        arguments = ("--retention-key", server.private, "--hash-key", key, "--subject", name, "--jwks", jwks)

        report = self.report(answer.decision_id, *arguments)
        self.assertEqual((report["id"], report["kind"], report["caller"], report["method"], report["location"],
                          report["onBehalfOf"]),
                         (answer.decision_id, "decision", "local", "CheckEntitlement", "USA", "org/partner-a"))
        self.assertGreater(report["latencyUs"], 0)
        self.assertTrue(report["proof"]["proved"])
        self.assertRegex(report["countries"]["as_of"], r"^\d{4}-\d\d-\d\d$")
        item, = report["items"]
        self.assertTrue(item["isGivenSubject"])
        self.assertEqual((item["resource"], item["action"], item["outcome"], item["reason"]),
                         (RESOURCE, "use", "deny", "NOT_PERMITTED"))
        self.assertEqual(report["set"]["count"], len(item["directives"]))
        decisive, = [row for row in item["directives"] if row["decisive"]]
        self.assertEqual((decisive["version"], len(decisive["sha256"])), (1, 64))
        self.assertIn("15 CFR", decisive["authority"]["text"])
        subject = report["subjects"][item["subject"]]
        self.assertEqual([(row["reviewer"], row["evidence"]) for row in subject["reviewers"]],
                         [("reviewer-07", evidence)])
        facts = subject["facts"]
        self.assertEqual((facts["subjectId"], facts["state"], facts["recordKind"]), (name, "after", "affiliations_set"))
        self.assertEqual(self.citizenships(facts), ["DEU"])
        self.assertIn("citizenships_complete", facts["known"]["flags"])
        self.assertEqual(facts["known"]["affiliations"][0]["organization"], "org/partner-a")
        self.assertIn(evidence, [piece["id"] for piece in facts["evidence"]])

        text = self.run_show(answer.decision_id, *arguments).stdout
        for words in (name, "DEU", "deny, NOT_PERMITTED", "(decisive)", "15 CFR", "reviewer-07", "org/partner-a: employee",
                      "which is the one given by --subject", "in a signed log:   yes", decisive["sha256"]):
            self.assertIn(words, text)

        other = self.report(answer.decision_id, "--hash-key", key, "--subject", name + "x")
        self.assertFalse(other["items"][0]["isGivenSubject"])
        self.nothing_personal_is_there(server, name, facts)

    def nothing_personal_is_there(self, server, name, facts):
        """Neither in the log nor in what was sealed."""
        for path in self.audit_folder(server).rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            for marker in (NUMBER, *NAMES, name):
                self.assertNotIn(marker.encode(), content, path)
        for marker in (NUMBER, *NAMES):
            self.assertNotIn(marker, json.dumps(facts))

    def test_without_the_key_and_with_another_it_says_so(self):
        server = self.server()
        stubs = self.begin(server)
        name = fresh("sealed")
        self.submit(stubs, name, passport("DEU"))
        answer = self.ask(stubs, name)
        key_id = stubs.admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS).retention_key_id
        server.stop()
        other, _ = make_pair(server.folder, "other")
        self.assertIn(f"sealed for key {key_id}: its private half", self.facts(answer.decision_id)["missing"])
        self.assertIn("which is none of those given",
                      self.facts(answer.decision_id, "--retention-key", other)["missing"])
        self.assertEqual(self.citizenships(self.facts(answer.decision_id, "--retention-key", other,
                                                      "--retention-key", server.private)), ["DEU"])
        text = self.run_show(answer.decision_id).stdout
        self.assertIn("no snapshot: sealed for key", text)
        self.assertNotIn(name, text)
        done = self.run_show(answer.decision_id, "--retention-key", server.public)
        self.assertEqual((done.returncode, "it holds a public key" in done.stderr), (2, True), done.stderr)

    def test_each_decision_is_explained_by_what_was_known_then(self):
        server = self.server()
        stubs = self.begin(server)
        name, check_id = fresh("changing"), fresh("check")
        nobody = self.ask(stubs, name)
        answers = []
        for day, country in ((3, "DEU"), (2, "FRA"), (1, "IRN")):
            self.submit(stubs, name, passport(country, check_id=check_id, verified_at=ago(days=day)))
            answers.append((country, self.ask(stubs, name)))
        server.stop()
        for country, answer in answers:
            self.assertEqual(self.citizenships(self.facts(answer.decision_id, "--retention-key", server.private)),
                             [country])
        facts = self.facts(nobody.decision_id, "--retention-key", server.private)
        self.assertEqual((facts["state"], facts["notes"]), ("before", ["nothing was known of the subject"]))

    def test_what_was_written_before_there_was_a_key_is_told_by_the_next_change(self):
        server = self.server()
        stubs = self.begin(server, with_key=False)
        name, other = fresh("early"), fresh("never-again")
        for subject in (name, other):
            self.submit(stubs, subject, passport("DEU"))
        answer, untold = self.ask(stubs, name), self.ask(stubs, other)
        server.stop()
        self.assertIn("the server had no retention key",
                      self.facts(answer.decision_id, "--retention-key", server.private)["missing"])
        stubs = self.begin(server)
        self.submit(stubs, name, passport("FRA"))
        server.stop()
        facts = self.facts(answer.decision_id, "--retention-key", server.private)
        self.assertEqual((facts["state"], self.citizenships(facts)), ("before", ["DEU"]))
        self.assertIn("the server had no retention key",
                      self.facts(untold.decision_id, "--retention-key", server.private)["missing"])

    def test_a_batch_tells_of_every_subject(self):
        server = self.server()
        stubs = self.begin(server)
        names = {fresh("many"): country for country in ("DEU", "FRA", "USA")}
        for name, country in names.items():
            self.submit(stubs, name, passport(country))
        answer = stubs.entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(
            checks=[check(name, RESOURCE) for name in names]), timeout=CALL_SECONDS)
        server.stop()
        report = self.report(answer.decision_id, "--retention-key", server.private)
        told = {subject["facts"]["subjectId"]: self.citizenships(subject["facts"])[0]
                for subject in report["subjects"].values()}
        self.assertEqual(told, names)
        self.assertEqual(len(report["items"]), len(names))

    def test_what_directives_that_are_tried_would_have_answered_is_told(self):
        server = self.server(directives_shadow_folder="shadow")
        (server.folder / "shadow").mkdir()
        (server.folder / "shadow" / "tried.yaml").write_text("""\
directive: tried
language: 1
title: Nobody abroad
authority: {text: "a draft"}
effective: {from: 2026-06-12T17:21:00-04:00}
resources: ["model/fable-5"]
require: {location: {in: [DEU]}}
""", encoding="utf-8")
        stubs = self.begin(server)
        name = fresh("tried")
        self.submit(stubs, name, passport("USA"))
        answer = self.ask(stubs, name)
        self.assertEqual(answer.decision, pb.DECISION_ALLOW)
        server.stop()
        shadow = self.report(answer.decision_id)["items"][0]["shadow"]
        self.assertEqual((shadow["outcome"], shadow["directive"]), ("deny", "tried"))
        text = self.run_show(answer.decision_id).stdout
        self.assertIn("shadow answer:     deny, NOT_PERMITTED", text)
        self.assertIn("by tried, SHA-256 " + shadow["directiveDigest"], text)

    def test_what_is_not_there_is_not_found(self):
        server = self.server()
        self.begin(server)
        server.stop()
        log_id = (self.audit_folder(server) / "log.id").read_text(encoding="utf-8").strip()
        for decision_id, status in ((f"{log_id}-999999", 1), ("0123456789abcdef-1", 1), ("nonsense", 2)):
            self.assertEqual(self.run_show(decision_id).returncode, status, decision_id)
        self.assertEqual(self.run_show(f"{log_id}-1", "--subject", "alice").returncode, 2)


class TwoReplicas(AuditShowTestCase):
    def test_the_logs_of_all_replicas_explain_what_one_decided(self):
        redis = RedisStore().start()
        self.addCleanup(redis.close)
        first, second = self.server(**redis.flags), self.server(**redis.flags)
        second.public = first.public
        writer = self.begin(first)
        reader = self.begin(second, keys_folder=first.folder / "passgate-data" / "keys")
        answers = {}
        for country in ("DEU", "FRA", "USA", "IRN"):
            name = fresh("shared")
            revision = self.submit(writer, name, passport(country)).revision
            answers[self.ask(reader, name, min_revision=revision).decision_id] = (name, country)
        for server in (first, second):
            server.stop()
        for decision_id, (name, country) in answers.items():
            facts = self.facts(decision_id, "--retention-key", first.private)
            self.assertEqual((facts["subjectId"], self.citizenships(facts)), (name, [country]))
        self.servers = [second]  # whose log may lack the changes, and has the directives all the same
        for decision_id in answers:
            report = self.report(decision_id, "--retention-key", first.private)
            self.assertTrue(any(row["decisive"] for row in report["items"][0]["directives"]) or
                            report["items"][0]["outcome"] == "allow")
            (subject,) = report["subjects"].values()
            self.assertTrue(subject["facts"].get("subjectId") or subject["facts"]["missing"])


if __name__ == "__main__":
    main()
