# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by hand: a client that sends what no library would send, and reads what comes back.

Nothing is checked before it is sent.  Numbers of sections are those of RFC 9113, of HPACK those of RFC 7541."""
import select
import socket
import struct
import time

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
MAX_FRAME = 16384
INITIAL_WINDOW_SIZE = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
INDEXED, NOT_INDEXED = 0x40, 0x00

CHECK = "/passgate.v1.EntitlementService/CheckEntitlement"  # registered with core: not seen before its message
WHOAMI = "/passgate.v1.AdminService/WhoAmI"                 # through the generic door: seen with its headers
JWKS = "/passgate.v1.ClaimService/GetJwks"
HEALTH = "/grpc.health.v1.Health/Check"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def reset(stream, code=8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def integer(value, bits=7, first=0):
    """5.1: an integer after the high bits of `first`."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    content = [first | limit]
    value -= limit
    while value >= 0x80:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*content, value])


def literal(name, value, kind=NOT_INDEXED):
    """6.2: a field with its name and value in full."""
    name, value = (text.encode("latin-1") if isinstance(text, str) else text for text in (name, value))
    return bytes([kind]) + integer(len(name)) + name + integer(len(value)) + value


def fields(path, *extra, kind=NOT_INDEXED, **changes):
    """The headers of a call; `changes` replace one (":" is "_"), None leaves it out."""
    usual = {"_method": "POST", "_scheme": "http", "_path": path, "_authority": "localhost", "te": "trailers",
             "content-type": "application/grpc", **changes}
    return b"".join(literal(name.replace("_", ":"), value, kind) for name, value in usual.items() if value is not None) \
        + b"".join(literal(name, value, kind) for name, value in extra)


def head(stream, block, flags=0):
    """HEADERS, and CONTINUATION where one frame does not hold it."""
    parts = [block[i:i + MAX_FRAME] for i in range(0, len(block), MAX_FRAME)] or [b""]
    kinds = [HEADERS] + [CONTINUATION] * (len(parts) - 1)
    ends = [0] * (len(parts) - 1) + [END_HEADERS]
    return b"".join(frame(kind, end | (flags if kind == HEADERS else 0), stream, part)
                    for kind, end, part in zip(kinds, ends, parts))


def body(stream, message=b"", flags=END_STREAM, compressed=0):
    content = struct.pack(">BI", compressed, len(message)) + message
    parts = [content[i:i + MAX_FRAME] for i in range(0, len(content), MAX_FRAME)]
    return b"".join(frame(DATA, flags if i == len(parts) - 1 else 0, stream, part) for i, part in enumerate(parts))


class Answer:
    """What came back on one stream."""

    def __init__(self):
        self.fields = {}
        self.data = b""
        self.is_over = False
        self.reset_code = None

    @property
    def status(self):
        """Of gRPC; None when there was none."""
        return int(self.fields["grpc-status"]) if "grpc-status" in self.fields else None


class Connection:
    """A plaintext connection.  It reads while it sends, so that neither side waits for the other."""

    def __init__(self, port, *, opening=PREFACE + settings(), acknowledges=True, answers_pings=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setblocking(False)
        self.began = time.monotonic()
        self.ended = None      # seconds after it began; None while it is open
        self.went_away = None  # the same, of GOAWAY
        self.acknowledges, self.answers_pings = acknowledges, answers_pings
        self.decoder = hpack.Decoder()
        self.block = b""
        self.input, self.output = b"", opening
        self.answers = {}
        self.frames = []       # kinds, in their order
        self.next_stream = 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def age(self):
        return time.monotonic() - self.began

    # ----- out -----

    def send(self, content=b"", seconds=30):
        """True when all of it was taken."""
        self.output += content
        return self.run(lambda: not self.output, seconds)

    def stream(self):
        number = self.next_stream
        self.next_stream += 2
        return number

    def call(self, path, message=b"", *extra, seconds=20, **changes):
        """One call in good order but for `extra` and `changes`; its Answer."""
        number = self.stream()
        self.send(head(number, fields(path, *extra, **changes)) + body(number, message))
        return self.wait(number, seconds)

    # ----- in -----

    def answer(self, number):
        return self.answers.setdefault(number, Answer())

    def wait(self, number, seconds=20):
        """The answer, over or not."""
        self.run(lambda: self.answer(number).is_over, seconds)
        return self.answer(number)

    def wait_for_end(self, seconds):
        """Seconds from the beginning to the end of the connection, or None."""
        self.run(lambda: False, seconds)
        return self.ended

    def run(self, holds, seconds):
        deadline = time.monotonic() + seconds
        while not holds():
            left = deadline - time.monotonic()
            if self.ended is not None or left <= 0:
                return False
            readable, writable, _ = select.select([self.socket], [self.socket] if self.output else [], [], left)
            try:
                if readable:
                    self._read(self.socket.recv(1 << 16))
                if writable:
                    self.output = self.output[self.socket.send(self.output):]
            except BlockingIOError:
                pass
            except OSError:
                self._end()
        return True

    def _end(self):
        self.ended = self.age()

    def _read(self, content):
        if not content:
            self._end()
        self.input += content
        while len(self.input) >= 9:
            length = int.from_bytes(self.input[:3], "big")
            if len(self.input) < 9 + length:
                return
            kind, flags, number = struct.unpack(">BBI", self.input[3:9])
            payload, self.input = self.input[9:9 + length], self.input[9 + length:]
            self._take(kind, flags, number, payload)

    def _take(self, kind, flags, number, payload):
        self.frames.append(kind)
        if kind in (HEADERS, CONTINUATION):
            self.block += payload
            if flags & END_HEADERS:
                self.answer(number).fields.update(self.decoder.decode(self.block))
                self.block = b""
        elif kind == DATA:
            self.answer(number).data += payload
        elif kind == RST_STREAM:
            self.answer(number).reset_code, = struct.unpack(">I", payload)
        elif kind == GOAWAY and self.went_away is None:
            self.went_away = self.age()
        elif kind == SETTINGS and not flags & ACK and self.acknowledges:
            self.output += frame(SETTINGS, ACK)
        elif kind == PING and not flags & ACK and self.answers_pings:
            self.output += frame(PING, ACK, payload=payload)
        if kind == RST_STREAM or kind in (HEADERS, DATA) and flags & END_STREAM:
            self.answer(number).is_over = True
