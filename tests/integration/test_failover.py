#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A failover to a server that lacks the last writes, though they were acknowledged: nobody whose evidence was revoked
gets in, neither where it was revoked nor elsewhere, and the one who revoked it says it again.

The standby stops following before the revocations; then the primary is killed, and its socket leads to the standby."""
import threading
import time
import unittest

import grpc

from passgate_protos import CALL_SECONDS, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import Server, main
from redis_sentinels import free_ports, wait_until
from redis_store import RedisStore

PEOPLE = 40
LOOK_SECONDS = 0.005
FLAGS = {"store-read-timeout": "500ms", "store-write-timeout": "2s"}


class Failover(unittest.TestCase):
    def setUp(self):
        self.primary, self.standby = RedisStore(), RedisStore()
        port = str(free_ports(1)[0])
        for store, options in ((self.primary, ("--port", port)), (self.standby, ())):
            store.start("--repl-diskless-sync-delay", "0", *options)
            self.addCleanup(store.close)
        self.standby.do("REPLICAOF", "127.0.0.1", port)
        # A primary is another one from its first replica on.
        wait_until(self.is_following, "the standby does not follow")
        self.replicas = [Server(flags={**FLAGS, **self.primary.flags}) for _ in range(2)]
        keys = self.replicas[0].folder / "passgate-data" / "keys"
        for replica in self.replicas:  # one realm has one set of keys
            replica.flags["keys-folder"] = keys
            self.addCleanup(replica.close)
            replica.start()
        self.stubs = [replica.stubs() for replica in self.replicas]

    def replication(self, store):
        lines = (line.partition(":") for line in store.do("INFO", "replication").splitlines())
        return {name: value for name, _, value in lines}

    def is_following(self):
        primary, standby = self.replication(self.primary), self.replication(self.standby)
        return (standby.get("master_link_status") == "up" and
                int(standby["slave_repl_offset"]) >= int(primary["master_repl_offset"]))

    def stop_replication(self):
        wait_until(self.is_following, "the standby does not follow")
        self.standby.do("REPLICAOF", "NO", "ONE")

    def promote(self):
        self.primary.kill()
        self.primary.socket.unlink()
        self.primary.socket.symlink_to(self.standby.socket)

    def decision(self, replica, name):
        """None when there is no answer."""
        try:
            return self.stubs[replica].entitlement.CheckEntitlement(check(name), timeout=1).decision
        except grpc.RpcError:
            return None

    def submit(self, name):
        return self.stubs[0].verification.SubmitVerification(submission(name, passport("USA")),
                                                             timeout=CALL_SECONDS).evidence_id

    def revoke(self, name, evidence):
        self.stubs[0].verification.RevokeEvidence(
            pb.RevokeEvidenceRequest(request_id=fresh("request"), subject=name, evidence_id=evidence,
                                     reason="reported stolen"), timeout=CALL_SECONDS)

    def revoke_what_the_standby_never_hears(self, names):
        """Acknowledged on the first replica, and the second has been told."""
        evidence = {name: self.submit(name) for name in names}
        for replica in range(2):
            for name in names:
                wait_until(lambda r=replica, n=name: self.decision(r, n) == pb.DECISION_ALLOW, "not allowed at first")
        self.stop_replication()
        for name in names:
            self.revoke(name, evidence[name])
        wait_until(lambda: all(self.decision(1, name) == pb.DECISION_DENY for name in names),
                   "the second replica is not told")

    def watch(self, names, is_over, allowed):
        while not is_over.is_set():
            for replica in range(2):
                allowed.extend((replica, name) for name in names if self.decision(replica, name) == pb.DECISION_ALLOW)
            time.sleep(LOOK_SECONDS)

    def test_a_revocation_that_a_failover_loses_is_never_an_allow_and_is_said_again(self):
        names = [fresh("revoked") for _ in range(PEOPLE)]
        self.revoke_what_the_standby_never_hears(names)
        is_over, allowed = threading.Event(), []
        watcher = threading.Thread(target=self.watch, args=(names, is_over, allowed))
        watcher.start()
        try:
            began = time.monotonic()
            self.promote()
            for replica in range(2):
                for name in names:
                    wait_until(lambda r=replica, n=name: self.decision(r, n) == pb.DECISION_DENY,
                               f"replica {replica} does not answer")
            took = time.monotonic() - began
        finally:
            is_over.set()
            watcher.join()
        self.assertEqual(allowed, [])
        put_again = [replica.counted("passgate_store_put_again_total") for replica in self.replicas]
        self.assertEqual(put_again, [PEOPLE, 0])
        wait_until(lambda: self.replicas[1].counted("passgate_store_doubted_keys") == 0, "something is still doubted")
        print(f"{PEOPLE} acknowledged revocations lost by the failover, 0 afterwards, DENY everywhere after {took:.1f} s")

    def test_while_the_one_who_revoked_is_gone_whoever_knows_lets_nobody_in(self):
        names = [fresh("revoked") for _ in range(3)]
        other = fresh("other")
        self.submit(other)
        self.revoke_what_the_standby_never_hears(names)
        self.replicas[0].kill()
        self.promote()
        wait_until(lambda: self.decision(1, other) == pb.DECISION_ALLOW, "service did not resume by itself")
        for name in names:
            with self.assertRaises(grpc.RpcError) as raised:
                self.stubs[1].entitlement.CheckEntitlement(check(name), timeout=CALL_SECONDS)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        wait_until(lambda: self.replicas[1].counted("passgate_store_doubted_keys") == len(names), "it is not counted")
        wait_until(lambda: self.replicas[1].get("ops", "/readyz")[0] == 200, "it is not ready for the others")


if __name__ == "__main__":
    main()
