# SPDX-License-Identifier: Apache-2.0
"""Evidence as vendors send it, with dates relative to today, and ids that no other test uses."""
import datetime
import itertools
import sys
import uuid

from google.protobuf.timestamp_pb2 import Timestamp

from passgate_protos import ROOT, pb

sys.path.insert(0, str(ROOT / "scripts" / "demo"))
from mrz import write_zone  # noqa: E402

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
RUN = uuid.uuid4().hex[:8]
NUMBER = "L23456789"
NAME = "EXAMPLE<<ANNA"
_numbers = itertools.count(1)


def fresh(what):
    """An id that was not used before, in this run or another."""
    return f"{what}-{RUN}-{next(_numbers)}"


def ago(days=0, minutes=0):
    """A protobuf time that long ago."""
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days, minutes=minutes)
    stamp = Timestamp()
    stamp.FromDatetime(moment.replace(tzinfo=None, microsecond=0))
    return stamp


def day(years=0, days=0):
    return (TODAY + datetime.timedelta(days=days + 365 * years)).isoformat()


def passport(country, *, check_id=None, proof=None, with_zone=False, number=NUMBER, **changes):
    """A passport that passed; `changes` are fields of Evidence."""
    proof = pb.PROOF_CHIP if proof is None else proof
    document = pb.Document(issuer=country, nationality=country, proof=proof, issued_on=day(-4), expires_on=day(6),
                           number="" if with_zone else number, document_code="P",
                           revocation_check=pb.REVOCATION_CHECK_CLEAR)
    if with_zone:
        document.mrz = zone(country, number=number)
    fields = {
        "evidence_class": pb.EVIDENCE_CLASS_PASSPORT, "vendor": "veriff", "check_id": fresh("check") if check_id is None else check_id,
        "result": pb.VENDOR_RESULT_PASSED, "verified_at": ago(days=1), "vendor_policy_version": "2026-04",
        "document": document,
        "binding": pb.Binding(face_match=pb.BINDING_CHECK_PASSED, liveness=pb.BINDING_CHECK_PASSED),
        "collection": pb.Collection(notice_version="privacy-2026-05", purpose="export_control",
                                    legal_basis="GDPR 6(1)(c)"),
    }
    if country == "USA":
        fields["us"] = pb.UsPapers(endorsement=pb.US_ENDORSEMENT_ABSENT)
    fields.update(changes)
    return pb.Evidence(**fields)


def zone(country, *, nationality=None, number=NUMBER, misread=None):
    """A TD3 zone that fits passport()."""
    return write_zone("TD3", {"code": "P", "issuer": country, "nationality": nationality or country, "number": number,
                              "name": NAME, "birth": "1991-07-19", "sex": "F", "expiry": day(6)}, misread)


def statement(kind, *, source=None, country="", **changes):
    """A statement, such as the one that closes the list of citizenships."""
    fields = {
        "evidence_class": pb.EVIDENCE_CLASS_STATEMENT, "vendor": "desk", "check_id": fresh("statement"),
        "result": pb.VENDOR_RESULT_PASSED, "verified_at": ago(days=1),
        "statement": pb.Statement(kind=kind, country=country, as_of=day(), attester="reviewer-07", relation="self",
                                  source=source or pb.STATEMENT_SOURCE_DECLARATION, authority="declaration",
                                  statement_version="2026-05", signed_at=ago(days=1)),
    }
    fields.update(changes)
    return pb.Evidence(**fields)


def submission(subject, evidence, **changes):
    return pb.SubmitVerificationRequest(**{"request_id": fresh("request"), "subject": subject, "evidence": evidence,
                                           **changes})


def check(subject, resource="model/mythos-5", action="use", location="USA", **changes):
    kind, _, name = resource.partition("/")
    return pb.CheckEntitlementRequest(**{"subject": subject, "resource": pb.Resource(type=kind, id=name),
                                         "action": action, "context": {"location": location} if location else {},
                                         **changes})
