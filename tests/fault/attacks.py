# SPDX-License-Identifier: Apache-2.0
"""What hostile clients send, each against what holds it off: a function per attack, which looks at what comes back.

Each takes a Target.  After it the connections are closed; that the server is as it was before (memory, descriptors,
everybody else's calls) is looked at by who runs it.  Where gRPC core differs between releases an attack accepts what
either does: what counts is what it costs, and whom."""
import os
import random
import select
import socket
import struct
import time
import zlib

from raw_http2 import (ACK, CHECK, CONTINUATION, DATA, END_HEADERS, GOAWAY, HEADERS, HEALTH, INDEXED,
                       INITIAL_WINDOW_SIZE, JWKS, MAX_FRAME, PADDED, PING, PREFACE, PRIORITY, RST_STREAM, SETTINGS,
                       WHOAMI, WINDOW_UPDATE, Connection, body, fields, frame, head, integer, literal, reset, settings)

# Options of passgated: as short as the waits may be.
AGE, GRACE, HANDSHAKE = 2.0, 1.0, 1.0
STREAMS_MAX = 100
METADATA_MAX = 8 * 1024
FLAGS = {"rpc-connection-age": f"{AGE:.0f}s", "rpc-connection-grace": f"{GRACE:.0f}s",
         "rpc-handshake-timeout": f"{HANDSHAKE:.0f}s", "rpc-keepalive": "1s", "rpc-keepalive-timeout": "1s",
         "rpc-streams-max": str(STREAMS_MAX), "rpc-metadata-bytes-max": str(METADATA_MAX)}
IS_SANITIZED = os.environ.get("IS_SANITIZED") == "1"
JITTER = 1.1      # of the age, by core
SLACK = 2.0       # a busy machine
CLOSED_BY = AGE * JITTER + GRACE + SLACK

OK, RESOURCE_EXHAUSTED, UNIMPLEMENTED = 0, 8, 12
MIB = 1 << 20


