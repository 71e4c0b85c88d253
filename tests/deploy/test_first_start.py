#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The first start of a deployment: deploy/make_secrets.sh, what it makes laid out as the manifests mount it, and the
configurations of deploy/ with it."""
import hashlib
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from manifests import (COMPOSE, KUBERNETES, OVERLAYS, ROOT, config_text, environment_of, needs_rendering, program,
                       redis_version, run, server_pod, submission, users_for)
from passgate_server import Server, main
from redis_store import RedisStore
import yaml


class FirstStart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="passgate-deploy-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.secrets = cls.folder / "etc" / "passgate"
        cls.make_secrets()
        # What docs/kubernetes.md puts into the secret passgate-store as well, and where compose has its secrets.
        shutil.copy(cls.secrets / "tls" / "ca.crt", cls.secrets / "store" / "ca.crt")
        shutil.copytree(KUBERNETES / "base" / "directives", cls.secrets / "directives")
        (cls.secrets / "secrets").symlink_to(".")

    @classmethod
    def make_secrets(cls):
        subprocess.run([ROOT / "deploy" / "make_secrets.sh", cls.secrets, "passgate-1"], check=True, capture_output=True)

    def files(self):
        return {path: path.read_bytes() for path in self.secrets.rglob("*")
                if path.is_file() and "secrets" not in path.parts}

    def moved(self, text):
        """A configuration whose paths lie in this test's folder."""
        for mount in ("/etc/passgate", "/var/lib/passgate", "/run/passgate"):
            text = text.replace(mount, f"{self.folder}{mount}")
        return text

    def check(self, text, environment):
        path = self.folder / "passgate.yaml"
        path.write_text(self.moved(text), encoding="utf-8")
        end = run(program("passgated"), "--config", path, "--check-config",
                  environment={name: self.moved(value) for name, value in environment.items()})
        self.assertEqual((end.returncode, end.stderr), (0, ""))

    def test_the_configurations_of_the_overlays_are_good(self):
        needs_rendering()
        for overlay in OVERLAYS:
            with self.subTest(overlay):
                self.check(config_text(overlay), {**environment_of(overlay), "PASSGATE_RPC_WORKERS": "2"})

    def test_the_configuration_of_compose_is_good(self):
        self.check((COMPOSE / "passgate.yaml").read_text(encoding="utf-8"), {})

    def start_redis(self):
        """As compose.yaml starts it, on a socket of this test."""
        command = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["services"]["redis"]["command"]
        users = self.folder / "users.acl"
        users.write_text(users_for(redis_version(), (self.secrets / "redis" / "users.acl").read_text(encoding="utf-8")),
                         encoding="utf-8")
        command = [str(users) if word.endswith("users.acl") else word for word in command]
        redis = RedisStore(options=command[1:])
        self.addCleanup(redis.close)
        return redis.start()

    @unittest.skipUnless(redis_version(), "redis-server is not installed")
    def test_what_one_replica_is_told_the_other_knows(self):
        redis = self.start_redis()
        config = yaml.safe_load(self.moved((COMPOSE / "passgate.yaml").read_text(encoding="utf-8")))
        del config["listen"], config["directives"], config["audit"]
        config["store"]["url"] = redis.flags["store-url"]
        replicas = [Server(config=yaml.safe_dump(config)) for _ in range(2)]
        for replica in replicas:
            self.addCleanup(replica.close)
            replica.start()
        clients = self.secrets / "clients"
        first, second = ([f"--server={replica.address}", "--server-name=localhost", f"--ca={clients}/ca.crt",
                          f"--cert={clients}/operator.crt", f"--key={clients}/operator.key", "--timeout=10s"]
                         for replica in replicas)
        end = run(program("passgate"), "submit", "-", *first, text=submission("alice", "USA"))
        self.assertEqual(end.returncode, 0, end.stderr)
        end = run(program("passgate"), "check", "alice", "model/fable-5", "use", "--context=location=USA", *second)
        self.assertEqual(end.returncode, 0, end.stdout + end.stderr)

    def test_nothing_is_made_twice(self):
        before = self.files()
        self.make_secrets()
        self.assertEqual(self.files(), before)

    def test_what_would_not_fit_any_more_is_not_left_there(self):
        """What is removed, and what has to go with it."""
        clients = [f"clients/{name}.crt" for name in ("ca", "gateway", "hr", "operator", "verifier")]
        for removed, others in (("tls/ca.crt", ["tls/tls.crt", *clients]), ("store/password", ["redis/users.acl"]),
                                ("tls/tls.key", ["tls/tls.crt"]), ("clients/hr.key", ["clients/hr.crt"])):
            with self.subTest(removed):
                folder = Path(tempfile.mkdtemp(dir=self.folder))
                command = [ROOT / "deploy" / "make_secrets.sh", folder]
                subprocess.run(command, check=True, capture_output=True)
                (folder / removed).unlink()
                before = {path for path in folder.rglob("*") if path.is_file()}
                end = subprocess.run(command, check=False, capture_output=True, text=True)
                self.assertEqual(end.returncode, 1, end.stderr)
                self.assertIn(f"{removed} is gone", end.stderr)
                self.assertEqual({path for path in folder.rglob("*") if path.is_file()}, before)
                for other in others:
                    self.assertIn(other, end.stderr)
                    (folder / other).unlink()
                subprocess.run(command, check=True, capture_output=True)
                self.assert_fits(folder)

    def assert_fits(self, folder):
        certificates = [folder / "tls" / "tls.crt", *(folder / "clients").glob("*.crt")]
        self.assertEqual(len(certificates), 6)
        subprocess.run(["openssl", "verify", "-CAfile", folder / "tls" / "ca.crt", *certificates], check=True, capture_output=True)
        password = (folder / "store" / "password").read_bytes()
        self.assertEqual((folder / "redis" / "password").read_bytes(), password)
        self.assertIn(hashlib.sha256(password).hexdigest(), (folder / "redis" / "users.acl").read_text(encoding="utf-8"))

    def test_without_the_authority_nothing_new_is_signed(self):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        command = [ROOT / "deploy" / "make_secrets.sh", folder]
        subprocess.run(command, check=True, capture_output=True)
        (folder / "authority" / "ca.key").unlink()
        subprocess.run(command, check=True, capture_output=True)  # nothing is to be signed
        (folder / "clients" / "hr.crt").unlink()
        end = subprocess.run(command, check=False, capture_output=True, text=True)
        self.assertEqual(end.returncode, 1, end.stderr)
        self.assertIn("authority/ca.key is gone", end.stderr)

    def test_keys_are_not_for_others(self):
        for path in self.files():
            if "directives" not in path.parts and path.name != "passgate.yaml":
                self.assertEqual(path.stat().st_mode & 0o077 if path.suffix in (".key", ".pem") else 0, 0, path)

    def test_the_password_of_redis_is_not_in_its_file(self):
        password = (self.secrets / "store" / "password").read_text(encoding="utf-8").strip()
        users = (self.secrets / "redis" / "users.acl").read_text(encoding="utf-8")
        self.assertRegex(users, r"user passgate reset on #[0-9a-f]{64} ~passgate:\* ")
        self.assertNotIn(password, users)

    def test_the_probes_are_answered(self):
        """On SQLite: this is about doors and certificates."""
        config = yaml.safe_load(self.moved((KUBERNETES / "base" / "passgate.yaml").read_text(encoding="utf-8")))
        del config["store"], config["listen"]
        (self.folder / "run" / "passgate").mkdir(parents=True)
        server = Server(config=yaml.safe_dump(config), directives=KUBERNETES / "base" / "directives")
        self.addCleanup(server.close)
        server.start()
        container = server_pod("dev")["containers"][0]
        for probe in ("startupProbe", "livenessProbe"):
            self.assertEqual(server.get("ops", container[probe]["httpGet"]["path"])[0], 200)
        command = [self.moved(word) for word in container["readinessProbe"]["exec"]["command"]]
        command = [word.replace("127.0.0.1:50051", server.address) for word in command]
        end = run(program("passgate"), *command[1:])
        self.assertEqual((end.returncode, end.stdout), (0, "SERVING\n"), end.stderr)
        # Without a certificate nobody is let in.
        self.assertEqual(run(program("passgate"), "health", f"--server={server.address}", "--timeout=2s").returncode, 2)


if __name__ == "__main__":
    main()
