#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The image as `make image` builds it, where docker, podman or buildah works; and docs/vex.md, held against it."""
import json
import os
import re
import shutil
import socket
import subprocess
import unittest

from image_case import AUTHORITIES, START_SECONDS, Contents, ImageCase, call, dockerfile
from manifests import ROOT, redis_version, submission
from passgate_server import main
from redis_store import KEEPS_ALL, RedisStore

ENGINES = {"docker": ["info"], "podman": ["images"], "buildah": ["images"]}


def working_engine():
    for engine, question in ENGINES.items():
        if shutil.which(engine) and subprocess.run([engine, *question], capture_output=True, check=False).returncode == 0:
            return engine
    return None


class Built(ImageCase, Contents):
    @classmethod
    def make(cls):
        cls.engine = working_engine()
        if not cls.engine:
            raise unittest.SkipTest("neither docker nor podman nor buildah works here")
        said = call(ROOT / "scripts" / "image.sh", env={**os.environ, "IMAGE_ENGINE": cls.engine})
        cls.name = re.search(r"^(passgate:\S+) is .* MB", said, re.MULTILINE)[1]
        cls.root.mkdir()
        if cls.engine == "buildah":
            container = call("buildah", "from", cls.name)
            cls.addClassCleanup(call, "buildah", "rm", container)
            archive = ["tar", "-C", call("buildah", "mount", container), "-cf", "-", "."]
        else:
            container = call(cls.engine, "create", cls.name)
            cls.addClassCleanup(call, cls.engine, "rm", container)
            archive = [cls.engine, "export", container]
        with subprocess.Popen(archive, stdout=subprocess.PIPE) as packer:
            subprocess.run(["tar", "-C", cls.root, "-xpf", "-", "--exclude=dev/*", "--exclude=./dev/*"],
                           stdin=packer.stdout, check=True)
        cls.settings = cls.inspect()

    @classmethod
    def inspect(cls):
        if cls.engine == "buildah":
            config = json.loads(call("buildah", "inspect", "--type", "image", cls.name))["Docker"]["config"]
        else:
            config = json.loads(call(cls.engine, "image", "inspect", cls.name))[0]["Config"]
        return {"user": config["User"], "environment": config["Env"], "entry": config["Entrypoint"],
                "health": config["Healthcheck"]["Test"]}

    def test_every_package_is_in_the_note_and_no_older_than_what_closes_its_holes(self):
        """docs/vex.md's rows "| `package` `package` | version | …" against the package list of the image."""
        note = (ROOT / "docs" / "vex.md").read_text(encoding="utf-8")
        closing = {package: version for packages, version in re.findall(r"^\| ((?:`[a-z0-9.+-]+` ?)+)\| (\S+) \|", note,
                                                                        re.MULTILINE)
                   for package in re.findall(r"`(\S+)`", packages)}
        entries = [path.read_text(encoding="utf-8") for path in (self.root / "var" / "lib" / "dpkg" / "status.d").iterdir()]
        versions = {re.search(r"^Package: (\S+)$", entry, re.MULTILINE)[1]:
                    re.search(r"^Version: (\S+)$", entry, re.MULTILINE)[1] for entry in entries}
        self.assertEqual(set(versions), set(closing))
        old = [f"{package} is {version}, and {closing[package]} closes its known holes" for package, version in versions.items()
               if subprocess.run(["dpkg", "--compare-versions", version, "lt", closing[package]], check=False).returncode == 0]
        self.assertEqual(old, [])

    @unittest.skipUnless(redis_version(), "redis-server is not installed")
    def test_it_speaks_tls_with_redis_and_knows_its_authority(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        tls = self.folder / "run" / "secrets" / "tls"
        redis = RedisStore(options=(*KEEPS_ALL, "--tls-port", str(port), "--tls-auth-clients", "no", "--tls-cert-file",
                                    tls / "tls.crt", "--tls-key-file", tls / "tls.key", "--tls-ca-cert-file", tls / "ca.crt"))
        self.addCleanup(redis.close)
        redis.start()
        door = "unix:/run/passgate/on-redis.sock"
        changes = {"PASSGATE_STORE_URL": f"rediss://127.0.0.1:{port}", "PASSGATE_LISTEN_GRPC_SOCKET": door[5:],
                   "PASSGATE_STORE_HASH_KEY_FILE": "/run/passgate/secrets/store/hash.key",
                   "PASSGATE_AUDIT_FOLDER": "/run/passgate/audit"}
        log = self.folder / "log-on-redis"
        stranger = self.run_server(log, {**changes, "PASSGATE_STORE_CA_FILE": f"/{AUTHORITIES}"})
        self.addCleanup(self.stop, stranger)
        self.assertNotEqual(stranger.wait(START_SECONDS), 0)
        self.assertIn("certificate verify failed", log.read_text(encoding="utf-8"))
        server = self.run_server(log, {**changes, "PASSGATE_STORE_CA_FILE": "/run/passgate/secrets/tls/ca.crt"})
        self.addCleanup(self.stop, server)
        self.wait_until_healthy(server, log, "health", f"--server={door}", "--timeout=3s")
        end = self.ask("submit", "-", f"--server={door}", text=submission("alice", "USA"))
        self.assertEqual(end.returncode, 0, end.stderr)

    def test_it_is_what_the_dockerfile_says(self):
        wanted = dockerfile()
        self.assertLessEqual(set(wanted.pop("environment")), set(self.settings["environment"]))
        self.assertEqual({name: self.settings[name] for name in wanted}, wanted)


if __name__ == "__main__":
    main()
