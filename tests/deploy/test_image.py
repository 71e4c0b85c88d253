#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The images as `make image` builds them, where docker, podman or buildah works; and docs/vex.md, held against the one."""
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from image_case import AUTHORITIES, START_SECONDS, USER, Contents, ImageCase, call, dockerfile, enter_image
from manifests import COMPOSE, ROOT, redis_version, submission
from passgate_server import main
from redis_store import KEEPS_ALL, RedisStore
import yaml

REDIS_USER = 999  # of the official image
ENGINES = {"docker": ["info"], "podman": ["images"], "buildah": ["images"]}


def working_engine():
    for engine, question in ENGINES.items():
        if shutil.which(engine) and subprocess.run([engine, *question], capture_output=True, check=False).returncode == 0:
            return engine
    return None


@functools.lru_cache(maxsize=None)
def built():
    """(engine, name of the image) of what `make image` makes, made once."""
    engine = working_engine()
    if not engine:
        raise unittest.SkipTest("neither docker nor podman nor buildah works here")
    said = call(ROOT / "scripts" / "image.sh", env={**os.environ, "IMAGE_ENGINE": engine})
    return engine, re.search(r"^(passgate:\S+) is .* MB", said, re.MULTILINE)[1]


def unpack(engine, name, root):
    """The file system of an image, in a folder."""
    root.mkdir()
    if engine == "buildah":
        container = call("buildah", "from", name)
        archive = ["tar", "-C", call("buildah", "mount", container), "-cf", "-", "."]
    else:
        container = call(engine, "create", name)
        archive = [engine, "export", container]
    with subprocess.Popen(archive, stdout=subprocess.PIPE) as packer:
        subprocess.run(["tar", "-C", root, "-xpf", "-", "--exclude=dev/*", "--exclude=./dev/*"], stdin=packer.stdout,
                       check=True)
    call(engine, "rm", container)


class Built(ImageCase, Contents):
    @classmethod
    def make(cls):
        cls.engine, cls.name = built()
        unpack(cls.engine, cls.name, cls.root)
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
        rows = re.findall(r"^\| ((?:`[a-z0-9.+-]+` ?)+)\| (\S+) \|", note, re.MULTILINE)
        closing = {package: version for packages, version in rows for package in re.findall(r"`(\S+)`", packages)}
        entries = [path.read_text(encoding="utf-8") for path in (self.root / "var/lib/dpkg/status.d").iterdir()]
        versions = {re.search(r"^Package: (\S+)$", entry, re.MULTILINE)[1]:
                    re.search(r"^Version: (\S+)$", entry, re.MULTILINE)[1] for entry in entries}
        self.assertEqual(set(versions), set(closing))
        for package, version in versions.items():
            with self.subTest(package):
                is_closed = subprocess.run(["dpkg", "--compare-versions", version, "ge", closing[package]], check=False)
                self.assertEqual(is_closed.returncode, 0, f"{version} has holes that {closing[package]} closes")

    @unittest.skipUnless(redis_version(), "redis-server is not installed")
    def test_it_speaks_tls_with_redis_and_knows_its_authority(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        tls = self.folder / "run" / "secrets" / "tls"
        redis = RedisStore(options=(*KEEPS_ALL, "--tls-port", str(port), "--tls-auth-clients", "no",
                                    "--tls-cert-file", tls / "tls.crt", "--tls-key-file", tls / "tls.key",
                                    "--tls-ca-cert-file", tls / "ca.crt"))
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
        said = log.read_text(encoding="utf-8")
        self.assertIn('"message":"cannot start","reason":"CONFIG_INVALID"', said)
        self.assertIn("no authority of store.ca_file signed it", said)
        server = self.run_server(log, {**changes, "PASSGATE_STORE_CA_FILE": "/run/passgate/secrets/tls/ca.crt"})
        self.addCleanup(self.stop, server)
        self.wait_until_healthy(server, log, "health", f"--server={door}", "--timeout=3s")
        end = self.ask("submit", "-", f"--server={door}", text=submission("alice", "USA"))
        self.assertEqual(end.returncode, 0, end.stderr)

    def test_it_is_what_the_dockerfile_says(self):
        wanted = dockerfile()
        self.assertLessEqual(set(wanted.pop("environment")), set(self.settings["environment"]))
        self.assertEqual({name: self.settings[name] for name in wanted}, wanted)


class SecretsJob(unittest.TestCase):
    """The one-shot job of deploy/compose, with the rights that compose.yaml gives to it."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root can change its root")
        engine, name = built()
        self.folder = Path(tempfile.mkdtemp(prefix="passgate-secrets-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        unpack(engine, name.replace("passgate:", "passgate-secrets:"), self.folder / "root")
        self.service = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["services"]["secrets"]
        self.secrets = self.folder / "secrets"
        for folder in (self.secrets, self.folder / "tmp", self.folder / "root" / self.service["command"][0][1:]):
            folder.mkdir()

    def run_job(self):
        capabilities = [word for name in self.service["cap_add"] for word in ("--keep", name)]
        call(*enter_image(self.folder / "root", "--user", 0, *capabilities, "--volume",
                          f"{self.secrets}:{self.service['command'][0]}", "--volume", f"{self.folder}/tmp:/tmp", "--",
                          "/opt/passgate/make_secrets.sh", *self.service["command"]))

    def test_it_gives_each_file_to_its_user_and_makes_nothing_twice(self):
        self.run_job()
        files = {path: path.read_bytes() for path in self.secrets.rglob("*") if path.is_file()}
        owners = {path.name: path.stat().st_uid for path in self.secrets.iterdir()}
        self.assertEqual(owners, {"authority": 0, "clients": USER, "keys": USER, "redis": REDIS_USER, "store": USER,
                                  "tls": USER})
        for path in self.secrets.rglob("*"):
            self.assertEqual(path.stat().st_uid, owners[path.relative_to(self.secrets).parts[0]], path)
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)
        self.run_job()
        self.assertEqual({path: path.read_bytes() for path in files}, files)


if __name__ == "__main__":
    main()
