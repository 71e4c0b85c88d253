#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Claims: issued, kept, examined, used instead of a subject, and verified by somebody else's library."""
import json
import time

import grpc
from google.protobuf.duration_pb2 import Duration
from jwcrypto import jwk, jwt

from passgate_protos import CALL_SECONDS, Refusal, pb, refusal_of
from passgate_samples import check, fresh, passport, statement, submission
from passgate_server import ISSUER, ServerTestCase, main

REALM = "passgate-test"  # realm.audience of the fixture


class ClaimTestCase(ServerTestCase):
    needs_control = True  # what the claims say of their realm

    def new_subject(self, country="USA"):
        name = fresh(country.lower())
        self.submit(name, passport(country))
        return name

    def submit(self, name, evidence):
        return self.stubs.verification.SubmitVerification(submission(name, evidence), timeout=CALL_SECONDS)

    def issue(self, name, audience="https://shop.example", **changes):
        return self.stubs.claim.IssueClaim(pb.IssueClaimRequest(subject=name, audience=audience, **changes),
                                           timeout=CALL_SECONDS)

    def introspect(self, token):
        return self.stubs.claim.IntrospectClaim(pb.IntrospectClaimRequest(token=token), timeout=CALL_SECONDS)

    def jwks(self):
        status, headers, body = self.server.get("http", "/.well-known/jwks.json")
        self.assertEqual(status, 200)
        return headers, body

    def verified(self, token, audience="https://shop.example"):
        """Header and payload as jwcrypto sees them, checked against the keys over HTTP."""
        keys = jwk.JWKSet.from_json(self.jwks()[1])
        checked = jwt.JWT(algs=["ES256"], check_claims={"aud": audience, "iss": None, "exp": None, "jti": None})
        checked.deserialize(token, keys)
        return json.loads(checked.header), json.loads(checked.claims)


