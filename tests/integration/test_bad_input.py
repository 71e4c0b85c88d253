#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input: the field is named, the code is right, nothing is kept, and the next good call is answered."""
import grpc

import wire_walk
from passgate_protos import CALL_SECONDS, SERVICES, Refusal, pb, pool, refusal_of
from passgate_samples import TODAY, ago, check, day, fresh, passport, statement, submission, zone
from passgate_server import ServerTestCase, main, needs_own_server

MIB = 1024 * 1024


def methods():
    """Path, request descriptor and whether it is a stream, of every method of the contract."""
    for service in SERVICES:
        for method in pool.FindServiceByName(f"passgate.v1.{service}").methods:
            yield f"/passgate.v1.{service}/{method.name}", method.input_type, method.name.startswith("Stream")


class BadInputTestCase(ServerTestCase):
    def tearDown(self):
        self.assert_answers()

    def assert_answers(self):
        answer = self.stubs.entitlement.CheckEntitlement(check("anybody", "model/opus-4"), timeout=CALL_SECONDS)
        self.assertEqual(answer.decision, pb.DECISION_ALLOW)

    def refuse_bytes(self, method, is_stream, content):
        return refusal_of(self.stubs.raw, method, content, is_stream=is_stream)


class EveryField(BadInputTestCase):
    """What no field may have, in every field of every request, as bytes that no library would send."""

    def refuse_everywhere(self, is_wanted, contents, code, reason, paths=wire_walk.walk, suffix=""):
        seen = set()
        for method, request, is_stream in methods():
            for path in filter(is_wanted, paths(request)):
                field = wire_walk.name(path) + suffix
                for content in contents:
                    with self.subTest(method=method, field=field, content=content):
                        refusal = self.refuse_bytes(method, is_stream, wire_walk.wire(path, *content))
                        self.assert_refused(refusal, code, reason, field)
                        seen.add((method, field))
                self.assert_answers()
        return seen

    def test_a_nul_in_any_string_or_key_is_refused(self):
        seen = self.refuse_everywhere(wire_walk.is_string, [[b"alice\0evil"], [b"\0"]], "INVALID_ARGUMENT", "FIELD_NUL")
        self.assertIn(("/passgate.v1.EntitlementService/BatchCheckEntitlements", "checks[0].context[0].key"), seen)
        self.assertIn(("/passgate.v1.VerificationService/SubmitVerification", "evidence.statement.authority"), seen)
        self.assertGreater(len(seen), 90)

    def test_what_is_no_utf8_is_refused_in_any_string_or_key(self):
        bad = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80", b"ok\x80"]
        self.refuse_everywhere(wire_walk.is_string, [[content] for content in bad], "INVALID_ARGUMENT", "FIELD_UTF8")

    def test_unknown_enum_numbers_are_refused(self):
        numbers = [[99], [0x7FFFFFFF], [0xFFFFFFFFFFFFFFFF], [1 << 32 | 1]]
        seen = self.refuse_everywhere(wire_walk.is_enum, numbers, "INVALID_ARGUMENT", "FIELD_ENUM")
        self.assertIn(("/passgate.v1.VerificationService/SetAffiliations", "affiliations[0].affiliation_as"), seen)

    def test_a_map_that_has_a_key_twice_is_refused(self):
        twice = [b"\x0a\x08location\x12\x03USA", b"\x0a\x08location\x12\x03DEU"]
        seen = self.refuse_everywhere(lambda path: True, [twice], "INVALID_ARGUMENT", "FIELD_DUPLICATE_KEY",
                                      paths=self.map_paths)
        self.assertGreaterEqual(len(seen), 5)

    @staticmethod
    def map_paths(descriptor):
        return ((*path[:-1], SecondElement(path[-1])) for path in wire_walk.maps(descriptor))

    def test_bytes_that_are_no_message_are_refused(self):
        for method, _, is_stream in methods():
            for content in (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x05abc",
                            b"\x07", b"\x0b\x0c", b"\x00"):
                with self.subTest(method=method, content=content):
                    refusal = self.refuse_bytes(method, is_stream, content)
                    self.assert_refused(refusal, "INVALID_ARGUMENT", "MESSAGE_MALFORMED")


