# SPDX-License-Identifier: Apache-2.0
"""A real passgated in a folder of its own, for tests.

It listens on ports that the system chose (its log says which), is waited for on /readyz, and its log is printed when a
test fails.  With STORE=redis it stands on a redis-server of its own.  PASSGATED names the program, else the newest build below build/ is taken.  With PASSGATE_SERVER (and
PASSGATE_HTTP, PASSGATE_OPS) the tests that need no control over the process run against a server that is there."""
import glob
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import grpc

import redis_store
from passgate_protos import CALL_SECONDS, ROOT, Stubs
from passgate_samples import NAME, NUMBER, RUN

EXAMPLES = ROOT / "deploy" / "examples"
ISSUER = "https://passgate.test"
LOG_END_SECONDS = 5
START_SECONDS = 60  # under a sanitizer, on a busy machine
STOP_SECONDS = 60
NOT_FOR_LOGS = (f"-{RUN}-", NUMBER, NAME)  # ids of people and of what belongs to them, and what is on their papers
NOT_FOR_AUDIT = (NUMBER.encode(), NAME.encode())
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")

ORGANIZATIONS = """\
organizations:
  - {id: org/lab, self: true, attesters: [local], place: USA, kind: company}
  - {id: org/partner-a, attesters: [local], place: USA, kind: company}
"""

# What tests want otherwise than operators: no waiting, and patience with a slow machine.
FLAGS = {
    "listen-grpc": "127.0.0.1:0",
    "listen-http": "127.0.0.1:0",
    "listen-ops": "127.0.0.1:0",
    "realm-issuer": ISSUER,
    "realm-audience": "passgate-test",
    "store-read-timeout": "10s",
    "store-write-timeout": "10s",
    "store-queue-age-target": "10s",
    "rpc-queue-age-target": "10s",
    "directives-poll": "100ms",
    "drain-time": "1ms",
    "rpc-probe-failures": "60",
    "log-format": "json",
}


# Listeners by what the log calls them.
PORTS = {"serving gRPC": "grpc", "serving HTTP": "http", "serving AuthZEN": "authzen", "serving ops": "ops"}


def find_program(variable, pattern):
    """The program that ctest names, or the newest one that was built."""
    if os.environ.get(variable):
        return Path(os.environ[variable])
    built = sorted(glob.glob(str(ROOT / "build" / "*" / pattern)), key=os.path.getmtime)
    return Path(built[-1]) if built else None


def needs_own_server():
    """For setUp: skip what kills, stops or reloads, or counts, when the server is somebody else's."""
    if os.environ.get("PASSGATE_SERVER"):
        raise unittest.SkipTest("PASSGATE_SERVER names a server that is not ours to control")


