#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ListDecisions: what was asked and answered, read back from the log of the replica that answered."""
import time

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from passgate_protos import CALL_SECONDS, Refusal, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import ServerTestCase, main

RESOURCE = "model/fable-5"
FLUSH_SECONDS = 10  # until a record is on disk; it takes milliseconds


class AuditServiceTestCase(ServerTestCase):
    needs_control = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.citizen, cls.foreigner = fresh("usa"), fresh("deu")
        for name, country in ((cls.citizen, "USA"), (cls.foreigner, "DEU")):
            cls.stubs.verification.SubmitVerification(submission(name, passport(country)), timeout=CALL_SECONDS)

    def check(self, name, **changes):
        return self.stubs.entitlement.CheckEntitlement(check(name, RESOURCE, **changes), timeout=CALL_SECONDS)

    def messages(self, **filters):
        return list(self.stubs.audit.ListDecisions(pb.ListDecisionsRequest(**filters), timeout=CALL_SECONDS))

    def records(self, **filters):
        return [record for message in self.messages(**filters) for record in message.records]

    def on_disk(self, decision_id, **filters):
        """All records, once this one is among them."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while True:
            found = self.records(**filters)
            if any(record.decision_id == decision_id for record in found):
                return found
            self.assertLess(time.monotonic(), deadline, "it never comes to disk")

    def refusal(self, **filters):
        try:
            self.messages(**filters)
        except grpc.RpcError as error:
            return Refusal(error)
        return self.fail("listed")


class Listing(AuditServiceTestCase):
    def test_a_decision_is_shown_as_it_was_answered(self):
        answer = self.check(self.foreigner, location="USA")
        record = next(record for record in self.on_disk(answer.decision_id) if record.decision_id == answer.decision_id)
        item, = record.items
        self.assertEqual((record.kind, record.caller, record.method, record.location),
                         ("decision", "local", "CheckEntitlement", "USA"))
        self.assertEqual((record.directive_set, record.revision), (answer.directive_set, answer.revision))
        self.assertEqual((item.decision, item.reason, item.action), (answer.decision, answer.reason, "use"))
        self.assertEqual((item.resource.type, item.resource.id), ("model", "fable-5"))
        self.assertTrue(item.directive and item.directive_version and item.directive_position)
        self.assertRegex(item.subject, "^[0-9a-f]{32}$")
        self.assertLess(abs(record.time.seconds - answer.evaluated_at.seconds), 2)

    def test_filters_leave_out_what_does_not_fit(self):
        allowed, refused = self.check(self.citizen), self.check(self.foreigner)
        self.on_disk(refused.decision_id)
        ids = {name: {record.decision_id for record in self.records(**filters)} for name, filters in {
            "citizen": {"subject": self.citizen}, "foreigner": {"subject": self.foreigner},
            "allowed": {"decision": pb.DECISION_ALLOW}, "refused": {"decision": pb.DECISION_DENY},
            "resource": {"resource": pb.Resource(type="model", id="fable-5")},
            "other": {"resource": pb.Resource(type="model", id="fable-50")},
            "caller": {"caller": "local"}, "nobody": {"caller": "spiffe://corp/nobody"},
            "past": {"until": Timestamp(seconds=1000)}, "future": {"from": Timestamp(seconds=2**33)},
            "both": {"subject": self.citizen, "decision": pb.DECISION_DENY}}.items()}
        for name in ("citizen", "allowed", "resource", "caller"):
            self.assertIn(allowed.decision_id, ids[name], name)
        for name in ("foreigner", "refused", "resource", "caller"):
            self.assertIn(refused.decision_id, ids[name], name)
        for name in ("foreigner", "refused"):
            self.assertNotIn(allowed.decision_id, ids[name], name)
        for name in ("citizen", "allowed"):
            self.assertNotIn(refused.decision_id, ids[name], name)
        for name in ("other", "nobody", "past", "future", "both"):
            self.assertFalse(ids[name], name)

    def test_a_batch_is_one_record_and_is_shown_whole(self):
        answer = self.stubs.entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(
            checks=[check(self.citizen, RESOURCE), check(self.foreigner, RESOURCE)]), timeout=CALL_SECONDS)
        record = self.on_disk(answer.decision_id, subject=self.foreigner)[-1]
        self.assertEqual((record.kind, len(record.items)), ("batch", 2))
        self.assertEqual([item.decision for item in record.items], [pb.DECISION_ALLOW, pb.DECISION_DENY])

    def test_writes_and_acts_are_there_for_who_wants_them(self):
        self.on_disk(self.check(self.citizen).decision_id)
        self.assertLessEqual({record.kind for record in self.records()}, {"decision", "batch", "refusal"})
        wanted = {"log_opened", "verification_submitted", "administration", "decision"}
        # What is written comes through the outbox, a moment later.
        self.server.wait_until(lambda: wanted <= {record.kind for record in self.records(all_kinds=True)}, wanted)

    def test_what_is_wrong_is_named(self):
        log_id = self.check(self.citizen).decision_id.partition("-")[0]
        other = ("1" if log_id[0] == "0" else "0") + log_id[1:]
        for filters, reason, field in (
                ({"resume_token": "x"}, "FIELD_CHARACTERS", "resume_token"),
                ({"resume_token": other + "-1"}, "FIELD_RANGE", "resume_token"),
                ({"subject": "a b"}, "FIELD_CHARACTERS", "subject"),
                ({"resource": pb.Resource(type="model")}, "FIELD_REQUIRED", "resource.id"),
                ({"from": Timestamp(seconds=2**40)}, "FIELD_RANGE", "from")):
            self.assert_refused(self.refusal(**filters), "INVALID_ARGUMENT", reason, field)


class Resuming(AuditServiceTestCase):
    def setUp(self):
        """More than a page."""
        self.asked = [self.check(self.citizen).decision_id for _ in range(250)]
        self.on_disk(self.asked[-1])

    def ids(self, messages):
        return [record.decision_id for message in messages for record in message.records]

    def test_every_message_is_a_place_to_go_on_from(self):
        whole = self.messages()
        self.assertGreater(len(whole), 2)
        for at, message in enumerate(whole):
            rest = self.ids(self.messages(resume_token=message.resume_token))
            self.assertEqual(rest, self.ids(whole[at + 1:]), at)
        more = self.check(self.citizen).decision_id
        self.assertEqual(self.ids([pb.ListDecisionsResponse(records=self.on_disk(more, resume_token=whole[-1].resume_token))]),
                         [more])

    def test_numbers_grow_and_nothing_is_shown_twice(self):
        numbers = [int(name.partition("-")[2]) for name in self.ids(self.messages())]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertLessEqual(set(self.asked), set(self.ids(self.messages())))

    def test_who_does_not_read_holds_up_nobody(self):
        streams = [self.stubs.audit.ListDecisions(pb.ListDecisionsRequest(), timeout=CALL_SECONDS) for _ in range(2)]
        for stream in streams:
            next(stream)
        self.check(self.citizen)
        for stream in streams:
            stream.cancel()
        deadline = time.monotonic() + FLUSH_SECONDS
        while True:
            try:
                self.assertTrue(self.messages())
                return
            except grpc.RpcError as error:  # the server has not heard of the cancelling yet
                self.assertEqual(Refusal(error).reason, "OVERLOADED")
                self.assertLess(time.monotonic(), deadline)


class Restarting(AuditServiceTestCase):
    def test_a_listing_goes_on_across_segments_and_restarts(self):
        before = [self.check(self.citizen).decision_id for _ in range(3)]
        token = self.messages()[-1].resume_token
        self.on_disk(before[-1])
        self.server.stop()
        self.server.start()
        type(self).stubs = self.server.stubs()
        after = self.check(self.citizen).decision_id
        found = [record.decision_id for record in self.on_disk(after, resume_token=token)]
        self.assertEqual(found[-1], after)
        self.assertLessEqual(set(before) | {after}, {record.decision_id for record in self.records()})


if __name__ == "__main__":
    main()
