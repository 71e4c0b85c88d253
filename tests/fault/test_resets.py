#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rapid reset (CVE-2023-44487): who gives up all that it begins is cut off, and nobody else."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from bystander import Bystander  # noqa: E402
from passgate_server import ServerTestCase, main  # noqa: E402
from raw_http2 import WHOAMI, WINDOW_UPDATE, Connection, body, fields, frame, head, reset  # noqa: E402

PER_SECOND = 200
CUT_OFF_SECONDS = 4        # the second in which it began, one more, and the watchdog's turn; and the machine's
HONEST_SECONDS = 5
BURST = 60                 # of calls
PAUSE_SECONDS = 0.02
WINDOW = frame(WINDOW_UPDATE, payload=b"\x00\x01\x00\x00")  # for answers to one burst
ENDED = "passgate_rpc_connections_ended_total"


class Resets(ServerTestCase):
    needs_control = True
    flags = {"rpc-resets-per-second": str(PER_SECOND), "rpc-connection-age": "60s", "rpc-streams-max": "100"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bystander = Bystander(cls.server.address)
        cls.addClassCleanup(cls.bystander.close)

    def bystander_goes_on(self):
        report = self.bystander.report()
        self.assertEqual(report["failures"], [])
        return report["times"]

    def attack(self, ending):
        """Begins and gives up until the connection ends; after how many seconds it did."""
        begin, ended = len(self.server.lines), self.server.counted(ENDED)
        self.bystander.report()
        with Connection(self.server.ports["grpc"]) as connection:
            while connection.ended is None and connection.age() < 4 * CUT_OFF_SECONDS:
                numbers = [connection.stream() for _ in range(100)]
                connection.send(WINDOW + b"".join(head(number, fields(WHOAMI)) + body(number) + ending(number)
                                                  for number in numbers), 1)
            self.assertIsNotNone(connection.ended, f"still connected, with {connection.next_stream // 2} calls begun")
            self.server.wait_until(lambda: self.server.counted(ENDED) == ended + 1, "it was ended")
            self.server.wait_until(self.bystander_goes_on, "the bystander is answered")
            line = self.server.wait_for_log(lambda line: line.get("event") == "rpc.hung_up", begin)
            self.assertEqual(line["connections"], 1)
            self.assertNotIn("127.0.0.1", str(line))
            print(f"cut off after {connection.ended:.1f} s and {connection.next_stream // 2} calls", flush=True)
            return connection.ended

    def test_who_resets_what_it_begins_is_cut_off_and_nobody_else_notices(self):
        self.assertLess(self.attack(reset), CUT_OFF_SECONDS)

    def test_who_gives_up_one_call_in_three_is_not_cut_off(self):
        """As fast as it can, with deadlines; more of them a second than the attacker may."""
        ended, given_up, calls = self.server.counted(ENDED), 0, 0
        with Connection(self.server.ports["grpc"]) as connection:
            while connection.age() < HONEST_SECONDS:
                numbers = [connection.stream() for _ in range(BURST)]
                connection.send(WINDOW + b"".join(
                    head(number, fields(WHOAMI, ("grpc-timeout", "5S"))) + body(number) +
                    (reset(number) if i % 3 == 2 else b"") for i, number in enumerate(numbers)), 5)
                kept = [number for i, number in enumerate(numbers) if i % 3 != 2]
                connection.run(lambda kept=kept: all(connection.answer(number).is_over for number in kept), 10)
                self.assertEqual({connection.answer(number).status for number in kept}, {0})
                given_up, calls = given_up + len(numbers) - len(kept), calls + len(numbers)
                time.sleep(PAUSE_SECONDS)
            self.assertIsNone(connection.ended)
        print(f"{calls / HONEST_SECONDS:.0f} calls a second, {given_up / HONEST_SECONDS:.0f} given up", flush=True)
        self.assertGreater(given_up / HONEST_SECONDS, PER_SECOND)
        self.assertEqual(self.server.counted(ENDED), ended)


if __name__ == "__main__":
    main()