class Server:
    """One passgated.  Its folder lives until close(), so that it can be killed and started again."""

    def __init__(self, *, flags=None, config=ORGANIZATIONS, directives=EXAMPLES / "directives" / "2026-06-26"):
        self.folder = Path(tempfile.mkdtemp(prefix="passgate-test-"))
        self.directives = self.folder / "passgate-data" / "directives"
        self.directives.mkdir(parents=True)
        if directives:
            self.set_directives(directives)
        (self.folder / "passgate.yaml").write_text(config, encoding="utf-8")
        self.redis = redis_store.RedisStore().start() if redis_store.is_wanted() else None
        self.flags = {**FLAGS, **(self.redis.flags if self.redis else {}), **(flags or {})}
        self.process = None
        self.process_options = {}  # more of subprocess.Popen
        self.ports = {}
        self.lines = []
        self.log_changed = threading.Condition()
        self.channels = []

    # ----- its life -----

    def start(self, failpoints=""):
        """Returns when /readyz says so; the same ports as before when it ran before."""
        program = find_program("PASSGATED", "services/server/passgated")
        if not program:
            raise RuntimeError("passgated is not built")
        flags = {**self.flags, **{f"listen-{name}": f"127.0.0.1:{port}" for name, port in self.ports.items()}}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PASSGATE")}
        if failpoints:
            environment["PASSGATE_FAILPOINTS"] = failpoints
        self.process = subprocess.Popen(
            [program, "--config", "passgate.yaml", *(f"--{name}={value}" for name, value in flags.items())],
            cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", **self.process_options)
        begin = len(self.lines)
        self.reader = threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        self.wait_for_log(lambda line: line.get("event") == "server.ready", since=begin)
        for line in self.log(since=begin):
            if line.get("event") == "server.listen" and line["port"]:  # a unix socket has none
                self.ports[PORTS[line["message"]]] = line["port"]
        self.wait_until(lambda: self.get("ops", "/readyz")[0] == 200, "/readyz")
        return self

    def stop(self, number=signal.SIGTERM):
        """Ends it in good order: exit status 0, and no word of a sanitizer."""
        if not self.process:
            return
        self.close_channels()
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = f"did not stop within {STOP_SECONDS} s"
        self.reader.join()
        self.check_log()
        if status != 0:
            raise AssertionError(f"passgated ended with {status}\n{self.log_text()}")

    def kill(self):
        """SIGKILL, as by a machine that goes away."""
        self.close_channels()
        process, self.process = self.process, None
        process.kill()
        process.wait()
        self.reader.join()
        self.check_log()

    def wait_until_dead(self, seconds=STOP_SECONDS):
        """For failpoints that kill it; the signal that it died of."""
        self.close_channels()
        process, self.process = self.process, None
        status = process.wait(seconds)
        self.reader.join()
        self.check_log()
        return -status

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def close(self):
        try:
            self.stop()
        finally:
            if self.process:
                self.process.kill()
            if self.redis:
                self.redis.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    # ----- its doors -----

    @property
    def address(self):
        return f"127.0.0.1:{self.ports['grpc']}"

    def stubs(self, credentials=None, options=()):
        if credentials:
            channel = grpc.secure_channel(f"localhost:{self.ports['grpc']}", credentials, options)
        else:
            channel = grpc.insecure_channel(self.address, options)
        self.channels.append(channel)
        return Stubs(channel)

    def close_channels(self):
        while self.channels:
            self.channels.pop().close()

    def get(self, door, path, headers=None, method="GET"):
        """Status, headers and body; status 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[door], timeout=CALL_SECONDS)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        except OSError:
            return 0, {}, ""
        finally:
            connection.close()

    def counted(self, name):
        """One number of /metrics, by its full name with labels; 0 when it is not there."""
        for line in self.get("ops", "/metrics")[2].splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        return 0.0

    # ----- what it stands on -----

    def set_directives(self, source):
        """Exactly the files of a folder, or of a dictionary of names and texts; each file changes in one step."""
        files = source if isinstance(source, dict) else \
            {path.name: path.read_text(encoding="utf-8") for path in source.glob("*.yaml")}
        for name, text in files.items():
            fresh = self.folder / f"{name}.new"
            fresh.write_text(text, encoding="utf-8")
            fresh.rename(self.directives / name)
        for path in self.directives.iterdir():
            if path.name not in files:
                path.unlink()

    # ----- its log -----

    def _read_log(self, stream):
        for line in stream:
            with self.log_changed:
                self.lines.append(line.rstrip("\n"))
                self.log_changed.notify_all()
        stream.close()

    def log(self, since=0):
        """Lines as dictionaries; what is not JSON (a sanitizer's, a finding's) as {"raw": …}."""
        with self.log_changed:
            lines = self.lines[since:]
        parsed = []
        for line in lines:
            try:
                parsed.append(json.loads(line))
            except ValueError:
                parsed.append({"raw": line})
        return parsed

    def log_text(self, since=0):
        with self.log_changed:
            return "\n".join(self.lines[since:])

    def check_log(self):
        """No word of a sanitizer, and nothing about the people of the test, whatever it was about."""
        if any(word in line for line in self.lines for word in SANITIZER_WORDS):
            raise AssertionError(self.log_text())
        personal = [line for line in self.lines if any(word in line for word in NOT_FOR_LOGS)]
        if personal:
            raise AssertionError("the log speaks of people:\n" + "\n".join(personal))
        for segment in (self.folder / "passgate-data" / "audit").rglob("*.pgaudit"):
            content = segment.read_bytes()
            if any(word in content for word in NOT_FOR_AUDIT):
                raise AssertionError(f"{segment.name} speaks of papers")

    def wait_for_log(self, is_wanted, since=0, seconds=START_SECONDS):
        """The first line since then that is wanted."""
        deadline = time.monotonic() + seconds
        while True:
            is_last_look = not self.is_running() or time.monotonic() > deadline
            if not self.is_running():
                self.reader.join(LOG_END_SECONDS)  # what it said last
            found = next((line for line in self.log(since) if is_wanted(line)), None)
            if found:
                return found
            if is_last_look:
                raise AssertionError(f"passgated did not say so:\n{self.log_text(since)}")
            with self.log_changed:
                self.log_changed.wait(min(1, max(0, deadline - time.monotonic())))

    def wait_until(self, holds, what, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not holds():
            if self.process and self.process.poll() is not None:
                raise AssertionError(f"passgated ended with {self.process.returncode}\n{self.log_text()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {seconds} s\n{self.log_text()}")
            time.sleep(0.01)


class ExternalServer(Server):
    """A server that runs already: PASSGATE_SERVER, PASSGATE_HTTP, PASSGATE_OPS are host:port on this machine."""

    def __init__(self):
        super().__init__(directives=None)
        for door, variable in (("grpc", "PASSGATE_SERVER"), ("http", "PASSGATE_HTTP"), ("ops", "PASSGATE_OPS")):
            if os.environ.get(variable):
                self.ports[door] = int(os.environ[variable].rpartition(":")[2])

    def start(self, failpoints=""):
        return self

    def stop(self, number=signal.SIGTERM):
        self.close_channels()


class ServerTestCase(unittest.TestCase):
    """One server for all tests of the class; what it logged during a test is printed when the test fails."""

    flags = {}
    config = ORGANIZATIONS
    directives = EXAMPLES / "directives" / "2026-06-26"
    needs_control = False

    @classmethod
    def setUpClass(cls):
        if cls.needs_control:
            needs_own_server()
        cls.server = ExternalServer() if os.environ.get("PASSGATE_SERVER") else \
            Server(flags=cls.flags, config=cls.config, directives=cls.directives)
        cls.addClassCleanup(cls.server.close)
        try:
            cls.server.start()
        except BaseException:
            print(cls.server.log_text(), file=sys.stderr)
            raise
        cls.stubs = cls.server.stubs()

    def run(self, result=None):
        begin = len(self.server.lines)
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(f"\n--- the server's log during {self.id()}\n{self.server.log_text(begin)}\n---", file=sys.stderr)
        return result

    def assert_refused(self, refusal, code, reason, field=None):
        """Status, stable reason and, unless None, the one field that is named."""
        self.assertEqual((refusal.code.name, refusal.reason), (code, reason), refusal)
        self.assertEqual(refusal.domain, "passgate", refusal)
        if field is not None:
            self.assertEqual(refusal.fields, [field] if field else [], refusal)


class CountedResult(unittest.TextTestResult):
    """Ends with one line a test, as cmocka writes them: scripts/count_results.py counts those."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.ends = {}

    def startTest(self, test):
        super().startTest(test)
        self.ends[test.id()] = "OK"

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.ends[test.id()] = "FAILED"

    def addError(self, test, err):
        super().addError(test, err)
        self.ends[test.id()] = "FAILED"

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.ends[test.id()] = "FAILED"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.ends[test.id()] = "SKIPPED"

    def stopTestRun(self):
        super().stopTestRun()
        for name, end in self.ends.items():
            print(f"[ {end} ] {name.rpartition('.')[2].rstrip(')')}")


def main():
    """unittest.main() with ctest's way to say that everything was skipped: exit code 77."""
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=CountedResult)
    result = unittest.main(module="__main__", exit=False, testRunner=runner).result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.ends and set(result.ends.values()) == {"SKIPPED"}:
        sys.exit(77)
