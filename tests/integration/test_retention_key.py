#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""audit.retention_key_file: for whom a real server seals what it knows, and what it refuses to have."""
import subprocess
import unittest

from passgate_protos import CALL_SECONDS, pb
from passgate_server import Server, find_program, main, needs_own_server


def make_pair(folder, name):
    """The two files of a new pair: private, public."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return private, public


class RetentionKey(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.server = Server()
        self.addCleanup(self.server.close)
        self.key_file = self.server.folder / "retention.pub"
        self.pairs = [make_pair(self.server.folder, name) for name in ("one", "two")]

    def put(self, source):
        fresh = self.key_file.with_suffix(".new")
        fresh.write_bytes(source.read_bytes())
        fresh.rename(self.key_file)

    def begin(self, with_key=True):
        if with_key:
            self.server.flags["audit-retention-key-file"] = str(self.key_file)
        self.server.start()
        self.stubs = self.server.stubs()

    def key_id(self):
        return self.stubs.admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS).retention_key_id

    def told(self, *words):
        return lambda line: line.get("event") == "audit.retention_key" and all(word in str(line) for word in words)

    def test_without_a_key_it_says_that_nothing_is_sealed(self):
        self.begin(with_key=False)
        self.assertEqual(self.key_id(), "")
        self.server.wait_for_log(self.told("audit.retention_key_file is not set"))

    def test_another_key_is_taken_up_and_a_private_one_is_not(self):
        self.put(self.pairs[0][1])
        self.begin()
        first = self.key_id()
        self.assertRegex(first, "^[A-Za-z0-9_-]{43}$")
        self.put(self.pairs[1][1])
        self.server.wait_until(lambda: self.key_id() not in ("", first), "the other key")
        second, before = self.key_id(), len(self.server.lines)
        self.put(self.pairs[0][0])
        self.server.wait_for_log(self.told("it holds a private key", "stays as it is"), since=before)
        self.assertEqual(self.key_id(), second)
        self.key_file.unlink()
        self.server.wait_for_log(self.told("No such file"), since=before)
        self.assertEqual(self.key_id(), second)
        self.put(self.pairs[0][1])
        self.server.wait_until(lambda: self.key_id() == first, "the first key again")

    def test_a_server_does_not_start_with_a_private_key(self):
        self.put(self.pairs[0][0])
        done = subprocess.run([find_program("PASSGATED", "services/server/passgated"), "--config", "passgate.yaml",
                               f"--audit-retention-key-file={self.key_file}", "--listen-grpc=127.0.0.1:0",
                               "--listen-http=127.0.0.1:0", "--listen-ops=127.0.0.1:0"],
                              cwd=self.server.folder, capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("it holds a private key, and only the public half belongs here", done.stderr)


if __name__ == "__main__":
    main()
