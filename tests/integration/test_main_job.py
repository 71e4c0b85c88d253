#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The main job: a verification goes in, an entitlement is decided; every method of the two services answers."""
import base64
import threading

import grpc

import redis_store
from passgate_protos import CALL_SECONDS, Refusal, message_class, pb, refusal_of
from passgate_samples import ago, check, fresh, passport, statement, submission
from passgate_server import ServerTestCase, main

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class MainJobTestCase(ServerTestCase):
    def submit(self, request):
        return self.stubs.verification.SubmitVerification(request, timeout=CALL_SECONDS)

    def check(self, request):
        return self.stubs.entitlement.CheckEntitlement(request, timeout=CALL_SECONDS)

    def subject(self, name):
        return self.stubs.verification.GetSubject(pb.GetSubjectRequest(subject=name), timeout=CALL_SECONDS)

    def set_affiliations(self, subject, organization, *kinds, complete=False, **changes):
        return self.stubs.verification.SetAffiliations(pb.SetAffiliationsRequest(
            request_id=fresh("request"), subject=subject, organization=organization, complete=complete,
            affiliations=[pb.Affiliation(affiliation_as=kind) for kind in kinds], **changes), timeout=CALL_SECONDS)

    def verified(self, country, *statements):
        """A new subject with a passport; statements close its lists."""
        name = fresh(country.lower())
        self.submit(submission(name, passport(country)))
        for kind in statements:
            self.submit(submission(name, statement(kind)))
        return name

    def foreign_person(self):
        """A citizen of Iran who is shown to be no US person."""
        return self.verified("IRN", pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE, pb.STATEMENT_KIND_US_STATUS_NONE)

    def assert_decided(self, answer, decision, reason):
        self.assertEqual((pb.Decision.Name(answer.decision), pb.Reason.Name(answer.reason)),
                         ("DECISION_" + decision, "REASON_" + reason), answer)


