#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A change of authority and a rolling restart under load: two replicas on one Redis, over mutual TLS, and a round_robin
client with health checking and without a retry policy.  Authorities, certificates and keys are replaced on disk, with an
overlap; each replica is ended and started again; no call fails.  ROUNDS says how often."""
import collections
import json
import os
import shutil
import tempfile
import threading
import time
import unittest
from pathlib import Path

import grpc

from passgate_protos import CALL_SECONDS, Stubs, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import ORGANIZATIONS, Server, main, needs_own_server
from redis_store import RedisStore
from test_certificates import CLIENT, Authority, credentials_of, der_of, shown_at

ROUNDS = int(os.environ.get("ROUNDS", "1"))
CLIENTS = 6
SOON_SECONDS = 60  # on a busy machine, under a sanitizer
ANSWERS = 10  # for each client, which show that it is served
CONFIG = ORGANIZATIONS + f"callers:\n  - {{id: \"{CLIENT}\", roles: [checker, submitter]}}\n"
FLAGS = {"rpc-connection-age": "2s", "rpc-connection-grace": "1s", "rpc-handshake-timeout": "2s", "rpc-keepalive": "1s",
         "drain-time": "0"}  # 0: connection age and 15 % of it
SERVICE_CONFIG = {"loadBalancingConfig": [{"round_robin": {}}],
                  "healthCheckConfig": {"serviceName": "passgate.v1.EntitlementService"}}


class Load:
    """Clients that ask without a pause, the even ones with one certificate and the odd ones with another; who answered how
    often, and every failure."""

    def __init__(self, servers, subject, credentials):
        self.target = "ipv4:" + ",".join(server.address for server in servers)
        self.subject = subject
        self.is_over = threading.Event()
        self.failures = []
        self.answers = collections.Counter()  # by client and audit log, so by server
        self.channels = {}
        self.chosen = [None] * CLIENTS
        self.used = [None] * CLIENTS
        self.give(range(CLIENTS), credentials)
        self.threads = [threading.Thread(target=self.run, args=(client,)) for client in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def give(self, clients, credentials):
        """From their next call on they use another connection, which is there by then."""
        channel = grpc.secure_channel(self.target, credentials, options=[
            ("grpc.service_config", json.dumps(SERVICE_CONFIG)), ("grpc.ssl_target_name_override", "localhost"),
            ("grpc.use_local_subchannel_pool", 1), ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000)])
        grpc.channel_ready_future(channel).result(SOON_SECONDS)
        stubs = Stubs(channel)
        self.channels[stubs] = channel
        for client in clients:
            self.chosen[client] = stubs

    def drop_unused(self):
        """When every client has taken what it was given."""
        deadline = time.monotonic() + SOON_SECONDS
        while self.used != self.chosen and not self.failures:
            assert time.monotonic() < deadline, "a client is stuck"
            time.sleep(0.02)
        for stubs in set(self.channels) - set(self.chosen):
            self.channels.pop(stubs).close()

    def run(self, client):
        while not self.is_over.is_set():
            self.used[client] = self.chosen[client]
            try:
                answer = self.used[client].entitlement.CheckEntitlement(check(self.subject), timeout=CALL_SECONDS)
                if answer.decision != pb.DECISION_ALLOW:
                    self.failures.append((time.strftime("%X"), str(answer)))
                self.answers[client, answer.decision_id.partition("-")[0]] += 1
            except grpc.RpcError as error:
                self.failures.append((time.strftime("%X"), error.code().name, error.details()))

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        for channel in self.channels.values():
            channel.close()


class Rotation(unittest.TestCase):
    def setUp(self):
        needs_own_server()
        self.folder = Path(tempfile.mkdtemp(prefix="passgate-rotation-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.served = self.folder / "served"
        self.served.mkdir()
        self.authority = Authority(self.folder, "ca-0")
        self.client = self.authority.for_client("client-0")
        self.put(*self.authority.for_server("server-0"), self.authority.pem)
        redis = RedisStore().start()
        self.addCleanup(redis.close)
        flags = {**FLAGS, **redis.flags, "tls-certificate-file": self.served / "tls.crt",
                 "tls-key-file": self.served / "tls.key", "tls-client-ca-file": self.served / "ca.crt"}
        self.servers = [Server(flags=flags, config=CONFIG) for _ in range(2)]
        for server in self.servers:  # one realm has one set of keys
            server.flags["keys-folder"] = self.servers[0].folder / "passgate-data" / "keys"
            self.addCleanup(server.close)
            server.start()
        self.logs = [(server.folder / "passgate-data" / "audit" / "log.id").read_text(encoding="ascii").strip()
                     for server in self.servers]

    def put(self, certificate=None, key=None, authorities=None):
        for name, content in (("tls.crt", certificate), ("tls.key", key), ("ca.crt", authorities)):
            if content is not None:
                path = self.served / name
                path.write_bytes(content)
                path.chmod(0o600)

    def wait_for(self, holds, what):
        for server in self.servers:
            server.wait_until(lambda server=server: holds(server), what, SOON_SECONDS)

    def gets_in(self, server, authorities, client):
        channel = grpc.secure_channel(f"localhost:{server.ports['grpc']}", credentials_of(authorities, client),
                                      options=[("grpc.use_local_subchannel_pool", 1)])
        with channel:
            try:
                return Stubs(channel).admin.WhoAmI(pb.WhoAmIRequest(), timeout=CALL_SECONDS).caller == CLIENT
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
                return False

    def submit(self, name):
        with grpc.secure_channel(f"localhost:{self.servers[0].ports['grpc']}",
                                 credentials_of(self.authority.pem, self.client)) as channel:
            Stubs(channel).verification.SubmitVerification(submission(name, passport("USA")), timeout=CALL_SECONDS)

    def wait_for_answers(self, load, *logs):
        """Of all clients: one that has not come back to a server that was started again has only the other one."""
        wanted = {(client, log): load.answers[client, log] + ANSWERS for client in range(CLIENTS) for log in logs}
        deadline = time.monotonic() + SOON_SECONDS
        while any(load.answers[key] < count for key, count in wanted.items()) and not load.failures:
            self.assertLess(time.monotonic(), deadline, "the load did not come back")
            time.sleep(0.02)
        self.assertEqual(load.failures, [])

    def restart(self, load, server, log, other):
        server.stop()  # SIGTERM; asserts exit code 0
        self.wait_for_answers(load, other)
        server.start()
        self.wait_for_answers(load, log)

    def rotate(self, load, number):
        """Both authorities first; then certificates, of servers and of half the clients; then the old authority goes."""
        old, fresh_one = self.authority, Authority(self.folder, f"ca-{number}")
        both = old.pem + fresh_one.pem
        client = fresh_one.for_client(f"client-{number}")
        certificate, key = fresh_one.for_server(f"server-{number}")

        self.put(authorities=both)
        self.wait_for(lambda server: self.gets_in(server, both, client), "the new authority counts")
        load.give(range(0, CLIENTS, 2), credentials_of(both, client))
        load.give(range(1, CLIENTS, 2), credentials_of(both, self.client))
        load.drop_unused()
        self.put(certificate, key)
        self.wait_for(lambda server: shown_at(server.ports["grpc"]) == der_of(certificate), "it serves with the new one")
        self.wait_for_answers(load, *self.logs)
        self.restart(load, self.servers[0], *self.logs)
        self.restart(load, self.servers[1], *reversed(self.logs))
        load.give(range(CLIENTS), credentials_of(fresh_one.pem, client))
        load.drop_unused()
        self.put(authorities=fresh_one.pem)
        self.wait_for(lambda server: not self.gets_in(server, both, self.client), "the old authority is gone")
        self.wait_for_answers(load, *self.logs)
        for server in self.servers:
            self.assertEqual(shown_at(server.ports["grpc"]), der_of(certificate))
        self.authority, self.client = fresh_one, client

    def test_no_call_fails_while_authorities_certificates_and_processes_are_exchanged(self):
        name = fresh("usa")
        self.submit(name)
        load = Load(self.servers, name, credentials_of(self.authority.pem, self.client))
        began = time.monotonic()
        try:
            self.wait_for_answers(load, *self.logs)
            for number in range(ROUNDS):
                self.rotate(load, number + 1)
        finally:
            load.stop()
        print(f"{ROUNDS} rotations with a rolling restart in {time.monotonic() - began:.0f} s: "
              f"{sum(load.answers.values())} calls, {len(load.failures)} failed")
        self.assertEqual(load.failures, [])
        self.assertEqual({log for _, log in load.answers}, set(self.logs))


if __name__ == "__main__":
    main()
