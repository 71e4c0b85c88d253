#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Shipping to a bucket: what is there already, and a server that refuses, breaks, is slow, is somebody else, or holds
something else."""
import http.client
import shutil
import subprocess

from audit_shipping import BucketTestCase
from fake_s3 import BUCKET
from passgate_protos import ROOT
from passgate_server import main

S3RVER = ROOT / "build" / "node" / "node_modules" / ".bin" / "s3rver"


class Trouble(BucketTestCase):
    def test_the_same_content_counts_as_shipped_by_its_checksum(self):
        self.check_same_content()

    def test_a_bucket_is_asked_to_keep_what_it_gets(self):
        self.serve(**self.flags, audit_ship_retain="compliance", audit_retention="30d")
        self.decide()
        self.restart()
        self.wait_until_shipped()
        self.wait(lambda: self.s3.keys("latest.jws"), "the newest head")
        for key in self.s3.keys():
            mode, until = self.s3.locks[key]
            if key.endswith("latest.jws"):
                self.assertIsNone(mode)
            else:
                self.assertEqual((mode, until[:2]), ("COMPLIANCE", "20"))

    def test_the_same_content_counts_as_shipped_where_no_checksum_is_kept(self):
        self.s3.keeps_checksums = False
        self.check_same_content()

    def test_another_content_is_never_replaced(self):
        for conditions in ("known", "unknown", "overlooked"):
            with self.subTest(conditions):
                self.s3.conditions = conditions
                self.serve(**self.flags)
                self.decide()
                self.server.stop()
                victim = next(key for key in self.s3.keys(".pgaudit") if self.log_id in key)
                for content in (b"x" * len(self.s3.objects[victim]), b"something else"):
                    self.s3.objects[victim] = content
                    shutil.rmtree(self.audit / "shipped", ignore_errors=True)
                    self.server.start()
                    self.wait(lambda: self.metric('ship_failures_total{kind="other_content"}') >= 1, "noticed")
                    self.wait(lambda: "something else is" in self.readyz()[1], "said")
                    self.assertEqual(self.s3.objects[victim], content)
                    self.server.stop()

    def test_whatever_the_server_does_it_is_tried_again_until_it_works(self):
        self.serve(**self.flags)
        self.decide()
        for fault, kind in ((403, "refused"), (500, "failed"), ("cut", "unreachable")):
            with self.subTest(fault):
                self.s3.fault = fault
                before = self.metric(f'ship_failures_total{{kind="{kind}"}}')
                self.decide()
                self.wait(lambda: self.metric(f'ship_failures_total{{kind="{kind}"}}') > before, kind)
        self.restart()
        self.s3.fault = None
        self.wait_until_shipped()

    def test_a_slow_server_holds_up_nobody_and_no_stop(self):
        self.serve(**self.flags)
        self.decide()
        self.s3.fault = "slow"
        self.restart()
        self.wait(lambda: self.metric("ship_waiting_segments") >= 0 and self.s3.requests, "it is asked")
        self.decide(20)
        self.server.stop()  # within its own limit
        self.s3.release()
        self.server.start()
        self.wait_until_shipped()

    def test_credentials_are_read_again(self):
        self.s3.session_token = "a-session-token/+="
        self.serve(**self.flags)
        self.decide()
        self.wait(lambda: "InvalidToken" in self.s3.refusals, "refused")
        self.write_credentials()
        self.s3.access_key, self.s3.secret_key = "AKIDOTHER", "another/secret+key:with=all"
        self.wait(lambda: "InvalidAccessKeyId" in self.s3.refusals, "refused again")
        self.write_credentials()
        self.restart()
        self.wait_until_shipped()
        self.assertNotIn("another/secret", self.server.log_text())

    def test_a_server_with_another_certificate_gets_nothing(self):
        self.flags["audit_ship_ca_file"] = self.folder / "unknown_ca.pem"
        self.serve(**self.flags)
        self.decide()
        self.wait(lambda: self.metric('ship_failures_total{kind="unreachable"}') >= 1, "tried")
        self.assertEqual(self.s3.requests, [])
        self.assertIn("certificate", self.logged("audit.ship_failed")[-1]["detail"])


class Foreign(BucketTestCase):
    """A server that somebody else wrote, in plaintext on loopback."""

    def start_s3rver(self):
        if not S3RVER.exists() or not shutil.which("node"):
            self.skipTest("no node, or s3rver is not in build/node: scripts/install-packages.sh nightly")
        self.s3.access_key = self.s3.secret_key = "S3RVER"
        self.write_credentials()
        process = subprocess.Popen([S3RVER, "-d", self.folder / "s3rver", "-a", "127.0.0.1", "-p", "0",
                                    "--configure-bucket", BUCKET], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        line = process.stdout.readline()
        while "listening" not in line:
            self.assertTrue(line, "s3rver does not listen")
            line = process.stdout.readline()
        return int(line.split(":")[-1].split()[0].rstrip("/"))

    def fetch(self, port, name):
        """An object, as anybody gets it: it checks the signatures that are there, and asks for none to read."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", f"/{BUCKET}/realm/audit/{self.log_id}/{name}")
        return connection.getresponse().read()

    def test_another_makers_server_takes_it_and_keeps_what_is_there(self):
        port = self.start_s3rver()
        self.serve(**{**self.flags, "audit_ship_endpoint": f"http://127.0.0.1:{port}"})
        self.decide(5)
        self.restart(is_killed=True)
        self.wait(lambda: self.metric("ship_waiting_segments") == 0 and self.metric("shipped_bytes_total") > 0, "shipped")
        for name, content in self.ended().items():
            self.assertEqual(self.fetch(port, name), content, name)
        self.server.stop()
        shutil.rmtree(self.audit / "shipped")
        self.server.start()
        self.wait(lambda: (self.audit / "shipped").exists() and self.metric("ship_waiting_segments") == 0, "found out again")
        self.assertEqual(self.metric('ship_failures_total{kind="other_content"}'), 0)


if __name__ == "__main__":
    main()