class Decisions(MainJobTestCase):
    def test_a_us_citizen_is_allowed_at_home(self):
        alice = self.verified("USA")
        answer = self.check(check(alice))
        self.assert_decided(answer, "ALLOW", "ALLOWED")
        self.assertEqual(list(answer.vary_context), ["location"])
        self.assertGreaterEqual(answer.directive_set, 1)
        self.assertTrue(answer.decision_id and answer.revision)
        self.assertFalse(answer.stale)

    def test_an_answer_may_be_reused_for_a_while_unless_every_use_goes_on_record(self):
        alice = self.verified("USA")
        open_to_all = self.check(check(alice, "model/opus-4")).max_age.ToMilliseconds()
        self.assertTrue(0 < open_to_all <= 5000, open_to_all)
        self.assertEqual(self.check(check(alice)).max_age.ToMilliseconds(), 0, "record: durable")

    def test_a_us_citizen_abroad_is_refused_and_told_what_is_open_to_him(self):
        answer = self.check(check(self.verified("USA"), "model/fable-5", location="DEU"))
        self.assert_decided(answer, "DENY", "NOT_PERMITTED")
        self.assertEqual((answer.instead.type, answer.instead.id), ("model", "opus-4"))

    def test_nobody_in_particular_is_asked_to_verify(self):
        answer = self.check(check(fresh("stranger")))
        self.assert_decided(answer, "DENY", "VERIFICATION_REQUIRED")
        self.assertIn("verify", [obligation.type for obligation in answer.obligations])

    def test_without_a_location_the_location_is_asked_for(self):
        answer = self.check(check(self.verified("USA"), location=None))
        self.assert_decided(answer, "DENY", "CONTEXT_REQUIRED")
        self.assertIn("provide_context", [obligation.type for obligation in answer.obligations])

    def test_a_foreign_passport_disproves_no_green_card(self):
        answer = self.check(check(self.verified("IRN"), "model/fable-5"))
        self.assert_decided(answer, "DENY", "VERIFICATION_REQUIRED")

    def test_a_foreign_person_is_refused(self):
        self.assert_decided(self.check(check(self.foreign_person(), "model/fable-5")), "DENY", "NOT_PERMITTED")

    def test_what_no_directive_names_is_open_and_what_is_not_declared_is_closed(self):
        name = self.foreign_person()
        self.assert_decided(self.check(check(name, "model/opus-4")), "ALLOW", "ALLOWED")
        self.assert_decided(self.check(check(name, "model/unheard-of")), "DENY", "RESOURCE_UNKNOWN")

    def test_a_batch_answers_in_order_with_one_record(self):
        alice, reza = self.verified("USA"), self.foreign_person()
        answer = self.stubs.entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(checks=[
            check(alice, "model/fable-5"), check(reza, "model/fable-5"), check(reza, "model/opus-4"),
            check(fresh("stranger"), "model/fable-5")]), timeout=CALL_SECONDS)
        self.assertEqual([pb.Reason.Name(decision.reason) for decision in answer.decisions],
                         ["REASON_ALLOWED", "REASON_NOT_PERMITTED", "REASON_ALLOWED", "REASON_VERIFICATION_REQUIRED"])
        self.assertTrue(answer.decision_id)

    def test_a_thousand_checks_are_one_batch(self):
        alice = self.verified("USA")
        answer = self.stubs.entitlement.BatchCheckEntitlements(
            pb.BatchCheckEntitlementsRequest(checks=[check(alice)] * 1000), timeout=CALL_SECONDS)
        self.assertEqual({decision.decision for decision in answer.decisions}, {pb.DECISION_ALLOW})
        self.assertEqual(len(answer.decisions), 1000)

    def test_one_wrong_check_fails_the_batch_by_name(self):
        checks = [check("alice"), check("alice"), check("not a subject")]
        refusal = refusal_of(self.stubs.entitlement.BatchCheckEntitlements,
                             pb.BatchCheckEntitlementsRequest(checks=checks))
        self.assert_refused(refusal, "INVALID_ARGUMENT", "FIELD_CHARACTERS", "checks[2].subject")

    def test_a_stream_answers_every_question_by_its_id(self):
        alice, reza = self.verified("USA"), self.foreign_person()
        subjects = {number: alice if number % 2 else reza for number in range(200)}
        questions = [pb.StreamCheckEntitlementsRequest(id=number, check=check(name, "model/fable-5"))
                     for number, name in subjects.items()]
        questions.append(pb.StreamCheckEntitlementsRequest(id=1000, check=check("not a subject")))
        answers = list(self.stubs.entitlement.StreamCheckEntitlements(iter(questions), timeout=CALL_SECONDS))
        self.assertEqual(sorted(answer.id for answer in answers), [*range(200), 1000])
        for answer in answers:
            if answer.id == 1000:
                self.assertEqual((answer.error.code, answer.error.reason), (3, "FIELD_CHARACTERS"))
            else:
                self.assert_decided(answer.decision, *(("ALLOW", "ALLOWED") if answer.id % 2 else
                                                       ("DENY", "NOT_PERMITTED")))

    def test_a_list_comes_in_pages(self):
        reza = self.foreign_person()
        request = pb.ListEntitlementsRequest(subject=reza, action="use", context={"location": "USA"}, page_size=2)
        first = self.stubs.entitlement.ListEntitlements(request, timeout=CALL_SECONDS)
        self.assertEqual([row.resource.id for row in first.entitlements], ["fable-5", "mythos-5"])
        request.page_token = first.next_page_token
        second = self.stubs.entitlement.ListEntitlements(request, timeout=CALL_SECONDS)
        self.assertEqual([row.resource.id for row in second.entitlements], ["opus-4"])
        self.assertEqual(second.next_page_token, "")
        self.assertEqual([pb.Decision.Name(row.decision) for row in [*first.entitlements, *second.entitlements]],
                         ["DECISION_DENY", "DECISION_DENY", "DECISION_ALLOW"])

    def test_an_explanation_names_the_directive_its_authority_and_the_facts(self):
        reza = self.foreign_person()
        answer = self.stubs.entitlement.ExplainEntitlement(
            pb.ExplainEntitlementRequest(check=check(reza, "model/fable-5")), timeout=CALL_SECONDS)
        self.assert_decided(answer.decision, "DENY", "NOT_PERMITTED")
        self.assertEqual(answer.directive, "bis-is-informed-2026-06-12")
        self.assertEqual(answer.authority.text, "15 CFR 744.22(b), letter of 2026-06-12")
        party, = answer.parties
        self.assertEqual((party.role, party.truth), ("subject", pb.TRUTH_FALSE))
        self.assertTrue(any("Iran" in fact or "IRN" in fact for fact in party.facts), party.facts)
        tests = {line.test: line for line in party.directives[0].require}
        self.assertEqual(tests["foreign_person"].truth, pb.TRUTH_FALSE)
        self.assertTrue(tests["foreign_person"].because)
        self.assertEqual(tests["location"].truth, pb.TRUTH_TRUE)

    def test_an_explanation_for_an_earlier_moment_knows_no_later_evidence(self):
        alice = fresh("usa")
        self.submit(submission(alice, passport("USA", verified_at=ago(days=1))))
        answer = self.stubs.entitlement.ExplainEntitlement(
            pb.ExplainEntitlementRequest(check=check(alice, "model/fable-5"), at=ago(days=4000)), timeout=CALL_SECONDS)
        self.assertEqual(answer.decision.directive_set, self.check(check(alice)).directive_set)
        self.assertTrue(answer.parties[0].directives[0].out_of_force)

    def test_all_who_are_named_must_pass(self):
        alice, reza = self.verified("USA"), self.foreign_person()
        self.assert_decided(self.check(check(alice, "model/fable-5", also_subjects=[alice])), "ALLOW", "ALLOWED")
        self.assert_decided(self.check(check(alice, "model/fable-5", also_subjects=[reza])), "DENY", "NOT_PERMITTED")

    def test_an_organization_that_is_not_configured_is_no_answer(self):
        refusal = refusal_of(self.stubs.entitlement.CheckEntitlement, check("alice", on_behalf_of="org/nobody"))
        self.assert_refused(refusal, "FAILED_PRECONDITION", "ORGANIZATION_UNKNOWN", "on_behalf_of")

    def test_methods_that_do_not_exist_are_refused_at_once(self):
        for path in ("/passgate.v1.EntitlementService/NoSuchMethod", "/no.such.Service/Method"):
            refusal = refusal_of(self.stubs.raw, path, b"", timeout=5)
            self.assertEqual(refusal.code, grpc.StatusCode.UNIMPLEMENTED)


