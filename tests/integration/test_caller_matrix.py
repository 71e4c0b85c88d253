#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every caller on every method: caller_matrix.tsv says what each gets."""
import os
import subprocess
from collections import Counter
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2

from mutual_tls import SPIFFE, MutualTlsTestCase
from passgate_protos import CALL_SECONDS, Refusal, Stubs, message_class, pb, pool
from passgate_samples import check, fresh, passport, submission
from passgate_server import find_program, main

MATRIX = Path(__file__).parent / "caller_matrix.tsv"
ROLES = ["submitter", "attester", "issuer", "checker", "proposer", "approver", "auditor", "operator"]
ANNA, BEN = "employee/anna", "employee/ben"
WORDS = {("PERMISSION_DENIED", "ROLE_MISSING"): "role", ("PERMISSION_DENIED", "OUTSIDE_LIMITS"): "limits",
         ("PERMISSION_DENIED", "CALLER_DENIED"): "denied", ("UNAUTHENTICATED", "UNAUTHENTICATED"): "identity"}

CONFIG = f"""\
organizations:
  - {{id: org/lab, self: true, attesters: [local, "{SPIFFE}attester", "{SPIFFE}limited"], place: USA, kind: company}}
  - {{id: org/partner-a, place: USA, kind: company}}
callers:
""" + "".join(f"  - {{id: \"{SPIFFE}{role}\", roles: [{role}], disclose: facts}}\n" for role in ROLES) + f"""\
  - {{id: "{SPIFFE}ns/*/sa/gate-*", roles: [checker]}}
  - {{id: "{SPIFFE}denied", roles: [{', '.join(ROLES)}], disclose: facts}}
  - {{id: "{SPIFFE}limited", roles: [{', '.join(ROLES)}], disclose: facts, subjects: [bot/]}}
denied:
  - {{id: "{SPIFFE}denied"}}
"""

# name of the caller -> its certificate's subject alternative names
CERTIFICATES = {
    **{name: f"URI:{SPIFFE}{name}" for name in (*ROLES, "limited", "newcomer", "denied")},
    "pattern": f"URI:{SPIFFE}ns/models/sa/gate-7",
    "two_uris": f"URI:{SPIFFE}checker,URI:{SPIFFE}operator,DNS:checker",
    "cn_only": "",
}


def requests(hash_key, decision_id):
    """A good request for each method; a submission and a revocation are about Ben, who need not stay verified."""
    return {
        "SubmitVerification": submission(BEN, passport("DEU")),
        "RevokeEvidence": pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=BEN, vendor="veriff",
                                                   check_id="check-of-ben", reason="test"),
        "SetAffiliations": pb.SetAffiliationsRequest(request_id=fresh("request"), subject=ANNA,
                                                     organization="org/lab", complete=True),
        "SetPrincipals": pb.SetPrincipalsRequest(request_id=fresh("request"), subject="bot/matrix",
                                                 principals=[ANNA]),
        "GetSubject": pb.GetSubjectRequest(subject=ANNA),
        "IssueClaim": pb.IssueClaimRequest(subject=ANNA, audience="shop"),
        "IntrospectClaim": pb.IntrospectClaimRequest(token="not.a.token"),
        "GetJwks": pb.GetJwksRequest(),
        "CheckEntitlement": check(ANNA),
        "BatchCheckEntitlements": pb.BatchCheckEntitlementsRequest(checks=[check(ANNA)]),
        "StreamCheckEntitlements": pb.StreamCheckEntitlementsRequest(id=1, check=check(ANNA)),
        "ListEntitlements": pb.ListEntitlementsRequest(subject=ANNA, action="use", context={"location": "USA"}),
        "ExplainEntitlement": pb.ExplainEntitlementRequest(check=check(ANNA)),
        "WatchRevisions": pb.WatchRevisionsRequest(),
        "WhoAmI": pb.WhoAmIRequest(),
        "GetServerInfo": pb.GetServerInfoRequest(),
        "ListKeys": pb.ListKeysRequest(),
        "GetStoreStats": pb.GetStoreStatsRequest(),
        "CheckStore": pb.CheckStoreRequest(),
        "ExportStore": pb.ExportStoreRequest(),
        "ImportStore": pb.ImportStoreRequest(hash_key=hash_key, partitions=1, merge=True),
        "ListDecisions": pb.ListDecisionsRequest(),
        "GetTreeHead": pb.GetTreeHeadRequest(),
        "GetInclusionProof": pb.GetInclusionProofRequest(decision_id=decision_id),
        "Check": message_class("grpc.health.v1.HealthCheckRequest")(),
        "Watch": message_class("grpc.health.v1.HealthCheckRequest")(),
        "ServerReflectionInfo": message_class("grpc.reflection.v1.ServerReflectionRequest")(list_services=""),
    }