class SecondElement:
    """A repeated field whose second element is the one that is named."""

    def __init__(self, field):
        self.field = field
        self.number, self.label = field.number, 0
        self.name = field.name + "[1]"


# A request of each method that is good but for what is spoilt in it.  Where fields exclude each other, the first word
# of the list that the spoilt field's name has decides.
def good_requests():
    paper = passport("USA", with_zone=True, accredited_to="CHL", minor=False,
                     acquired=pb.Acquisition(date=day(-20), precision=pb.DATE_PRECISION_EXACT, basis="by birth"),
                     us=pb.UsPapers(i551_category="I", ead_category="A", resident_since=day(-2)),
                     reviewer=pb.Reviewer(id="reviewer-07", documents_seen="passport", reason="asked to"))
    paper.document.number, paper.document.birth_country = "L23456789", "USA"
    said = statement(pb.STATEMENT_KIND_CITIZEN_OF, country="DEU")
    said.statement.review_by = day(1)
    plain = check("alice", on_behalf_of="org/lab", also_subjects=["bodo"])
    by_claim = check("", claim_token="a.b.c")
    return {
        "SubmitVerification": {"statement": submission("alice", said, dry_run=True),
                               "": submission("alice", paper, dry_run=True)},
        "RevokeEvidence": {
            "evidence_id": pb.RevokeEvidenceRequest(request_id="r", subject="alice", evidence_id="ev_1", reason="so"),
            "": pb.RevokeEvidenceRequest(request_id="r", subject="alice", vendor="veriff", check_id="1", reason="so")},
        "SetAffiliations": {"": pb.SetAffiliationsRequest(
            request_id="r", subject="alice", organization="org/lab", review_by=day(1),
            affiliations=[pb.Affiliation(affiliation_as=pb.AFFILIATION_AS_EMPLOYEE, until=day(1))])},
        "SetPrincipals": {"": pb.SetPrincipalsRequest(request_id="r", subject="service", principals=["alice"])},
        "GetSubject": {"": pb.GetSubjectRequest(subject="alice")},
        "IssueClaim": {"": pb.IssueClaimRequest(subject="alice", audience="shop")},
        "CheckEntitlement": {"claim_token": by_claim, "": plain},
        "BatchCheckEntitlements": {"claim_token": pb.BatchCheckEntitlementsRequest(checks=[by_claim]),
                                   "": pb.BatchCheckEntitlementsRequest(checks=[plain])},
        "StreamCheckEntitlements": {"claim_token": pb.StreamCheckEntitlementsRequest(id=1, check=by_claim),
                                    "": pb.StreamCheckEntitlementsRequest(id=1, check=plain)},
        "ListEntitlements": {"": pb.ListEntitlementsRequest(subject="alice", action="use", context={"location": "USA"})},
        "ExplainEntitlement": {"": pb.ExplainEntitlementRequest(check=plain)},
        "WatchRevisions": {"": pb.WatchRevisionsRequest()},
        "ListDecisions": {"": pb.ListDecisionsRequest(caller="local", subject="alice", resource=plain.resource)},
        "GetTreeHead": {"": pb.GetTreeHeadRequest(wait_for="0" * 16 + "-1")},
        "GetInclusionProof": {"": pb.GetInclusionProofRequest(decision_id="0" * 16 + "-1")},
        "ImportStore": {"": pb.ImportStoreRequest(
            hash_key="0" * 16, partitions=1, entries=[pb.StoreEntry(space=pb.STORE_SPACE_SUBJECT, hash="0" * 32, data=b"x")])},
    }


# What another reason than FIELD_CHARACTERS fits better: by the last part of the field's name.
OTHER_REASONS = {"issuer": "FIELD_COUNTRY", "nationality": "FIELD_COUNTRY", "birth_country": "FIELD_COUNTRY",
                 "country": "FIELD_COUNTRY", "accredited_to": "FIELD_COUNTRY", "claim_token": "TOKEN_INVALID",
                 **dict.fromkeys(("issued_on", "expires_on", "as_of", "review_by", "until", "date", "resident_since"),
                                 "FIELD_DATE")}