class Writes(MainJobTestCase):
    def test_the_same_request_gets_the_same_answer(self):
        request = submission(fresh("anna"), passport("DEU"))
        first = self.submit(request)
        self.submit(submission(fresh("other"), passport("DEU")))  # so that the store's number moves on
        second = self.submit(request)
        self.assertEqual(first, second)
        self.assertFalse(second.already_known)
        self.assertEqual(len(self.subject(request.subject).evidence), 1)

    def test_a_request_id_with_another_body_is_refused(self):
        request = submission(fresh("anna"), passport("DEU"))
        self.submit(request)
        request.evidence.document.number = "X11111111"
        self.assert_refused(refusal_of(self.stubs.verification.SubmitVerification, request),
                            "FAILED_PRECONDITION", "REQUEST_ID_REUSED", "request_id")

    def test_a_request_that_changed_nothing_owns_its_id_all_the_same(self):
        request = submission(fresh("anna"), passport("DEU"))
        self.submit(request)
        request.request_id = fresh("request")
        first = self.submit(request)
        self.assertTrue(first.already_known)
        self.submit(submission(request.subject, passport("FRA")))
        self.assertEqual(self.submit(request), first)
        request.evidence.document.number = "X11111111"
        self.assert_refused(refusal_of(self.stubs.verification.SubmitVerification, request),
                            "FAILED_PRECONDITION", "REQUEST_ID_REUSED", "request_id")

    def test_the_same_result_under_another_request_id_is_already_known(self):
        request = submission(fresh("anna"), passport("DEU"))
        first = self.submit(request)
        request.request_id = fresh("request")
        second = self.submit(request)
        self.assertTrue(second.already_known)
        self.assertEqual(first.evidence_id, second.evidence_id)
        self.assertEqual(len(self.subject(request.subject).evidence), 1)

    def test_an_older_result_of_the_same_check_is_superseded(self):
        name, check_id = fresh("anna"), fresh("check")
        self.submit(submission(name, passport("DEU", check_id=check_id, verified_at=ago(days=1))))
        older = self.submit(submission(name, passport("FRA", check_id=check_id, verified_at=ago(days=2))))
        self.assertTrue(older.superseded)
        newer = self.submit(submission(name, passport("NLD", check_id=check_id, verified_at=ago(minutes=5))))
        self.assertFalse(newer.superseded or newer.already_known)
        self.assertEqual([record.nationality for record in self.subject(name).evidence], ["NLD"])

    def test_a_check_belongs_to_one_subject(self):
        check_id = fresh("check")
        self.submit(submission(fresh("anna"), passport("DEU", check_id=check_id)))
        refusal = refusal_of(self.stubs.verification.SubmitVerification,
                             submission(fresh("bodo"), passport("DEU", check_id=check_id)))
        self.assert_refused(refusal, "FAILED_PRECONDITION", "CHECK_ID_REUSED", "evidence.check_id")

    def test_a_dry_run_keeps_nothing(self):
        name = fresh("anna")
        answer = self.submit(submission(name, passport("DEU"), dry_run=True))
        self.assertTrue(answer.dry_run)
        self.assert_refused(refusal_of(self.stubs.verification.GetSubject, pb.GetSubjectRequest(subject=name)),
                            "NOT_FOUND", "NOT_FOUND", "subject")

    def test_green_then_red_turns_the_next_check_into_a_deny(self):
        name, check_id = fresh("alice"), fresh("check")
        self.submit(submission(name, passport("USA", check_id=check_id, verified_at=ago(days=1))))
        self.assert_decided(self.check(check(name, "model/fable-5")), "ALLOW", "ALLOWED")
        red = submission(name, passport("USA", check_id=check_id, verified_at=ago(minutes=1),
                                        result=pb.VENDOR_RESULT_FAILED))
        self.assert_refused(refusal_of(self.stubs.verification.SubmitVerification, red),
                            "FAILED_PRECONDITION", "RESULT_NOT_PASSED", "evidence.result")
        self.assert_decided(self.check(check(name, "model/fable-5")), "DENY", "VERIFICATION_REQUIRED")
        self.assertTrue(self.subject(name).evidence[0].revoked)
        with self.subTest("the same refusal again"):
            self.assert_refused(refusal_of(self.stubs.verification.SubmitVerification, red),
                                "FAILED_PRECONDITION", "RESULT_NOT_PASSED", "evidence.result")
        with self.subTest("the green result does not come back"):
            late = self.submit(submission(name, passport("USA", check_id=check_id, verified_at=ago(days=1))))
            self.assertTrue(late.superseded)
            self.assert_decided(self.check(check(name, "model/fable-5")), "DENY", "VERIFICATION_REQUIRED")

    def test_revoked_evidence_counts_for_nothing(self):
        name = fresh("alice")
        evidence = passport("USA")
        accepted = self.submit(submission(name, evidence))
        revoke = pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name,
                                          evidence_id=accepted.evidence_id, reason="reported by the vendor")
        self.assert_decided(self.check(check(name, "model/fable-5")), "ALLOW", "ALLOWED")
        first = self.stubs.verification.RevokeEvidence(revoke, timeout=CALL_SECONDS)
        self.assertFalse(first.already_revoked)
        self.assert_decided(self.check(check(name, "model/fable-5", min_revision=first.revision)),
                            "DENY", "VERIFICATION_REQUIRED")
        self.assertEqual(self.stubs.verification.RevokeEvidence(revoke, timeout=CALL_SECONDS), first)
        again = pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name, vendor=evidence.vendor,
                                         check_id=evidence.check_id, reason="once more")
        self.assertTrue(self.stubs.verification.RevokeEvidence(again, timeout=CALL_SECONDS).already_revoked)
        again.request_id, again.check_id = fresh("request"), "never-seen"
        self.assert_refused(refusal_of(self.stubs.verification.RevokeEvidence, again), "NOT_FOUND", "NOT_FOUND",
                            "check_id")

    def test_employees_of_the_partner_are_exempt(self):
        reza = self.foreign_person()
        self.assert_decided(self.check(check(reza)), "DENY", "VERIFICATION_REQUIRED")
        for organization in ("org/lab", "org/partner-a"):
            self.set_affiliations(reza, organization, complete=True)
        self.assert_decided(self.check(check(reza)), "DENY", "NOT_PERMITTED")
        employed = self.set_affiliations(reza, "org/partner-a", pb.AFFILIATION_AS_EMPLOYEE, complete=True)
        answer = self.check(check(reza, min_revision=employed.revision, want_reasons=True))
        self.assert_decided(answer, "ALLOW", "ALLOWED")
        self.assertEqual([finding.exemption.text for finding in answer.directives], ["letter of 2026-06-26, annex A"])
        self.assert_decided(self.check(check(reza, "model/fable-5")), "DENY", "NOT_PERMITTED")
        self.set_affiliations(reza, "org/partner-a", pb.AFFILIATION_AS_CONTRACTOR, complete=True)
        self.assert_decided(self.check(check(reza)), "DENY", "NOT_PERMITTED")

    def test_affiliations_are_with_organizations_that_exist(self):
        refusal = refusal_of(self.stubs.verification.SetAffiliations, pb.SetAffiliationsRequest(
            request_id=fresh("request"), subject="reza", organization="org/nobody", complete=True))
        self.assert_refused(refusal, "FAILED_PRECONDITION", "ORGANIZATION_UNKNOWN", "organization")

    def test_the_persons_behind_a_service_count(self):
        alice, reza, service = self.verified("USA"), self.foreign_person(), fresh("service/agent")

        def stand_behind(*principals):
            return self.stubs.verification.SetPrincipals(pb.SetPrincipalsRequest(
                request_id=fresh("request"), subject=service, principals=principals), timeout=CALL_SECONDS)

        stand_behind(alice)
        self.assert_decided(self.check(check(service, "model/fable-5")), "ALLOW", "ALLOWED")
        changed = stand_behind(alice, reza)
        self.assert_decided(self.check(check(service, "model/fable-5", min_revision=changed.revision)),
                            "DENY", "NOT_PERMITTED")
        self.assertEqual(sorted(self.subject(service).principals), sorted([alice, reza]))
        explained = self.stubs.entitlement.ExplainEntitlement(
            pb.ExplainEntitlementRequest(check=check(service, "model/fable-5")), timeout=CALL_SECONDS)
        self.assertEqual([party.role for party in explained.parties].count("principal"), 2)
        stand_behind()
        self.assert_decided(self.check(check(service, "model/fable-5")), "DENY", "VERIFICATION_REQUIRED")

    def test_a_subject_shows_what_is_known_and_no_number(self):
        name = fresh("anna")
        accepted = self.submit(submission(name, passport("DEU", with_zone=True, number="C01X00T47"),
                                          subject_kind=pb.SUBJECT_KIND_EMPLOYEE))
        self.set_affiliations(name, "org/lab", pb.AFFILIATION_AS_EMPLOYEE, pb.AFFILIATION_AS_AGENT)
        subject = self.subject(name)
        self.assertEqual((subject.subject, subject.subject_kind), (name, pb.SUBJECT_KIND_EMPLOYEE))
        record, = subject.evidence
        self.assertEqual((record.evidence_id, record.issuer, record.nationality, record.proof, record.revoked),
                         (accepted.evidence_id, "DEU", "DEU", pb.PROOF_CHIP, False))
        self.assertEqual([affiliation for row in subject.affiliations for affiliation in row.affiliations],
                         [pb.AFFILIATION_AS_EMPLOYEE, pb.AFFILIATION_AS_AGENT])
        self.assertNotIn("C01X00T47", str(subject))
        self.assertTrue(subject.facts and subject.revision)

    def test_concurrent_writes_about_one_subject_all_count(self):
        name = fresh("anna")
        requests = [submission(name, passport("DEU", number=f"C{number:08}")) for number in range(12)]
        failures = []

        def write(request):
            for _ in range(10):
                try:
                    return self.submit(request)
                except grpc.RpcError as error:
                    if Refusal(error).reason != "CONFLICT":
                        return failures.append(Refusal(error))
            return failures.append("never got through")

        threads = [threading.Thread(target=write, args=(request,)) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual({record.check_id for record in self.subject(name).evidence},
                         {request.evidence.check_id for request in requests})


# Where numbers end in a revision: clients cannot know, tests do (storage/revision.h).
DIRECTIVE_SET_ENDS, NUMBER_ENDS = 8, 18


def later(revision, place):
    """What a server gives that has seen more: 256 directive sets or writes more."""
    content = bytearray(base64.urlsafe_b64decode(revision + "=" * (-len(revision) % 4)))
    content[place - 1] += 1
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Revisions(MainJobTestCase):
    def test_a_write_is_seen_by_the_next_check(self):
        name = fresh("alice")
        self.assert_decided(self.check(check(name, "model/fable-5")), "DENY", "VERIFICATION_REQUIRED")
        written = self.submit(submission(name, passport("USA")))
        self.assert_decided(self.check(check(name, "model/fable-5", min_revision=written.revision)), "ALLOW", "ALLOWED")

    def test_a_revision_ahead_of_the_store_is_refused(self):
        name = self.verified("USA")
        revision = self.subject(name).revision
        later_write, later_set = later(revision, NUMBER_ENDS), later(revision, DIRECTIVE_SET_ENDS)
        for call, request in (
                (self.stubs.entitlement.CheckEntitlement, check(name, min_revision=later_write)),
                (self.stubs.entitlement.CheckEntitlement, check(name, min_revision=later_set)),
                (self.stubs.entitlement.BatchCheckEntitlements,
                 pb.BatchCheckEntitlementsRequest(checks=[check(name)], min_revision=later_set)),
                (self.stubs.claim.IssueClaim,
                 pb.IssueClaimRequest(subject=name, audience="shop", min_revision=later_write))):
            with self.subTest(request=request):
                self.assert_refused(refusal_of(call, request), "FAILED_PRECONDITION", "REVISION_AHEAD",
                                    "min_revision")

    def test_in_a_batch_a_revision_ahead_of_the_store_is_told_in_its_place(self):
        name = self.verified("USA")
        ahead = later(self.subject(name).revision, NUMBER_ENDS)
        answer = self.stubs.entitlement.BatchCheckEntitlements(
            pb.BatchCheckEntitlementsRequest(checks=[check(name)], min_revision=ahead), timeout=CALL_SECONDS)
        decision, = answer.decisions
        self.assertEqual((decision.decision, decision.error.code, decision.error.reason),
                         (pb.DECISION_UNSPECIFIED, 9, "REVISION_AHEAD"))

    def test_garbage_is_no_revision(self):
        for garbage in ("x", "1", "-1.0.0", "9" * 64, "é", "1.0.0.0.0"):
            refusal = refusal_of(self.stubs.entitlement.CheckEntitlement, check("alice", min_revision=garbage))
            with self.subTest(garbage):
                self.assertEqual(refusal.code, grpc.StatusCode.INVALID_ARGUMENT, refusal)
                self.assertEqual(refusal.fields, ["min_revision"], refusal)


class Traces(MainJobTestCase):
    flags = {"log-level": "debug"}  # what went well is logged there only
    needs_control = True

    def test_a_trace_is_taken_in_logged_and_passed_on(self):
        parent = f"00-{TRACE}-00f067aa0ba902b7-01"
        begin = len(self.server.lines)
        _, call = self.stubs.admin.WhoAmI.with_call(pb.WhoAmIRequest(), timeout=CALL_SECONDS,
                                                    metadata=[("traceparent", parent)])
        passed_on = dict(call.trailing_metadata())["traceparent"]
        self.assertRegex(passed_on, f"^00-{TRACE}-[0-9a-f]{{16}}-01$")
        self.assertNotEqual(passed_on, parent)
        line = self.server.wait_for_log(lambda line: line.get("event") == "rpc.call" and line.get("trace") == TRACE,
                                        since=begin)
        self.assertEqual(line["span"], passed_on.split("-")[2])
        self.assertEqual(line["caller"], "local")

    def test_what_is_no_trace_is_left_alone(self):
        for parent in ("", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "garbage", f"00-{TRACE}-00f067aa0ba902b7-01-x"):
            _, call = self.stubs.admin.WhoAmI.with_call(pb.WhoAmIRequest(), timeout=CALL_SECONDS,
                                                        metadata=[("traceparent", parent)])
            self.assertNotIn("traceparent", dict(call.trailing_metadata()))


class Servers(MainJobTestCase):
    needs_control = True

    def test_the_server_says_what_it_is(self):
        info = self.stubs.admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS)
        self.assertEqual((info.store, info.audit_mode, info.directive_count),
                         ("redis" if redis_store.is_wanted() else "sqlite", "bounded", 1))
        self.assertTrue(info.store_up and info.directive_set >= 1 and info.audit_log_id and info.grpc_version)
        key, = self.stubs.admin.ListKeys(pb.ListKeysRequest(), timeout=CALL_SECONDS).keys
        self.assertEqual((key.algorithm, key.state), ("ES256", pb.KEY_STATE_ACTIVE))
        me = self.stubs.admin.WhoAmI(pb.WhoAmIRequest(), timeout=CALL_SECONDS)
        self.assertEqual((me.caller, me.disclose, me.authentication), ("local", "facts", "loopback"))
        self.assertEqual(len(me.roles), 8)

    def test_health_is_told_and_watched(self):
        for service in ("", "passgate.v1.EntitlementService", "passgate.v1.VerificationService"):
            answer = self.stubs.foreign("grpc.health.v1.Health", "Check", {"service": service})
            self.assertEqual(answer.status, 1, service)
        refusal = refusal_of(lambda timeout: self.stubs.foreign("grpc.health.v1.Health", "Check",
                                                                {"service": "no.such.Service"}))
        self.assertEqual(refusal.code, grpc.StatusCode.NOT_FOUND)
        watch = self.stubs.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=CALL_SECONDS)
        answer = message_class("grpc.health.v1.HealthCheckResponse").FromString(next(watch))
        self.assertEqual(answer.status, 1)
        watch.cancel()

    def test_reflection_lists_every_service(self):
        wanted = {f"passgate.v1.{name}" for name in
                  ("VerificationService", "ClaimService", "EntitlementService", "AdminService", "AuditService")} | \
            {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
        for version in ("v1", "v1alpha"):
            answer, = self.stubs.foreign(f"grpc.reflection.{version}.ServerReflection", "ServerReflectionInfo",
                                         {"list_services": "*"}, is_stream=True)
            self.assertEqual({row.name for row in answer.list_services_response.service}, wanted)


if __name__ == "__main__":
    main()
