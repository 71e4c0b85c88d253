# SPDX-License-Identifier: Apache-2.0
"""A real redis-server in a folder of its own, for tests: on a unix socket, keeping what it acknowledges."""
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS = 30
KEEPS_ALL = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")


class RedisStore:
    """Its data outlives stop() and kill(), until close().  `options` are redis-server's."""

    def __init__(self, options=KEEPS_ALL):
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="passgate-redis-"))
        self.socket = self.folder / "redis.sock"
        key = self.folder / "hash.key"
        key.touch(mode=0o600)
        key.write_text(secrets.token_hex(16), encoding="utf-8")
        self.flags = {"store-url": f"redis+unix:{self.socket}", "store-hash-key-file": key, "store-fsync": "always"}
        self.process = None

    def start(self, *options):
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["redis-server", *self.options, "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder),
             *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("redis-server did not start")
            time.sleep(0.01)
        return self

    def do(self, *words):
        """One command, by redis-cli."""
        answer = subprocess.run(["redis-cli", "-e", "-s", str(self.socket), *words], check=True, capture_output=True,
                                text=True, timeout=START_SECONDS)
        return answer.stdout.strip()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process = None

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def is_wanted():
    """STORE=redis: every test runs on it."""
    return os.environ.get("STORE") == "redis"
