#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Segments of the audit log go elsewhere when they have ended, whole, once, and as they were; and from here when their
time is over."""
import json
import shutil

from audit_shipping import RESOURCE, BucketTestCase, ShippingTestCase
from passgate_protos import CALL_SECONDS, pb
from passgate_samples import check
from passgate_server import ORGANIZATIONS, main


class ToAFolder(ShippingTestCase):
    def setUp(self):
        super().setUp()
        self.place = self.folder / "archive"
        self.place.mkdir()
        self.flags = {"audit_ship_to": f"folder:{self.place}"}

    def shipped(self):
        root = self.place / self.log_id
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*")
                if path.is_file() and not path.name.startswith("latest.jws")}

    def wait_until_shipped(self):
        self.wait(lambda: set(self.shipped()) == set(self.ended()) and self.metric("ship_waiting_segments") == 0, "shipped")
        self.assertEqual(self.shipped(), self.ended())

    def test_what_has_ended_is_there_and_is_a_log_that_verifies(self):
        self.serve(**self.flags)
        first = self.decide(5)[0]
        self.restart()
        self.decide(5)
        self.restart(is_killed=True)
        self.wait_until_shipped()
        self.assertGreaterEqual(len(self.ended()), 5)
        self.wait(lambda: self.verify(self.place / self.log_id)["recordsElsewhere"] > 0, "the newest head")
        verdict = self.verify(self.place / self.log_id)
        self.assertEqual((verdict["findings"], verdict["signaturesChecked"]), ([], True))
        self.assertGreater(verdict["headsMet"], 0)
        done = self.audit_command("prove", first, self.place / self.log_id, "--jwks", self.jwks())
        self.assertIn("PROVED\n", done.stdout, done.stderr)
        listed = self.audit_command("list", self.place / self.log_id, "--outcome", "deny").stdout
        self.assertIn(first, listed)
        self.assertEqual(self.readyz(), (200, "ok"))
        self.wait(lambda: self.metric("shipped_bytes_total") > 0, "counted")

    def test_a_segment_that_is_full_is_shipped_while_the_server_goes_on(self):
        self.serve(**self.flags, audit_segment_bytes="1MiB", audit_ring_bytes="256KiB")
        stubs = self.server.stubs()
        checks = [check(f"user-{number}", RESOURCE) for number in range(1000)]
        for _ in range(200):
            stubs.entitlement.BatchCheckEntitlements(pb.BatchCheckEntitlementsRequest(checks=checks), timeout=CALL_SECONDS)
            if list((self.audit / "segments").glob("*.pgindex")):
                break
        self.wait_until_shipped()
        self.assertGreater(len([name for name in self.shipped() if name.endswith(".pgaudit")]), 0)
        self.wait(lambda: self.metric("shipped_bytes_total") > 1 << 20, "counted")
        self.assertEqual(self.verify(self.place / self.log_id)["findings"], [])

    def test_a_clean_stop_ships_the_last_segment_and_its_head(self):
        self.serve(**self.flags)
        self.decide()
        jwks = self.jwks()
        self.server.stop()
        self.assertEqual(self.shipped(), self.ended())
        done = self.audit_command("verify", self.place / self.log_id, "--jwks", jwks, "-o", "json")
        verdict = json.loads(done.stdout)
        self.assertEqual((verdict["clean"], verdict["closed"], verdict["recordsElsewhere"]), (True, True, 0))
        self.server.start()

    def test_without_its_memory_it_finds_out_again_and_changes_nothing(self):
        self.serve(**self.flags)
        self.decide()
        self.restart()
        self.wait_until_shipped()
        self.server.stop()
        before = {path: path.stat().st_mtime_ns for path in self.place.rglob("*") if path.name != "latest.jws"}
        shutil.rmtree(self.audit / "shipped")
        self.server.start()
        self.wait_until_shipped()
        for path, changed in before.items():
            if path.is_file():
                self.assertEqual(path.stat().st_mtime_ns, changed, path)

    def test_a_place_that_is_away_is_tried_until_it_is_back(self):
        away = self.folder / "away"
        self.place.rename(away)
        self.serve(**self.flags, audit_ship_late="1ms")
        self.decide()
        self.restart()
        self.wait(lambda: self.metric('ship_failures_total{kind="unreachable"}') >= 2, "tried")
        self.assertFalse(self.place.exists())
        self.assertGreater(self.metric("ship_waiting_segments"), 0)
        self.assertGreater(self.metric("ship_waiting_age_seconds"), 0)
        self.wait(lambda: self.readyz() == (200, "the audit log is shipped too late"), "said")
        away.rename(self.place)
        self.wait_until_shipped()
        self.wait(lambda: self.readyz()[1] == "ok", "said to be over")
        self.assertEqual(len([line for line in self.logged("audit.ship_failed")]), 2)  # once in each life
        self.assertEqual(len(self.logged("audit.ship_recovered")), 1)

    def test_what_has_another_content_stays_and_is_told(self):
        self.serve(**self.flags)
        self.decide()
        self.server.stop()
        name = sorted(name for name in self.shipped() if name.endswith(".pgaudit"))[0]
        victim = self.place / self.log_id / name
        victim.write_bytes(b"something else")
        shutil.rmtree(self.audit / "shipped")
        self.server.start()
        self.decide()
        self.wait(lambda: self.metric('ship_failures_total{kind="other_content"}') >= 1, "noticed")
        self.assertEqual(victim.read_bytes(), b"something else")
        self.wait(lambda: self.readyz() == (200, "something else is where the audit log is to be shipped to"), "said")
        self.restart()
        self.wait(lambda: len(self.shipped()) == len(self.ended()), "the others are there")
        self.assertEqual(victim.read_bytes(), b"something else")
        victim.unlink()
        self.wait_until_shipped()

    def test_a_log_whose_end_was_cut_is_noticed_by_the_head_elsewhere(self):
        self.serve(**self.flags)
        self.decide(20)
        self.restart()
        self.decide(20)
        self.server.stop()
        latest = self.place / self.log_id / "heads" / "latest.jws"
        kept = latest.read_bytes()
        last = sorted((self.audit / "segments").glob("*.pgaudit"))[-1]
        for path in (last, last.with_suffix(".pgindex"), self.audit / "heads" / f"{last.stem}.jws"):
            path.unlink()
        self.server.start()
        self.wait(lambda: self.metric('ship_failures_total{kind="other_content"}') >= 1, "noticed")
        self.assertEqual(latest.read_bytes(), kept)
        self.assertIn("it was cut, or is an older copy", self.logged("audit.ship_failed")[-1]["detail"])
        self.assertIn("log_cut", {finding["finding"] for finding in self.verify(self.audit, "--head", latest)["findings"]})
        # It is not forgotten while nothing else is wrong, and whoever knows why takes it away.
        self.wait(lambda: self.metric('ship_failures_total{kind="other_content"}') >= 2, "looked at again")
        self.assertIn("something else", self.readyz()[1])
        self.assertEqual(self.logged("audit.ship_recovered"), [])
        latest.unlink()
        self.wait(lambda: latest.exists() and self.readyz()[1] == "ok", "its own")

    def test_a_server_killed_at_any_moment_ships_all_of_it(self):
        self.serve(**self.flags)
        for _ in range(6):
            self.decide(3)
            self.restart(is_killed=True)
        self.wait_until_shipped()
        latest = self.place / self.log_id / "heads" / "latest.jws"
        self.wait(latest.exists, "the newest head")
        self.assertEqual(self.verify(self.place / self.log_id)["findings"], [])

    def test_several_replicas_share_one_place(self):
        self.serve(**self.flags)
        self.decide()
        self.server.stop()
        first = self.log_id
        self.serve(**self.flags)
        self.decide()
        self.server.stop()
        self.assertNotEqual(self.log_id, first)
        self.assertEqual({path.name for path in self.place.iterdir()}, {self.log_id, first})
        self.server.start()


class Retention(ShippingTestCase):
    def setUp(self):
        super().setUp()
        self.place = self.folder / "archive"
        self.place.mkdir()

    def segments(self):
        return sorted(path.stem for path in (self.audit / "segments").glob("*.pgaudit"))

    def hold(self, rows):
        fresh = self.server.folder / "passgate.yaml.new"
        fresh.write_text(ORGANIZATIONS + f"legal_holds: {json.dumps(rows)}\n", encoding="utf-8")
        fresh.rename(self.server.folder / "passgate.yaml")
        self.server.reload()

    def test_what_is_over_goes_with_a_record_and_the_rest_verifies(self):
        self.serve(audit_retention="1ms")
        for _ in range(3):
            self.decide(3)
            self.restart()
        self.wait(lambda: len(self.segments()) <= 2, "removed")
        self.wait(lambda: {path.stem for folder in ("segments", "heads") for path in (self.audit / folder).iterdir()}
                  == set(self.segments()), "indices and heads as well")
        verdict = self.verify(self.audit)
        self.assertEqual(verdict["findings"], [])
        self.assertGreater(verdict["recordsTakenAway"], 0)
        record = self.administration()[-1]
        self.assertRegex(record, r"^segments_removed=\d+ records=\d+ first=\d+ last=\d+ latest_record=20")
        self.assertGreater(self.metric("removed_segments_total"), 0)
        decision, = self.decide()
        self.restart(is_killed=True)
        self.wait(lambda: self.audit_command("prove", decision, self.audit).returncode == 0, "proved")

    def test_nothing_goes_that_was_not_shipped(self):
        self.place.rename(self.folder / "away")
        self.serve(audit_ship_to=f"folder:{self.place}", audit_keep_local="1ms")
        for _ in range(3):
            self.decide()
            self.restart()
        self.wait(lambda: self.metric('ship_failures_total{kind="unreachable"}') >= 1, "tried")
        self.assertEqual(len(self.segments()), 4)
        (self.folder / "away").rename(self.place)
        self.wait(lambda: self.metric("ship_waiting_segments") == 0, "shipped")
        self.server.reload()
        self.wait(lambda: len(self.segments()) == 2, "removed here")
        self.assertEqual(len(list((self.place / self.log_id / "segments").glob("*.pgaudit"))), 3)
        self.assertEqual(self.verify(self.place / self.log_id)["findings"], [])
        self.assertEqual(self.verify(self.audit)["findings"], [])

    def test_a_hold_keeps_what_it_covers_and_leaves_records(self):
        self.serve(audit_retention="0")
        self.decide()
        self.restart()
        self.decide()
        self.hold([{"id": "case-17", "reason": "letter of 1 July", "until": "2100-01-01T00:00:00Z"}])
        self.wait(lambda: self.metric("legal_holds") == 1, "in force")
        self.server.flags["audit-retention"] = "1ms"
        self.restart()
        self.wait(lambda: self.administration(), "recorded")
        before = self.segments()
        self.hold([{"id": "case-17", "reason": "letter of 1 July", "until": "2100-01-01T00:00:00Z"},
                   {"id": "case-18", "reason": "another", "from": "2100-01-01T00:00:00Z"}])
        self.wait(lambda: self.metric("legal_holds") == 2, "both in force")
        self.assertEqual(self.segments(), before)
        self.hold([{"id": "case-18", "reason": "another", "from": "2100-01-01T00:00:00Z"}])
        self.wait(lambda: len(self.segments()) == 2, "what was held went")
        records = [record for record in self.administration() if record.startswith("legal_hold=")]
        self.assertEqual(records[-1], "legal_hold=lifted id=case-17 from=- until=2100-01-01T00:00:00Z reason=letter of 1 July")
        self.assertEqual(self.verify(self.audit)["findings"], [])


class ToABucket(BucketTestCase):
    def test_segments_are_signed_for_stored_once_and_verify_when_they_are_fetched(self):
        self.serve(**self.flags)
        decision = self.decide(5)[0]
        self.restart()
        self.wait_until_shipped()
        self.wait(lambda: self.s3.keys("latest.jws"), "the newest head")
        self.restart(is_killed=True)
        self.wait_until_shipped()
        self.assertEqual(self.s3.refusals, [])
        puts = [path for method, path in self.s3.requests if method == "PUT" and not path.endswith("latest.jws")]
        self.assertEqual(len(puts), len(set(puts)))
        folder = self.download()
        self.assertEqual(self.verify(folder)["findings"], [])
        done = self.audit_command("prove", decision, folder, "--jwks", self.jwks())
        self.assertIn("PROVED\n", done.stdout, done.stderr)


if __name__ == "__main__":
    main()
