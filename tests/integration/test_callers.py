#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Callers over mutual TLS: who may do what, and how much each is told."""
import shutil
import subprocess
import tempfile
from pathlib import Path

import grpc

from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh, passport, statement, submission
from passgate_server import ORGANIZATIONS, Server, ServerTestCase, main

SPIFFE = "spiffe://lab.example/"

# name -> roles and disclosure of its binding
CALLERS = {
    "gateway": ("checker", "decision"),
    "shop": ("checker", "next_step"),
    "desk": ("checker", "reasons"),
    "legal": ("checker, auditor", "facts"),
    "verifier": ("submitter, issuer", "next_step"),
    "hr": ("attester", "next_step"),
    "watch": ("operator", "next_step"),
}
UNBOUND = "newcomer"

CONFIG = """\
organizations:
  - {id: org/lab, self: true, attesters: ["spiffe://lab.example/hr"], place: USA, kind: company}
  - {id: org/partner-a, attesters: ["spiffe://partner.example/hr"], place: USA, kind: company}
callers:
""" + "".join(f"  - {{id: \"{SPIFFE}{name}\", roles: [{roles}], disclose: {disclose}}}\n"
              for name, (roles, disclose) in CALLERS.items())

# method -> who may call it, beside those who may not; requests need not be good, the role is looked at first
METHODS = {
    "/passgate.v1.VerificationService/SubmitVerification": {"verifier"},
    "/passgate.v1.VerificationService/RevokeEvidence": {"verifier"},
    "/passgate.v1.VerificationService/SetPrincipals": {"verifier"},
    "/passgate.v1.VerificationService/SetAffiliations": {"hr"},
    "/passgate.v1.VerificationService/GetSubject": {"legal", "watch"},
    "/passgate.v1.ClaimService/IssueClaim": {"verifier"},
    "/passgate.v1.ClaimService/IntrospectClaim": {"gateway", "shop", "desk", "legal", "verifier"},
    "/passgate.v1.ClaimService/GetJwks": set(CALLERS),
    "/passgate.v1.EntitlementService/CheckEntitlement": {"gateway", "shop", "desk", "legal"},
    "/passgate.v1.EntitlementService/BatchCheckEntitlements": {"gateway", "shop", "desk", "legal"},
    "/passgate.v1.EntitlementService/ListEntitlements": {"gateway", "shop", "desk", "legal"},
    "/passgate.v1.EntitlementService/ExplainEntitlement": {"gateway", "shop", "desk", "legal"},
    "/passgate.v1.AdminService/GetServerInfo": {"legal", "watch"},
    "/passgate.v1.AdminService/ListKeys": {"legal", "watch"},
    "/passgate.v1.AdminService/GetStoreStats": {"watch"},
    "/passgate.v1.AdminService/CheckStore": {"watch"},
    "/passgate.v1.AdminService/ExportStore": {"watch"},
    "/passgate.v1.AdminService/ImportStore": {"watch"},
    "/passgate.v1.AdminService/WhoAmI": {*CALLERS, UNBOUND},
}

# What CheckEntitlementResponse may have set, by disclosure (protos/passgate/v1/entitlement.proto).
DECISION = {"decision", "max_age", "decision_id"}
NEXT_STEP = DECISION | {"reason", "obligations", "instead", "revision", "directive_set", "evaluated_at",
                        "vary_context", "facts_age", "stale"}
REASONS = NEXT_STEP | {"directives"}


def fields_of(message):
    return {field.name for field, _ in message.ListFields()}


class CallersTestCase(ServerTestCase):
    needs_control = True

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="passgate-tls-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        subprocess.run([Path(__file__).parent / "make_certificates.sh", cls.folder,
                        *(f"{name}=URI:{SPIFFE}{name}" for name in (*CALLERS, UNBOUND))], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        cls.flags = {"tls-certificate-file": cls.folder / "server.pem", "tls-key-file": cls.folder / "server.key",
                     "tls-client-ca-file": cls.folder / "ca.pem"}
        cls.config = CONFIG
        super().setUpClass()
        cls.callers = {name: cls.connect(name) for name in (*CALLERS, UNBOUND)}

    @classmethod
    def connect(cls, name):
        parts = [(cls.folder / file).read_bytes() for file in ("ca.pem", f"{name}.key", f"{name}.pem")]
        return cls.server.stubs(grpc.ssl_channel_credentials(*parts))

    def verified(self, country, *statements):
        name = fresh(country.lower())
        for evidence in (passport(country), *(statement(kind) for kind in statements)):
            self.callers["verifier"].verification.SubmitVerification(submission(name, evidence), timeout=CALL_SECONDS)
        return name

    def check(self, caller, request):
        return self.callers[caller].entitlement.CheckEntitlement(request, timeout=CALL_SECONDS)


