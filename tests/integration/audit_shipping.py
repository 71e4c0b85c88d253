# SPDX-License-Identifier: Apache-2.0
"""A passgated that ships its audit log, and what is looked at then.  A segment ends with each life of the server."""
import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from fake_s3 import BUCKET, REGION, FakeS3
from passgate_protos import CALL_SECONDS
from passgate_samples import check
from passgate_server import Server, find_program, needs_own_server

RESOURCE = "model/fable-5"


class ShippingTestCase(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.folder = Path(tempfile.mkdtemp(prefix="passgate-ship-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def serve(self, **flags):
        self.server = Server(flags={"audit-ship-heads-every": "1s",
                                    **{name.replace("_", "-"): value for name, value in flags.items()}})
        self.addCleanup(self.server.close)
        self.audit = self.server.folder / "passgate-data" / "audit"
        self.server.start()
        return self.server

    def decide(self, times=1):
        stubs = self.server.stubs()
        return [stubs.entitlement.CheckEntitlement(check("user-1", RESOURCE), timeout=CALL_SECONDS).decision_id
                for _ in range(times)]

    def restart(self, is_killed=False):
        if is_killed:
            self.server.kill()
        else:
            self.server.stop()
        self.server.start()

    @property
    def log_id(self):
        return (self.audit / "log.id").read_text(encoding="ascii").strip()

    def ended(self):
        """What is to be shipped, by the name below the log's id; who is killed early has signed no head."""
        found = {}
        for index in (self.audit / "segments").glob("*.pgindex"):
            for path in (index, index.with_suffix(".pgaudit"), self.audit / "heads" / f"{index.stem}.jws"):
                if path.exists():
                    found[str(path.relative_to(self.audit))] = path.read_bytes()
        return found

    def metric(self, name):
        return self.server.counted(f"passgate_audit_{name}")

    def wait(self, holds, what):
        self.server.wait_until(holds, what)

    def readyz(self):
        status, _, body = self.server.get("ops", "/readyz")
        return status, dict(line.split(": ", 1) for line in body.splitlines() if ": " in line)["shipping"]

    def audit_command(self, *arguments):
        done = subprocess.run([find_program("PASSGATE", "client/cli/passgate"), "audit", *map(str, arguments)],
                              capture_output=True, text=True, check=False)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def jwks(self):
        path = self.folder / "jwks.json"
        path.write_text(self.server.get("http", "/.well-known/jwks.json")[2], encoding="utf-8")
        return path

    def verify(self, folder, *more):
        done = self.audit_command("verify", folder, "--jwks", self.jwks(), "-o", "json", *more)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)

    def logged(self, event):
        return [line for line in self.server.log() if line.get("event") == event]

    def administration(self):
        done = self.audit_command("list", self.audit, "-o", "json")
        return [record["payload"] for record in map(json.loads, done.stdout.splitlines())
                if record["kind"] == "administration" and "payload" in record]


class BucketTestCase(ShippingTestCase):
    def setUp(self):
        super().setUp()
        subprocess.run([Path(__file__).parent / "make_certificates.sh", self.folder], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.s3 = FakeS3(self.folder)
        self.addCleanup(self.s3.close)
        self.credentials = self.folder / "credentials"
        self.write_credentials()
        self.flags = {"audit_ship_to": f"s3://{BUCKET}/realm/audit", "audit_ship_endpoint": self.s3.endpoint,
                      "audit_ship_region": REGION, "audit_ship_ca_file": self.folder / "ca.pem",
                      "audit_ship_credentials_file": self.credentials}

    def write_credentials(self):
        token = f"aws_session_token = {self.s3.session_token}\n" if self.s3.session_token else ""
        fresh = self.folder / "credentials.new"
        fresh.write_text(f"[default]\naws_access_key_id = {self.s3.access_key}\n"
                         f"aws_secret_access_key = {self.s3.secret_key}\n{token}", encoding="utf-8")
        fresh.chmod(0o600)
        fresh.rename(self.credentials)

    def shipped(self):
        prefix = f"realm/audit/{self.log_id}/"
        return {key[len(prefix):]: self.s3.objects[key] for key in self.s3.keys()
                if key.startswith(prefix) and not key.endswith("latest.jws")}

    def wait_until_shipped(self):
        self.wait(lambda: self.shipped() == self.ended() and self.metric("ship_waiting_segments") == 0, "shipped")

    def download(self):
        for key, content in self.s3.objects.items():
            path = self.folder / "downloaded" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return self.folder / "downloaded" / "realm" / "audit" / self.log_id

    def check_same_content(self):
        self.serve(**self.flags)
        self.decide()
        self.restart()
        self.wait_until_shipped()
        self.server.stop()
        shutil.rmtree(self.audit / "shipped")
        puts = len([path for method, path in self.s3.requests if method == "PUT"])
        self.s3.objects = {key: content for key, content in self.s3.objects.items() if not key.endswith("latest.jws")}
        self.server.start()
        self.wait_until_shipped()
        again = [path for method, path in self.s3.requests if method == "PUT"][puts:]
        self.assertTrue(all(path.endswith("latest.jws") for path in again), again)
