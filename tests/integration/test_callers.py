#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Callers over mutual TLS: who may do what, and how much each is told."""
import shutil
import socket
import ssl
import warnings

import grpc

from mutual_tls import SPIFFE, MutualTlsTestCase
from passgate_protos import CALL_SECONDS, Refusal, pb, refusal_of
from passgate_samples import check, fresh, passport, statement, submission
from passgate_server import ORGANIZATIONS, Server, ServerTestCase, main

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

# Certificates that make nobody a caller.
STRANGE = {"two_uris": f"URI:{SPIFFE}legal,URI:{SPIFFE}shop", "cn_only": "", "revoked": f"URI:{SPIFFE}ns/a/sa/revoked"}

CONFIG = """\
organizations:
  - {id: org/lab, self: true, attesters: ["spiffe://lab.example/hr"], place: USA, kind: company}
  - {id: org/partner-a, attesters: ["spiffe://partner.example/hr"], place: USA, kind: company}
callers:
""" + "".join(f"  - {{id: \"{SPIFFE}{name}\", roles: [{roles}], disclose: {disclose}}}\n"
              for name, (roles, disclose) in CALLERS.items()) + f"""\
  - {{id: "{SPIFFE}ns/*/sa/*", roles: [checker]}}
denied:
  - {{id: "{SPIFFE}ns/a/sa/revoked"}}
"""

# What CheckEntitlementResponse may have set, by disclosure (protos/passgate/v1/entitlement.proto).
DECISION = {"decision", "max_age", "decision_id"}
NEXT_STEP = DECISION | {"reason", "obligations", "instead", "revision", "directive_set", "evaluated_at",
                        "vary_context", "facts_age", "stale"}
REASONS = NEXT_STEP | {"directives"}


def fields_of(message):
    return {field.name for field, _ in message.ListFields()}


class CallersTestCase(MutualTlsTestCase):
    names = {**{name: f"URI:{SPIFFE}{name}" for name in (*CALLERS, UNBOUND)}, **STRANGE}
    config = CONFIG

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.callers = {name: cls.connect(name) for name in (*CALLERS, UNBOUND)}

    def verified(self, country, *statements, proof=None):
        name = fresh(country.lower())
        for evidence in (passport(country, proof=proof), *(statement(kind) for kind in statements)):
            self.callers["verifier"].verification.SubmitVerification(submission(name, evidence), timeout=CALL_SECONDS)
        return name

    def check(self, caller, request):
        return self.callers[caller].entitlement.CheckEntitlement(request, timeout=CALL_SECONDS)


class Roles(CallersTestCase):
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
                            "PERMISSION_DENIED", "DISCLOSURE_MISSING")

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


