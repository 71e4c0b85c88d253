#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Servers under load: starting one, sending it calls with h2load, and what that cost it."""
import os
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
WARM_UP_CALLS = 5000


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Server:
    """A process that serves gRPC on one port of loopback.  It ends with the `with` block."""

    def __init__(self, name, command, log, port=None):
        self.name = name
        self.port = port
        self.log = log
        with open(log, "wb") as output:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE if port is None else output, stderr=output)

    def __enter__(self):
        if self.port is None:  # it says which one it took
            line = self.process.stdout.readline().decode()
            found = re.search(r"(\d+)\s*$", line)
            if not found:
                raise SystemExit(f"{self.name} did not say its port: {line!r}; see {self.log}")
            self.port = int(found.group(1))
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def wait_ready(server, ops_port, started):
    """Polls /readyz, returns the seconds from `started` to the first 200."""
    while time.monotonic() - started < 30:
        if server.process.poll() is not None:
            raise SystemExit(f"{server.name} ended with {server.process.returncode}; see {server.log}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ops_port}/readyz", timeout=1):
                return time.monotonic() - started
        except OSError:
            time.sleep(0.001)
    raise SystemExit(f"{server.name} is not ready after 30 s; see {server.log}")


def metrics(ops_port):
    """Prometheus' text as {series: value}."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ops_port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (l.rpartition(" ") for l in lines if l and l[0] != "#")}


def grpc_body(message):
    """What a unary request is on the wire: not compressed, its length, the message."""
    return struct.pack(">BI", 0, len(message)) + message


class Load:
    """One shape of load for everybody: the same connections and streams, for about the same time.

    A number of calls is asked for, not a time, so that none is cut off at the end and both sides count the same."""

    def __init__(self, seconds, clients, streams):
        self.arguments = ["h2load", "--threads=1", f"--clients={clients}", f"--max-concurrent-streams={streams}",
                          "--header=content-type: application/grpc", "--header=te: trailers"]
        self.seconds = seconds
        self.calls = {}  # sent by server and path, warm-up included

    def run(self, server, path, body_file, calls):
        """Returns the calls a second."""
        command = self.arguments + [f"--requests={calls}", f"--data={body_file}",
                                    f"http://127.0.0.1:{server.port}{path}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        rate = re.search(r"finished in [^,]+, ([\d.]+) req/s", done.stdout)
        if done.returncode or not rate or f"{calls} 2xx" not in done.stdout or f"{calls} succeeded" not in done.stdout:
            raise SystemExit(f"h2load against {server.name} failed:\n{done.stdout}{done.stderr}")
        self.calls[server.name, path] = self.calls.get((server.name, path), 0) + calls
        return float(rate.group(1))

    def measure(self, server, path, body_file):
        """Warms up, which also tells how many calls fill the time, then measures: (calls a second, server CPU in µs a
        call)."""
        calls = int(self.run(server, path, body_file, WARM_UP_CALLS) * self.seconds)
        before = server.cpu_seconds()
        rate = self.run(server, path, body_file, calls)
        return rate, (server.cpu_seconds() - before) / calls * 1e6