# Fields that one method does not look at, or takes no value of, whatever is in them.
LEFT_OUT = {("IntrospectClaim", "token"),  # not a token is an answer: not active
            ("SubmitVerification", "evidence.document.mrz"),  # has reasons of its own
            ("BatchCheckEntitlements", "checks[0].min_revision"),  # FIELD_CONFLICT
            ("BatchCheckEntitlements", "checks[0].claim_token"),  # told in its place
            ("ExplainEntitlement", "check.min_revision"), ("ExplainEntitlement", "check.claim_token")}


class ControlBytes(BadInputTestCase):
    def refusal_in(self, method, request, is_stream):
        """The refusal of the call, or of the one question of a stream, which has no room for a field."""
        try:
            answers = self.stubs.raw(method, request.SerializeToString(), is_stream=is_stream)
        except grpc.RpcError as error:
            refusal = Refusal(error)
            return refusal.code.name, refusal.reason, refusal.fields
        self.assertTrue(is_stream, "answered instead of refused")
        error = pb.StreamCheckEntitlementsResponse.FromString(answers[0]).error
        return grpc.StatusCode.INVALID_ARGUMENT.name if error.code == 3 else error.code, error.reason, None

    def test_control_bytes_are_refused_in_every_string_and_key(self):
        good = good_requests()
        count = 0
        for method, descriptor, is_stream in methods():
            name = method.rpartition("/")[2]
            for path in filter(wire_walk.is_string, wire_walk.walk(descriptor)):
                field = wire_walk.name(path)
                if (name, field) in LEFT_OUT:
                    continue
                request = next(request for word, request in good[name].items() if word in field)
                for ending in ("\x07", "\n", "\x1b", "\x7f", "\u0085"):
                    spoilt = type(request).FromString(request.SerializeToString())
                    wire_walk.spoil(spoilt, path, ending)
                    with self.subTest(method=name, field=field, ending=ending):
                        reason = OTHER_REASONS.get(path[-1].name, "FIELD_CHARACTERS")
                        self.assertEqual(self.refusal_in(method, spoilt, is_stream),
                                         ("INVALID_ARGUMENT", reason, None if is_stream else [field]))
                        count += 1
        self.assertGreater(count, 300)

    def test_a_log_line_stays_one_line(self):
        begin = len(self.server.lines)
        refusal_of(self.stubs.raw, "/passgate.v1.AdminService/WhoAmI\n\x1b[2J", b"")
        refusal_of(self.stubs.entitlement.CheckEntitlement, check("alice\n\x1b[2J{\"level\":\"error\"}"))
        self.assertNotIn("\x1b", self.server.log_text(begin))
        self.assertEqual([line for line in self.server.log(begin) if "raw" in line], [])


