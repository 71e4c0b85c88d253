#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A start that cannot be: --check-config says so before, and the process says which option it is about, at any level."""
import json
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from passgate_server import find_program, main
from redis_store import RedisStore

SECONDS = 60
GARBAGE = b"neither a certificate nor a key nor a set of countries: [\n"
EXIT_FAILED, EXIT_CONFIG = 1, 2
HERE = Path(__file__).resolve().parent


class Starts(unittest.TestCase):
    """A folder, and a server that is started in it and ends at once."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="passgate-start-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.program = find_program("PASSGATED", "services/server/passgated")
        (self.folder / "directives").mkdir()

    def run_server(self, *arguments, **flags):
        flags = {"listen-grpc": "127.0.0.1:0", "listen-http": "127.0.0.1:0", "listen-ops": "127.0.0.1:0",
                 "directives-folder": "directives", **{name.replace("_", "-"): value for name, value in flags.items()}}
        return subprocess.run([self.program, *arguments, *(f"--{name}={value}" for name, value in flags.items())],
                              cwd=self.folder, env={}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=SECONDS, check=False)

    def put(self, name, content):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return name

    def assert_fatal(self, end, field, detail):
        """One line at the level of errors that names the option."""
        lines = [json.loads(line) for line in end.stderr.splitlines()]
        fatal = [line for line in lines if line["event"] == "server.start"]
        self.assertEqual([line["level"] for line in fatal], ["error"], end.stderr)
        self.assertEqual(fatal[0]["field"], field)
        self.assertRegex(fatal[0]["detail"], detail)


class Start(Starts):
    def certificates(self):
        subprocess.run([HERE / "make_certificates.sh", self.folder, "client=DNS:client"], check=True,
                       capture_output=True)

    def assert_found(self, expected, **flags):
        """By --check-config, and by the start, which makes nothing."""
        for arguments in (("--check-config",), ()):
            end = self.run_server(*arguments, **flags)
            self.assertEqual(end.returncode, EXIT_CONFIG, end.stderr)
            self.assertIn(expected, end.stderr)
            self.assertFalse((self.folder / "passgate-data").exists())

    # ----- what files hold -----

    def test_what_is_no_certificate_is_found(self):
        self.certificates()
        self.put("garbage", GARBAGE)
        good = {"tls_certificate_file": "server.pem", "tls_key_file": "server.key", "tls_client_ca_file": "ca.pem"}
        self.assertEqual(self.run_server("--check-config", **good).returncode, 0)
        wrongs = {
            "tls_certificate_file": "garbage: it holds",
            "tls_key_file": "garbage: it holds no private key",
            "tls_client_ca_file": "garbage: it holds",
        }
        for name, what in wrongs.items():
            option = name.replace("tls_", "tls.")
            with self.subTest(option):
                self.assert_found(f"--tls-{name[4:].replace('_', '-')}: error: {option}: {what}",
                                  **{**good, name: "garbage"})
        self.assert_found("error: tls.certificate_file: client.pem: it is not for servers",
                          **{**good, "tls_certificate_file": "client.pem", "tls_key_file": "client.key"})
        self.assert_found("error: http.tls_key_file: client.key: it is not the key of server.pem",
                          http_tls_certificate_file="server.pem", http_tls_key_file="client.key")

    def test_what_is_no_key_and_no_set_of_countries_is_found(self):
        self.put("garbage", GARBAGE)
        self.put("short", b"abc")
        for name, option, what in (("store_hash_key_file", "store.hash_key_file", "32 hexadecimal digits"),
                                   ("audit_retention_key_file", "audit.retention_key_file", "garbage: "),
                                   ("directives_country_sets_file", "directives.country_sets_file", "errors")):
            with self.subTest(option):
                end = self.run_server("--check-config", **{name: "garbage"})
                self.assertRegex(end.stderr, f"--{name.replace('_', '-')}: error: {option}: .*{what}")
                self.assert_found(f"error: {option}: ", **{name: "garbage"})
        self.assert_found("store.hash_key_file: ", store_hash_key_file="short")

    def test_all_of_it_is_told_at_once(self):
        self.put("garbage", GARBAGE)
        end = self.run_server("--check-config", store_hash_key_file="garbage", audit_retention_key_file="garbage")
        self.assertEqual(len(end.stderr.splitlines()), 2, end.stderr)

    # ----- why it ends -----

    def test_the_last_line_is_told_at_every_level_and_names_the_option(self):
        self.put("file", 100 * GARBAGE)
        self.assert_fatal(self.run_server(store_url="sqlite:file", log_level="error", log_format="json"),
                          "store.url", "is not a store of Passgate")
        self.assert_fatal(self.run_server(keys_folder="file", log_level="error", log_format="json"), "keys.folder", "file")
        end = self.run_server(store_url="sqlite:file", log_level="error")
        self.assertIn("error server.start: cannot start", end.stderr)
        self.assertEqual(end.returncode, EXIT_FAILED)

    def test_an_address_that_is_taken_names_its_option(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            for name in ("grpc", "http", "ops"):
                with self.subTest(name):
                    end = self.run_server(**{f"listen_{name}": address, "log_format": "json"})
                    self.assert_fatal(end, f"listen.{name}", "cannot listen on " + address)

    # ----- the log as JSON -----

    def test_findings_are_events_where_the_log_is_json(self):
        (self.folder / "directives" / "bad.yaml").write_text("directive: nothing\n", encoding="utf-8")
        self.put("garbage", GARBAGE)
        for flags, event in (({}, "directive.finding"), ({"store_hash_key_file": "garbage"}, "config.finding")):
            with self.subTest(event):
                end = self.run_server(log_format="json", **flags)
                self.assertEqual(end.returncode, EXIT_CONFIG)
                lines = [json.loads(line) for line in end.stderr.splitlines()]
                found = [line for line in lines if line["event"] == event]
                self.assertTrue(found, end.stderr)
                self.assertEqual({line["level"] for line in found}, {"error"})
        self.assertRegex(self.run_server().stderr, r"(?m)^directives/bad\.yaml:1:1: error: ")

    def test_warnings_are_events_too(self):
        self.put("file", 100 * GARBAGE)
        end = self.run_server(realm_issuer="http://passgate.example", store_url="sqlite:file", log_format="json")
        levels = [json.loads(line)["level"] for line in end.stderr.splitlines() if "config.finding" in line]
        self.assertEqual(levels, ["warn"], end.stderr)


@unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
class OnRedis(Starts):
    """What Redis refuses is told by the option that may have to be another."""

    def setUp(self):
        super().setUp()
        self.redis = RedisStore()
        self.addCleanup(self.redis.close)
        self.redis.start()
        self.flags = {"store_url": self.redis.flags["store-url"], "log_format": "json", "store_write_timeout": "2s",
                      "store_hash_key_file": self.redis.flags["store-hash-key-file"]}
        self.put("password", b"secret\n")

    def refuse(self, field, detail, **flags):
        self.assert_fatal(self.run_server(**{**self.flags, **flags}), field, detail)

    def test_what_redis_refuses_names_the_option(self):
        user = {"store_user": "passgate", "store_password_file": "password"}
        self.refuse("store.password_file", "WRONGPASS: .*store.user", **user)
        self.redis.do("ACL", "SETUSER", "passgate", "on", ">secret", "~passgate:*", "+@all", "-info")
        self.refuse("store.user", "NOPERM: .* run info", **user)
        self.redis.do("ACL", "SETUSER", "passgate", "resetkeys", "~other:*", "+info")
        self.refuse("store.prefix", "NOPERM: .*store.prefix", **user)
        self.redis.do("CONFIG", "SET", "appendonly", "no")
        self.refuse("store.durability", "appendonly yes")
        self.redis.do("ACL", "SETUSER", "default", ">secret", "resetpass", ">secret")
        self.refuse("store.password_file", "NOAUTH: .*store.password_file")


if __name__ == "__main__":
    main()
