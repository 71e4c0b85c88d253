#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where what is known about people goes.  The main job is done with marked names, numbers and ids, well and badly; then
everything that the server has written, kept, sent to its store or told is searched for them, as they are, in hexadecimal and
in base64.  What may be somewhere has to be found there, so that it is known that the search finds."""
import base64
import os
import shutil
import subprocess
import threading
import time
import unittest
from pathlib import Path

import grpc

import redis_store
from passgate_protos import CALL_SECONDS, Refusal, pb
from passgate_samples import ago, check, day, fresh, passport, statement, submission, write_zone
from passgate_server import Server, find_program, main, needs_own_server

MARK = os.urandom(3).hex()
REQUEST_MARK = f"mqrequest-{MARK}"
ZONE = write_zone("TD3", {"code": "P", "issuer": "DEU", "nationality": "D", "number": "M9QX7ZK4V",
                          "name": "MQSURNAME<<MQGIVEN<MQMIDDLE", "birth": "1977-11-23", "sex": "F", "expiry": day(6)})
NOT_COMPRESSED = ("--rdbcompression", "no")

# What is marked, and the only places where it may be.  By docs/storage.md a record holds the ids of its subject, of the
# persons behind it and of the vendor's checks; the audit log names the reviewers, and what was revoked and why.
STORE = {"store", "traffic to the store", "export"}
AUDIT = {"audit log", "what auditors are shown", "passgate audit list"}
ON_ITS_WAY = {"store", "traffic to the store"}  # to the audit log
MAY_BE = {
    f"mqsubject-{MARK}": STORE,
    f"mqprincipal-{MARK}": STORE,
    f"mqcheck-{MARK}": STORE | AUDIT,
    f"mqreviewer-{MARK}": STORE | AUDIT,
    f"mqstranger-{MARK}": set(),
    f"mq wrong-{MARK}": set(),
    REQUEST_MARK: set(),
    f"mqperson-{MARK}": set(),
    f"mqpurpose-{MARK}": set(),
    f"mqheader-{MARK}": set(),
    f"mqseen-{MARK}": set(),
    f"mqwhy-{MARK}": AUDIT | ON_ITS_WAY,
    "MQSURNAME": set(),
    "MQGIVEN": set(),
    "M9QX7ZK4V": set(),
    "N8QX7ZK5W": set(),
    ZONE.splitlines()[1]: set(),
}
SUBJECT, PRINCIPAL, CHECK, REVIEWER, STRANGER, WRONG = list(MAY_BE)[:6]
PERSON, PURPOSE, HEADER, SEEN, WHY = list(MAY_BE)[7:12]


def spellings(mark):
    """As it is, in both cases, in hexadecimal, and in base64 at each of the three places where it can begin."""
    raw = mark.encode()
    yield from (raw, raw.upper(), raw.lower(), raw.hex().encode(), raw.hex().upper().encode())
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw).rstrip(b"=")
        yield coded[(0, 2, 3)[before]:len(coded) - (0 if (before + len(raw)) % 3 == 0 else 1)]


class MarkedData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        needs_own_server()
        cls.server = Server(flags={"log-level": "debug"})
        cls.addClassCleanup(cls.server.close)
        cls.monitored = []
        if cls.server.redis:
            cls.server.redis.close()
            cls.server.redis = redis_store.RedisStore((*redis_store.KEEPS_ALL, *NOT_COMPRESSED)).start()
            cls.server.flags.update(cls.server.redis.flags)
            cls.monitor()
        cls.server.start()
        cls.stubs = cls.server.stubs()
        cls.told = []  # errors, and what callers get who are told nothing about people

    @classmethod
    def monitor(cls):
        """Every command that reaches Redis, in redis-cli's spelling."""
        watcher = subprocess.Popen(["redis-cli", "-s", str(cls.server.redis.socket), "MONITOR"], stdout=subprocess.PIPE)
        cls.addClassCleanup(watcher.wait)
        cls.addClassCleanup(watcher.kill)
        assert watcher.stdout.readline().strip() == b"OK"
        threading.Thread(target=lambda: cls.monitored.extend(watcher.stdout), daemon=True).start()

    # ----- what is done -----

    def refused(self, call, request, **options):
        """Its refusal, all of which is searched."""
        with self.assertRaises(grpc.RpcError) as raised:
            answer = call(request, timeout=CALL_SECONDS, **options)
            self.fail(f"answered instead of refused: {answer}")
        error = raised.exception
        self.told.append((error.details() + repr(error.trailing_metadata())).encode())
        return Refusal(error)

    def submit_all(self):
        submit = self.stubs.verification.SubmitVerification
        document = pb.Document(issuer="DEU", nationality="DEU", proof=pb.PROOF_CHIP, issued_on=day(-4), expires_on=day(6),
                               document_code="P", mrz=ZONE, revocation_check=pb.REVOCATION_CHECK_CLEAR)
        binding = pb.Binding(face_match=pb.BINDING_CHECK_PASSED, liveness=pb.BINDING_CHECK_PASSED,
                             same_person_hash=PERSON.encode())
        good = passport("DEU", check_id=CHECK, document=document, binding=binding)
        closing = statement(pb.STATEMENT_KIND_US_STATUS_NONE, source=pb.STATEMENT_SOURCE_REVIEWER,
                            reviewer=pb.Reviewer(id=REVIEWER, documents_seen=SEEN, reason=SEEN))
        closing.statement.attester = REVIEWER
        numbered = passport("DEU", number="N8QX7ZK5W")
        for number, evidence in enumerate((good, good, closing, numbered)):
            submit(submission(SUBJECT, evidence, request_id=f"{REQUEST_MARK}-{number}"), timeout=CALL_SECONDS,
                   metadata=[("x-marked", HEADER)])
        submit(submission(PRINCIPAL, passport("USA")), timeout=CALL_SECONDS)
        misread = pb.Evidence.FromString(good.SerializeToString())
        misread.document.mrz = ZONE[:-1] + ("1" if ZONE[-1] != "1" else "2")
        misread.check_id = fresh("check")
        self.refused(submit, submission(SUBJECT, misread, request_id=f"{REQUEST_MARK}-misread"))
        other = passport("FRA", check_id=CHECK)
        self.refused(submit, submission(STRANGER, other, request_id=f"{REQUEST_MARK}-other"))
        self.refused(submit, submission(SUBJECT, good, request_id=WRONG))
        self.refused(submit, submission(WRONG, good))
        return closing

    def ask_all(self):
        entitlement, claim = self.stubs.entitlement, self.stubs.claim
        asked = [check(SUBJECT, "model/fable-5"), check(STRANGER), check(SUBJECT, also_subjects=[PRINCIPAL, STRANGER])]
        for one in asked:
            one.context["purpose"] = PURPOSE
            self.told.append(entitlement.CheckEntitlement(one, timeout=CALL_SECONDS).SerializeToString())
        entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(checks=asked), timeout=CALL_SECONDS)
        list(entitlement.StreamCheckEntitlements(iter([pb.StreamCheckEntitlementsRequest(id=1, check=asked[0])]),
                                                 timeout=CALL_SECONDS))
        entitlement.ExplainEntitlement(pb.ExplainEntitlementRequest(check=asked[0]), timeout=CALL_SECONDS)
        token = claim.IssueClaim(pb.IssueClaimRequest(subject=SUBJECT, audience="https://shop.example",
                                                      disclosure=pb.DISCLOSURE_FULL), timeout=CALL_SECONDS).token
        self.told += [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")[:2]]
        self.told.append(claim.IntrospectClaim(pb.IntrospectClaimRequest(token=token),
                                               timeout=CALL_SECONDS).SerializeToString())
        self.refused(entitlement.CheckEntitlement, check(WRONG))
        self.refused(entitlement.CheckEntitlement, check(SUBJECT, on_behalf_of=STRANGER))
        self.refused(entitlement.CheckEntitlement, check("", claim_token=f"{SUBJECT}.{PERSON}.{HEADER}"))
        self.refused(claim.IssueClaim, pb.IssueClaimRequest(subject=STRANGER, audience="https://shop.example"))
        self.refused(self.stubs.verification.GetSubject, pb.GetSubjectRequest(subject=STRANGER))

    def change_all(self):
        verification = self.stubs.verification
        verification.SetAffiliations(pb.SetAffiliationsRequest(
            request_id=f"{REQUEST_MARK}-affiliate", subject=SUBJECT, organization="org/partner-a",
            affiliations=[pb.Affiliation(affiliation_as=pb.AFFILIATION_AS_EMPLOYEE)]), timeout=CALL_SECONDS)
        service = fresh("service")
        verification.SetPrincipals(pb.SetPrincipalsRequest(request_id=f"{REQUEST_MARK}-principals", subject=service,
                                                           principals=[PRINCIPAL, SUBJECT]), timeout=CALL_SECONDS)
        self.told.append(self.stubs.entitlement.CheckEntitlement(check(service), timeout=CALL_SECONDS).SerializeToString())
        red = passport("DEU", check_id=CHECK, verified_at=ago(minutes=1), result=pb.VENDOR_RESULT_FAILED)
        self.refused(verification.SubmitVerification, submission(SUBJECT, red, request_id=f"{REQUEST_MARK}-red"))
        verification.RevokeEvidence(pb.RevokeEvidenceRequest(request_id=f"{REQUEST_MARK}-revoke", subject=SUBJECT,
                                                             vendor="veriff", check_id=CHECK, reason=WHY), timeout=CALL_SECONDS)

    # ----- what is searched -----

    def passgate(self, *words):
        end = subprocess.run([find_program("PASSGATE", "client/cli/passgate"), "--server", self.server.address,
                              *map(str, words)], capture_output=True, check=False, timeout=CALL_SECONDS)
        self.assertIn(end.returncode, (0, 1), end.stderr)
        return end.stdout + end.stderr

    def audit_folder(self):
        return self.server.folder / "passgate-data" / "audit"

    def while_it_runs(self):
        """Places and what is in them."""
        process = Path("/proc", str(self.server.process.pid))
        watched = next(self.stubs.entitlement.WatchRevisions(pb.WatchRevisionsRequest(), timeout=CALL_SECONDS))
        listed = self.stubs.audit.ListDecisions(pb.ListDecisionsRequest(all_kinds=True), timeout=CALL_SECONDS)
        export = self.server.folder / "export"
        yield "metrics", self.server.get("ops", "/metrics")[2].encode()
        yield "readiness", self.server.get("ops", "/readyz")[2].encode()
        yield "keys to verify with", self.server.get("http", "/.well-known/jwks.json")[2].encode()
        yield "command line", (process / "cmdline").read_bytes()
        if os.access(process / "environ", os.R_OK):  # root's alone
            yield "environment", (process / "environ").read_bytes()
        yield "what is watched", watched.SerializeToString()
        yield "what auditors are shown", b"".join(message.SerializeToString() for message in listed)
        yield "passgate audit list", self.passgate("audit", "list", self.audit_folder(), "-o", "json")
        yield "passgate audit verify", self.passgate("audit", "verify", self.audit_folder())
        yield "passgate store stats", self.passgate("store", "stats")
        yield "passgate store check", self.passgate("store", "check")
        yield "passgate store export", self.passgate("store", "export", export)
        yield "export", b"".join(base64.urlsafe_b64decode(line.split()[4] + b"==") if len(line.split()) == 5 else line
                                 for line in export.read_bytes().splitlines())
        export.unlink()
        yield "errors and answers", b"\n".join(self.told)
        if self.server.redis:
            yield "names in the store", self.server.redis.do("--scan").encode()
            self.server.redis.do("SAVE")
            yield "traffic to the store", b"".join(self.monitored)

    def what_is_left(self):
        yield "log", self.server.log_text().encode()
        for path in self.audit_folder().rglob("*"):
            if path.is_file():
                yield "audit log", path.read_bytes()
        folder = self.server.redis.folder if self.server.redis else self.server.folder / "passgate-data"
        kept = [path for path in folder.rglob("*") if path.is_file() and self.audit_folder() not in path.parents]
        yield "store", b"".join(path.read_bytes() for path in kept)
        yield "names of files", "\n".join(map(str, self.server.folder.rglob("*"))).encode()

    def wait_until_recorded(self):
        """The records of the writes are in the audit log as well."""
        deadline = time.monotonic() + CALL_SECONDS
        while b"evidence_revoked" not in self.passgate("audit", "list", self.audit_folder(), "-o", "json"):
            self.assertLess(time.monotonic(), deadline, "the outbox is not taken over")
            time.sleep(0.05)

    def test_no_marked_data_is_where_it_should_not_be(self):
        self.submit_all()
        self.ask_all()
        self.change_all()
        self.wait_until_recorded()
        places = list(self.while_it_runs())
        if not self.server.redis:  # what SQLite clears away at its end
            data = self.server.folder / "passgate-data"
            places += [("store", path.read_bytes()) for path in data.glob("passgate.db*")]
        self.server.stop()
        places += self.what_is_left()
        found = {mark: {place for place, content in places if any(form in content for form in spellings(mark))}
                 for mark in MAY_BE}
        print("\n".join(f"{place}: {len(content)} bytes" for place, content in places))
        for mark, seen in found.items():
            self.assertLessEqual(seen, MAY_BE[mark], f"{mark} is in {seen - MAY_BE[mark]}")
        searched = {place for place, _ in places}
        for mark, places_with in ((SUBJECT, STORE), (CHECK, STORE), (CHECK, {"audit log"}), (WHY, {"audit log"})):
            self.assertLessEqual(places_with & searched, found[mark], f"the search does not find {mark} where it is")
        self.assertEqual([place for place, content in places if not content], [])


if __name__ == "__main__":
    main()
