#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Receipts: signed by the real server, verified by somebody else's library and by the command line, without a server."""
import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

from jwcrypto import jwk, jws, jwt

from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh, passport, submission
from passgate_server import ISSUER, ServerTestCase, find_program, main

PASSGATE = os.environ.get("PASSGATE") or find_program("PASSGATE", "client/cli/passgate")


class ReceiptTestCase(ServerTestCase):
    needs_control = True  # what the receipts say of their realm

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory(prefix="passgate-receipts-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.citizen, cls.foreigner = fresh("usa"), fresh("deu")
        for name, country in ((cls.citizen, "USA"), (cls.foreigner, "DEU")):
            cls.stubs.verification.SubmitVerification(submission(name, passport(country)), timeout=CALL_SECONDS)
        cls.jwks = cls.server.get("http", "/.well-known/jwks.json")[2]
        cls.jwks_file = Path(cls.folder.name, "jwks.json")
        cls.jwks_file.write_text(cls.jwks, encoding="utf-8")

    def checked(self, name, **changes):
        question = check(name, "model/fable-5", want_receipt=True, **changes)
        return self.stubs.entitlement.CheckEntitlement(question, timeout=CALL_SECONDS)

    def verified(self, receipt):
        """Header and payload as jwcrypto sees them."""
        token = jwt.JWT(algs=["ES256"])
        token.deserialize(receipt, jwk.JWKSet.from_json(self.jwks))
        return json.loads(token.header), json.loads(token.claims)

    def passgate(self, *arguments, given=None):
        return subprocess.run([PASSGATE, *arguments], input=given, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, timeout=CALL_SECONDS)


class Receipts(ReceiptTestCase):
    def test_another_library_verifies_a_receipt_and_finds_the_answer_in_it(self):
        answer = self.checked(self.citizen, location="USA")
        header, payload = self.verified(answer.receipt)
        said = payload["passgate_decision"]
        self.assertEqual((header["alg"], header["typ"]), ("ES256", "passgate-receipt+jwt"))
        self.assertEqual((payload["iss"], payload["azp"], payload["jti"]), (ISSUER, "local", answer.decision_id))
        self.assertEqual(payload["iat"], answer.evaluated_at.seconds)
        self.assertEqual((said["decision"], said["reason"], said["action"]), ("ALLOW", "ALLOWED", "use"))
        self.assertEqual(said["resource"], {"type": "model", "id": "fable-5"})
        self.assertEqual(said["revision"], answer.revision)
        self.assertEqual(said["directive_set"]["number"], answer.directive_set)
        self.assertEqual(said["max_age_ms"], answer.max_age.ToMilliseconds())
        self.assertEqual(said["context_sha256"], hashlib.sha256(b"location=USA\n").hexdigest())
        self.assertNotIn(self.citizen, json.dumps(payload))
        for absent in ("exp", "aud", "nbf"):
            self.assertNotIn(absent, payload)

    def test_a_refusal_has_one_as_well_and_names_its_directive(self):
        said = self.verified(self.checked(self.foreigner).receipt)[1]["passgate_decision"]
        self.assertEqual(said["decision"], "DENY")
        self.assertTrue(said["directive"]["id"])
        self.assertEqual(len(said["directive"]["digest"]), 64)
        self.assertGreaterEqual(said["directive"]["version"], 1)

    def test_one_changed_byte_is_found_by_both(self):
        head, body, signature = self.checked(self.foreigner).receipt.split(".")
        changed = ".".join((head, body[:40] + ("A" if body[40] != "A" else "B") + body[41:], signature))
        with self.assertRaises(jws.InvalidJWSSignature):
            self.verified(changed)
        ended = self.passgate("receipt", "verify", "-", "--jwks", self.jwks_file, given=changed)
        self.assertEqual(ended.returncode, 1, ended)
        self.assertIn("(SIGNATURE)", ended.stdout)

    def test_who_comes_as_a_stream_gets_receipts_too(self):
        questions = [pb.StreamCheckEntitlementsRequest(id=number, check=check(
            name, "model/fable-5", want_receipt=wanted))
            for number, (name, wanted) in enumerate([(self.citizen, True), (self.foreigner, True), (self.citizen, False)])]
        answers = {answer.id: answer.decision for answer in
                   self.stubs.entitlement.StreamCheckEntitlements(iter(questions), timeout=CALL_SECONDS)}
        self.assertEqual([self.verified(answers[number].receipt)[1]["passgate_decision"]["decision"] for number in (0, 1)],
                         ["ALLOW", "DENY"])
        self.assertEqual(answers[2].receipt, "")

    def test_a_receipt_stands_for_nobody(self):
        receipt = self.checked(self.citizen).receipt
        question = check("", "model/fable-5", claim_token=receipt)
        self.assert_refused(refusal_of(self.stubs.entitlement.CheckEntitlement, question),
                            "INVALID_ARGUMENT", "TOKEN_INVALID", "claim_token")


class CommandLine(ReceiptTestCase):
    def check(self, name, *arguments):
        return self.passgate("check", name, "model/fable-5", "use", "--context", "location=USA", "--server",
                             self.server.address, "--timeout", "10s", *arguments)

    def test_what_check_saves_receipt_verify_reads_without_a_server(self):
        for name, status, word in ((self.citizen, 0, "ALLOW"), (self.foreigner, 1, "DENY")):
            path = Path(self.folder.name, "receipt-" + name)
            self.assertEqual(self.check(name, "--receipt", path).returncode, status)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            ended = self.passgate("receipt", "verify", path, "--jwks", self.jwks_file, "--issuer", ISSUER)
            self.assertEqual(ended.returncode, 0, ended)
            self.assertTrue(ended.stdout.startswith("GENUINE\n"), ended.stdout)
            self.assertRegex(ended.stdout, "decision: +" + word)
            self.verified(path.read_text(encoding="utf-8").strip())

    def test_a_receipt_on_standard_output_is_the_last_line(self):
        lines = self.check(self.citizen, "--receipt", "-").stdout.splitlines()
        self.assertIn("may use model/fable-5", lines[0])
        self.assertEqual(self.verified(lines[-1])[1]["iss"], ISSUER)
        whole = json.loads(self.check(self.citizen, "--receipt", "-", "-o", "json").stdout)
        self.assertEqual(self.verified(whole["receipt"])[1]["jti"], whole["decisionId"])

    def test_the_keys_may_come_from_the_server(self):
        receipt = self.checked(self.citizen).receipt
        ended = self.passgate("receipt", "verify", "-", "--server", self.server.address, "-o", "json", given=receipt)
        self.assertEqual(ended.returncode, 0, ended)
        self.assertEqual(json.loads(ended.stdout), {"verified": True, "payload": self.verified(receipt)[1]})

    def test_a_receipt_that_cannot_be_kept_is_an_error(self):
        ended = self.check(self.citizen, "--receipt", Path(self.folder.name, "nowhere", "receipt"))
        self.assertEqual(ended.returncode, 2, ended)


if __name__ == "__main__":
    main()
