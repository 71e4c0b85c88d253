#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What operators look at: /livez, /readyz, /metrics, and nothing else."""
import re
import time

from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh, passport, submission
from passgate_server import ServerTestCase, main

CHECK = "passgate.v1.EntitlementService/CheckEntitlement"
SUBMIT = "passgate.v1.VerificationService/SubmitVerification"
LINE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+$|^.* \+?(Inf|NaN)$')


class Metrics(ServerTestCase):
    needs_control = True

    def calls(self, method, code):
        return self.server.counted(f'passgate_rpc_calls_total{{method="{method}",code="{code}"}}')

    def test_calls_are_counted_by_method_and_code(self):
        ok, wrong = self.calls(CHECK, "OK"), self.calls(CHECK, "INVALID_ARGUMENT")
        for _ in range(7):
            self.stubs.entitlement.CheckEntitlement(check("anybody"), timeout=CALL_SECONDS)
        for _ in range(3):
            refusal_of(self.stubs.entitlement.CheckEntitlement, check("not a subject"))
        self.server.wait_until(lambda: self.calls(CHECK, "OK") == ok + 7, "seven answers", 10)
        self.assertEqual(self.calls(CHECK, "INVALID_ARGUMENT"), wrong + 3)

    def test_the_process_is_measured(self):
        names = ["process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_start_time_seconds"]
        resident, opened, limit, started = (self.server.counted(name) for name in names)
        self.assertGreater(resident, 1 << 20)
        self.assertTrue(10 < opened < limit, (opened, limit))
        self.assertTrue(0 < time.time() - started < 3600, started)

    def test_decisions_writes_and_claims_are_counted_by_how_they_ended(self):
        names = ['passgate_decisions_total{reason="VERIFICATION_REQUIRED"}',
                 'passgate_decisions_total{reason="RESOURCE_UNKNOWN"}',
                 'passgate_verifications_total{result="accepted"}', 'passgate_verifications_total{result="repeated"}',
                 'passgate_verifications_total{result="refused"}', 'passgate_claims_issued_total{source="signed"}',
                 'passgate_claims_issued_total{source="cached"}']
        before = [self.server.counted(name) for name in names]
        request = submission(fresh("anna"), passport("DEU"))
        self.stubs.entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(
            checks=[check(fresh("stranger")), check(fresh("stranger")), check("x", "model/unheard-of")]),
            timeout=CALL_SECONDS)
        for _ in range(3):
            self.stubs.verification.SubmitVerification(request, timeout=CALL_SECONDS)
        refusal_of(self.stubs.verification.SubmitVerification, submission(fresh("bodo"), passport("UTO")))
        for _ in range(3):
            self.stubs.claim.IssueClaim(pb.IssueClaimRequest(subject=request.subject, audience="shop"),
                                        timeout=CALL_SECONDS)
        self.server.wait_until(lambda: self.server.counted(names[-1]) == before[-1] + 2, "the last claim", 10)
        self.assertEqual([self.server.counted(name) - count for name, count in zip(names, before)],
                         [2, 1, 1, 2, 1, 1, 2])

    def test_the_page_is_in_the_text_format_with_bounded_labels(self):
        name = fresh("marker")
        self.stubs.entitlement.CheckEntitlement(check(name), timeout=CALL_SECONDS)
        status, headers, body = self.server.get("ops", "/metrics")
        self.assertEqual((status, headers["Content-Type"].split(";")[0]), (200, "text/plain"))
        self.assertNotIn(name, body)
        for line in body.splitlines():
            if not line.startswith("#"):
                self.assertRegex(line, LINE)
        types = {line.split()[2] for line in body.splitlines() if line.startswith("# TYPE")}
        samples = {re.match(r"[a-z_]+?(?=(_bucket|_sum|_count)?[{ ])", line)[0]
                   for line in body.splitlines() if line and not line.startswith("#")}
        self.assertEqual(samples - types, set())
        self.assertEqual(self.server.counted("passgate_ready"), 1)
        self.assertEqual(self.server.counted("passgate_store_up"), 1)

    def test_parked_and_active_calls_come_back_to_nothing(self):
        for _ in range(50):
            self.stubs.entitlement.CheckEntitlement(check(fresh("stranger")), timeout=CALL_SECONDS)
        for gauge in ("passgate_rpc_active_calls", "passgate_rpc_parked_calls", "passgate_store_pending_requests"):
            self.server.wait_until(lambda name=gauge: self.server.counted(name) == 0, gauge, 10)


class Pages(ServerTestCase):
    def test_a_server_that_serves_is_alive_and_ready(self):
        self.assertEqual(self.server.get("ops", "/livez")[0::2], (200, "ok\n"))
        self.assertEqual(self.server.get("ops", "/readyz")[0], 200)

    def test_nothing_else_is_served_there(self):
        for door, path in (("ops", "/"), ("ops", "/metrics/"), ("ops", "/.well-known/jwks.json"), ("http", "/metrics"),
                           ("http", "/readyz"), ("http", "/"), ("http", "/.well-known/jwks.json/x"),
                           ("ops", "/" + "x" * 1000), ("http", "/../../etc/passwd"), ("ops", "/livez%00")):
            self.assertEqual(self.server.get(door, path)[0], 404, (door, path))

    def test_nothing_is_changed_there(self):
        for door, path in (("ops", "/metrics"), ("ops", "/livez"), ("http", "/.well-known/jwks.json")):
            for method in ("POST", "PUT", "DELETE"):
                status, headers, _ = self.server.get(door, path, method=method)
                self.assertEqual((status, "GET" in headers.get("Allow", "")), (405, True), (door, path, method))

    def test_a_head_is_a_get_without_a_body(self):
        for door, path in (("ops", "/livez"), ("http", "/.well-known/jwks.json")):
            status, headers, body = self.server.get(door, path, method="HEAD")
            self.assertEqual((status, body), (200, ""), (door, path))
            self.assertEqual(int(headers["Content-Length"]), len(self.server.get(door, path)[2]))


class Drain(ServerTestCase):
    needs_control = True
    flags = {"drain-time": "2s", "rpc-connection-age": "1s", "rpc-connection-grace": "1s",
             "rpc-handshake-timeout": "1s"}

    def test_a_server_that_goes_away_is_alive_and_not_ready_and_still_answers(self):
        self.server.process.terminate()
        self.server.wait_until(lambda: self.server.get("ops", "/readyz")[0] == 503, "not ready")
        self.assertEqual(self.server.get("ops", "/livez")[0], 200)
        self.assertIn("going away", self.server.get("ops", "/readyz")[2])
        self.assertEqual(self.stubs.foreign("grpc.health.v1.Health", "Check", {}).status, 2, "NOT_SERVING")
        self.assertTrue(self.stubs.entitlement.CheckEntitlement(check("anybody"), timeout=CALL_SECONDS).decision)
        process, self.server.process = self.server.process, None
        self.assertEqual(process.wait(30), 0)


if __name__ == "__main__":
    main()
