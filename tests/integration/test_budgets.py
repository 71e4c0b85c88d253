#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a caller may use up: calls a second, calls at once, different subjects an hour; alone and as one person."""
import grpc

from mutual_tls import SPIFFE, MutualTlsTestCase
from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh
from passgate_server import ORGANIZATIONS, main

# name -> its budgets
CALLERS = {
    "free": "",
    "hasty": "calls_per_second: 1",
    "single": "calls_in_flight: 1",
    "narrow": "subjects_per_hour: 2",
    "desk": "",
    "phone": "subjects_per_hour: 100",
}

CONFIG = ORGANIZATIONS + "callers:\n" + "".join(
    f"  - {{id: \"{SPIFFE}{name}\", roles: [checker, issuer]{', ' + budgets if budgets else ''}}}\n"
    for name, budgets in CALLERS.items()) + f"""\
persons:
  - {{id: anna, callers: ["{SPIFFE}desk", "{SPIFFE}phone"], subjects_per_hour: 2}}
"""


class Budgets(MutualTlsTestCase):
    names = {name: f"URI:{SPIFFE}{name}" for name in CALLERS}
    config = CONFIG

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.callers = {name: cls.connect(name) for name in CALLERS}

    def check(self, caller, subject):
        return self.callers[caller].entitlement.CheckEntitlement(check(subject), timeout=CALL_SECONDS)

    def refused(self, caller, subject):
        return refusal_of(self.callers[caller].entitlement.CheckEntitlement, check(subject))

    def counted(self, reason):
        return self.server.counted(f'passgate_caller_refusals_total{{reason="{reason}"}}')

    def test_who_is_too_fast_is_told_when_to_come_back(self):
        before = self.counted("budget_rate")
        calls = [self.callers["hasty"].entitlement.CheckEntitlement.future(check("anna"), timeout=CALL_SECONDS)
                 for _ in range(50)]
        errors = [call.exception() for call in calls if call.exception()]
        self.assertTrue(0 < len(errors) < 50, len(errors))
        for error in errors:
            waits = [int(value) for key, value in error.trailing_metadata() if key == "grpc-retry-pushback-ms"]
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertTrue(1 <= waits[0] <= 1001, waits)
        self.assertEqual(self.counted("budget_rate"), before + len(errors))

    def test_others_do_not_feel_it(self):
        for number in range(20):
            self.check("free", f"person-{number}")

    def test_a_stream_is_a_call_at_once_and_health_is_none(self):
        stubs = self.callers["single"]
        self.check("single", "anna")
        stream = stubs.entitlement.WatchRevisions(pb.WatchRevisionsRequest(), timeout=CALL_SECONDS)
        next(stream)
        refusal = self.refused("single", "anna")
        self.assert_refused(refusal, "RESOURCE_EXHAUSTED", "BUDGET_IN_FLIGHT", "")
        self.assertEqual(refusal.pushback, "-1")
        stubs.raw("/grpc.health.v1.Health/Check", b"")
        stream.cancel()
        self.server.wait_until(lambda: self.is_served("single"), "the place is free again")

    def is_served(self, caller):
        try:
            self.check(caller, "anna")
            return True
        except grpc.RpcError:
            return False

    def test_another_subject_than_those_of_the_hour_is_refused_in_every_method(self):
        for subject in ("ben", "eva", "ben"):
            self.check("narrow", subject)
        for subject in ("anna", fresh("stranger")):
            refusal = self.refused("narrow", subject)
            self.assert_refused(refusal, "RESOURCE_EXHAUSTED", "BUDGET_SUBJECTS", "")
            self.assertEqual(refusal.pushback, "-1")
        self.assert_refused(refusal_of(self.callers["narrow"].claim.IssueClaim,
                                       pb.IssueClaimRequest(subject="anna", audience="shop")),
                            "RESOURCE_EXHAUSTED", "BUDGET_SUBJECTS", "")
        batch = self.callers["narrow"].entitlement.BatchCheckEntitlements(
            pb.BatchCheckEntitlementsRequest(checks=[check("ben"), check("anna")]), timeout=CALL_SECONDS)
        self.assertEqual([decision.error.reason for decision in batch.decisions], ["", "BUDGET_SUBJECTS"])
        self.check("narrow", "eva")

    def test_a_person_behind_two_callers_is_one_person(self):
        self.check("desk", "ben")
        self.check("phone", "eva")
        self.check("phone", "ben")
        for caller in ("desk", "phone"):
            self.assert_refused(self.refused(caller, "anna"), "RESOURCE_EXHAUSTED", "BUDGET_SUBJECTS", "")

    def test_what_is_used_up_stays_so_when_the_callers_are_read_again(self):
        for subject in ("ben", "eva"):
            self.check("narrow", subject)
        since = len(self.server.lines)
        self.server.reload()
        self.server.wait_for_log(lambda line: line.get("event") == "callers.loaded", since)
        self.assert_refused(self.refused("narrow", "anna"), "RESOURCE_EXHAUSTED", "BUDGET_SUBJECTS", "")


if __name__ == "__main__":
    main()
