# SPDX-License-Identifier: Apache-2.0
"""An image's file system in a folder, and the tests that every image has to pass: what is in it, how large it is, and that
it starts and answers with nothing but what it brings along: as a user that is not root, without capabilities, on a file
system that it cannot write to."""
import errno
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from manifests import KUBERNETES, ROOT, program, submission

USER = 65532
SIZE_MAX_BYTES = 100_000_000
START_SECONDS = 60  # on a busy machine
STOP_SECONDS = 30

# Free ports; the socket is where the image has it, and the certificates where a test can put them.
DOORS = {"PASSGATE_LISTEN_GRPC": "127.0.0.1:0", "PASSGATE_LISTEN_HTTP": "127.0.0.1:0", "PASSGATE_LISTEN_OPS": "127.0.0.1:0",
         "PASSGATE_TLS_CERTIFICATE_FILE": "/run/passgate/secrets/tls/tls.crt",
         "PASSGATE_TLS_KEY_FILE": "/run/passgate/secrets/tls/tls.key",
         "PASSGATE_TLS_CLIENT_CA_FILE": "/run/passgate/secrets/tls/ca.crt", "PASSGATE_LOG_FORMAT": "json"}
AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"


def call(*command, **options):
    end = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options)
    return end.stdout.strip()


def enter_image(root, *arguments):
    """The command that enter_image.py needs around it."""
    return ["unshare", "--mount", "--propagation", "private", sys.executable, Path(__file__).parent / "enter_image.py",
            "--root", root, *map(str, arguments)]


def dockerfile():
    """What the last stage of deploy/Dockerfile says about starting: user, environment, health check, entry point."""
    stage = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "").rpartition("FROM ")[2]
    lines = dict(re.findall(r"^(USER|ENV|ENTRYPOINT) (.*)$", stage, re.MULTILINE))
    health = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", stage, re.MULTILINE)
    return {"user": lines["USER"], "environment": [lines["ENV"]], "entry": json.loads(lines["ENTRYPOINT"]),
            "health": ["CMD", *json.loads(health[1])]}


class ImageCase(unittest.TestCase):
    """`root` is the image's file system in a folder, `settings` what dockerfile() returns.  Subclasses have make(), which
    sets both."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can change its root")
        if subprocess.run(["unshare", "--mount", "--propagation", "private", "true"], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            raise unittest.SkipTest("no mount namespace can be made here (a container, or a changed root)")
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
        call(ROOT / "deploy" / "make_secrets.sh", cls.folder / "run" / "secrets")
        for path in (cls.folder / "run", cls.folder / "data", *(cls.folder / "data").rglob("*")):
            os.chown(path, USER, USER)
        cls.start()

    @classmethod
    def enter(cls, *command):
        """The command that runs another one in the image."""
        return enter_image(cls.root, "--user", USER, "--workdir", "/var/lib/passgate", "--volume",
                           f"{cls.folder}/data:/var/lib/passgate", "--volume", f"{cls.folder}/run:/run/passgate",
                           "--", *command)

    @classmethod
    def run_server(cls, log, changes=None):
        """passgated of the image, in the image, as its settings say but for some variables."""
        environment = dict(entry.split("=", 1) for entry in cls.settings["environment"])
        with log.open("w", encoding="utf-8") as file:
            return subprocess.Popen(cls.enter(*cls.settings["entry"], "--drain-time=1ms"), stderr=file,
                                    env={**environment, **DOORS, **(changes or {}), "PATH": os.environ["PATH"]})

    @classmethod
    def wait_until_healthy(cls, server, log, *question):
        deadline = time.monotonic() + START_SECONDS
        while cls.ask(*question).returncode != 0:
            if server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the image did not become healthy:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.05)

    @classmethod
    def start(cls):
        cls.log = cls.folder / "log"
        cls.server = cls.run_server(cls.log)
        cls.addClassCleanup(cls.stop, cls.server)
        cls.wait_until_healthy(cls.server, cls.log, *cls.settings["health"][2:])

    @classmethod
    def address(cls):
        """Of the door with certificates; the log says which port the system chose."""
        log = cls.log.read_text(encoding="utf-8")
        ports = re.findall(r'"message":"serving gRPC","address":"127.0.0.1:0","port":([0-9]+)', log)
        assert len(ports) == 1, log
        return f"127.0.0.1:{ports[0]}"

    @staticmethod
    def stop(server):
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    @classmethod
    def ask(cls, *words, text=None):
        """passgate of the image, in the image."""
        return subprocess.run([str(word) for word in cls.enter("/usr/bin/passgate", *words)], input=text, text=True,
                              capture_output=True, check=False, env={"PATH": os.environ["PATH"]})


class Contents:
    """The tests, for classes that are an ImageCase as well."""

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
        self.assertEqual(status["NoNewPrivs"], "1")

    def test_its_root_is_read_only_and_its_volumes_are_not(self):
        root = Path(f"/proc/{self.server.pid}/root")
        for folder in ("", "etc", "tmp", "usr/bin", "var/lib"):
            with self.assertRaises(OSError, msg=folder) as caught:
                (root / folder / "of-a-test").touch()
            self.assertEqual(caught.exception.errno, errno.EROFS, folder)
        for folder in ("var/lib/passgate", "run/passgate"):
            (root / folder / "of-a-test").touch()
            (root / folder / "of-a-test").unlink()

    def test_the_authorities_that_it_brings_are_those_that_it_trusts(self):
        self.assertGreater(len(ssl.create_default_context(cafile=self.root / AUTHORITIES).get_ca_certs()), 50)
        clients = "/run/passgate/secrets/clients"
        question = ("health", f"--server={self.address()}", "--server-name=passgate", f"--cert={clients}/operator.crt",
                    f"--key={clients}/operator.key", "--timeout=5s")
        self.assertEqual(self.ask(*question).returncode, 2)
        with (self.root / AUTHORITIES).open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.write((self.folder / "run" / "secrets" / "tls" / "ca.crt").read_bytes())
            file.flush()
            try:
                answer = self.ask(*question)
            finally:
                file.truncate(end)
        self.assertEqual((answer.returncode, answer.stdout), (0, "SERVING\n"), answer.stderr)

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
