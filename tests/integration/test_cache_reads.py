#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How often Redis is read when three replicas know nothing, or when all that they know expires at once.

Everybody asks for all subjects, in the same order and at the same time, so that each subject is wanted by several calls
of a replica before its read is back.  Every read of facts is one MGET, and nothing else that happens here is one: Redis
itself counts them."""
import itertools
import os
import subprocess
import threading
import time
import unittest

from passgate_protos import pb
from passgate_samples import check
from passgate_server import Server, find_program, main
from redis_store import RedisStore

SUBJECTS = int(os.environ.get("SUBJECTS", "2000"))
FRESH_SECONDS = int(os.environ.get("FRESH_SECONDS", "8"))
SHORTEST_LIFE = 7 / 8 * FRESH_SECONDS  # of an entry: some of them expire earlier, so that not all do at once
REPLICAS, ASKERS, BATCH = 3, 4, 100
READS_MOST = 1.2  # of a subject by a replica
BATCH_SECONDS = 60

DIRECTIVES = {"employees.yaml": """\
directive: employees-only
language: 1
title: Employees only
authority: {text: "house rule 1"}
effective: {from: 2026-01-01T00:00:00Z}
resources: ["model/mythos-5"]
actions: ["*"]
require: {affiliated_with: {organizations: [self], as: [employee]}}
""", "resources.yaml": "resources:\n  - {id: model/mythos-5, base: allow}\n"}


class CacheReads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = RedisStore().start()
        cls.addClassCleanup(cls.redis.close)
        loader = find_program("LOAD_SUBJECTS", "tests/integration/load_subjects")
        subprocess.run([loader, cls.redis.socket, cls.redis.flags["store-hash-key-file"], str(SUBJECTS)], check=True)
        cls.batches = [pb.BatchCheckEntitlementsRequest(checks=[
            check(f"subject-{number}") for number in range(first, min(first + BATCH, SUBJECTS))])
            for first in range(0, SUBJECTS, BATCH)]
        cls.replicas = [Server(flags={**cls.redis.flags, "cache-fresh": f"{FRESH_SECONDS}s"}, directives=None)
                        for _ in range(REPLICAS)]
        for replica in cls.replicas:
            replica.set_directives(DIRECTIVES)
            replica.flags["keys-folder"] = cls.replicas[0].folder / "passgate-data" / "keys"
            cls.addClassCleanup(replica.close)
        cls.replicas[0].start()  # makes the keys
        cls.replicas[0].stop()

    def reads(self):
        """How often Redis was read so far."""
        said = subprocess.run(["redis-cli", "-s", self.redis.socket, "INFO", "commandstats"], capture_output=True,
                              text=True, check=True).stdout
        return next((int(line.partition("calls=")[2].partition(",")[0]) for line in said.splitlines()
                     if line.startswith("cmdstat_mget:")), 0)

    def misses(self):
        """How often somebody did not find a subject in the cache."""
        return sum(replica.counted('passgate_facts_cache_lookups_total{result="miss"}') for replica in self.replicas)

    def ask(self, stubs, failures):
        for batch in self.batches:
            try:
                decisions = stubs.entitlement.BatchCheckEntitlements(batch, timeout=BATCH_SECONDS).decisions
                bad = sum(one.decision != pb.DECISION_ALLOW for one in decisions) + len(batch.checks) - len(decisions)
            except Exception as error:  # pylint: disable=broad-except
                bad = error
            if bad:
                failures.append(bad)

    def run_all(self, threads):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def storm(self, what):
        """All subjects, asked for by everybody; Redis must not be asked more often than entries lived."""
        failures = []
        misses, before, began = self.misses(), self.reads(), time.monotonic()
        self.run_all([threading.Thread(target=self.ask, args=(replica.stubs(), failures))
                      for replica, _ in itertools.product(self.replicas, range(ASKERS))])
        took = time.monotonic() - began
        ratio = (self.reads() - before) / (SUBJECTS * REPLICAS)
        misses = (self.misses() - misses) / (SUBJECTS * REPLICAS)
        lives = 1 + int(took / SHORTEST_LIFE)
        print(f"{what}: {ratio:.3f} reads of each of {SUBJECTS} subjects by each of {REPLICAS} replicas, "
              f"for {misses:.3f} misses, in {took:.1f} s", flush=True)
        self.assertEqual(failures, [])
        self.assertGreaterEqual(ratio, 1, "they were not read")
        self.assertLessEqual(ratio, READS_MOST * lives)
        return misses

    def test_each_replica_reads_each_subject_once_after_a_start_and_once_after_its_expiry(self):
        self.run_all([threading.Thread(target=replica.start) for replica in self.replicas])
        misses = self.storm("three replicas start at once")
        time.sleep(FRESH_SECONDS)
        misses = max(misses, self.storm("everything has expired at once"))
        self.assertGreater(misses, READS_MOST, "a read for every miss would not have been too much")


if __name__ == "__main__":
    main()
