#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/compose, started as docs/image.md says, where docker and its compose plugin work and the three images are there
or can be had; one replica goes and comes again."""
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import yaml

from manifests import COMPOSE
from passgate_server import main

PROJECT = "passgate-test"
REPLICAS = ("passgate-1", "passgate-2")
START_SECONDS = 180


def said(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def require_docker():
    if not shutil.which("docker") or said("docker", "info").returncode != 0:
        raise unittest.SkipTest("no docker works here")
    if said("docker", "compose", "version").returncode != 0:
        raise unittest.SkipTest("docker has no compose plugin here")


def require_images(services):
    for name in sorted({service["image"] for service in services.values()}):
        if said("docker", "image", "inspect", name).returncode != 0 and said("docker", "pull", "-q", name).returncode != 0:
            raise unittest.SkipTest(f"{name} is not there and cannot be had: `make image` makes ours")


def overrides():
    """No published ports, so that nothing on this machine is in the way; and no more descriptors than it can give."""
    most = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    text = "services:\n"
    for name in REPLICAS:
        text += f"  {name}:\n    ports: !reset []\n    ulimits: {{nofile: {{soft: {most}, hard: {most}}}}}\n"
    return text


class ComposeUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require_docker()
        file = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
        require_images(file["services"])
        folder = Path(tempfile.mkdtemp(prefix="passgate-compose-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        (folder / "test.yaml").write_text(overrides(), encoding="utf-8")
        cls.command = ["docker", "compose", "-p", PROJECT, "--project-directory", COMPOSE, "-f", COMPOSE / "compose.yaml",
                       "-f", folder / "test.yaml"]
        cls.addClassCleanup(said, *cls.command, "down", "-v", "-t", "5")
        up = cls.compose("up", "-d", "--no-build")
        if up.returncode != 0:
            raise AssertionError(up.stderr)
        for name in REPLICAS:
            cls.wait_until_healthy(name)

    @classmethod
    def compose(cls, *words):
        return said(*cls.command, *words)

    @classmethod
    def state(cls, name):
        """What docker knows of a service's container."""
        container = cls.compose("ps", "-a", "-q", name).stdout.strip()
        return json.loads(said("docker", "inspect", container).stdout)[0]

    @classmethod
    def wait_until_healthy(cls, name):
        end = time.monotonic() + START_SECONDS
        while cls.state(name)["State"]["Health"]["Status"] != "healthy":
            if time.monotonic() > end:
                raise AssertionError(cls.compose("logs", name).stdout[-4000:])
            time.sleep(0.5)

    @classmethod
    def cli(cls, *words, replica="passgate-1", caller="operator"):
        environment = {**os.environ, "CALLER": caller}
        return subprocess.run([*map(str, cls.command), "run", "--rm", "-T", "-e", f"PASSGATE_SERVER={replica}:50051", "cli",
                               *words], capture_output=True, text=True, check=False, env=environment)

    def check(self, subject, replica):
        answer = self.cli("check", subject, "model/fable-5", "use", "--context", "location=USA", "-o", "json",
                          replica=replica, caller="gateway")
        self.assertIn(answer.returncode, (0, 1), answer.stderr)
        return json.loads(answer.stdout)["decision"]

    def test_the_job_of_secrets_ended_in_order(self):
        self.assertEqual((self.state("secrets")["State"]["Status"], self.state("secrets")["State"]["ExitCode"]), ("exited", 0))

    def test_replicas_run_without_rights(self):
        for name in REPLICAS:
            state = self.state(name)
            self.assertEqual(state["Config"]["User"], "65532:65532")
            self.assertIs(state["HostConfig"]["ReadonlyRootfs"], True)
            self.assertEqual(state["HostConfig"]["CapDrop"], ["ALL"])

    def test_the_command_line_is_the_caller_whose_certificate_it_has(self):
        for caller in ("operator", "gateway"):
            answer = self.cli("whoami", "-o", "json", caller=caller)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.assertEqual(json.loads(answer.stdout)["caller"], f"spiffe://passgate.example/{caller}")

    def test_what_one_replica_is_told_the_other_enforces_and_keeps_through_a_restart(self):
        body = {"subject": "compose", "evidence": {
            "evidenceClass": "EVIDENCE_CLASS_PASSPORT", "result": "VENDOR_RESULT_PASSED", "vendor": "example",
            "checkId": "compose-1", "verifiedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600)),
            "document": {"issuer": "USA", "nationality": "USA", "proof": "PROOF_CHIP"}}}
        self.assertEqual(self.check("compose", "passgate-2"), "DECISION_DENY")
        submitted = subprocess.run(
            [*map(str, self.command), "run", "--rm", "-T", "-e", "PASSGATE_SERVER=passgate-1:50051", "cli", "submit", "-"],
            input=json.dumps(body), capture_output=True, text=True, check=False)
        self.assertEqual(submitted.returncode, 0, submitted.stderr)
        self.assertEqual(self.check("compose", "passgate-2"), "DECISION_ALLOW")
        for name in ("redis", "passgate-1"):
            self.assertEqual(self.compose("kill", name).returncode, 0)
            self.assertEqual(self.compose("up", "-d", "--no-build", name).returncode, 0)
        self.wait_until_healthy("redis")
        self.wait_until_healthy("passgate-1")
        self.assertEqual(self.check("compose", "passgate-1"), "DECISION_ALLOW")


if __name__ == "__main__":
    main()
