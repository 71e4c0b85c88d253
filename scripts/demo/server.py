# SPDX-License-Identifier: Apache-2.0
"""One passgated in a folder of its own, and the command line that talks to it."""
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "deploy" / "examples"
HOME = ROOT / "build" / "demo"
PASSGATED = ROOT / "build" / "release" / "services" / "server" / "passgated"
PASSGATE = ROOT / "build" / "release" / "client" / "cli" / "passgate"
PORTS = {"grpc": 50051, "http": 8080, "ops": 9090}

START_SECONDS = 15
STOP_SECONDS = 10
CALL_TIMEOUT = "10s"  # a shared machine may stall; the default of a check is 200 ms


class DemoError(Exception):
    """Something did not go as it should; the text is for the person at the terminal."""


def clean_environment():
    """Without the options that the shell may have set: the demo is the same everywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PASSGATE_")}
    return {**kept, "NO_COLOR": "1"}


def choose_port(preferred):
    """The preferred port if nobody listens on it, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise DemoError("there is no free port on 127.0.0.1")


def started_at(pid):
    """When a process was started, in ticks since boot, which with the pid names it for good.  None: it is gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else after_name[19]


def note_process(name, process):
    (HOME / f"{name}.pid").write_text(f"{process.pid} {started_at(process.pid)}\n", encoding="utf-8")


def stop_process(name):
    """Stop a process that an earlier demo left running; False when there is none."""
    note = HOME / f"{name}.pid"
    try:
        pid, ticks = note.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return False
    note.unlink()
    if started_at(pid) != ticks:
        return False
    os.kill(int(pid), signal.SIGINT)  # SIGTERM would wait for clients to move to another replica
    deadline = time.monotonic() + STOP_SECONDS
    while started_at(pid) == ticks:
        if time.monotonic() > deadline:
            os.kill(int(pid), signal.SIGKILL)
            raise DemoError(f"{name} (pid {pid}) did not stop within {STOP_SECONDS} s of SIGINT and was killed")
        time.sleep(0.01)
    return True


def stop():
    """Stop what an earlier demo left running; False when there was no passgated."""
    was_running = stop_process("passgated")
    stop_process("redis-server")
    return was_running


class Server:
    """A fresh one; nothing of an earlier run is kept."""

    def __init__(self):
        if HOME.exists():
            shutil.rmtree(HOME)
        for folder in ("data", "directives", "people"):
            (HOME / folder).mkdir(parents=True)
        self.log = HOME / "passgated.log"
        self.ports = {name: choose_port(port) for name, port in PORTS.items()}
        self.address = f"127.0.0.1:{self.ports['grpc']}"
        self.environment = clean_environment()
        self.environment["PASSGATE_SERVER"] = self.address
        self.process = None
        self.metrics = None
        self.store_flags = self.start_redis() if os.environ.get("STORE") == "redis" else []

    def start_redis(self):
        """A redis-server of our own, on a socket in the demo's folder.  Returns the flags with which passgated finds
        it."""
        key = HOME / "data" / "hash.key"
        key.touch(mode=0o600)
        key.write_text(secrets.token_hex(16) + "\n", encoding="utf-8")
        command = ["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--dir", str(HOME / "data"), "--save", "",
                   "--appendonly", "yes", "--appendfsync", "always"]
        with (HOME / "redis.log").open("w", encoding="utf-8") as log:
            try:
                redis = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            except FileNotFoundError as error:
                raise DemoError("there is no redis-server: make demo STORE=redis installs it") from error
        note_process("redis-server", redis)
        deadline = time.monotonic() + START_SECONDS
        while not (HOME / "data" / "redis.sock").exists():
            if redis.poll() is not None or time.monotonic() > deadline:
                raise DemoError(f"redis-server did not start: see {(HOME / 'redis.log').relative_to(ROOT)}")
            time.sleep(0.01)
        return ["--store-url", "redis+unix:data/redis.sock", "--store-hash-key-file", "data/hash.key",
                "--store-fsync", "always"]

    def start(self):
        """Returns how long it took until it was ready, in seconds."""
        began = time.monotonic()
        command = [PASSGATED, "--config", EXAMPLES / "demo.yaml", *self.store_flags]
        for name in self.moved_ports():
            command += [f"--listen-{name}", f"127.0.0.1:{self.ports[name]}"]
            if name == "http":
                command += ["--realm-issuer", f"http://127.0.0.1:{self.ports[name]}"]
        environment = {name: value for name, value in self.environment.items() if name != "PASSGATE_SERVER"}
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, cwd=HOME, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=environment, start_new_session=True)
        note_process("passgated", self.process)
        while not self.is_ready():
            if self.process.poll() is not None:
                raise DemoError(f"passgated ended with status {self.process.returncode}:\n{self.last_words()}")
            if time.monotonic() - began > START_SECONDS:
                raise DemoError(f"passgated is not ready after {START_SECONDS} s:\n{self.last_words()}")
            time.sleep(0.01)
        return time.monotonic() - began

    def moved_ports(self):
        return [name for name, port in self.ports.items() if port != PORTS[name]]

    def last_words(self):
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        return "\n".join("  " + line for line in lines) + f"\n  (all of it: {self.log.relative_to(ROOT)})"

    def get(self, path):
        """Status and text of a page of the `ops` listener, over one connection that is kept."""
        if not self.metrics:
            self.metrics = http.client.HTTPConnection("127.0.0.1", self.ports["ops"], timeout=5)
        try:
            self.metrics.request("GET", path)
            response = self.metrics.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            self.metrics = None
            return 0, ""

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def busy_seconds(self, method):
        """How long the server has worked on all calls of a method so far."""
        name = f'passgate_rpc_duration_seconds_sum{{method="{method}"}} '
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name):
                return float(line.removeprefix(name))
        return 0.0

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def run(self, *arguments, statuses=(0,)):
        """One `passgate` command; any other exit status ends the demo."""
        command = [str(argument) for argument in arguments]
        done = subprocess.run([PASSGATE, "--timeout", CALL_TIMEOUT, *command], cwd=ROOT, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode not in statuses:
            raise DemoError(f"passgate {' '.join(command)}\nended with status {done.returncode}:\n"
                            f"{done.stdout}{done.stderr}{self.last_words()}")
        return done

    def ask(self, *arguments, statuses=(0,)):
        """The same with -o json: exit status and answer."""
        done = self.run(*arguments, "-o", "json", statuses=statuses)
        return done.returncode, json.loads(done.stdout)
