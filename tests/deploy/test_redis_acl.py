#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/redis/users.acl on a real redis-server: what Passgate needs is allowed, and nothing else."""
import hashlib
import os
import re
import shlex
import subprocess
import unittest

from manifests import ROOT, redis_version, users_for
from passgate_server import main
from redis_store import KEEPS_ALL, RedisStore

PASSWORD = "of-this-test"

# Of compose and of the manifests.
HEALTH_CHECK = {"ping"}

# As the store calls them.
ALLOWED = ["PING", "SELECT 0", "CLIENT SETNAME passgate", "INFO replication", "WAIT 0 1",
           "SET passgate:{p00}:a 1 PX 60000", "SET passgate:{p00}:a 1 NX GET", "GET passgate:{p00}:a",
           "GETRANGE passgate:{p00}:a 0 33", "MGET passgate:{p00}:a passgate:{p00}:b", "EXISTS passgate:{p00}:a",
           "PEXPIRE passgate:{p00}:a 60000", "DEL passgate:{p00}:a", "XADD passgate:{p00}:feed 1-1 a b",
           "XREAD COUNT 1 STREAMS passgate:{p00}:feed 0", "XRANGE passgate:{p00}:feed - +", "XLEN passgate:{p00}:feed",
           "XINFO STREAM passgate:{p00}:feed", "XTRIM passgate:{p00}:feed MAXLEN 10", "TIME",
           "SCAN 0 MATCH passgate:{p00}:k1:* COUNT 10"]

REFUSED = ["KEYS *", "FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET appendfsync no", "SHUTDOWN NOSAVE",
           "ACL LIST", "MONITOR", "EVAL 'return 0' 0", "SCRIPT FLUSH", "SCRIPT KILL", "FUNCTION LIST", "CLIENT LIST",
           "CLIENT ID", "CLIENT KILL ID 1", "CLIENT PAUSE 1", "CLIENT TRACKING ON", "RESTORE passgate:x 0 x",
           "DUMP passgate:x", "MIGRATE h 1 passgate:x 0 1", "REPLICAOF NO ONE", "SAVE", "BGREWRITEAOF", "SUBSCRIBE x",
           "ROLE", "TYPE passgate:x", "GET other", "SET other 1", "XADD other 1-1 a b", "DEL other",
           "MGET passgate:a other"]


def granted():
    """The commands of the rule, without the sub-command."""
    text = (ROOT / "deploy" / "redis" / "users.acl").read_text(encoding="utf-8")
    rule = re.search(r"^user passgate .*$", text, re.MULTILINE)[0]
    return {word.lstrip("+").partition("|")[0] for word in rule.split() if word.startswith("+")}


def words_of_the_store():
    """What the Redis backend sends, in C and in its scripts: commands and their fixed arguments."""
    sent = re.compile(r"""(?:redis_args_text\(\w*&?\w+, "|redis\.p?call\(')([A-Z_]+)""")
    return {word.lower() for path in (ROOT / "services" / "storage").glob("redis*")
            for word in sent.findall(path.read_text(encoding="utf-8"))}


@unittest.skipUnless(redis_version(), "redis-server is not installed")
class Acl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = RedisStore(options=(*KEEPS_ALL, "--aclfile", "users.acl"))
        cls.addClassCleanup(cls.redis.close)
        users = (ROOT / "deploy" / "redis" / "users.acl").read_text(encoding="utf-8")
        users = users.replace("off resetpass", f"on #{hashlib.sha256(PASSWORD.encode()).hexdigest()}")
        users = users_for(redis_version(), users)
        users += f"user admin on >{PASSWORD} ~* &* +@all\n"
        (cls.redis.folder / "users.acl").write_text(users, encoding="utf-8")
        cls.redis.start()

    @classmethod
    def call(cls, command, user="passgate"):
        """What redis-cli shows; errors begin with their word."""
        login = ["--user", user, "--no-auth-warning"] if user else []
        end = subprocess.run(["redis-cli", "-s", cls.redis.socket, *login, *shlex.split(command)], text=True,
                             capture_output=True, check=False, env={**os.environ, "REDISCLI_AUTH": PASSWORD if user else ""})
        return end.stdout.strip()

    def test_what_the_store_calls_is_allowed(self):
        commands = ALLOWED + (["WAITAOF 0 0 1"] if redis_version() >= (7, 2) else [])
        for command in commands:
            self.assertNotRegex(self.call(command), "^(NOPERM|NOAUTH|ERR)", command)

    def test_a_script_is_loaded_and_called(self):
        digest = self.call("SCRIPT LOAD 'return 42'")
        self.assertEqual(self.call(f"EVALSHA {digest} 0"), "42")

    def test_everything_else_is_refused(self):
        for command in REFUSED:
            self.assertRegex(self.call(command), "^NOPERM", command)

    def test_the_rule_names_what_the_store_calls_and_nothing_else(self):
        known = set(self.call("COMMAND LIST", user="admin").split()) | {"waitaof"}
        self.assertEqual(granted(), words_of_the_store() & known | HEALTH_CHECK)

    def test_nobody_gets_in_without_a_password(self):
        self.assertRegex(self.call("PING", user=None), "^NOAUTH")

    def test_nobody_gets_in_as_default(self):
        for password in ("", PASSWORD):
            self.assertRegex(self.call(f"AUTH default '{password}'", user=None), "^WRONGPASS")

    def test_what_a_script_wrote_together_is_there_after_a_kill(self):
        """Redis reads its file as the user `default`, and leaves out what that one may not do in one transaction."""
        digest = self.call("SCRIPT LOAD \"redis.call('SET', KEYS[1], '1') return redis.call('SET', KEYS[2], '2')\"")
        keys = ("passgate:{p00}:killed1", "passgate:{p00}:killed2")
        self.assertEqual(self.call(f"EVALSHA {digest} 2 {keys[0]} {keys[1]}"), "OK")
        self.redis.kill()
        self.redis.start()
        self.assertEqual(self.call(f"MGET {keys[0]} {keys[1]}").split(), ["1", "2"])

    def test_the_file_as_it_is_lets_nobody_in(self):
        text = (ROOT / "deploy" / "redis" / "users.acl").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"^user (\S+) reset off", text, re.MULTILINE), ["default", "passgate"])


if __name__ == "__main__":
    main()
