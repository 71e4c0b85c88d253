# SPDX-License-Identifier: Apache-2.0
"""A second look into Redis, past Passgate: commands of an administrator, and what each write has left there."""
import socket
from types import SimpleNamespace

PREFIX = "passgate:{p00}:"
COUNTER_BITS = 40
SPACES = {1: "records", 2: "requests", 3: "checks", 4: "claims", 5: "claim_cache", 6: "realm"}
VERSION_AT = slice(18, 26)  # docs/storage.md: format, space, hash, version


class RedisError(Exception):
    """What Redis refused, in its own words."""


class RedisAdmin:
    """One connection, made when it is first needed and again after an error."""

    def __init__(self, path):
        self.path = str(path)
        self.stream = None

    def close(self):
        if self.stream:
            self.stream.close()
        self.stream = None

    def ask(self, *words):
        """One command; text is given back as bytes."""
        return self.ask_all([words])[0]

    def ask_all(self, commands):
        """Many commands at once."""
        try:
            if not self.stream:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(self.path)
                    self.stream = connection.makefile("rwb")
            for words in commands:
                parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
                self.stream.write(b"*%d\r\n" % len(parts))
                for part in parts:
                    self.stream.write(b"$%d\r\n%s\r\n" % (len(part), part))
            self.stream.flush()
            return [self._read() for _ in commands]
        except (OSError, ValueError, RedisError):
            self.close()
            raise

    def _read(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("Redis closed the connection")
        kind, text = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(text.decode())
        if kind == b":":
            return int(text)
        if kind == b"$":
            return None if text == b"-1" else self.stream.read(int(text) + 2)[:-2]
        if kind == b"*":
            return None if text == b"-1" else [self._read() for _ in range(int(text))]
        return text

    def info(self, name):
        """One line of INFO."""
        lines = self.ask("INFO", "everything").decode().splitlines()
        return next(line.partition(":")[2] for line in lines if line.startswith(name + ":"))

    def written(self):
        """What writes have left: the numbers of those that made the values of each space, and those in both lists."""
        found = SimpleNamespace(**{name: [] for name in SPACES.values()})
        for key in sorted(self.ask("KEYS", PREFIX + "*")):
            parts = key.decode()[len(PREFIX):].split(":")
            if len(parts) == 3:
                value = self.ask("GET", key)
                getattr(found, SPACES[int(parts[1])]).append(int.from_bytes(value[VERSION_AT], "big"))
        found.feed = [_number(entry[0]) for entry in self.ask("XRANGE", PREFIX + "feed", "-", "+")]
        found.outbox = [_number(entry[0]) for entry in self.ask("XRANGE", PREFIX + "outbox", "-", "+")]
        return found


def _number(stream_id):
    epoch, _, counter = stream_id.decode().partition("-")
    return int(epoch) << COUNTER_BITS | int(counter)


def check_whole(test, found):
    """Every write is there whole or not at all: nothing of one without the rest, and no number is left out or twice."""
    feed = set(found.feed)
    test.assertEqual(len(feed), len(found.feed), "a number was given twice")
    test.assertEqual(sorted(found.requests + found.claims + found.realm), found.feed,
                     "a write without what it wrote, or the reverse")
    test.assertLessEqual(set(found.records + found.checks + found.claim_cache + found.outbox), feed)
    test.assertEqual(len(found.records), len(found.checks), "every subject has one check here")
    for before, after in zip(found.feed, found.feed[1:]):
        if before >> COUNTER_BITS == after >> COUNTER_BITS:
            test.assertEqual(after, before + 1, "the feed has a gap")
