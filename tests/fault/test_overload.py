#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""More than the store can answer: it does as much as before, who is refused hears it at once, and it is over at once.

The store reads a few hundred subjects a second (failpoint slow_store_request); every question is about somebody new."""
import asyncio
import itertools
import os
import statistics
import sys
import time
import unittest
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
from passgate_protos import CALL_SECONDS, Stubs, pb, refusal_of  # noqa: E402
from passgate_samples import check, fresh  # noqa: E402
from passgate_server import Server, main, needs_own_server  # noqa: E402

READ_MS = 4               # of one subject, at least
TARGET_MS, INTERVAL_MS = 60, 100
FEW, MANY = 5, 300         # callers at once; with few nobody waits for as long as the target
PAUSE_SECONDS = 0.3       # of a caller who was refused: one process of Python is all of them
SECONDS = 4
GOODPUT = 0.8             # of what few callers get; the machine is the callers' as well
REFUSED_SECONDS = 0.25    # for the median of MANY callers in one process of Python
HEALTH_SECONDS = 0.5
RECOVERY_SECONDS = 1

IS_SANITIZED = os.environ.get("IS_SANITIZED") == "1"


class Callers:
    """So many in a closed loop; what they were told, and after how long."""

    def __init__(self, address, count):
        self.address, self.count = address, count
        self.subjects = itertools.count()
        self.prefix = fresh("asked")
        self.answered, self.refused, self.health, self.failures = [], [], [], []

    async def ask(self, stubs):
        while True:
            began = time.monotonic()
            try:
                await stubs.entitlement.CheckEntitlement(check(f"{self.prefix}-{next(self.subjects)}"),
                                                         timeout=CALL_SECONDS)
                self.answered.append(time.monotonic() - began)
            except grpc.aio.AioRpcError as error:
                refusal = refusal_of_error(error)
                if refusal != ("RESOURCE_EXHAUSTED", "-1"):
                    self.failures.append(f"{refusal}: {error.details()}")
                self.refused.append(time.monotonic() - began)
                await asyncio.sleep(PAUSE_SECONDS)

    async def ask_health(self, stubs):
        while True:
            began = time.monotonic()
            await stubs.raw("/grpc.health.v1.Health/Check", b"")
            self.health.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_SECONDS)

    async def run(self, warm_up, seconds):
        async with grpc.aio.insecure_channel(self.address) as channel:
            stubs = Stubs(channel)
            tasks = [asyncio.create_task(self.ask(stubs)) for _ in range(self.count)]
            tasks.append(asyncio.create_task(self.ask_health(stubs)))
            await asyncio.sleep(warm_up)
            for times in (self.answered, self.refused, self.health):
                times.clear()
            await asyncio.sleep(seconds)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self


def refusal_of_error(error):
    pushback = [value for key, value in error.trailing_metadata() if key == "grpc-retry-pushback-ms"]
    return error.code().name, "".join(pushback)


class Overload(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.server = Server(flags={"store-queue-age-target": f"{TARGET_MS}ms",
                                    "rpc-queue-age-interval": f"{INTERVAL_MS}ms"})
        self.addCleanup(self.server.close)
        if self.server.redis:
            raise unittest.SkipTest("the failpoint is SQLite's")
        self.server.start(failpoints=f"slow_store_request=delay:{READ_MS}")

    def run_callers(self, count):
        return asyncio.run(Callers(self.server.address, count).run(1, SECONDS))

    def test_a_slow_store_answers_as_many_as_before_and_the_others_are_refused_at_once(self):
        stubs = self.server.stubs()
        few = self.run_callers(FEW)
        self.assertEqual(few.failures, [])
        many = self.run_callers(MANY)
        ended = time.monotonic()
        while True:  # somebody new is answered again
            try:
                stubs.entitlement.CheckEntitlement(check(fresh("later")), timeout=CALL_SECONDS)
                break
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        recovered = time.monotonic() - ended
        print(f"{FEW} callers: {len(few.answered) / SECONDS:.0f}/s, {len(few.refused)} refused; {MANY} callers: "
              f"{len(many.answered) / SECONDS:.0f}/s answered in {statistics.median(many.answered) * 1000:.0f} ms, "
              f"{len(many.refused) / SECONDS:.0f}/s refused in {statistics.median(many.refused) * 1000:.0f} ms, health "
              f"in {statistics.median(many.health) * 1000:.0f} ms; recovered in {recovered * 1000:.0f} ms", flush=True)
        self.assertEqual(many.failures, [])
        self.assertGreater(len(many.refused), 0)
        self.assertGreater(len(many.health), 0)
        self.assertEqual(self.server.counted('passgate_queue_refusals_total{queue="workers"}'), 0)
        self.assertGreaterEqual(self.server.counted('passgate_queue_refusals_total{queue="store"}'), len(many.refused))
        if IS_SANITIZED:
            return
        self.assertGreaterEqual(len(many.answered), GOODPUT * len(few.answered))
        self.assertLess(statistics.median(many.refused), REFUSED_SECONDS)
        self.assertLess(statistics.median(many.health), HEALTH_SECONDS)
        self.assertLess(recovered, RECOVERY_SECONDS)

    def test_who_is_known_and_whoever_changes_something_is_not_refused(self):
        """A cached answer needs no store; an operator and a revocation have to get through when it is slow."""
        from passgate_samples import passport, submission
        stubs = self.server.stubs()
        stubs.verification.SubmitVerification(submission("anna", passport("USA")), timeout=CALL_SECONDS)
        stubs.entitlement.CheckEntitlement(check("anna"), timeout=CALL_SECONDS)
        calls = []
        for number in range(200):  # 0.8 s of the store's time
            calls.append(stubs.entitlement.CheckEntitlement.future(check(fresh("crowd")), timeout=CALL_SECONDS))
        self.server.wait_until(lambda: self.server.counted('passgate_queue_age_seconds{queue="store"}')
                               > (TARGET_MS + INTERVAL_MS) / 1000, "the store's queue is old")
        refusal = refusal_of(stubs.entitlement.CheckEntitlement, check(fresh("late")))
        self.assertEqual((refusal.code.name, refusal.reason, refusal.pushback),
                         ("RESOURCE_EXHAUSTED", "OVERLOADED", "-1"))
        stubs.entitlement.CheckEntitlement(check("anna"), timeout=CALL_SECONDS)
        self.assertTrue(stubs.admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS).store_up)
        stubs.verification.SubmitVerification(submission("anna", passport("USA")), timeout=CALL_SECONDS)
        for call in calls:
            call.exception()


if __name__ == "__main__":
    main()