class Strangers(CallersTestCase):
    """Nobody whose certificate is not good for exactly one caller gets in, and the log says why."""

    def refused(self, certificate):
        """What the client is told, and the lines that the server wrote."""
        since = len(self.server.lines)
        stubs = self.connect(certificate) if certificate else \
            self.server.stubs(grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes()))
        return refusal_of(stubs.admin.WhoAmI, pb.WhoAmIRequest(), timeout=5), since

    def test_a_certificate_that_names_nobody_or_two_is_refused(self):
        for certificate, why in (("two_uris", "the certificate has 2 URI SANs"), ("cn_only", "its CN is no identity")):
            with self.subTest(certificate):
                refusal, since = self.refused(certificate)
                self.assert_refused(refusal, "UNAUTHENTICATED", "UNAUTHENTICATED", "")
                line = self.server.wait_for_log(lambda line: why in line.get("detail", ""), since)
                self.assertEqual((line["event"], line["caller"]), ("rpc.call", ""))
                self.assertNotIn(certificate, self.server.log_text(since))

    def test_a_denied_id_is_refused_though_it_has_a_binding(self):
        refusal, since = self.refused("revoked")
        self.assert_refused(refusal, "PERMISSION_DENIED", "CALLER_DENIED", "")
        line = self.server.wait_for_log(lambda line: line.get("reason") == "CALLER_DENIED", since)
        self.assertIn("list of denied ones", line["detail"])

    def test_a_certificate_that_is_not_good_ends_with_the_handshake(self):
        for certificate, why in (("stranger", "unable to get local issuer certificate"),
                                 ("expired", "certificate has expired"), ("server_only", "certificate purpose")):
            with self.subTest(certificate):
                refusal, since = self.refused(certificate)
                self.assertEqual(refusal.code, grpc.StatusCode.UNAVAILABLE)
                self.server.wait_for_log(
                    lambda line: line.get("event") == "tls.certificate" and why in line["reason"], since)
                self.assertNotIn("lab.example", self.server.log_text(since))

    def test_without_a_certificate_nobody_gets_in(self):
        refusal, since = self.refused(None)
        self.assertEqual(refusal.code, grpc.StatusCode.UNAVAILABLE)
        self.server.wait_for_log(lambda line: "peer did not return a certificate" in line.get("line", ""), since)

    def test_nothing_below_tls_1_2_is_spoken(self):
        for version, is_spoken in ((ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
                                   (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
            with self.subTest(version):
                self.assertEqual(self.speaks(version), is_spoken)

    def speaks(self, version):
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        context.set_ciphers("ALL:@SECLEVEL=0")  # else this side would not speak the old ones
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(self.folder / "shop.pem", self.folder / "shop.key")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        try:
            with socket.create_connection(("127.0.0.1", self.server.ports["grpc"]), timeout=CALL_SECONDS) as plain, \
                    context.wrap_socket(plain, server_hostname="localhost") as secure:
                return secure.version() is not None
        except (ssl.SSLError, ConnectionError):
            return False

    def test_plaintext_gets_no_answer(self):
        refusal = refusal_of(self.server.stubs().admin.WhoAmI, pb.WhoAmIRequest(), timeout=5)
        self.assertEqual(refusal.code, grpc.StatusCode.UNAVAILABLE)


class Reload(CallersTestCase):
    """What the configuration says of callers is in force once the file has changed."""

    def tearDown(self):
        self.configure(CONFIG)
        self.server.wait_until(lambda: self.code_of("watch") == "OK", "callers as before")

    def code_of(self, caller):
        try:
            self.callers[caller].admin.ListKeys(pb.ListKeysRequest(), timeout=CALL_SECONDS)
            return "OK"
        except grpc.RpcError as error:
            return Refusal(error).reason

    def test_roles_and_denied_ids_change_without_a_restart(self):
        self.assertEqual((self.code_of("watch"), self.code_of("shop")), ("OK", "ROLE_MISSING"))
        self.configure(CONFIG.replace("denied:\n", f"denied:\n  - {{id: \"{SPIFFE}watch\"}}\n")
                       .replace("roles: [checker], disclose: next_step", "roles: [operator], disclose: next_step"))
        self.server.wait_until(lambda: self.code_of("watch") == "CALLER_DENIED", "the id is denied")
        self.assertEqual(self.code_of("shop"), "OK")

    def test_a_file_with_an_error_changes_nothing_and_is_told_by_line(self):
        failures = 'passgate_caller_loads_total{result="failure"}'
        count, since = self.server.counted(failures), len(self.server.lines)
        self.configure(CONFIG.replace("callers:\n", f"callers:\n  - {{id: \"{SPIFFE}other\", roles: [chekcer]}}\n")
                       .replace("denied:\n", f"denied:\n  - {{id: \"{SPIFFE}watch\"}}\n"))
        finding = self.server.wait_for_log(lambda line: line.get("event") == "config.finding", since)
        self.assertEqual((finding["file"], finding["line"]), ("passgate.yaml", 5))
        self.assertIn("did you mean `checker`", finding["finding"])
        self.server.wait_until(lambda: self.server.counted(failures) == count + 1, "counted")
        self.assertEqual(self.code_of("watch"), "OK")

    def test_a_signal_has_the_file_read_at_once(self):
        since = len(self.server.lines)
        self.server.reload()
        self.server.wait_for_log(lambda line: line.get("event") == "callers.loaded", since)


class Reuse(CallersTestCase):
    directives = {"models.yaml": "resources: [{id: model/fable-5, base: allow}]\n", "here.yaml": """\
directive: here
language: 1
title: Only in the United States
authority: {text: a test}
effective: {from: 2026-06-01T00:00:00Z}
resources: [model/fable-5]
require: {location: {in: [USA]}}
record: bounded
"""}

    def test_who_may_use_an_answer_again_is_told_what_it_hangs_on(self):
        alice = self.verified("USA")
        for caller in ("gateway", "legal"):
            kept = self.check(caller, check(alice, "model/fable-5"))
            self.assertEqual(kept.decision, pb.DECISION_ALLOW)
            self.assertGreater(kept.max_age.ToMilliseconds(), 0)
            self.assertEqual(list(kept.vary_context), ["location"])
        batch = self.callers["gateway"].entitlement.BatchCheckEntitlements(
            pb.BatchCheckEntitlementsRequest(checks=[check(alice, "model/fable-5")]), timeout=CALL_SECONDS)
        self.assertEqual(list(batch.decisions[0].vary_context), ["location"])
        abroad = self.check("gateway", check(alice, "model/fable-5", location="RUS"))
        self.assertEqual(fields_of(abroad), DECISION)


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
            "not proven well enough": check(self.verified("USA", proof=pb.PROOF_VISUAL), "model/fable-5",
                                            want_reasons=True),
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
        stranger = check(self.verified("USA"), "model/fable-5", on_behalf_of="org/unheard-of", want_reasons=True)
        for what, request in {**self.cases(), "for an unknown organization": stranger}.items():
            if what == "allowed":
                continue
            answer, call = self.callers["gateway"].entitlement.CheckEntitlement.with_call(request,
                                                                                          timeout=CALL_SECONDS)
            answer.decision_id = "x" * len(answer.decision_id)
            shapes.add((answer.SerializeToString(), call.code(), call.details(), tuple(call.initial_metadata()),
                        tuple(call.trailing_metadata())))
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
