#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a client does to a server that is in trouble, by the service config that docs/client.md gives to clients of other
makers: how many calls are sent when some or all of them fail, and what becomes of a write whose answer was lost."""
import json
import random
import re
import unittest
from collections import Counter
from concurrent import futures

import grpc

from passgate_protos import CALL_SECONDS, ROOT, Stubs, pb
from passgate_samples import check, fresh, passport, submission
from passgate_server import ServerTestCase, main

CALLS = 1000
FAULTS_PERCENT = 10
CHECK = "/passgate.v1.EntitlementService/CheckEntitlement"
CODES = [code for code in grpc.StatusCode if code not in (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE)]


def documented_config():
    """The one block of JSON below its heading."""
    text = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    section = text.partition("## Clients of other makers\n")[2].partition("\n## ")[0]
    block, = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    return json.loads(block)


class TroubledServer(grpc.GenericRpcHandler):
    """Whatever is called, `serve(method, request, context)` answers with bytes; every attempt is counted."""

    def __init__(self, serve):
        self.serve = serve
        self.attempts = Counter()
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
        self.server.add_generic_rpc_handlers((self,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def service(self, handler_call_details):
        method = handler_call_details.method
        if not method.startswith("/passgate.v1."):
            return None  # UNIMPLEMENTED, as a server without a health service, which is taken to be well

        def handle(request, context):
            self.attempts[method] += 1
            return self.serve(method, request, context)
        return grpc.unary_unary_rpc_method_handler(handle)

    def stop(self):
        self.server.stop(None).wait()


class RetryTestCase(unittest.TestCase):
    def channel(self, serve):
        """A troubled server, and a channel to it of the kind that is recommended."""
        server = TroubledServer(serve)
        self.addCleanup(server.stop)
        channel = grpc.insecure_channel(f"127.0.0.1:{server.port}", options=[
            ("grpc.service_config", json.dumps(documented_config())), ("grpc.use_local_subchannel_pool", 1)])
        self.addCleanup(channel.close)
        grpc.channel_ready_future(channel).result(CALL_SECONDS)
        return server, Stubs(channel)

    def call_often(self, serve, calls=CALLS):
        """How many were sent, and how the calls ended."""
        server, stubs = self.channel(serve)
        ends = Counter()
        for _ in range(calls):
            try:
                stubs.entitlement.CheckEntitlement(check("anybody"), timeout=CALL_SECONDS)
                ends[grpc.StatusCode.OK] += 1
            except grpc.RpcError as error:
                ends[error.code()] += 1
        return server.attempts[CHECK], ends


class Sent(RetryTestCase):
    def test_a_tenth_of_faults_is_made_good_and_sends_little_more(self):
        chance = random.Random(4711)

        def serve(_method, _request, context):
            if chance.randrange(100) < FAULTS_PERCENT:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the store does not answer, try again later")
            return b""
        sent, ends = self.call_often(serve)
        print(f"{CALLS} calls, {sent} sent, {CALLS - ends[grpc.StatusCode.OK]} failed")
        self.assertTrue(CALLS < sent <= CALLS * 1.2, sent)
        self.assertLess(CALLS - ends[grpc.StatusCode.OK], CALLS * 0.01)

    def test_a_server_that_fails_always_is_sent_each_call_once(self):
        sent, ends = self.call_often(lambda _method, _request, context:
                                     context.abort(grpc.StatusCode.UNAVAILABLE, "no"))
        print(f"{CALLS} calls, {sent} sent")
        self.assertEqual(ends, {grpc.StatusCode.UNAVAILABLE: CALLS})
        self.assertLessEqual(sent, CALLS * 1.1)  # the throttle is full at first

    def test_nothing_but_unavailable_is_sent_again(self):
        for code in CODES:
            with self.subTest(code.name):
                sent, ends = self.call_often(lambda _method, _request, context, code=code: context.abort(code, "no"), 3)
                self.assertEqual((sent, ends), (3, {code: 3}))

    def test_a_server_that_says_so_is_not_asked_again(self):
        def serve(_method, _request, context):
            context.set_trailing_metadata((("grpc-retry-pushback-ms", "-1"),))
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        self.assertEqual(self.call_often(serve, 3), (3, {grpc.StatusCode.UNAVAILABLE: 3}))

    def test_there_is_no_hedging(self):
        self.assertNotIn("hedging", json.dumps(documented_config()).lower())


class LostAnswers(ServerTestCase, RetryTestCase):
    """A real server, whose first answer to every request is lost on its way."""

    needs_control = True

    def test_a_write_that_is_sent_again_happens_once(self):
        seen = set()

        def serve(method, request, context):
            answer = self.stubs.raw(method, request)
            if request not in seen:
                seen.add(request)
                context.abort(grpc.StatusCode.UNAVAILABLE, "the connection was lost")
            return answer
        troubled, client = self.channel(serve)
        for _ in range(20):
            name = fresh("anna")
            request = submission(name, passport("DEU"))
            answer = client.verification.SubmitVerification(request, timeout=CALL_SECONDS)
            self.assertFalse(answer.already_known)
            record = self.stubs.verification.GetSubject(pb.GetSubjectRequest(subject=name), timeout=CALL_SECONDS)
            self.assertEqual([one.evidence_id for one in record.evidence], [answer.evidence_id])
        self.assertEqual(sum(troubled.attempts.values()), 40)


if __name__ == "__main__":
    main()
