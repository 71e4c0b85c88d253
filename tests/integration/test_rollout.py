#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A rollout of directives that stops halfway: three replicas on one Redis, each with a folder of its own, of which one has
the new files, one the old, and one a file that is cut short."""
import time
import unittest

from passgate_protos import CALL_SECONDS, pb, refusal_of
from passgate_samples import check, fresh, passport, submission
from passgate_server import EXAMPLES, Server, main, needs_own_server
from redis_store import RedisStore

OLD, NEW = (EXAMPLES / "directives" / day for day in ("2026-06-12", "2026-06-26"))
SOON_SECONDS = 20
NUMBER = "passgate_directive_set_number"
FAILURES = 'passgate_directive_loads_total{result="failure"}'


class Rollout(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        redis = RedisStore().start()
        self.addCleanup(redis.close)
        self.replicas = [Server(flags=redis.flags, directives=OLD) for _ in range(3)]
        for replica in self.replicas:  # one realm has one set of keys
            replica.flags["keys-folder"] = self.replicas[0].folder / "passgate-data" / "keys"
            self.addCleanup(replica.close)
            replica.start()
        self.name = fresh("usa")
        written = self.replicas[0].stubs().verification.SubmitVerification(
            submission(self.name, passport("USA")), timeout=CALL_SECONDS)
        self.written = written.revision

    def answer(self, replica, **changes):
        return replica.stubs().entitlement.CheckEntitlement(check(self.name, **changes), timeout=CALL_SECONDS)

    def info(self, replica):
        return replica.stubs().admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS)

    def numbers(self):
        """Of each replica: that of its answers, of its description, and of the metric."""
        return [(self.answer(replica, min_revision=self.written).directive_set, self.info(replica).directive_set,
                 int(replica.counted(NUMBER))) for replica in self.replicas]

    def digests(self):
        return [self.info(replica).directive_set_digest for replica in self.replicas]

    def wait_for_numbers(self, *wanted):
        deadline = time.monotonic() + SOON_SECONDS
        while self.numbers() != [(number,) * 3 for number in wanted]:
            self.assertLess(time.monotonic(), deadline, self.numbers())
            time.sleep(0.05)

    def test_who_has_which_set_is_told_while_a_rollout_is_stopped_halfway(self):
        done, waiting, torn = self.replicas
        self.wait_for_numbers(1, 1, 1)
        done.set_directives(NEW)
        files = {path.name: path.read_text(encoding="utf-8") for path in NEW.glob("*.yaml")}
        torn.set_directives({name: text[:len(text) // 2] for name, text in files.items()})
        torn.wait_until(lambda: torn.counted(FAILURES) > 0, "what is cut short is refused")
        self.wait_for_numbers(2, 1, 1)
        first, second, third = self.digests()
        self.assertNotEqual(first, second)
        self.assertEqual(second, third)
        newest = self.answer(done).revision
        for replica in (waiting, torn):  # who was answered by the new rules is not answered by the old ones
            refusal = refusal_of(replica.stubs().entitlement.CheckEntitlement, check(self.name, min_revision=newest))
            self.assertEqual((refusal.code.name, refusal.reason), ("FAILED_PRECONDITION", "REVISION_AHEAD"), refusal)
        waiting.set_directives(NEW)
        torn.set_directives(NEW)
        self.wait_for_numbers(2, 2, 2)
        self.assertEqual(len(set(self.digests())), 1)
        self.assertEqual(self.answer(torn, min_revision=newest).decision, pb.DECISION_ALLOW)

    def test_old_files_that_are_started_again_in_the_middle_are_a_set_of_their_own(self):
        """The number tells that it is another one, the digest that it is the old one; a signal makes numbers agree."""
        done, waiting, _ = self.replicas
        for replica in (done, self.replicas[2]):
            replica.set_directives(NEW)
        self.wait_for_numbers(2, 1, 2)
        old = self.info(waiting).directive_set_digest
        waiting.stop()
        waiting.start()
        self.wait_for_numbers(2, 3, 2)
        self.assertEqual(self.info(waiting).directive_set_digest, old)
        waiting.set_directives(NEW)
        self.wait_for_numbers(2, 4, 2)
        self.assertEqual(len(set(self.digests())), 1)
        for replica in self.replicas:
            replica.reload()
        self.wait_for_numbers(4, 4, 4)


if __name__ == "__main__":
    main()
