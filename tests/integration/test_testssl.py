#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What testssl.sh finds of the protocols that the gRPC listener speaks."""
import json
import shutil
import subprocess
import unittest

from mutual_tls import SPIFFE, MutualTlsTestCase
from passgate_server import ORGANIZATIONS, main

PROTOCOLS = {"SSLv2": False, "SSLv3": False, "TLS1": False, "TLS1_1": False, "TLS1_2": True, "TLS1_3": True}


@unittest.skipUnless(shutil.which("testssl"), "testssl.sh is not installed")
class Protocols(MutualTlsTestCase):
    names = {"gateway": f"URI:{SPIFFE}gateway"}
    config = ORGANIZATIONS + f"callers: [{{id: \"{SPIFFE}gateway\", roles: [checker]}}]\n"

    def test_nothing_below_tls_1_2_is_offered(self):
        report = self.folder / "report.json"
        done = subprocess.run(
            ["testssl", "--protocols", "--quiet", "--color", "0", "--warnings", "batch", "--ip", "one", "--openssl-timeout",
             "10", "--jsonfile", report, f"localhost:{self.server.ports['grpc']}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        self.assertTrue(report.exists(), done.stdout + done.stderr)
        findings = {finding["id"]: finding["finding"] for finding in json.loads(report.read_text(encoding="utf-8"))}
        for protocol, is_offered in PROTOCOLS.items():
            with self.subTest(protocol):
                self.assertEqual(findings[protocol].startswith("offered"), is_offered, findings[protocol])


if __name__ == "__main__":
    main()
