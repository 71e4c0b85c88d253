#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server that answers like Passgate, for tests of the client: its answers depend on the subject only.

usage: fake_passgate.py ADDRESS...      ADDRESS:tls wants certificates, from the current folder; prints READY when it listens; ends when standard input does
(stubs are generated with protoc and grpc_python_plugin into a temporary folder; needs python3-grpcio)

  subject    what happens
  alice      ALLOW
  bob        DENY, VERIFICATION_REQUIRED, with an obligation and another model
  carol      DENY, NOT_PERMITTED
  future     a decision number that nobody knows
  slow       the answer comes after two seconds
  broken     INVALID_ARGUMENT with google.rpc details for field subject
  gone       UNAVAILABLE with reason STORE_UNAVAILABLE
  flaky      UNAVAILABLE twice, then ALLOW, and so on
  tenth      UNAVAILABLE every tenth time, else ALLOW
  count:NAME the decision id says how often NAME was asked for
"""
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent import futures

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROTOS = ["passgate/v1/common.proto", "passgate/v1/audit.proto", "passgate/v1/verification.proto", "passgate/v1/claim.proto",
          "passgate/v1/entitlement.proto", "passgate/v1/admin.proto", "grpc/health/v1/health.proto",
          "google/rpc/status.proto", "google/rpc/error_details.proto"]


def generate(folder):
    # The packages "grpc" and "google" are taken in Python, so that foreign protos go below "fake".
    source = os.path.join(folder, "protos")
    for name in PROTOS:
        target = name if name.startswith("passgate/") else "fake_" + name.replace("/", "_")
        os.makedirs(os.path.dirname(os.path.join(source, target)), exist_ok=True)
        with open(os.path.join(ROOT, "protos", name)) as proto:
            text = proto.read()
        with open(os.path.join(source, target), "w") as copy:
            copy.write(text)
    files = [os.path.relpath(os.path.join(path, name), source) for path, _, names in os.walk(source) for name in names]
    plugin = subprocess.check_output(["sh", "-c", "command -v grpc_python_plugin"], text=True).strip()
    subprocess.check_call(["protoc", "-I", source, "--plugin=protoc-gen-grpc_python=" + plugin, "--python_out=" + folder,
                           "--grpc_python_out=" + folder] + files)
    sys.path.insert(0, folder)


scratch = tempfile.TemporaryDirectory()
generate(scratch.name)

import grpc  # noqa: E402
import fake_google_rpc_error_details_pb2 as details_pb2  # noqa: E402
import fake_google_rpc_status_pb2 as status_pb2  # noqa: E402
import fake_grpc_health_v1_health_pb2 as health_pb2  # noqa: E402
import fake_grpc_health_v1_health_pb2_grpc as health_grpc  # noqa: E402
from passgate.v1 import admin_pb2, admin_pb2_grpc, audit_pb2, audit_pb2_grpc  # noqa: E402
from passgate.v1 import claim_pb2, claim_pb2_grpc  # noqa: E402
from passgate.v1 import common_pb2, entitlement_pb2, entitlement_pb2_grpc  # noqa: E402
from passgate.v1 import verification_pb2, verification_pb2_grpc  # noqa: E402

EVALUATED_AT = 1781299260  # 2026-06-12T21:21:00Z
TOKEN = "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3NnYXRlLWNsYWltK2p3dCJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6MTc4MTI5OTU2MH0.AAAA"
asked_lock = threading.Lock()
asked = Counter()  # how often, by subject


def fail(context, code, reason, message, field=None):
    text = f"{field}: {message}" if field else message
    status = status_pb2.Status(code=code.value[0], message=text)
    status.details.add().Pack(details_pb2.ErrorInfo(reason=reason, domain="passgate"))
    if field:
        violation = details_pb2.BadRequest.FieldViolation(field=field, description=message)
        status.details.add().Pack(details_pb2.BadRequest(field_violations=[violation]))
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, text)


def behave(subject, context):
    with asked_lock:
        asked[subject] += 1
        count = asked[subject]
    if subject == "slow":
        time.sleep(2)
    elif subject == "broken":
        fail(context, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_CHARACTERS",
             "a field has characters that it may not have", "subject")
    elif subject == "gone":
        fail(context, grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE", "the store does not answer, try again later")
    elif (subject == "flaky" and count % 3 != 0) or (subject == "tenth" and count % 10 == 0):
        fail(context, grpc.StatusCode.UNAVAILABLE, "DRAINING", "the server is going away, try another one")


def fill_decision(answer, request):
    answer.max_age.seconds = 60
    if request.subject == "bob":
        answer.decision, answer.reason = entitlement_pb2.DECISION_DENY, entitlement_pb2.REASON_VERIFICATION_REQUIRED
        answer.obligations.add(type="verify").properties["accept"] = "any"
        getattr(answer, "instead").type, getattr(answer, "instead").id = "model", "opus-4"
    elif request.subject == "carol":
        answer.decision, answer.reason = entitlement_pb2.DECISION_DENY, entitlement_pb2.REASON_NOT_PERMITTED
    elif request.subject == "future":
        answer.decision, answer.reason = 77, 99
    else:
        answer.decision, answer.reason = entitlement_pb2.DECISION_ALLOW, entitlement_pb2.REASON_ALLOWED
    answer.vary_context.extend(sorted(request.context))


def decide(request, context):
    behave(request.subject, context)
    answer = entitlement_pb2.CheckEntitlementResponse(revision="r7", directive_set=4711, decision_id="d-" + request.subject)
    answer.evaluated_at.seconds = EVALUATED_AT
    fill_decision(answer, request)
    if request.subject.startswith("count:"):
        answer.decision_id = "d-%d" % asked[request.subject.partition(":")[2]]
    if request.want_reasons:
        answer.directives.add(directive="bis-is-informed-2026-06-12", version=3, truth=entitlement_pb2.TRUTH_TRUE,
                              authority=common_pb2.Authority(text="15 CFR 744.22(b)"))
    return answer


class Entitlement(entitlement_pb2_grpc.EntitlementServiceServicer):
    def CheckEntitlement(self, request, context):
        return decide(request, context)

    def BatchCheckEntitlements(self, request, context):
        reply = entitlement_pb2.BatchCheckEntitlementsResponse(revision="r7", directive_set=4711, decision_id="d-batch")
        reply.evaluated_at.seconds = EVALUATED_AT
        for check in request.checks:
            one = reply.decisions.add()
            if check.subject == "gone":
                one.error.code, one.error.reason, one.error.message = 14, "STORE_UNAVAILABLE", "no facts"
            elif check.subject != "lost":
                fill_decision(one, check)
        if any(check.subject == "lost" for check in request.checks):
            del reply.decisions[-1]
        return reply

    def ListEntitlements(self, request, context):
        behave(request.subject, context)
        first = int(request.page_token or "0")
        names = ["fable-5", "mythos-5", "opus-4"]
        reply = entitlement_pb2.ListEntitlementsResponse(revision="r7", directive_set=4711)
        for name in names[first:first + 2]:
            one = reply.entitlements.add(decision=entitlement_pb2.DECISION_ALLOW, reason=entitlement_pb2.REASON_ALLOWED)
            one.resource.type, one.resource.id = "model", name
        reply.next_page_token = "2" if first == 0 else ""
        return reply

    def ExplainEntitlement(self, request, context):
        reply = entitlement_pb2.ExplainEntitlementResponse(decision=decide(request.check, context))
        reply.authority.text, reply.directive = "15 CFR 744.22(b)", "bis-is-informed-2026-06-12"
        party = reply.parties.add(role="subject", facts=["citizen of USA"], truth=entitlement_pb2.TRUTH_TRUE)
        directive = party.directives.add(directive="bis-is-informed-2026-06-12", version=3, title="Foreign persons",
                                         truth=entitlement_pb2.TRUTH_TRUE)
        directive.require.add(depth=0, test="foreign_person", text="not a foreign person", truth=entitlement_pb2.TRUTH_TRUE,
                              because="at " + str(request.at.seconds))
        return reply


class Verification(verification_pb2_grpc.VerificationServiceServicer):
    def SubmitVerification(self, request, context):
        behave(request.subject, context)
        if not request.request_id:
            fail(context, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_REQUIRED", "a required field is missing", "request_id")
        if request.evidence.document.nationality == "UTO":
            fail(context, grpc.StatusCode.FAILED_PRECONDITION, "UNKNOWN_COUNTRY_CODE", "a country code stands for no country",
                 "evidence.document.nationality")
        return verification_pb2.SubmitVerificationResponse(evidence_id="e1", revision="r8", dry_run=request.dry_run)

    def RevokeEvidence(self, request, context):
        return verification_pb2.RevokeEvidenceResponse(revision="r9", already_revoked=request.evidence_id == "old")

    def SetAffiliations(self, request, context):
        return verification_pb2.SetAffiliationsResponse(revision="r%d" % len(request.affiliations))

    def SetPrincipals(self, request, context):
        return verification_pb2.SetPrincipalsResponse(revision="r%d" % len(request.principals))

    def GetSubject(self, request, context):
        behave(request.subject, context)
        reply = verification_pb2.GetSubjectResponse(subject=request.subject, subject_kind=common_pb2.SUBJECT_KIND_USER,
                                                    facts=["citizen of USA, from a passport"], revision="r7")
        reply.evidence.add(evidence_id="e1", evidence_class=verification_pb2.EVIDENCE_CLASS_PASSPORT, vendor="veriff",
                           check_id="c1", nationality="USA").verified_at.seconds = EVALUATED_AT
        reply.affiliations.add(organization="org/partner-a", complete=True,
                               affiliations=[verification_pb2.AFFILIATION_AS_EMPLOYEE])
        return reply


class Claim(claim_pb2_grpc.ClaimServiceServicer):
    def IssueClaim(self, request, context):
        reply = claim_pb2.IssueClaimResponse(token=TOKEN, jti="j1", revision="r7")
        reply.expires_at.seconds = EVALUATED_AT + (request.lifetime.seconds or 300)
        return reply

    def IntrospectClaim(self, request, context):
        return claim_pb2.IntrospectClaimResponse(active=request.token == TOKEN)

    def GetJwks(self, request, context):
        return claim_pb2.GetJwksResponse(jwks_json='{"keys":[]}')


class Admin(admin_pb2_grpc.AdminServiceServicer):
    def WhoAmI(self, request, context):
        traceparent = dict(context.invocation_metadata()).get("traceparent", "local")
        return admin_pb2.WhoAmIResponse(caller=traceparent, roles=["checker"], disclose="facts", authentication="loopback")

    def GetServerInfo(self, request, context):
        return admin_pb2.GetServerInfoResponse(version="0.1.0", realm="fake", issuer="https://fake", store="none", store_up=True)

    def ListKeys(self, request, context):
        return admin_pb2.ListKeysResponse(keys=[admin_pb2.SigningKey(kid="k1", algorithm="ES256", state=2)])


    def CheckStore(self, request, context):
        """Two parts, each on a stream of its own; the first stream ends for its age."""
        if request.resume_token == b"":
            yield admin_pb2.CheckStoreResponse(examined=1, resume_token=b"one", progress_permille=500, findings=[
                admin_pb2.StoreFinding(problem=admin_pb2.STORE_PROBLEM_CHECK_MISSING, space=1, hash="0" * 32),
                admin_pb2.StoreFinding(problem=77, space=99, hash="1" * 32)])
            fail(context, grpc.StatusCode.UNAVAILABLE, "STREAM_AGE", "the stream reached its age, open a new one")
        if request.resume_token != b"one":
            fail(context, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_RANGE", "a field is out of its range", "resume_token")
        yield admin_pb2.CheckStoreResponse(examined=2, progress_permille=1000, done=True)

    def ExportStore(self, request, context):
        time.sleep(2)
        yield admin_pb2.ExportStoreResponse(done=True)

    def ImportStore(self, requests, context):
        """Each stream takes the question or one batch; then it ends for its age."""
        request = next(requests)
        if request.hash_key == "other":
            fail(context, grpc.StatusCode.FAILED_PRECONDITION, "HASH_KEY_OTHER", "the names were made with another hash key")
        yield admin_pb2.ImportStoreResponse(written=len(request.entries))
        fail(context, grpc.StatusCode.UNAVAILABLE, "STREAM_AGE", "the stream reached its age, open a new one")


class Audit(audit_pb2_grpc.AuditServiceServicer):
    def ListDecisions(self, request, context):
        """Two records, each on a stream of its own; the first stream ends for its age."""
        name = "00000000000000a1-%d"
        if request.caller != "local" or request.resource.id != "m":
            fail(context, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_REQUIRED", "a required field is missing", "caller")
        if request.resume_token == "":
            yield audit_pb2.ListDecisionsResponse(resume_token=name % 1, records=[audit_pb2.AuditRecord(
                decision_id=name % 1, kind="decision", caller="local", latency={"nanos": 1500000}, waited=True, ids=["x"],
                items=[audit_pb2.AuditItem(action="use", decision=2, reason=2, truth=1, directive_position=3,
                                           resource={"type": "model", "id": "m"})])])
            fail(context, grpc.StatusCode.UNAVAILABLE, "STREAM_AGE", "the stream reached its age, open a new one")
        if request.resume_token == name % 1:
            yield audit_pb2.ListDecisionsResponse(resume_token=name % 2, records=[
                audit_pb2.AuditRecord(decision_id=name % 2, kind="of the future", caller="local")])

    def GetTreeHead(self, request, context):
        """One that nobody has signed, with hashes that are none."""
        return audit_pb2.GetTreeHeadResponse(head=audit_pb2.TreeHead(log_id="00000000000000a1", size=2, jws="a.b.c"),
                                             consistency=[b"short", b"x" * 32])


class Health(health_grpc.HealthServicer):
    def Check(self, request, context):
        if request.service == "down":
            return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.NOT_SERVING)
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)

    def Watch(self, request, context):
        yield health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
        while context.is_active():
            time.sleep(0.1)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=[("grpc.so_reuseport", 0)])
    entitlement_pb2_grpc.add_EntitlementServiceServicer_to_server(Entitlement(), server)
    verification_pb2_grpc.add_VerificationServiceServicer_to_server(Verification(), server)
    claim_pb2_grpc.add_ClaimServiceServicer_to_server(Claim(), server)
    admin_pb2_grpc.add_AdminServiceServicer_to_server(Admin(), server)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(Audit(), server)
    health_grpc.add_HealthServicer_to_server(Health(), server)
    for address in sys.argv[1:]:
        if address.endswith(":tls"):
            key, certificate, authority = (open(name, "rb").read() for name in ("server.key", "server.pem", "ca.pem"))
            credentials = grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)
            port = server.add_secure_port(address[:-4], credentials)
        else:
            port = server.add_insecure_port(address)
        if port == 0:
            sys.exit("cannot listen on " + address)
    server.start()
    print("READY", flush=True)
    sys.stdin.read()
    server.stop(None).wait()


main()