class Roles(CallersTestCase):
    def test_every_method_is_open_to_its_roles_and_to_nobody_else(self):
        for method, allowed in METHODS.items():
            for caller, stubs in self.callers.items():
                with self.subTest(method=method, caller=caller):
                    try:
                        stubs.raw(method, b"")
                        code = grpc.StatusCode.OK
                    except grpc.RpcError as error:
                        code = error.code()
                    self.assertEqual(code != grpc.StatusCode.PERMISSION_DENIED, caller in allowed, code)

    def test_the_refusal_is_the_same_with_and_without_a_binding(self):
        request = submission(fresh("anna"), passport("DEU"))
        for caller in ("gateway", UNBOUND):
            self.assert_refused(refusal_of(self.callers[caller].verification.SubmitVerification, request),
                                "PERMISSION_DENIED", "ROLE_MISSING", "")

    def test_a_stream_needs_the_role_as_well(self):
        question = pb.StreamCheckEntitlementsRequest(id=1, check=check("anna")).SerializeToString()
        method = "/passgate.v1.EntitlementService/StreamCheckEntitlements"
        self.assertEqual(len(self.callers["shop"].raw(method, question, is_stream=True)), 1)
        for caller in ("verifier", UNBOUND):
            refusal = refusal_of(self.callers[caller].raw, method, question, is_stream=True)
            self.assert_refused(refusal, "PERMISSION_DENIED", "ROLE_MISSING")

    def test_everybody_may_ask_who_he_is(self):
        for name, stubs in self.callers.items():
            roles, disclose = CALLERS.get(name, ("", "decision"))
            answer = stubs.admin.WhoAmI(pb.WhoAmIRequest(), timeout=CALL_SECONDS)
            self.assertEqual((answer.caller, answer.authentication), (SPIFFE + name, "mtls"))
            self.assertEqual(sorted(answer.roles), sorted(filter(None, roles.split(", "))))
            self.assertEqual(answer.disclose, disclose)

    def test_who_somebody_is_comes_from_no_header(self):
        answer = self.callers[UNBOUND].admin.WhoAmI(
            pb.WhoAmIRequest(), timeout=CALL_SECONDS,
            metadata=[("x-forwarded-client-cert", f"URI={SPIFFE}legal"), ("x-spiffe-id", SPIFFE + "legal")])
        self.assertEqual((answer.caller, list(answer.roles)), (SPIFFE + UNBOUND, []))

    def test_a_certificate_of_an_unknown_authority_does_not_get_in(self):
        for stubs in (self.connect("stranger"),
                      self.server.stubs(grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes())),
                      self.server.stubs()):
            refusal = refusal_of(stubs.admin.WhoAmI, pb.WhoAmIRequest(), timeout=5)
            self.assertEqual(refusal.code, grpc.StatusCode.UNAVAILABLE)

    def test_an_attester_attests_for_its_own_organization(self):
        request = pb.SetAffiliationsRequest(request_id=fresh("request"), subject=self.verified("IRN"),
                                            organization="org/lab", complete=True)
        self.assertTrue(self.callers["hr"].verification.SetAffiliations(request, timeout=CALL_SECONDS).revision)
        for organization in ("org/partner-a", "org/nobody"):
            request.request_id, request.organization = fresh("request"), organization
            self.assert_refused(refusal_of(self.callers["hr"].verification.SetAffiliations, request),
                                "FAILED_PRECONDITION", "ATTESTER_UNKNOWN", "organization")

    def test_what_is_known_is_shown_to_who_may_see_facts(self):
        request = pb.GetSubjectRequest(subject=self.verified("DEU"))
        answer = self.callers["legal"].verification.GetSubject(request, timeout=CALL_SECONDS)
        self.assertEqual([record.nationality for record in answer.evidence], ["DEU"])
        self.assert_refused(refusal_of(self.callers["watch"].verification.GetSubject, request),
                            "PERMISSION_DENIED", "ROLE_MISSING")

    def test_a_claim_is_of_whom_it_was_issued_to(self):
        name = self.verified("USA")
        claims = self.callers["verifier"].claim
        token = claims.IssueClaim(pb.IssueClaimRequest(subject=name, audience=SPIFFE + "shop"),
                                  timeout=CALL_SECONDS).token
        shown = {caller: self.callers[caller].claim.IntrospectClaim(
            pb.IntrospectClaimRequest(token=token), timeout=CALL_SECONDS) for caller in ("verifier", "shop", "desk")}
        self.assertTrue(shown["verifier"].active and shown["shop"].active)
        self.assertEqual(shown["desk"], pb.IntrospectClaimResponse())
        realm = claims.IssueClaim(pb.IssueClaimRequest(subject=name, audience="passgate-test"),
                                  timeout=CALL_SECONDS).token
        refusal = refusal_of(self.callers["shop"].entitlement.CheckEntitlement, check("", claim_token=realm))
        self.assert_refused(refusal, "INVALID_ARGUMENT", "TOKEN_INVALID", "claim_token")