class Issuing(ClaimTestCase):
    def test_a_claim_is_verified_by_another_library_with_the_keys_over_http(self):
        issued = self.issue(self.new_subject())
        header, payload = self.verified(issued.token)
        self.assertEqual((header["alg"], header["typ"]), ("ES256", "passgate-claim+jwt"))
        self.assertEqual((payload["iss"], payload["aud"], payload["azp"], payload["jti"]),
                         (ISSUER, "https://shop.example", "local", issued.jti))
        self.assertEqual(payload["exp"] - payload["iat"], 300)
        self.assertEqual(payload["exp"], issued.expires_at.seconds)
        self.assertIn("verified_claims", payload)
        keys = {key["kid"]: key for key in json.loads(self.jwks()[1])["keys"]}
        key = jwk.JWK(**{name: keys[header["kid"]][name] for name in ("kty", "crv", "x", "y")})
        self.assertEqual(key.thumbprint(), header["kid"], "RFC 7638")

    def test_a_token_with_one_changed_byte_is_refused_by_everybody(self):
        head, body, signature = self.issue(self.new_subject()).token.split(".")
        body = body[:20] + ("A" if body[20] != "A" else "B") + body[21:]
        token = ".".join((head, body, signature))
        with self.assertRaises(Exception):
            self.verified(token)
        self.assertFalse(self.introspect(token).active)

    def test_keys_are_fetched_again_only_when_they_changed(self):
        headers, body = self.jwks()
        self.assertEqual(headers["Content-Type"], "application/jwk-set+json")
        self.assertIn("max-age", headers["Cache-Control"])
        status, _, again = self.server.get("http", "/.well-known/jwks.json", {"If-None-Match": headers["ETag"]})
        self.assertEqual((status, again), (304, ""))
        status, _, again = self.server.get("http", "/.well-known/jwks.json", {"If-None-Match": '"other"'})
        self.assertEqual((status, again), (200, body))
        answer = self.stubs.claim.GetJwks(pb.GetJwksRequest(), timeout=CALL_SECONDS)
        self.assertEqual(json.loads(answer.jwks_json), json.loads(body))
        self.assertFalse(any("d" in key for key in json.loads(body)["keys"]), "a private key")

    def test_each_disclosure_says_what_it_is_for(self):
        name = self.new_subject("DEU")
        said = {kind: json.dumps(self.verified(self.issue(name, disclosure=kind).token)[1]) for kind in
                (pb.DISCLOSURE_PREDICATES, pb.DISCLOSURE_NATIONALITIES, pb.DISCLOSURE_FULL)}
        # As a value: three letters turn up in a random `sub` or `jti` sooner or later.
        self.assertNotIn('"DEU"', said[pb.DISCLOSURE_PREDICATES])
        self.assertIn('"DEU"', said[pb.DISCLOSURE_NATIONALITIES])
        self.assertIn('"DEU"', said[pb.DISCLOSURE_FULL])
        for payload in said.values():
            self.assertNotIn(name, payload)

    def test_every_audience_sees_another_subject(self):
        name = self.new_subject()
        subjects = {self.verified(self.issue(name, audience).token, audience)[1]["sub"]
                    for audience in ("https://a.example", "https://b.example", "c")}
        self.assertEqual(len(subjects), 3)

    def test_a_lifetime_is_what_was_wished_within_limits(self):
        name = self.new_subject()
        payload = self.verified(self.issue(name, lifetime=Duration(seconds=60)).token)[1]
        self.assertEqual(payload["exp"] - payload["iat"], 60)
        for seconds in (29, 301, -5):
            refusal = refusal_of(self.stubs.claim.IssueClaim, pb.IssueClaimRequest(
                subject=name, audience="shop", lifetime=Duration(seconds=seconds)))
            self.assert_refused(refusal, "INVALID_ARGUMENT", "FIELD_RANGE", "lifetime")

    def test_of_nobody_there_is_nothing_to_claim(self):
        refusal = refusal_of(self.stubs.claim.IssueClaim, pb.IssueClaimRequest(subject=fresh("nobody"), audience="shop"))
        self.assert_refused(refusal, "FAILED_PRECONDITION", "NOTHING_TO_CLAIM", "subject")

    def test_the_claim_of_before_is_given_again_while_nothing_changed(self):
        name = self.new_subject()
        first = self.issue(name)
        again = self.issue(name)
        self.assertFalse(first.cached)
        self.assertTrue(again.cached)
        self.assertEqual((again.token, again.jti, again.expires_at), (first.token, first.jti, first.expires_at))
        for other in (self.issue(name, "https://other.example"), self.issue(name, disclosure=pb.DISCLOSURE_FULL),
                      self.issue(name, lifetime=Duration(seconds=40))):
            self.assertFalse(other.cached)
            self.assertNotEqual(other.jti, first.jti)

    def test_after_new_evidence_the_claim_is_new(self):
        name = self.new_subject()
        first = self.issue(name)
        written = self.submit(name, statement(pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE))
        second = self.issue(name, min_revision=written.revision)
        self.assertFalse(second.cached)
        self.assertNotEqual(second.jti, first.jti)
        self.assertTrue(self.introspect(first.token).active, "it was true when it was issued")

    def test_examining_a_claim_shows_what_was_signed(self):
        issued = self.issue(self.new_subject())
        answer = self.introspect(issued.token)
        self.assertTrue(answer.active)
        self.assertEqual((answer.issuer, answer.audience, answer.authorized_party, answer.jti, answer.expires_at),
                         (ISSUER, "https://shop.example", "local", issued.jti, issued.expires_at))
        self.assertEqual(json.loads(answer.payload_json), self.verified(issued.token)[1])

    def test_what_is_no_claim_is_examined_alike(self):
        token = self.issue(self.new_subject()).token
        head, body, signature = token.split(".")
        for garbage in ("", "x", "a.b.c", f"{head}.{body}.", f"{head}.{body}", token + "x", "eyJhbGciOiJub25lIn0.e30.",
                        f"{body}.{head}.{signature}"):
            self.assertEqual(self.introspect(garbage), pb.IntrospectClaimResponse(), garbage)


