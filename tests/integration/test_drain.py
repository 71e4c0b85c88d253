#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A rolling restart under load: two servers, a round_robin client with health checking and without a retry policy, and no
call that fails.  What gRPC's core repeats without a policy are calls that it knows no server has seen: those that it was about
to put on a connection when that said GOAWAY."""
import collections
import json
import threading
import time
import unittest

import grpc

from passgate_protos import CALL_SECONDS, Stubs, pb
from passgate_samples import check
from passgate_server import Server, main, needs_own_server

CLIENTS = 8
QUIET_SECONDS = 1.0  # load before and after each restart
FLAGS = {"rpc-connection-age": "2s", "rpc-connection-grace": "1s", "rpc-handshake-timeout": "1s", "rpc-keepalive": "1s",
         "drain-time": "0"}  # 0: connection age and 15 % of it
SERVICE_CONFIG = {"loadBalancingConfig": [{"round_robin": {}}],
                  "healthCheckConfig": {"serviceName": "passgate.v1.EntitlementService"}}


class Load:
    """Clients that call without a pause; who answered how often, and every failure."""

    def __init__(self, servers):
        self.channel = grpc.insecure_channel(
            "ipv4:" + ",".join(server.address for server in servers),
            options=[("grpc.service_config", json.dumps(SERVICE_CONFIG))])
        grpc.channel_ready_future(self.channel).result(CALL_SECONDS)
        self.stubs = Stubs(self.channel)
        self.is_over = threading.Event()
        self.failures = []
        self.answers = collections.Counter()  # by audit log, so by server
        self.threads = [threading.Thread(target=self.run) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.is_over.is_set():
            try:
                answer = self.stubs.entitlement.CheckEntitlement(check("anybody", "model/opus-4"), timeout=CALL_SECONDS)
                self.answers[answer.decision_id.partition("-")[0]] += 1
            except grpc.RpcError as error:
                self.failures.append((time.strftime("%X"), error.code().name, error.details()))

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        self.channel.close()


class RollingRestart(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.servers = [Server(flags=FLAGS), Server(flags=FLAGS)]
        for server in self.servers:
            self.addCleanup(server.close)
            server.start()
        self.logs = [server.stubs().admin.GetServerInfo(pb.GetServerInfoRequest(), timeout=CALL_SECONDS).audit_log_id
                     for server in self.servers]

    def wait_for_answers(self, load, log):
        before = load.answers[log]
        deadline = time.monotonic() + 30
        while load.answers[log] < before + 100 and not load.failures:
            self.assertLess(time.monotonic(), deadline, "the load did not come back")
            time.sleep(0.02)

    def test_no_call_fails_while_each_server_is_restarted(self):
        load = Load(self.servers)
        try:
            for log in self.logs:
                self.wait_for_answers(load, log)
            for server, log, other in zip(self.servers, self.logs, reversed(self.logs)):
                server.stop()  # SIGTERM; asserts exit code 0
                self.assertEqual(load.failures, [])
                self.wait_for_answers(load, other)
                server.start()
                self.wait_for_answers(load, log)
                time.sleep(QUIET_SECONDS)
        finally:
            load.stop()
        print(f"{sum(load.answers.values())} calls, by server {sorted(load.answers.values())}, "
              f"{len(load.failures)} failed", flush=True)
        self.assertEqual(load.failures, [])
        self.assertEqual(set(load.answers), set(self.logs))


if __name__ == "__main__":
    main()