class Target:
    def __init__(self, server, test, *, seed=1, mutants=200):
        self.server, self.test = server, test
        self.seed, self.mutants = seed, mutants

    @property
    def port(self):
        return self.server.ports["grpc"]

    def connect(self, **options):
        return Connection(self.port, **options)

    def call_is_answered(self):
        """A good call on a new connection."""
        with self.connect() as connection:
            self.test.assertEqual(connection.call(WHOAMI).status, OK)

    def resident_bytes(self):
        with open(f"/proc/{self.server.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def assert_took(self, before, size):
        """At most this much memory more than before.  Under a sanitizer it would be the sanitizer's."""
        if not IS_SANITIZED:
            self.test.assertLess(self.resident_bytes() - before, size)

    def closes(self, connection, seconds=CLOSED_BY):
        """By itself; seconds after it began."""
        ended = connection.wait_for_end(seconds - connection.age() + SLACK)
        self.test.assertIsNotNone(ended, "the connection was not closed")
        self.test.assertLess(ended, seconds)
        return ended


# ----- limits that hold only for those who have acknowledged them -----

def streams_without_end_before_the_acknowledgement_end_with_the_connections_age(target):
    """Core counts streams against the limit that the client has acknowledged."""
    with target.connect(acknowledges=False) as connection:
        connection.send(b"".join(head(connection.stream(), fields(CHECK)) for _ in range(1000)))
        target.closes(connection)


def metadata_above_the_bound_is_refused_also_before_the_acknowledgement(target):
    extra = ("x-long", "a" * (2 * METADATA_MAX))
    for path in (WHOAMI, CHECK, HEALTH):
        with target.connect(acknowledges=False) as connection:
            answer = connection.call(path, b"", extra)
            target.test.assertIn(answer.status, (RESOURCE_EXHAUSTED, None), path)
            target.test.assertTrue(answer.is_over or connection.ended, path)


def metadata_above_the_bound_is_refused_after_the_acknowledgement(target):
    with target.connect() as connection:
        target.test.assertEqual(connection.call(WHOAMI).status, OK)
        answer = connection.call(WHOAMI, b"", ("x-long", "a" * (2 * METADATA_MAX)))
        target.test.assertNotEqual(answer.status, OK)


def streams_above_the_limit_after_the_acknowledgement_are_not_served(target):
    """Core 1.51 closes the whole connection, later releases refuse the stream."""
    with target.connect() as connection:
        target.test.assertEqual(connection.call(WHOAMI).status, OK)
        connection.send(b"".join(head(connection.stream(), fields(CHECK)) for _ in range(3 * STREAMS_MAX)))
        connection.run(lambda: any(answer.reset_code is not None for answer in connection.answers.values()), CLOSED_BY)
        refused = [answer for answer in connection.answers.values() if answer.reset_code is not None]
        target.test.assertTrue(refused or connection.ended or connection.went_away)


def stuck_streams_are_told_to_go_at_the_age_and_closed_after_the_grace(target):
    with target.connect() as connection:
        connection.send(b"".join(head(connection.stream(), fields(CHECK)) for _ in range(STREAMS_MAX // 2)))
        ended = target.closes(connection)
        target.test.assertIn(GOAWAY, connection.frames)
        target.test.assertGreater(connection.went_away, AGE * 0.8)
        target.test.assertGreater(ended, connection.went_away)


# ----- fields -----

def a_field_that_is_not_base64_hurts_its_own_connection_only(target):
    with target.connect() as connection:
        answer = connection.call(WHOAMI, b"", ("x-trace-bin", "!!!"), seconds=CLOSED_BY)
        target.test.assertNotEqual(answer.status, OK)
    target.call_is_answered()


def a_field_without_end_in_continuations_is_bounded_by_the_age(target):
    """6 MiB of one value, against 8 KiB that may be: core buffers it."""
    size = 6 * MIB
    block = fields(WHOAMI) + b"\x00" + integer(1) + b"x" + integer(size) + b"a" * size
    with target.connect() as connection:
        connection.send(head(1, block) + body(1), CLOSED_BY)
        target.test.assertNotEqual(connection.wait(1, CLOSED_BY).status, OK)
        target.closes(connection)


def an_integer_with_a_million_bytes_of_padding_is_bounded_by_the_age(target):
    block = fields(WHOAMI) + b"\x00" + bytes([0x7F]) + b"\x80" * MIB + b"\x00"
    with target.connect() as connection:
        connection.send(head(1, block) + body(1), CLOSED_BY)
        target.test.assertNotEqual(connection.wait(1, CLOSED_BY).status, OK)
        target.closes(connection)


def continuations_that_never_end_are_bounded_by_the_age(target):
    with target.connect() as connection:
        connection.send(frame(HEADERS, 0, 1, fields(WHOAMI)))
        while connection.ended is None and connection.age() < CLOSED_BY:
            connection.send(b"".join(frame(CONTINUATION, 0, 1, literal("x", "y" * 100)) for _ in range(20)), 1)
            time.sleep(0.05)
        target.closes(connection)


def a_table_of_fields_that_grows_is_bounded(target):
    """Every field new and to be remembered, tables of other sizes announced in between."""
    with target.connect() as connection:
        for i in range(200):
            number = connection.stream()
            block = integer(4096 * (i % 2), 5, 0x20) + fields(WHOAMI, *((f"x-{i}-{k}", "v" * 64) for k in range(20)),
                                                              kind=INDEXED)
            if not connection.send(head(number, block) + body(number)):
                break
        connection.wait(connection.next_stream - 2, CLOSED_BY)
    target.call_is_answered()


def fields_that_once_ended_the_process_end_the_call_at_most(target):
    """CVE-2023-1428: fields of core's own with values that they cannot have."""
    blocks = [fields(WHOAMI, te="x"), fields(WHOAMI, _scheme="x"), fields(WHOAMI, _method="PUT"),
              fields(WHOAMI, _path=""), fields(WHOAMI, _path=None), fields(WHOAMI, _authority="\x00"),
              fields(WHOAMI, **{"content-type": ""}),
              fields(WHOAMI, ("grpclb_client_stats", "x" * (2 * METADATA_MAX))),
              fields(WHOAMI, ("grpc-timeout", "99999999999999999999H")), fields(WHOAMI, ("grpc-timeout", "-1S")),
              fields(WHOAMI, ("grpc-encoding", "\xff")), fields(WHOAMI, ("grpc-status", "999")),
              fields(WHOAMI, ("grpc-previous-rpc-attempts", "-1")), fields(WHOAMI, ("grpc-retry-pushback-ms", "x")),
              fields(WHOAMI, ("", "")), fields(WHOAMI, (":path", "/x")), fields(WHOAMI, ("UPPER", "x")),
              fields(WHOAMI, ("lb-token", "")), fields(WHOAMI, ("host", "a\r\nb: c")), b"\x80", b"\xff" * 100, b""]
    for block in blocks:
        for kind in (b"", b"\x40"):
            with target.connect() as connection:
                indexed = kind + block[1:] if kind and block else block
                connection.send(head(1, indexed) + body(1) + head(3, indexed) + body(3))
                connection.run(lambda: connection.answer(3).is_over, 0.1)
    target.call_is_answered()


def control_bytes_that_core_logs_are_escaped_and_few(target):
    """A line that is forged, a terminal that is written on, a log that is filled."""
    begin = len(target.server.lines)
    for number in range(200):
        with target.connect() as connection:
            connection.send(head(1, fields(WHOAMI, te=f"\x1b[31m{number}\x07\x7f\xc3")) + body(1))
            connection.run(lambda: connection.answer(1).is_over, 0.02)
    text = target.server.log_text(begin)
    target.test.assertFalse(set(text) & {"\x1b", "\x07", "\x7f"}, "control bytes in the log")
    lines = [line for line in target.server.log(begin) if line.get("event") == "grpc.core"]
    seconds = {line["time"][:19] for line in lines}
    target.test.assertLessEqual(len(lines), 11 * (len(seconds) + 1))


# ----- streams that are begun and given up -----

def given_up(target, ending):
    with target.connect() as connection:
        for _ in range(30):
            numbers = [connection.stream() for _ in range(100)]
            if not connection.send(b"".join(ending(number) for number in numbers), CLOSED_BY):
                break
        connection.run(lambda: False, 0.2)
    target.server.wait_until(lambda: target.server.counted("passgate_rpc_active_calls") < 10, "calls are left", 20)


def streams_that_are_reset_at_once_leave_nothing(target):
    """CVE-2023-44487, for a method that is seen with its headers, and one that is not."""
    given_up(target, lambda number: head(number, fields(WHOAMI)) + reset(number))
    given_up(target, lambda number: head(number, fields(CHECK)) + reset(number))


def calls_that_are_reset_at_once_leave_nothing(target):
    given_up(target, lambda number: head(number, fields(WHOAMI)) + body(number) + reset(number))
    given_up(target, lambda number: head(number, fields(CHECK)) + body(number) + reset(number))


def streams_that_the_server_is_made_to_reset_leave_nothing(target):
    """CVE-2025-8671: an increment of 0 is an error of the stream (RFC 9113 6.9)."""
    given_up(target, lambda number: head(number, fields(WHOAMI)) + body(number) +
             frame(WINDOW_UPDATE, 0, number, bytes(4)))
    given_up(target, lambda number: head(number, fields(WHOAMI)) + body(number) +
             frame(WINDOW_UPDATE, 0, number, b"\x7f\xff\xff\xff") * 2)


def answers_that_are_not_taken_are_given_up(target):
    """A window of 0: the server may send nothing."""
    with target.connect(opening=PREFACE + settings((INITIAL_WINDOW_SIZE, 0))) as connection:
        numbers = [connection.stream() for _ in range(STREAMS_MAX // 2)]
        connection.send(b"".join(head(number, fields(JWKS)) + body(number) for number in numbers))
        target.closes(connection)
    target.server.wait_until(lambda: target.server.counted("passgate_rpc_active_calls") < 10, "calls are left", 20)


# ----- messages -----

def a_message_that_inflates_is_refused_before_it_does(target):
    """61 KiB that would be 60 MiB."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = compressor.compress(bytes(60 * MIB)) + compressor.flush()
    before = target.resident_bytes()
    for path in (WHOAMI, CHECK):
        with target.connect() as connection:
            connection.send(head(1, fields(path, ("grpc-encoding", "gzip"))) + body(1, bomb, compressed=1))
            target.test.assertEqual(connection.wait(1).status, UNIMPLEMENTED)
    target.assert_took(before, 16 * MIB)


def a_message_that_says_it_has_gigabytes_takes_no_memory_for_them(target):
    before = target.resident_bytes()
    with target.connect() as connection:
        for length in (MIB, 0x7FFFFFFF, 0xFFFFFFFF):
            number = connection.stream()
            connection.send(head(number, fields(CHECK)) +
                            frame(DATA, 0, number, struct.pack(">BI", 0, length) + b"x" * 1000))
        target.closes(connection)
    target.assert_took(before, 16 * MIB)


def unfinished(connection, count, size):
    """Calls of which all but the last byte is sent, as frames."""
    content = struct.pack(">BI", 0, size + 1) + bytes(size)
    parts = [content[i:i + MAX_FRAME] for i in range(0, len(content), MAX_FRAME)]
    numbers = [connection.stream() for _ in range(count)]
    return b"".join(head(number, fields(CHECK)) + b"".join(frame(DATA, 0, number, part) for part in parts)
                    for number in numbers)


def messages_that_never_end_are_bounded_by_the_age(target):
    """More than the server's windows let through: it does not wait for us to have sent it."""
    size = 60 * 1000
    with target.connect() as connection:
        connection.send(unfinished(connection, STREAMS_MAX // 2, size), AGE)
        target.closes(connection)


# ----- connections -----

def peers_that_say_nothing_or_half_of_it_are_closed_in_time(target):
    openings = [b"", b"P", PREFACE[:20], PREFACE, PREFACE + b"\x00\x00", PREFACE + frame(SETTINGS, 0, 0, b"\x00")[:10],
                b"\x16\x03\x01", b"GET / HTTP/1.1\r\n", bytes(8)]
    peers = []
    began = time.monotonic()
    for opening in openings * 5:
        peer = socket.create_connection(("127.0.0.1", target.port), timeout=20)
        peer.sendall(opening)
        peers.append(peer)
    is_open = set(peers)
    while is_open and time.monotonic() - began < HANDSHAKE + SLACK:
        for peer in select.select(list(is_open), [], [], 0.1)[0]:
            try:
                if not peer.recv(1 << 16):
                    is_open.remove(peer)
            except ConnectionError:
                is_open.remove(peer)
    for peer in peers:
        peer.close()
    target.test.assertEqual(len(is_open), 0, "peers that have said nothing are still connected")


def peers_that_do_not_answer_pings_are_closed(target):
    """A machine that went away without a word.  Here the age would do it as well, a second later."""
    with target.connect(answers_pings=False) as connection:
        target.closes(connection)
        target.test.assertIn(PING, connection.frames)


FLOODS = {
    "pings": frame(PING, payload=bytes(8)),
    "settings": settings((INITIAL_WINDOW_SIZE, 65535)),
    "acknowledgements": frame(SETTINGS, ACK),
    "priorities": frame(PRIORITY, 0, 1, bytes([0, 0, 0, 3, 1])),
    "windows": frame(WINDOW_UPDATE, 0, 0, b"\x00\x00\x00\x01"),
    "resets of streams that are not there": reset(1),
    "data of no length": frame(DATA, 0, 1),
    "padding": frame(DATA, PADDED, 1, bytes([200]) + bytes(200)),
    "frames of an unknown type": frame(0xFA, 0xFF, 5, b"what"),
    "goaways": frame(GOAWAY, payload=bytes(8)),
}


def floods_of_frames_that_mean_nothing_end_or_are_read(target):
    """For each kind ten thousand frames, behind a call that is open."""
    for name, content in FLOODS.items():
        with target.connect() as connection:
            connection.send(head(1, fields(CHECK)))
            for _ in range(100):
                if not connection.send(content * 100, CLOSED_BY):
                    break
            connection.run(lambda: False, 0.05)
            target.test.assertTrue(target.server.is_running(), name)
    target.call_is_answered()


def a_flood_of_pings_is_cut_off(target):
    """GOAWAY with ENHANCE_YOUR_CALM and `too_many_pings` after two more than there may be."""
    with target.connect() as connection:
        target.test.assertEqual(connection.call(WHOAMI).status, OK)
        connection.send(head(3, fields(CHECK)) + frame(PING, payload=bytes(8)) * 100)
        connection.run(lambda: connection.went_away is not None, AGE)
        target.test.assertIsNotNone(connection.went_away)
        target.test.assertLess(connection.went_away, AGE * 0.8)


# ----- anything at all -----

SESSION = (PREFACE, settings((INITIAL_WINDOW_SIZE, 65535)), frame(SETTINGS, ACK), head(1, fields(WHOAMI)), body(1),
           head(3, fields(CHECK)), body(3, b"\x0a\x04anna"), frame(WINDOW_UPDATE, 0, 0, b"\x00\x00\x10\x00"),
           frame(PRIORITY, 0, 3, bytes(5)), frame(PING, payload=b"12345678"), head(5, fields(HEALTH, kind=INDEXED)),
           body(5), frame(RST_STREAM, 0, 5, bytes(4)), head(7, fields("/no/such")), body(7, b"x" * 300),
           frame(HEADERS, 0, 9, fields(JWKS)), frame(CONTINUATION, END_HEADERS, 9, literal("x", "y")), body(9),
           frame(GOAWAY, payload=bytes(8)))


def mutant(chance):
    """A session that is cut, shuffled, repeated and has other bytes; now and then nothing but bytes."""
    if chance.random() < 0.1:
        return (PREFACE if chance.random() < 0.5 else b"") + chance.randbytes(chance.randrange(2000))
    parts = list(SESSION)
    for _ in range(chance.randrange(4)):
        place = chance.randrange(1, len(parts))
        change = chance.choice(("drop", "repeat", "swap", "insert"))
        if change == "drop":
            del parts[place]
        elif change == "repeat":
            parts[place:place] = [parts[place]] * chance.randrange(1, 50)
        elif change == "swap":
            other = chance.randrange(1, len(parts))
            parts[place], parts[other] = parts[other], parts[place]
        else:
            parts.insert(place, frame(chance.randrange(256), chance.randrange(256), chance.choice((0, 1, 2, 3, 7, 1 << 30)),
                                      chance.randbytes(chance.randrange(40))))
    content = bytearray(b"".join(parts))
    first = 0 if chance.random() < 0.1 else len(PREFACE)
    for _ in range(chance.choice((0, 1, 1, 2, 5, 50))):
        content[chance.randrange(first, len(content))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(content[:chance.randrange(len(content))] if chance.random() < 0.2 else content)


def bytes_that_mean_something_else_or_nothing_harm_nobody(target):
    """Seeded: mutant N of a seed is always the same."""
    for number in range(target.mutants):
        content = mutant(random.Random(f"{target.seed}-{number}"))
        with Connection(target.port, opening=content) as connection:
            connection.send(b"", 1)
            connection.run(lambda: False, 0.02)
        target.test.assertTrue(target.server.is_running(), f"mutant {number} of seed {target.seed}: {content.hex()}")
    target.call_is_answered()


ATTACKS = (
    streams_without_end_before_the_acknowledgement_end_with_the_connections_age,
    metadata_above_the_bound_is_refused_also_before_the_acknowledgement,
    metadata_above_the_bound_is_refused_after_the_acknowledgement,
    streams_above_the_limit_after_the_acknowledgement_are_not_served,
    stuck_streams_are_told_to_go_at_the_age_and_closed_after_the_grace,
    a_field_that_is_not_base64_hurts_its_own_connection_only,
    a_field_without_end_in_continuations_is_bounded_by_the_age,
    an_integer_with_a_million_bytes_of_padding_is_bounded_by_the_age,
    continuations_that_never_end_are_bounded_by_the_age,
    a_table_of_fields_that_grows_is_bounded,
    fields_that_once_ended_the_process_end_the_call_at_most,
    control_bytes_that_core_logs_are_escaped_and_few,
    streams_that_are_reset_at_once_leave_nothing,
    calls_that_are_reset_at_once_leave_nothing,
    streams_that_the_server_is_made_to_reset_leave_nothing,
    answers_that_are_not_taken_are_given_up,
    a_message_that_inflates_is_refused_before_it_does,
    a_message_that_says_it_has_gigabytes_takes_no_memory_for_them,
    messages_that_never_end_are_bounded_by_the_age,
    peers_that_say_nothing_or_half_of_it_are_closed_in_time,
    peers_that_do_not_answer_pings_are_closed,
    floods_of_frames_that_mean_nothing_end_or_are_read,
    a_flood_of_pings_is_cut_off,
    bytes_that_mean_something_else_or_nothing_harm_nobody,
)