class Using(ClaimTestCase):
    def check_by(self, token):
        question = check("", "model/fable-5")
        question.claim_token = token
        return self.stubs.entitlement.CheckEntitlement(question, timeout=CALL_SECONDS)

    def refused(self, token):
        try:
            self.check_by(token)
        except grpc.RpcError as error:
            self.assert_refused(Refusal(error), "INVALID_ARGUMENT", "TOKEN_INVALID", "claim_token")
            return
        self.fail("a decision for a token that is not ours")

    def test_a_claim_for_this_realm_stands_for_its_subject(self):
        name = self.new_subject()
        token = self.issue(name, REALM).token
        self.assertEqual(self.check_by(token).decision, pb.DECISION_ALLOW)
        question = check("", "model/fable-5", claim_token=token)
        batch = self.stubs.entitlement.BatchCheckEntitlements(
            pb.BatchCheckEntitlementsRequest(checks=[question, check(name, "model/fable-5")]), timeout=CALL_SECONDS)
        self.assertEqual([decision.decision for decision in batch.decisions], [pb.DECISION_ALLOW] * 2)

    def test_current_facts_decide_and_not_those_of_the_claim(self):
        name = fresh("alice")
        accepted = self.submit(name, passport("USA"))
        token = self.issue(name, REALM).token
        self.assertEqual(self.check_by(token).decision, pb.DECISION_ALLOW)
        self.stubs.verification.RevokeEvidence(pb.RevokeEvidenceRequest(
            request_id=fresh("request"), subject=name, evidence_id=accepted.evidence_id, reason="test"),
            timeout=CALL_SECONDS)
        self.assertEqual(pb.Reason.Name(self.check_by(token).reason), "REASON_VERIFICATION_REQUIRED")

    def test_a_claim_for_somebody_else_is_refused(self):
        self.refused(self.issue(self.new_subject(), "https://shop.example").token)

    def test_what_is_no_token_is_refused(self):
        token = self.issue(self.new_subject(), REALM).token
        head, body, signature = token.split(".")
        for garbage in ("x", "a.b.c", f"{head}.{body}.", f"{head}.{body}.{signature[::-1]}", token + "="):
            with self.subTest(garbage):
                self.refused(garbage)

    def test_a_subject_and_a_claim_at_once_contradict_each_other(self):
        token = self.issue(self.new_subject(), REALM).token
        refusal = refusal_of(self.stubs.entitlement.CheckEntitlement, check("alice", claim_token=token))
        self.assert_refused(refusal, "INVALID_ARGUMENT", "FIELD_CONFLICT", "claim_token")


class Ageing(ClaimTestCase):
    """The shortest life is 30 s: half of it is waited for."""

    flags = {"claims-lifetime": "30s"}

    def test_a_claim_is_given_again_until_half_of_its_life_is_over(self):
        name = self.new_subject()
        first = self.issue(name)
        issued_at = self.introspect(first.token).issued_at.seconds
        time.sleep(max(0, issued_at + 13 - time.time()))
        early = self.issue(name)
        if time.time() < issued_at + 14.5:  # a machine that stalled proves nothing
            self.assertEqual((early.cached, early.jti), (True, first.jti))
        time.sleep(max(0, issued_at + 15.6 - time.time()))
        late = self.issue(name)
        self.assertFalse(late.cached)
        self.assertNotEqual(late.jti, first.jti)


class Restarts(ClaimTestCase):
    def test_claims_and_their_cache_outlive_a_restart(self):
        name = self.new_subject()
        before = self.issue(name, REALM)
        keys = self.jwks()[1]
        self.server.stop()
        self.server.start()
        type(self).stubs = self.server.stubs()
        self.assertEqual(self.jwks()[1], keys)
        self.assertTrue(self.issue(name, REALM).cached)
        self.assertTrue(self.introspect(before.token).active)


if __name__ == "__main__":
    main()
