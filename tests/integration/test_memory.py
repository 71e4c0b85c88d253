#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is in memory stays there: no core file, nothing in swap, no text of a key that was read."""
import os
import re
import resource
import subprocess
import unittest
from pathlib import Path
from unittest import mock

from passgate_server import Server, find_program, main, needs_own_server

CAP_IPC_LOCK = 14
NOBODY = 65534
AS_NOBODY = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"


def status_of(pid, name):
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return re.search(rf"^{name}:\s+(\S+)", text, re.MULTILINE).group(1)


def may_lock():
    return bool(int(status_of("self", "CapEff"), 16) >> CAP_IPC_LOCK & 1) or \
        resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY


def readable_memory(pid):
    """Piece by piece what a process has in memory."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            bounds, rights = line.split()[:2]
            if "r" not in rights or "[v" in line:
                continue
            begin, end = (int(bound, 16) for bound in bounds.split("-"))
            memory.seek(begin)
            yield memory.read(end - begin)


class Memory(unittest.TestCase):
    def setUp(self):
        needs_own_server()

    def server(self, **flags):
        server = Server(flags={name.replace("_", "-"): value for name, value in flags.items()})
        self.addCleanup(server.close)
        return server

    def test_it_leaves_no_core_file_and_nobody_of_the_same_user_can_look_into_it(self):
        """Whom the files of /proc/PID belong to is whether it can be traced and dumped: proc(5)."""
        with subprocess.Popen(["sleep", "1000"], user=NOBODY if os.geteuid() == 0 else None) as other:
            self.assertNotEqual(os.stat(f"/proc/{other.pid}/environ").st_uid, 0)
            other.kill()
        server = self.server()
        with mock.patch.dict(os.environ, PASSGATED=str(self.wrap(server, AS_NOBODY if os.geteuid() == 0 else ""))):
            server.start()
        self.assertNotEqual(status_of(server.process.pid, "Uid"), "0")
        self.assertEqual(os.stat(f"/proc/{server.process.pid}/environ").st_uid, 0)
        limits = Path(f"/proc/{server.process.pid}/limits").read_text(encoding="utf-8")
        self.assertRegex(limits, r"Max core file size\s+0\s+0\s")

    @unittest.skipIf(os.environ.get("SANITIZED"), "sanitizers keep freed memory, and map more than can be read")
    def test_the_text_of_keys_is_wiped_when_they_were_read(self):
        server = self.server().start()
        data = server.folder / "passgate-data"
        key = next((data / "keys").glob("*.pem")).read_bytes().splitlines()[1]
        wanted = {"a key of claims": key[8:48], "the hash key": (data / "hash.key").read_bytes().strip(),
                  "its own path": b"passgate-data/keys"}
        found = set()
        try:
            for piece in readable_memory(server.process.pid):
                found |= {name for name, text in wanted.items() if text in piece}
        except PermissionError as error:
            raise unittest.SkipTest("memory of others cannot be read here") from error
        self.assertEqual(found, {"its own path"})

    def wrap(self, server, prefix):
        """The program as another program starts it, in a folder that belongs to everybody."""
        wrapper = server.folder / "passgated"
        wrapper.write_text(f"#!/bin/sh\nexec {prefix} {find_program('PASSGATED', 'services/server/passgated')} \"$@\"\n",
                           encoding="utf-8")
        wrapper.chmod(0o755)
        for folder in (server.folder, server.folder / "passgate-data", server.directives):
            folder.chmod(0o777)
        return wrapper

    @unittest.skipIf(os.environ.get("SANITIZED"), "sanitizers lock nothing")
    def test_all_of_it_is_locked_when_it_should_be(self):
        if not may_lock():
            self.skipTest("memory may not be locked here")
        server = self.server(memory_lock="always").start()
        self.assertGreater(int(status_of(server.process.pid, "VmLck")), 10000)

    def test_nothing_is_locked_when_it_should_not_be(self):
        server = self.server(memory_lock="never").start()
        self.assertEqual(int(status_of(server.process.pid, "VmLck")), 0)

    @unittest.skipIf(os.environ.get("SANITIZED"), "sanitizers lock nothing")
    def test_where_it_must_be_locked_and_cannot_nothing_starts(self):
        server = self.server(memory_lock="always")
        drop = "setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock" if os.geteuid() == 0 else ""
        wrapper = self.wrap(server, f"prlimit --memlock=65536:65536 {drop}")
        with mock.patch.dict(os.environ, PASSGATED=str(wrapper)):
            with self.assertRaises(AssertionError) as failure:
                server.start()
        self.assertEqual(server.process.wait(20), 2)
        server.process = None
        self.assertRegex(str(failure.exception), "memory cannot be kept out of swap.*RLIMIT_MEMLOCK")


if __name__ == "__main__":
    main()