class Limits(BadInputTestCase):
    def test_a_subject_has_1_to_128_bytes(self):
        for call, request in ((self.stubs.entitlement.CheckEntitlement, check("")),
                              (self.stubs.verification.SubmitVerification, submission("", passport("DEU"))),
                              (self.stubs.verification.GetSubject, pb.GetSubjectRequest()),
                              (self.stubs.claim.IssueClaim, pb.IssueClaimRequest(audience="shop"))):
            for subject, reason in (("", "FIELD_REQUIRED"), ("a" * 129, "FIELD_TOO_LONG"), ("é" * 65, "FIELD_TOO_LONG"),
                                    ("a b", "FIELD_CHARACTERS"), ("é", "FIELD_CHARACTERS"), ("a*", "FIELD_CHARACTERS")):
                request.subject = subject
                self.assert_refused(refusal_of(call, request), "INVALID_ARGUMENT", reason, "subject")
        longest = "a" * 128
        self.stubs.entitlement.CheckEntitlement(check(longest), timeout=CALL_SECONDS)
        self.stubs.verification.SubmitVerification(submission(longest, passport("DEU")), timeout=CALL_SECONDS)

    def test_a_message_of_five_megabytes_is_refused_before_it_is_read(self):
        for method, _, is_stream in methods():
            refusal = self.refuse_bytes(method, is_stream, b"\x0a\x80\x80\xc0\x02" + b"a" * (5 * MIB))
            self.assertEqual(refusal.code, grpc.StatusCode.RESOURCE_EXHAUSTED, method)

    def test_each_method_has_a_limit_of_its_own(self):
        request = submission("alice", passport("DEU"))
        request.evidence.document.mrz = "P" * 40000
        self.assert_refused(refusal_of(self.stubs.verification.SubmitVerification, request),
                            "RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE")

    def test_a_batch_has_1_to_1000_checks(self):
        call = self.stubs.entitlement.BatchCheckEntitlements
        self.assert_refused(refusal_of(call, pb.BatchCheckEntitlementsRequest()),
                            "INVALID_ARGUMENT", "FIELD_REQUIRED", "checks")
        refusal = refusal_of(call, pb.BatchCheckEntitlementsRequest(checks=[check("alice")] * 1001))
        self.assert_refused(refusal, "INVALID_ARGUMENT", "FIELD_TOO_MANY")
        self.assertRegex(refusal.fields[0], r"^checks(\[1000\])?$")

    def test_lists_and_maps_have_limits(self):
        many = {f"key{number}": "x" for number in range(33)}
        for request, field in ((check("alice", context=many), "context[32]"),
                               (check("alice", also_subjects=["a"] * 9), "also_subjects")):
            self.assert_refused(refusal_of(self.stubs.entitlement.CheckEntitlement, request),
                                "INVALID_ARGUMENT", "FIELD_TOO_MANY", field)
        for principals, reason in ((["p"] * 2, "FIELD_CONFLICT"), ([f"p{n}" for n in range(17)], "FIELD_TOO_MANY"),
                                   (["service"], "FIELD_CONFLICT")):
            refusal = refusal_of(self.stubs.verification.SetPrincipals, pb.SetPrincipalsRequest(
                request_id=fresh("request"), subject="service", principals=principals))
            self.assertEqual((refusal.code.name, refusal.reason), ("INVALID_ARGUMENT", reason), refusal)
            self.assertRegex(refusal.fields[0], "^principals")

    def test_a_compressed_bomb_takes_no_memory(self):
        needs_own_server()
        before = self.server.counted("process_resident_memory_bytes")
        with grpc.insecure_channel(self.server.address, compression=grpc.Compression.Gzip) as channel:
            call = channel.unary_unary("/passgate.v1.EntitlementService/CheckEntitlement")
            for _ in range(5):
                refusal = refusal_of(call, b"\0" * (60 * MIB))
                self.assertIn(refusal.code, (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.RESOURCE_EXHAUSTED))
        self.assertLess(self.server.counted("process_resident_memory_bytes") - before, 32 * MIB)

    def test_a_page_is_of_a_size_and_goes_on_where_one_ended(self):
        for changes, field in (({"page_size": -1}, "page_size"), ({"page_size": 1001}, "page_size"),
                               ({"page_token": "???"}, "page_token"), ({"resource_type": "a b"}, "resource_type")):
            refusal = refusal_of(self.stubs.entitlement.ListEntitlements,
                                 pb.ListEntitlementsRequest(subject="alice", action="use", **changes))
            self.assertEqual((refusal.code.name, refusal.fields), ("INVALID_ARGUMENT", [field]), refusal)