class Disclosure(CallersTestCase):
    def cases(self):
        """One check for each way to be answered."""
        alice = self.verified("USA")
        reza = self.verified("IRN", pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE, pb.STATEMENT_KIND_US_STATUS_NONE)
        return {
            "allowed": check(alice, "model/fable-5", want_reasons=True),
            "refused": check(reza, "model/fable-5", want_reasons=True),
            "unverified": check(fresh("stranger"), "model/fable-5", want_reasons=True),
            "unknown": check(alice, "model/unheard-of", want_reasons=True),
            "without a context": check(alice, "model/fable-5", location=None, want_reasons=True),
        }

    def test_each_level_shows_exactly_its_fields(self):
        for what, request in self.cases().items():
            shown = {caller: self.check(caller, request) for caller in ("gateway", "shop", "desk", "legal")}
            with self.subTest(what):
                self.assertEqual(len({answer.decision for answer in shown.values()}), 1)
                self.assertEqual(fields_of(shown["gateway"]), DECISION)
                self.assertLessEqual(fields_of(shown["shop"]), NEXT_STEP)
                self.assertLessEqual(NEXT_STEP - {"obligations", "instead", "vary_context", "stale", "facts_age"},
                                     fields_of(shown["shop"]))
                for caller in ("desk", "legal"):
                    self.assertEqual("directives" in fields_of(shown[caller]), what != "unknown")
                    self.assertLessEqual(fields_of(shown[caller]), REASONS)

    def test_with_decision_every_refusal_looks_the_same(self):
        shapes = set()
        for what, request in self.cases().items():
            if what == "allowed":
                continue
            answer = self.check("gateway", request)
            answer.decision_id = "x" * len(answer.decision_id)
            shapes.add(answer.SerializeToString())
        self.assertEqual(len(shapes), 1)

    def test_a_batch_discloses_no_more(self):
        request = pb.BatchCheckEntitlementsRequest()
        for one in self.cases().values():
            one.want_reasons = False
            request.checks.append(one)
        answer = self.callers["gateway"].entitlement.BatchCheckEntitlements(request, timeout=CALL_SECONDS)
        self.assertEqual(fields_of(answer), {"decisions", "decision_id"})
        for decision in answer.decisions:
            self.assertLessEqual(fields_of(decision), {"decision", "max_age"})
        self.assertEqual(len({decision.SerializeToString() for decision in answer.decisions[1:]}), 1)

    def test_a_list_discloses_no_more(self):
        reza = self.verified("IRN", pb.STATEMENT_KIND_US_STATUS_NONE, pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE)
        request = pb.ListEntitlementsRequest(subject=reza, action="use", context={"location": "USA"})
        answer = self.callers["gateway"].entitlement.ListEntitlements(request, timeout=CALL_SECONDS)
        self.assertLessEqual(fields_of(answer), {"entitlements", "decision_id"})
        for row in answer.entitlements:
            self.assertLessEqual(fields_of(row), {"resource", "decision", "max_age"})

    def explain(self, caller):
        reza = self.verified("IRN", pb.STATEMENT_KIND_US_STATUS_NONE, pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE)
        return self.callers[caller].entitlement.ExplainEntitlement(
            pb.ExplainEntitlementRequest(check=check(reza, "model/fable-5")), timeout=CALL_SECONDS)

    def test_an_explanation_goes_as_far_as_the_binding(self):
        self.assertEqual(fields_of(self.explain("gateway")), {"decision"})
        self.assertEqual(fields_of(self.explain("gateway").decision), DECISION)
        self.assertEqual(fields_of(self.explain("shop")), {"decision"})
        reasons, facts = self.explain("desk"), self.explain("legal")
        self.assertEqual(reasons.directive, "bis-is-informed-2026-06-12")
        self.assertTrue(reasons.parties[0].directives[0].require)
        self.assertEqual(list(reasons.parties[0].facts), [])
        self.assertEqual({line.because for line in reasons.parties[0].directives[0].require}, {""})
        self.assertNotIn("IRN", str(reasons))
        self.assertNotIn("Iran", str(reasons))
        self.assertTrue(facts.parties[0].facts)


class Addresses(ServerTestCase):
    needs_control = True
    flags = {"listen-grpc-socket": "grpc.sock"}

    def test_a_unix_socket_serves_the_local_caller(self):
        with grpc.insecure_channel(f"unix:{self.server.folder}/grpc.sock") as channel:
            content = channel.unary_unary("/passgate.v1.AdminService/WhoAmI")(b"", timeout=CALL_SECONDS)
        answer = pb.WhoAmIResponse.FromString(content)
        self.assertEqual((answer.caller, answer.authentication), ("local", "loopback"))

    def test_plaintext_is_served_on_no_other_address(self):
        other = Server(flags={"listen-grpc": "0.0.0.0:0"}, config=ORGANIZATIONS)
        self.addCleanup(shutil.rmtree, other.folder, ignore_errors=True)
        with self.assertRaises(AssertionError) as failure:
            other.start()
        self.assertEqual(other.process.wait(20), 2)
        self.assertRegex(str(failure.exception), "listen.grpc.*tls")


if __name__ == "__main__":
    main()
