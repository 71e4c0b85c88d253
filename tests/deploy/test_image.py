#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The image: what is in it, how large it is, and that it starts and answers with nothing but what it brings along: as a
user that is not root, without capabilities, on a file system that it cannot write to.

Twice: as scripts/image_closure.sh lays it out from the programs that ctest names, and, where docker, podman or buildah
works, as `make image` builds it."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from manifests import KUBERNETES, ROOT, program, submission
from passgate_server import main

USER = 65532
SIZE_MAX_BYTES = 100_000_000
START_SECONDS = 20
STOP_SECONDS = 30
ENGINES = {"docker": ["info"], "podman": ["images"], "buildah": ["images"]}

# Free ports; the socket is where the image has it.
DOORS = {"PASSGATE_LISTEN_GRPC": "127.0.0.1:0", "PASSGATE_LISTEN_HTTP": "127.0.0.1:0", "PASSGATE_LISTEN_OPS": "127.0.0.1:0"}


def call(*command, **options):
    end = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options)
    return end.stdout.strip()


def working_engine():
    for engine, question in ENGINES.items():
        if shutil.which(engine) and subprocess.run([engine, *question], capture_output=True, check=False).returncode == 0:
            return engine
    return None


def dockerfile():
    """What the last stage of deploy/Dockerfile says about starting: user, environment, health check, entry point."""
    stage = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "").rpartition("FROM ")[2]
    lines = dict(re.findall(r"^(USER|ENV|ENTRYPOINT) (.*)$", stage, re.MULTILINE))
    health = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", stage, re.MULTILINE)
    return {"user": lines["USER"], "environment": [lines["ENV"]], "entry": json.loads(lines["ENTRYPOINT"]),
            "health": ["CMD", *json.loads(health[1])]}


class ImageCase(unittest.TestCase):
    """`root` is the image's file system in a folder, `settings` what dockerfile() returns."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can change its root")
        if re.search(r"lib[atu]b?san", call("ldd", program("passgated"))):
            raise unittest.SkipTest("no image is made of programs with sanitizers")
        cls.folder = Path(tempfile.mkdtemp(prefix="passgate-image-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.root = cls.folder / "root"
        cls.make()
        # An engine makes the places for what it mounts.
        for path in (cls.root / "proc", cls.root / "dev", cls.folder / "data", cls.folder / "run"):
            path.mkdir(exist_ok=True)
        shutil.copytree(KUBERNETES / "base" / "directives", cls.folder / "data" / "passgate-data" / "directives")
        for path in (cls.folder / "run", cls.folder / "data", *(cls.folder / "data").rglob("*")):
            os.chown(path, USER, USER)
        cls.start()

    @classmethod
    def enter(cls, *command):
        """The command that runs another one in the image."""
        return ["unshare", "--mount", "--propagation", "private", sys.executable, Path(__file__).parent / "enter_image.py",
                cls.root, cls.folder / "data", cls.folder / "run", *command]

    @classmethod
    def start(cls):
        environment = dict(entry.split("=", 1) for entry in cls.settings["environment"])
        cls.log = (cls.folder / "log").open("w+", encoding="utf-8")
        cls.server = subprocess.Popen(cls.enter(*cls.settings["entry"], "--drain-time=1ms"), stderr=cls.log,
                                      env={**environment, **DOORS, "PATH": os.environ["PATH"]})
        cls.addClassCleanup(cls.stop)
        deadline = time.monotonic() + START_SECONDS
        while cls.ask(*cls.settings["health"][2:]).returncode != 0:
            if cls.server.poll() is not None or time.monotonic() > deadline:
                cls.log.seek(0)
                raise AssertionError(f"the image did not become healthy:\n{cls.log.read()}")
            time.sleep(0.05)

    @classmethod
    def stop(cls):
        cls.server.terminate()
        try:
            cls.server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            cls.server.kill()
            cls.server.wait()
        cls.log.close()

    @classmethod
    def ask(cls, *words, text=None):
        """passgate of the image, in the image."""
        return subprocess.run([str(word) for word in cls.enter("/usr/bin/passgate", *words)], input=text, text=True,
                              capture_output=True, check=False, env={"PATH": os.environ["PATH"]})


class Contents:
    """The tests; each image runs all of them."""

    def test_it_is_healthy(self):
        self.assertEqual(self.settings["health"][:2], ["CMD", "/usr/bin/passgate"])
        self.assertEqual(self.ask(*self.settings["health"][2:]).stdout, "SERVING\n")

    def test_it_answers_a_check(self):
        door = "--server=unix:/run/passgate/grpc.sock"
        for subject, country in (("alice", "USA"), ("anna", "DEU")):
            end = self.ask("submit", "-", door, text=submission(subject, country))
            self.assertEqual(end.returncode, 0, end.stderr)
        for subject, status in (("alice", 0), ("anna", 1), ("nobody", 1)):
            end = self.ask("check", subject, "model/example", "use", "--context=location=USA", "--timeout=5s", door)
            self.assertEqual(end.returncode, status, end.stdout + end.stderr)

    def test_it_runs_as_a_number_that_is_not_0_and_without_capabilities(self):
        self.assertEqual(self.settings["user"], f"{USER}:{USER}")
        lines = Path(f"/proc/{self.server.pid}/status").read_text(encoding="utf-8").splitlines()
        status = dict(line.split(":\t", 1) for line in lines)
        self.assertEqual(set(status["Uid"].split()) | set(status["Gid"].split()), {str(USER)})
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[kind], 16), 0, kind)

    def test_its_root_is_read_only(self):
        self.assertTrue(os.statvfs(f"/proc/{self.server.pid}/root").f_flag & os.ST_RDONLY)

    def test_it_is_less_than_100_megabytes(self):
        size = sum(path.lstat().st_size for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        print(f"{size / 1e6:.1f} MB")
        self.assertLess(size, SIZE_MAX_BYTES)

    def test_there_is_no_shell_and_nothing_that_gives_rights(self):
        programs = {path.name for path in (self.root / "usr" / "bin").iterdir()}
        self.assertEqual(programs, {"passgated", "passgate"})
        files = [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]
        self.assertEqual([path for path in files if path.stat().st_mode & 0o6022], [], "set-uid, or others may write")

    def test_what_is_not_data_is_roots(self):
        owned = {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.lstat().st_uid != 0}
        self.assertEqual(owned, {"var/lib/passgate", "run/passgate"})
        self.assertEqual(list((self.root / "tmp").iterdir()), [])
        self.assertEqual((self.root / "tmp").stat().st_mode & 0o7777, 0o1777)

    def test_each_package_brings_its_licence_and_its_entry(self):
        packages = {path.name for path in (self.root / "var" / "lib" / "dpkg" / "status.d").iterdir()}
        self.assertLessEqual({"ca-certificates", "libc6"}, packages)
        for package in packages:
            self.assertTrue((self.root / "usr" / "share" / "doc" / package / "copyright").stat().st_size > 0, package)
        self.assertGreater((self.root / "etc" / "ssl" / "certs" / "ca-certificates.crt").stat().st_size, 100_000)


class Closure(ImageCase, Contents):
    @classmethod
    def make(cls):
        call(ROOT / "scripts" / "image_closure.sh", program("passgated").parents[2], cls.root)
        cls.settings = dockerfile()


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

    def test_it_is_what_the_dockerfile_says(self):
        wanted = dockerfile()
        self.assertLessEqual(set(wanted.pop("environment")), set(self.settings["environment"]))
        self.assertEqual({name: self.settings[name] for name in wanted}, wanted)


if __name__ == "__main__":
    main()