def read_matrix():
    """(method, caller) -> word."""
    lines = [line.split("\t") for line in MATRIX.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    header, rows = lines[0], lines[1:]
    return {(row[0], caller): word for row in rows for caller, word in zip(header[1:], row[1:], strict=True)}


class Matrix(MutualTlsTestCase):
    names = CERTIFICATES
    config = CONFIG
    flags = {"listen-grpc-socket": "grpc.sock"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local = grpc.insecure_channel(f"unix:{cls.server.folder}/grpc.sock")
        cls.addClassCleanup(cls.local.close)
        cls.channels = {"local": cls.local, **{name: cls.connect(name).channel for name in CERTIFICATES}}
        for subject, check_id in ((ANNA, None), (BEN, "check-of-ben")):
            Stubs(cls.local).verification.SubmitVerification(
                submission(subject, passport("USA", check_id=check_id)), timeout=CALL_SECONDS)
        stats = Stubs(cls.local).admin.GetStoreStats(pb.GetStoreStatsRequest(), timeout=CALL_SECONDS)
        cls.hash_key = stats.store.hash_key
        cls.decision_id = Stubs(cls.local).entitlement.CheckEntitlement(check(ANNA), timeout=CALL_SECONDS).decision_id
        Stubs(cls.local).audit.GetTreeHead(pb.GetTreeHeadRequest(wait_for=cls.decision_id), timeout=CALL_SECONDS)

    def served(self):
        """Every method that the server says it serves: "package.Service/Method" -> descriptor."""
        answer = Stubs(self.local).foreign("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo",
                                           {"list_services": ""}, is_stream=True)[0]
        services = [service.name for service in answer.list_services_response.service]
        return {f"{name}/{method.name}": method for name in services
                for method in pool.FindServiceByName(name).methods}

    def outcome(self, channel, path, method, request):
        """The first answer of the method in a word of the matrix, or as it is."""
        proto = descriptor_pb2.MethodDescriptorProto()
        method.CopyToProto(proto)
        start = {(False, False): channel.unary_unary, (False, True): channel.unary_stream,
                 (True, True): channel.stream_stream}[proto.client_streaming, proto.server_streaming](f"/{path}")
        content = request.SerializeToString()
        try:
            answer = start(iter([content]) if proto.client_streaming else content, timeout=CALL_SECONDS)
            if proto.server_streaming:
                stream, answer = answer, next(answer)
                stream.cancel()
        except grpc.RpcError as error:
            refusal = Refusal(error)
            return WORDS.get((refusal.code.name, refusal.reason), repr(refusal))
        return self.outcome_of_item(message_class(method.output_type.full_name).FromString(answer))

    @staticmethod
    def outcome_of_item(answer):
        """A question of a batch or of a stream may be refused by itself."""
        item = answer.decisions[0] if hasattr(answer, "decisions") and answer.decisions else answer
        if "error" not in item.DESCRIPTOR.fields_by_name or not item.HasField("error"):
            return "ok"
        code = next(code.name for code in grpc.StatusCode if code.value[0] == item.error.code)
        return WORDS.get((code, item.error.reason), str(item.error))

    def test_every_caller_gets_from_every_method_what_the_matrix_says(self):
        matrix, served = read_matrix(), self.served()
        self.assertEqual({method for method, _ in matrix}, set(served))
        self.assertEqual({caller for _, caller in matrix}, set(self.channels))
        for path, method in served.items():
            for caller, channel in self.channels.items():
                with self.subTest(method=path, caller=caller):
                    request = requests(self.hash_key, self.decision_id)[method.name]
                    self.assertEqual(self.outcome(channel, path, method, request), matrix[path, caller])

    def test_what_is_refused_is_on_record_and_counted(self):
        name = 'passgate_caller_refusals_total{reason="%s"}'
        counts = {reason: self.server.counted(name % reason)
                  for reason in ("role", "limits", "denied", "unauthenticated")}
        path = "passgate.v1.EntitlementService/CheckEntitlement"
        method = pool.FindServiceByName("passgate.v1.EntitlementService").methods_by_name["CheckEntitlement"]
        for caller in ("submitter", "limited", "denied", "cn_only"):
            self.outcome(self.channels[caller], path, method, check(ANNA))
        self.outcome(self.channels["limited"], "passgate.v1.EntitlementService/StreamCheckEntitlements",
                     pool.FindServiceByName("passgate.v1.EntitlementService").methods_by_name[
                         "StreamCheckEntitlements"], requests("", "")["StreamCheckEntitlements"])
        expected = {reason: count + 1 + (reason == "limits") for reason, count in counts.items()}
        self.assertEqual({reason: self.server.counted(name % reason) for reason in counts}, expected)
        self.server.wait_until(lambda: self.recorded() == {
            "ROLE_MISSING": expected["role"], "OUTSIDE_LIMITS": expected["limits"],
            "CALLER_DENIED": expected["denied"], "UNAUTHENTICATED": expected["unauthenticated"]}, "on record")

    def recorded(self):
        """How often each reason is in the records of refusals."""
        dump = os.environ.get("AUDIT_DUMP") or find_program("AUDIT_DUMP", "tests/fault/audit_dump")
        done = subprocess.run([dump, self.server.folder / "passgate-data" / "audit"], capture_output=True, text=True,
                              check=False)
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        return Counter(line[3] for line in lines if line[1] == "refusal")


if __name__ == "__main__":
    main()
