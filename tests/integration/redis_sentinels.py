# SPDX-License-Identifier: Apache-2.0
"""A primary, a replica, and three sentinels that watch them, for tests: each a real process on a port of its own."""
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

NAME = "passgate-main"
SENTINELS = 3
START_SECONDS = 30
DOWN_AFTER_MS = 1000
LOOK_SECONDS = 0.05
RIGHTS = "+auth +client|setname +sentinel|get-master-addr-by-name"  # as docs/storage.md says


def free_ports(count):
    """Ports that nobody has now."""
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


class Process:
    """One redis-server; its data outlives kill(), until its folder goes."""

    def __init__(self, folder, port, password, *arguments):
        self.folder, self.port, self.password = folder, port, password
        self.arguments = [str(argument) for argument in arguments]
        folder.mkdir()
        self.process = None

    def start(self):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["redis-server", *self.arguments, "--port", str(self.port), "--bind", "127.0.0.1"], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: self.ask("PING") == "PONG", f"port {self.port} does not answer")

    def ask(self, *words):
        """What redis-cli shows."""
        end = subprocess.run(["redis-cli", "-p", str(self.port), "--no-auth-warning", "-a", self.password, *words],
                             text=True, capture_output=True, check=False)
        return end.stdout.strip()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None


def wait_until(holds, what, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(what)
        time.sleep(LOOK_SECONDS)


class RedisSentinels:
    """Started, it is complete: the replica follows, and the sentinels know of it and of each other."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="passgate-sentinel-"))
        self.password, self.sentinel_password = secrets.token_hex(8), secrets.token_hex(8)
        self.secret("hash.key", secrets.token_hex(16))
        ports = free_ports(2 + SENTINELS)
        self.servers = [self.server(index, port) for index, port in enumerate(ports[:2])]
        self.sentinels = [self.sentinel(index, port) for index, port in enumerate(ports[2:])]
        hosts = ",".join(f"localhost:{port}" if port == ports[-1] else f"127.0.0.1:{port}" for port in ports[2:])
        self.flags = {
            "store-url": f"redis-sentinel://{hosts}/{NAME}",
            "store-hash-key-file": self.folder / "hash.key",
            "store-password-file": self.secret("password", self.password),
            "store-sentinel-user": "passgate",
            "store-sentinel-password-file": self.secret("sentinel-password", self.sentinel_password),
            "store-fsync": "always",
        }

    def secret(self, name, text):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path

    def server(self, index, port):
        return Process(self.folder / f"server-{index}", port, self.password, "--save", "", "--appendonly", "yes",
                       "--appendfsync", "always", "--requirepass", self.password, "--masterauth", self.password,
                       "--repl-diskless-sync-delay", 0, "--repl-ping-replica-period", 1)

    def sentinel(self, index, port):
        process = Process(self.folder / f"sentinel-{index}", port, self.sentinel_password, "sentinel.conf", "--sentinel")
        (process.folder / "sentinel.conf").write_text(
            f"requirepass {self.sentinel_password}\n"
            f"sentinel sentinel-pass {self.sentinel_password}\n"
            f"user passgate on >{self.sentinel_password} {RIGHTS}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {self.servers[0].port} {SENTINELS // 2 + 1}\n"
            f"sentinel auth-pass {NAME} {self.password}\n"
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {NAME} 5000\n", encoding="utf-8")
        return process

    def start(self):
        for server in self.servers:
            server.start()
        self.servers[1].ask("REPLICAOF", "127.0.0.1", str(self.servers[0].port))
        self.wait_for_replica(self.servers[0])
        for sentinel in self.sentinels:
            sentinel.start()
        self.wait_until_complete()
        return self

    def wait_until_complete(self):
        for sentinel in self.sentinels:
            wait_until(lambda sentinel=sentinel: self.is_complete(sentinel), "the sentinels did not find each other")

    def is_complete(self, sentinel):
        words = sentinel.ask("SENTINEL", "MASTER", NAME).splitlines()
        facts = dict(zip(words[::2], words[1::2]))
        return facts.get("num-slaves") == "1" and facts.get("num-other-sentinels") == str(SENTINELS - 1)

    def add_server(self):
        """One that is empty, and a primary."""
        self.servers.append(self.server(len(self.servers), free_ports(1)[0]))
        self.servers[-1].start()
        return self.servers[-1]

    def monitor(self, server):
        """From now on the sentinels name that server: two of them, as the last would tell them better."""
        self.sentinels[-1].kill()
        for words in (("REMOVE", NAME), ("MONITOR", NAME, "127.0.0.1", str(server.port), "2"),
                      ("SET", NAME, "auth-pass", self.password)):
            for sentinel in self.sentinels[:-1]:
                assert sentinel.ask("SENTINEL", *words) == "OK", words

    def wait_for_replica(self, primary):
        """A replica is connected and up to date."""
        wait_until(lambda: "state=online" in primary.ask("INFO", "replication"), "no replica follows")

    def close(self):
        for process in (*self.sentinels, *self.servers):
            process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