class Evidence(BadInputTestCase):
    """Results that contradict themselves, the calendar, or the contract."""

    def refuse(self, evidence, reason, field, code="FAILED_PRECONDITION", part=""):
        name = fresh("subject")
        with self.subTest(reason=reason, field=field):
            refusal = refusal_of(self.stubs.verification.SubmitVerification, submission(name, evidence))
            self.assert_refused(refusal, code, reason, "evidence" + ("." + field if field else ""))
            self.assertEqual(refusal.part, part)
            kept = refusal_of(self.stubs.verification.GetSubject, pb.GetSubjectRequest(subject=name))
            self.assert_refused(kept, "NOT_FOUND", "NOT_FOUND", "subject")

    def paper(self, country="DEU", **changes):
        evidence = passport(country)
        for name, value in changes.items():
            setattr(evidence.document, name, value)
        return evidence

    def zoned(self, mrz, **changes):
        return self.paper(mrz=mrz, number="", expires_on="", **changes)

    def test_codes_that_are_no_country(self):
        for code in ("UTO", "XYZ", "ZZ", "QQQ"):
            self.refuse(self.paper(nationality=code), "UNKNOWN_COUNTRY_CODE", "document.nationality")
            self.refuse(self.paper(issuer=code), "UNKNOWN_COUNTRY_CODE", "document.issuer")

    def test_codes_that_are_no_code(self):
        for code in ("D<<", "D", "deu", "DEUX", "D1", "276", "Germany"):
            self.refuse(self.paper(nationality=code), "FIELD_COUNTRY", "document.nationality", "INVALID_ARGUMENT")

    def test_germany_is_d_in_a_machine_readable_zone(self):
        name = fresh("anna")
        evidence = self.zoned(zone("D<<"), issuer="", nationality="")
        self.stubs.verification.SubmitVerification(submission(name, evidence), timeout=CALL_SECONDS)
        record, = self.stubs.verification.GetSubject(pb.GetSubjectRequest(subject=name), timeout=CALL_SECONDS).evidence
        self.assertEqual((record.issuer, record.nationality), ("DEU", "DEU"))

    def test_the_zone_of_utopia(self):
        self.refuse(self.zoned(zone("UTO"), issuer="", nationality=""), "UNKNOWN_COUNTRY_CODE", "document.mrz", part="issuer")
        self.refuse(self.zoned(zone("D<<", nationality="UTO"), nationality=""), "UNKNOWN_COUNTRY_CODE",
                    "document.mrz", part="nationality")

    def test_one_wrong_digit_in_the_zone(self):
        good = zone("DEU")
        for part, field in (("number", "number"), ("birth", "birth_date"), ("expiry", "expiry_date")):
            refusal = refusal_of(self.stubs.verification.SubmitVerification,
                                 submission("anna", self.zoned(zone("DEU", misread=part))))
            self.assert_refused(refusal, "FAILED_PRECONDITION", "MRZ_CHECK_DIGIT")
            self.assertEqual(refusal.fields[0], "evidence.document.mrz", refusal)
            self.assertIn(part, refusal.part, field)
        for place in range(len(good)):
            if good[place].isdigit():
                digit = "123456789"[int(good[place]) % 9]
                refusal = refusal_of(self.stubs.verification.SubmitVerification, submission(
                    "anna", self.zoned(good[:place] + digit + good[place + 1:])))
                self.assertEqual(refusal.code.name, "FAILED_PRECONDITION")
                self.assertTrue(refusal.reason.startswith("MRZ_"), refusal)

    def test_a_zone_that_is_none(self):
        for mrz, reason in (("P", "MRZ_LENGTH"), (zone("DEU")[:-1], "MRZ_LENGTH"), (zone("DEU").lower(), "MRZ_CHARACTER"),
                            (zone("DEU").replace("<", "\u00ab", 1), None), ("A" * 3000, "MRZ_LENGTH")):
            refusal = refusal_of(self.stubs.verification.SubmitVerification, submission("anna", self.zoned(mrz)))
            self.assertEqual((refusal.code.name, refusal.fields[0].split(".mrz")[0]),
                             ("FAILED_PRECONDITION", "evidence.document"), refusal)
            self.assertIn(refusal.reason, [reason] if reason else ["MRZ_LENGTH", "MRZ_CHARACTER"])

    def test_a_zone_that_says_otherwise(self):
        self.refuse(self.zoned(zone("FRA")), "MRZ_MISMATCH", "document.issuer")
        self.refuse(self.paper(mrz=zone("DEU", number="C01X00T47")), "MRZ_MISMATCH", "document.number")
        self.refuse(self.paper(mrz=zone("DEU"), expires_on=day(7)), "MRZ_MISMATCH", "document.expires_on")
        self.refuse(self.zoned(zone("DEU"), document_code="PD"), "MRZ_MISMATCH", "document.document_code")

    def test_a_zone_of_another_class(self):
        card = self.zoned(zone("USA", nationality="IRN"), issuer="USA", nationality="IRN")
        card.evidence_class = pb.EVIDENCE_CLASS_PERMANENT_RESIDENT_CARD
        self.refuse(card, "MRZ_DOCUMENT_CODE", "document.mrz", part="document_code")

    def test_a_zone_of_another_nationality(self):
        self.refuse(self.zoned(zone("DEU", nationality="FRA")), "NATIONALITY_MISMATCH", "document.nationality")

    def test_dates_that_cannot_be(self):
        self.refuse(self.paper(expires_on="1900-01-01", issued_on=""), "DOCUMENT_EXPIRED", "document.expires_on")
        self.refuse(self.paper(expires_on=day(-5), issued_on=day(-4)), "DOCUMENT_EXPIRED", "document.expires_on")
        self.refuse(self.paper(issued_on=day(1)), "DOCUMENT_EXPIRED", "document.issued_on")
        for text in ("2034-02-30", "2034-2-1", "01.02.2034", "2034-02-01T00:00:00Z", "tomorrow", "2034-13-01",
                     "0000-00-00", "20340201"):
            self.refuse(self.paper(expires_on=text), "FIELD_DATE", "document.expires_on", "INVALID_ARGUMENT")

    def test_results_that_prove_nothing(self):
        self.refuse(passport("DEU", result=pb.VENDOR_RESULT_FAILED), "RESULT_NOT_PASSED", "result")
        self.refuse(passport("DEU", result=pb.VENDOR_RESULT_INCONCLUSIVE), "RESULT_NOT_PASSED", "result")
        self.refuse(passport("DEU", test_mode=True), "SANDBOX_RESULT", "test_mode")
        self.refuse(self.paper(revocation_check=pb.REVOCATION_CHECK_LOST_OR_STOLEN), "DOCUMENT_REVOKED",
                    "document.revocation_check")
        self.refuse(self.paper(nationality=""), "NATIONALITY_UNPROVEN", "document.nationality")
        self.refuse(self.paper(proof=pb.PROOF_UNSPECIFIED), "NATIONALITY_UNPROVEN", "document.proof")
        self.refuse(passport("DEU", binding=pb.Binding(face_match=pb.BINDING_CHECK_FAILED)), "BINDING_FAILED",
                    "binding.face_match")
        for purpose in ("form_i9", "i9", "e_verify"):
            self.refuse(passport("DEU", collection=pb.Collection(purpose=purpose)), "EVIDENCE_PURPOSE",
                        "collection.purpose")

    def test_what_is_missing_is_named(self):
        for evidence, field in ((passport("DEU", evidence_class=0), "evidence_class"),
                                (passport("DEU", vendor=""), "vendor"), (passport("DEU", check_id=""), "check_id"),
                                (passport("DEU", result=0), "result"), (passport("DEU", verified_at=None), "verified_at"),
                                (passport("DEU", document=None), "document"),
                                (statement(pb.STATEMENT_KIND_UNSPECIFIED), "statement.kind"),
                                (statement(pb.STATEMENT_KIND_CITIZEN_OF), "statement.country")):
            self.refuse(evidence, "FIELD_REQUIRED", field, "INVALID_ARGUMENT")
        refusal = refusal_of(self.stubs.verification.SubmitVerification,
                             pb.SubmitVerificationRequest(request_id="r", subject="anna"))
        self.assert_refused(refusal, "INVALID_ARGUMENT", "FIELD_REQUIRED", "evidence")

    def test_what_is_out_of_its_range_is_named(self):
        self.refuse(passport("DEU", assurance_level=4), "FIELD_RANGE", "assurance_level", "INVALID_ARGUMENT")
        self.refuse(passport("DEU", assurance_level=-1), "FIELD_RANGE", "assurance_level", "INVALID_ARGUMENT")
        self.refuse(passport("DEU", verified_at=ago(minutes=-10)), "FIELD_RANGE", "verified_at", "INVALID_ARGUMENT")
        self.refuse(statement(pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE, country="DEU"), "FIELD_CONFLICT",
                    "statement.country", "INVALID_ARGUMENT")
        both = passport("DEU")
        both.statement.kind = pb.STATEMENT_KIND_US_STATUS_NONE
        self.refuse(both, "FIELD_CONFLICT", "statement", "INVALID_ARGUMENT")
        self.refuse(passport("DEU", acquired=pb.Acquisition(date=TODAY.isoformat())), "FIELD_CONFLICT",
                    "acquired.precision", "INVALID_ARGUMENT")
        for seconds, nanos in ((-62135596801, 0), (253402300800, 0), (0, -1), (0, 1000000000)):
            evidence = passport("DEU")
            evidence.verified_at.seconds, evidence.verified_at.nanos = seconds, nanos
            self.refuse(evidence, "FIELD_RANGE", "verified_at", "INVALID_ARGUMENT")


if __name__ == "__main__":
    main()
