#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""AuthZEN over HTTP: the same answers as over gRPC, and who gets them."""
import http.client
import json
import resource
import socket
import ssl
import subprocess
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path

from authzen_client import CONFIGURATION, EVALUATION, EVALUATIONS, Answer, AuthzenClient, new_key, question
from passgate_protos import CALL_SECONDS, pb
from passgate_samples import check, fresh, passport, statement, submission
from passgate_server import ISSUER, ORGANIZATIONS, ServerTestCase, find_program, main

MATRIX = Path(__file__).parent / "caller_matrix_http.tsv"
SPIFFE = "spiffe://lab.example/gateway"


class AuthzenTestCase(ServerTestCase):
    needs_control = True

    def client(self, key=None, door="http"):
        client = AuthzenClient(self.server.ports[door], key)
        self.addCleanup(client.close)
        return client

    @classmethod
    def verified(cls, country, *statements):
        name = fresh(country.lower())
        for evidence in (passport(country), *(statement(kind) for kind in statements)):
            cls.stubs.verification.SubmitVerification(submission(name, evidence), timeout=CALL_SECONDS)
        return name

    @classmethod
    def foreigner(cls):
        return cls.verified("IRN", pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE, pb.STATEMENT_KIND_US_STATUS_NONE)


class Answers(AuthzenTestCase):
    """Without keys: the caller is local, who is told everything."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alice, cls.reza = cls.verified("USA"), cls.foreigner()

    def assert_like_grpc(self, context, answer):
        names = pb.Reason.DESCRIPTOR.values_by_number
        self.assertEqual("REASON_" + context["reason"], names[answer.reason].name)
        self.assertEqual(context["directive_set"], answer.directive_set)
        self.assertEqual(context["max_age_ms"], answer.max_age.ToMilliseconds())
        self.assertEqual(context["vary_context"], list(answer.vary_context))
        self.assertEqual(context["stale"], answer.stale)
        self.assertEqual([(item["type"], item["properties"]) for item in context.get("obligations", [])],
                         [(item.type, dict(item.properties)) for item in answer.obligations])
        self.assertEqual(context.get("instead", {"type": "", "id": ""}),
                         {"type": answer.instead.type, "id": answer.instead.id})
        self.assertEqual([(item["directive"], item["version"], "TRUTH_" + item["truth"].upper())
                          for item in context.get("directives", [])],
                         [(item.directive, item.version, pb.Truth.Name(item.truth)) for item in answer.directives])

    def test_every_answer_is_the_one_of_grpc(self):
        client = self.client()
        for subject in (self.alice, self.reza, fresh("stranger")):
            for resource in ("model/fable-5", "model/mythos-5", "model/opus-4", "model/unheard-of"):
                for location in ("USA", "DEU", None):
                    with self.subTest(subject=subject, resource=resource, location=location):
                        request = check(subject, resource, location=location, want_reasons=True)
                        expected = self.stubs.entitlement.CheckEntitlement(request, timeout=CALL_SECONDS)
                        answer = client.evaluate(question(subject, resource, location=location))
                        self.assertEqual(answer.status, 200)
                        self.assertIs(answer.decision, expected.decision == pb.DECISION_ALLOW)
                        self.assert_like_grpc(answer.context, expected)

    def test_properties_and_other_members_change_nothing(self):
        client = self.client()
        body = question(self.reza, "model/fable-5", more={"nationality": "USA"})
        body["subject"]["properties"] = {"nationality": "USA", "roles": ["admin"], "nested": {"a": [1.5, None]}}
        body["resource"]["properties"], body["action"]["properties"] = {}, {"soft": True}
        self.assertIs(client.evaluate(body).decision, False)

    def test_a_list_takes_from_the_top_what_it_does_not_say(self):
        answer = self.client().evaluate_all({
            **question(self.alice), "evaluations": [
                {}, {"subject": {"type": "user", "id": self.reza}}, {"resource": {"type": "model", "id": "opus-4"}},
                {"context": {}}]})
        self.assertEqual(answer.status, 200)
        self.assertEqual([item["decision"] for item in answer.json["evaluations"]], [True, False, True, False])
        self.assertEqual(answer.json["evaluations"][3]["context"]["reason"], "CONTEXT_REQUIRED")
        self.assertNotIn("decision", answer.json)
        self.assertTrue(answer.context["decision_id"])

    def test_without_a_list_it_is_one_question(self):
        for body in (question(self.alice), {**question(self.alice), "evaluations": []}):
            self.assertIs(self.client().evaluate_all(body).decision, True)

    def test_the_semantic_says_where_a_list_ends(self):
        client, items = self.client(), [{}, {"subject": {"type": "user", "id": self.reza}}, {}]
        for semantic, expected in (("execute_all", [True, False, True]), ("deny_on_first_deny", [True, False]),
                                   ("permit_on_first_permit", [True])):
            with self.subTest(semantic):
                answer = client.evaluate_all({**question(self.alice), "evaluations": items,
                                              "options": {"evaluations_semantic": semantic}})
                self.assertEqual([item["decision"] for item in answer.json["evaluations"]], expected)
        answer = client.evaluate_all({**question(self.reza), "evaluations": [{}, {}],
                                      "options": {"evaluations_semantic": "permit_on_first_permit"}})
        self.assertEqual([item["decision"] for item in answer.json["evaluations"]], [False, False])

    def test_what_is_answered_is_on_record_and_no_more(self):
        ends = self.client().evaluate_all({
            **question(self.reza), "evaluations": [{}, {}, {}],
            "options": {"evaluations_semantic": "deny_on_first_deny"}}).context["decision_id"]
        one = self.client().evaluate(question(self.alice)).context["decision_id"]
        self.server.wait_until(lambda: {ends, one} <= set(self.recorded()), "on record")
        recorded = self.recorded()
        self.assertEqual((recorded[one]["method"], recorded[one]["caller"]), ("access/v1/evaluation", "local"))
        self.assertEqual(recorded[ends]["method"], "access/v1/evaluations")
        self.assertEqual(len(recorded[ends]["items"]), 1)

    def recorded(self):
        """Decision id -> record, as an auditor reads them."""
        done = subprocess.run([find_program("PASSGATE", "client/cli/passgate"), "audit", "list", "-o", "json",
                               self.server.folder / "passgate-data" / "audit"], capture_output=True, text=True,
                              check=False)
        records = map(json.loads, done.stdout.splitlines())
        return {record["id"]: record for record in records}

    def test_the_metadata_names_the_endpoints(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.ports['http']}{CONFIGURATION}",
                                    timeout=CALL_SECONDS) as response:
            self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/json"))
            metadata = json.load(response)
        self.assertEqual(metadata, {"policy_decision_point": ISSUER,
                                    "access_evaluation_endpoint": ISSUER + EVALUATION,
                                    "access_evaluations_endpoint": ISSUER + EVALUATIONS})

    def test_the_request_id_comes_back(self):
        client, mine = self.client(), "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"
        for body in (question(self.alice), {}):
            self.assertEqual(client.evaluate(body, {"X-Request-ID": mine}).headers["x-request-id"], mine)
        self.assertTrue(client.evaluate({}).headers["x-request-id"])
        line = self.server.wait_for_log(lambda line: line.get("request") == mine)
        self.assertEqual((line["event"], line["method"]), ("authzen.call", "access/v1/evaluation"))

    def test_what_is_wrong_is_told_with_its_field(self):
        client, good = self.client(), question(self.alice)
        deep = b'{"subject": ' + b"[" * 5000
        for body, expected in (
                ({}, (400, "FIELD_REQUIRED", "subject")),
                ({**good, "subject": {"type": "user"}}, (400, "FIELD_REQUIRED", "subject.id")),
                ({**good, "subject": {"type": "user", "id": 5}}, (400, "MESSAGE_MALFORMED", "subject.id")),
                ({**good, "resource": {"type": "model", "id": "a b"}}, (400, "FIELD_CHARACTERS", "resource.id")),
                ({**good, "action": "use"}, (400, "MESSAGE_MALFORMED", "action")),
                ({**good, "context": {"device": {"os": "x"}}}, (400, "MESSAGE_MALFORMED", "context[0].value")),
                (b"", (400, "MESSAGE_MALFORMED", "")), (b"subject=alice", (400, "MESSAGE_MALFORMED", "")),
                (b'{"subject": 1, "subject": 2}', (400, "MESSAGE_MALFORMED", "")),
                (b'{"subject": "\\u0000"}', (400, "MESSAGE_MALFORMED", "")),
                (b'{"subject": "\x00"}', (400, "MESSAGE_MALFORMED", "")),
                (b'{"subject": "\xff"}', (400, "MESSAGE_MALFORMED", "")), (deep, (400, "FIELD_TOO_DEEP", ""))):
            with self.subTest(body=body):
                answer = client.evaluate(body)
                self.assertEqual(answer.error, expected)
                self.assertEqual(set(answer.json) - {"field"}, {"code", "reason", "message"})
        wrong = client.evaluate_all({**good, "evaluations": [{}, {"resource": {"type": "model"}}]})
        self.assertEqual(wrong.error, (400, "FIELD_REQUIRED", "evaluations[1].resource.id"))
        many = client.evaluate_all({**good, "evaluations": [{}] * 1001})
        self.assertEqual(many.error, (400, "FIELD_TOO_MANY", "evaluations"))

    def test_only_json_is_read(self):
        client = self.client()
        for kind in (None, "text/plain", "application/jsonp", "application/json-patch+json", "application/x-www-form-urlencoded"):
            answer = client.evaluate(question(self.alice), {"Content-Type": kind})
            self.assertEqual(answer.error, (400, "MESSAGE_MALFORMED", "content-type"), kind)
        for kind in ("application/json; charset=utf-8", "Application/JSON"):
            self.assertIs(client.evaluate(question(self.alice), {"Content-Type": kind}).decision, True)

    def test_long_bodies_are_refused(self):
        for path, length in ((EVALUATION, 32 * 1024 + 1), (EVALUATIONS, 5 * 1024 * 1024)):
            connection = socket.create_connection(("127.0.0.1", self.server.ports["http"]), timeout=CALL_SECONDS)
            with connection:
                connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                   f"Content-Length: {length}\r\n\r\n".encode())
                self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 413"))
        self.assertIs(self.client().evaluate(question(self.alice)).decision, True)

    def test_other_methods_and_paths_are_not_there(self):
        client = self.client()
        self.assertEqual(client.send(EVALUATION, b"", method="GET").status, 405)
        self.assertEqual(client.send(CONFIGURATION, b"").status, 405)
        self.assertEqual(client.send("/access/v1/search/subject", {}).status, 404)

    def test_a_connection_takes_many_requests(self):
        client = self.client()
        client.evaluate(question(self.alice))
        port = client.connection.sock.getsockname()[1]
        for number in range(200):
            self.assertEqual(client.evaluate(question(self.alice) if number % 2 else {}).status, 200 if number % 2 else 400)
        self.assertEqual(client.connection.sock.getsockname()[1], port)

    def test_who_may_be_somebody_else_is_nobody(self):
        for headers in ({"X-Forwarded-For": "192.0.2.1"}, {"Via": "1.1 proxy"}, {"Host": "rebound.example"}):
            answer = self.client().evaluate(question(self.alice), headers)
            self.assertEqual(answer.error, (401, "UNAUTHENTICATED", ""), headers)
            self.assertEqual(answer.headers["www-authenticate"], "Bearer")


class KeysTestCase(AuthzenTestCase):
    """Callers by key; `expired` was never good here, and `withdrawn` has lost its only one."""

    @classmethod
    def setUpClass(cls):
        names = ("checker", "second_key", "terse", "told", "submitter", "auditor", "limited", "denied", "expired",
                 "withdrawn", "hasty", "unknown", "later")
        cls.keys, cls.hashes = {}, {}
        for name in names:
            cls.keys[name], cls.hashes[name] = new_key()
        cls.config = cls.configuration()
        super().setUpClass()

    @classmethod
    def configuration(cls, checker=("checker", "second_key"), more=""):
        def item(name, roles, keys, rest=""):
            listed = ", ".join(f"{{sha256: \"{cls.hashes[key]}\"{until}}}" for key, until in keys)
            return f"  - {{id: \"apikey:{name}\", roles: [{roles}], api_keys: [{listed}]{rest}}}\n"

        def one(name, roles, rest="", until=""):
            return item(name, roles, [(name, until)], rest)
        return ORGANIZATIONS + "callers:\n" + item("checker", "checker", [(key, "") for key in checker]) + \
            one("terse", "checker", ", disclose: decision") + one("told", "checker", ", disclose: reasons") + \
            one("submitter", "submitter, issuer") + one("auditor", "auditor, operator") + \
            one("limited", "checker", ", subjects: [bot/]") + one("denied", "checker") + \
            one("expired", "checker", until=", expires: 2026-01-01T00:00:00Z") + item("withdrawn", "checker", []) + \
            one("hasty", "checker", ", calls_per_second: 1") + \
            f"  - {{id: \"{SPIFFE}\", roles: [checker]}}\ndenied: [{{id: \"apikey:denied\"}}]\n" + more

    def configure(self, text):
        replacement = self.server.folder / "passgate.yaml.new"
        replacement.write_text(text, encoding="utf-8")
        replacement.rename(self.server.folder / "passgate.yaml")

    def refused(self, name):
        return self.client(self.keys.get(name)).evaluate(question("anna")).error


class Keys(KeysTestCase):
    def tearDown(self):
        self.assertNotIn("pgk_", self.server.log_text())

    def test_every_caller_gets_over_http_what_the_matrix_says(self):
        lines = [line.split("\t") for line in MATRIX.read_text(encoding="utf-8").splitlines()
                 if not line.startswith("#")]
        header, rows = lines[0], lines[1:]
        self.assertEqual({row[0].partition(" ")[2] for row in rows},
                         {EVALUATION, EVALUATIONS, CONFIGURATION, "/.well-known/jwks.json"})
        for row in rows:
            for caller, word in zip(header[1:], row[1:], strict=True):
                with self.subTest(route=row[0], caller=caller):
                    self.assertEqual(self.outcome(caller, *row[0].split(" ")), word)

    def outcome(self, caller, method, path):
        words = {(403, "ROLE_MISSING", ""): "role", (403, "OUTSIDE_LIMITS", ""): "reach",
                 (403, "CALLER_DENIED", ""): "denied", (401, "UNAUTHENTICATED", ""): "key"}
        claims = {"X-Spiffe-Id": SPIFFE, "X-Forwarded-Client-Cert": f"URI={SPIFFE}"} if caller == "spiffe" else {}
        answer = self.client(self.keys.get(caller)).send(path, question("employee/anna", evaluations=[{}]), claims, method)
        if answer.status != 200:
            return words.get(answer.error, str(answer.error))
        items = answer.json.get("evaluations", []) if answer.json else []
        errors = [item["context"]["error"] for item in items if "error" in item["context"]]
        return "limits" if errors and errors[0]["reason"] == "OUTSIDE_LIMITS" else "200"

    def test_who_is_nobody_is_told_how_to_be_somebody(self):
        for key in (None, self.keys["unknown"], self.keys["expired"], "pgk_", "x" * 500, "pgk_" + "A" * 32):
            answer = self.client(key).evaluate(question("anna"))
            self.assertEqual((answer.error, answer.headers["www-authenticate"]),
                             ((401, "UNAUTHENTICATED", ""), "Bearer"))

    def test_each_is_told_what_its_binding_discloses(self):
        reza, told = self.foreigner(), {}
        for name in ("terse", "checker", "told"):
            told[name] = self.client(self.keys[name]).evaluate(question(reza, "model/fable-5"))
            self.assertIs(told[name].decision, False)
        self.assertEqual(set(told["terse"].context), {"decision_id", "max_age_ms"})
        self.assertLessEqual({"reason", "instead", "revision", "directive_set"}, set(told["checker"].context))
        self.assertNotIn("directives", told["checker"].context)
        self.assertEqual(told["told"].context["directives"][0]["directive"], "bis-is-informed-2026-06-12")

    def test_over_http_every_refusal_of_the_decision_looks_the_same(self):
        client, alice, shapes = self.client(self.keys["terse"]), self.verified("USA"), set()
        for body in (question(self.foreigner(), "model/fable-5"), question(fresh("stranger"), "model/fable-5"),
                     question(alice, "model/unheard-of"), question(alice, "model/fable-5", location=None)):
            answer = client.evaluate(body, {"X-Request-ID": "same"})
            text = answer.text.replace(answer.context["decision_id"], "x" * len(answer.context["decision_id"]))
            shapes.add((answer.status, text, tuple(sorted((name, value) for name, value in answer.headers.items()
                                                          if name != "date"))))
        self.assertEqual(len(shapes), 1, shapes)

    def test_who_asks_too_fast_is_told_when_to_come_back(self):
        client = self.client(self.keys["hasty"])
        answers = [client.evaluate(question("anna")) for _ in range(10)]
        refused = [answer for answer in answers if answer.status != 200]
        self.assertTrue(refused)
        for answer in refused:
            self.assertEqual(answer.error, (429, "BUDGET_RATE", ""))
            self.assertIn(answer.headers["retry-after"], ("1", "2"))

    def test_refusals_over_http_are_on_record_and_counted(self):
        name = 'passgate_caller_refusals_total{reason="%s"}'
        reasons = {"role": "ROLE_MISSING", "limits": "OUTSIDE_LIMITS", "denied": "CALLER_DENIED",
                   "unauthenticated": "UNAUTHENTICATED"}
        counts = {reason: self.server.counted(name % reason) for reason in reasons}
        before = self.recorded()
        for caller in ("submitter", "limited", "denied", "unknown"):
            self.refused(caller)
        for reason, count in counts.items():
            self.assertEqual(self.server.counted(name % reason), count + 1, reason)
        wanted = Counter((reason, "access/v1/evaluation") for reason in reasons.values())
        self.server.wait_until(  # of strangers there may have been so many lately that it takes another one
            lambda: self.recorded() - before >= wanted or not self.refused("unknown"), "on record")

    def recorded(self):
        """How often each reason and method is in the records of refusals."""
        done = subprocess.run([find_program("PASSGATE", "client/cli/passgate"), "audit", "list", "-o", "json",
                               self.server.folder / "passgate-data" / "audit"], capture_output=True, text=True,
                              check=False)
        records = map(json.loads, done.stdout.splitlines())
        return Counter((record["error"], record["method"]) for record in records if record["kind"] == "refusal")

    def test_a_flood_of_strangers_is_counted_and_not_recorded(self):
        before, name = self.recorded(), 'passgate_caller_refusals_total{reason="unauthenticated"}'
        count, client = self.server.counted(name), self.client(self.keys["unknown"])
        for _ in range(500):
            self.assertEqual(client.evaluate(question("anna")).status, 401)
        self.assertEqual(self.server.counted(name), count + 500)
        self.client(self.keys["auditor"]).evaluate(question("anna"))
        self.server.wait_until(lambda: self.recorded()["ROLE_MISSING", "access/v1/evaluation"] >
                               before["ROLE_MISSING", "access/v1/evaluation"], "the last of them is on record")
        added = self.recorded() - before
        self.assertLess(added["UNAUTHENTICATED", "access/v1/evaluation"], 200)

    def test_a_key_makes_nobody_a_caller_of_grpc(self):
        answer = self.stubs.admin.WhoAmI(pb.WhoAmIRequest(), timeout=CALL_SECONDS,
                                         metadata=[("authorization", f"Bearer {self.keys['checker']}")])
        self.assertEqual(answer.caller, "local")  # as without: this listener is plaintext on loopback


class Rotation(KeysTestCase):
    def test_a_key_follows_another_without_a_restart(self):
        self.assertEqual([self.refused(name)[0] for name in ("checker", "second_key", "later")], [200, 200, 401])
        self.configure(self.configuration(checker=("second_key", "later")))
        self.server.wait_until(lambda: self.refused("later")[0] == 200, "the new key is good")
        self.assertEqual([self.refused(name)[0] for name in ("checker", "second_key")], [401, 200])
        self.configure(self.configuration(checker=()))
        self.server.wait_until(lambda: self.refused("later")[0] == 401, "no key is good")
        self.assertEqual(self.client().evaluate(question("anna")).status, 401)

    def refused(self, name):
        answer = self.client(self.keys[name]).evaluate(question("anna"))
        return (answer.status,)


class Waiting(AuthzenTestCase):
    """What is not in memory is waited for, by as many as there are."""

    failpoints = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.failpoints:
            cls.server.stop()
            cls.server.start(cls.failpoints)
            cls.stubs = cls.server.stubs()

    def begin(self, body):
        """A request whose answer nobody has read yet."""
        content = json.dumps(body).encode()
        connection = socket.create_connection(("127.0.0.1", self.server.ports["http"]), timeout=CALL_SECONDS)
        self.addCleanup(connection.close)
        connection.sendall(f"POST {EVALUATION} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        return connection

    def end(self, connection):
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        return Answer(response)


class SlowStore(Waiting):
    failpoints = "slow_store_read=delay:500"

    def test_a_thousand_wait_for_one_read(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
                                                    resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        body = question(fresh("somebody"))
        loads = self.server.counted('passgate_facts_cache_lookups_total{result="miss"}')
        connections = [self.begin(body) for _ in range(1000)]
        answers = [self.end(connection) for connection in connections]
        self.assertEqual(Counter((answer.status, answer.decision) for answer in answers), {(200, False): 1000})
        self.assertEqual(len({answer.context["decision_id"] for answer in answers}), 1000)
        self.assertGreater(self.server.counted('passgate_facts_cache_lookups_total{result="miss"}'), loads)

    def test_who_leaves_while_waiting_does_no_harm(self):
        body = question(fresh("gone"))
        for _ in range(50):
            self.begin(body).close()
        self.assertEqual(self.end(self.begin(question(fresh("here")))).status, 200)

    def test_a_list_waits_for_all_that_it_names(self):
        answer = self.client().evaluate_all({
            **question("x"), "evaluations": [{"subject": {"type": "user", "id": fresh("one")}} for _ in range(3)],
            "options": {"evaluations_semantic": "permit_on_first_permit"}})
        self.assertEqual([item["decision"] for item in answer.json["evaluations"]], [False] * 3)

    def test_what_waits_is_answered_before_the_server_goes(self):
        connection = self.begin(question(fresh("late")))
        self.server.wait_until(lambda: self.server.counted("passgate_store_pending_requests") > 0, "it waits")
        self.server.stop()
        try:
            self.assertEqual(self.end(connection).status, 200)
        finally:
            self.server.start(self.failpoints)


class FewPlaces(Waiting):
    failpoints = "slow_store_read=delay:500"
    flags = {"rpc-in-flight-max": "4"}

    def test_as_many_wait_as_may_be_in_flight(self):
        connections = [self.begin(question("nobody-yet")) for _ in range(12)]
        answers = [self.end(connection) for connection in connections]
        self.assertEqual(Counter(answer.status for answer in answers), {200: 4, 429: 8})
        self.assertEqual({answer.error for answer in answers if answer.status != 200}, {(429, "OVERLOADED", "")})
        self.assertEqual(self.end(self.begin(question("nobody-yet"))).status, 200)


class SlowLog(Waiting):
    failpoints = "before_audit_write=delay:1500"
    flags = {"audit-mode": "durable", "rpc-deadline-default": "1s", "store-read-timeout": "1s",
             "store-write-timeout": "1s", "rpc-connection-grace": "10s"}

    def test_what_the_log_does_not_take_in_time_is_no_answer(self):
        answer = self.client().evaluate(question("anna"))
        self.assertEqual(answer.error, (504, "DEADLINE", ""))


class Https(AuthzenTestCase):
    """Over TLS, on an address of its own."""

    flags = {"listen-authzen": "127.0.0.1:0", "http-authzen-url": "https://pdp.test"}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="passgate-tls-")
        cls.addClassCleanup(cls.folder.cleanup)
        folder = Path(cls.folder.name)
        subprocess.run([Path(__file__).parent / "make_certificates.sh", folder], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)
        cls.flags = {**cls.flags, "http-tls-certificate-file": folder / "server.pem",
                     "http-tls-key-file": folder / "server.key"}
        cls.key, digest = new_key()
        cls.config = ORGANIZATIONS + f"callers: [{{id: \"apikey:one\", roles: [checker], api_keys: [{{sha256: \"{digest}\"}}]}}]\n"
        super().setUpClass()
        cls.context = ssl.create_default_context(cafile=folder / "ca.pem")

    def secure(self, key=None, door="authzen"):
        client = AuthzenClient(self.server.ports[door], key, self.context)
        self.addCleanup(client.close)
        return client

    def test_a_key_is_asked_for_and_taken(self):
        self.assertEqual(self.secure().evaluate(question("anna")).error, (401, "UNAUTHENTICATED", ""))
        client = self.secure(self.key)
        for _ in range(20):
            self.assertIs(client.evaluate(question("anna")).decision, False)

    def test_each_address_serves_its_own_and_nothing_else(self):
        self.assertEqual(self.secure().send(CONFIGURATION, b"", method="GET").json["policy_decision_point"],
                         "https://pdp.test")
        self.assertEqual(self.secure().send("/.well-known/jwks.json", b"", method="GET").status, 404)
        self.assertEqual(self.secure(door="http").send("/.well-known/jwks.json", b"", method="GET").status, 200)
        for path in (EVALUATION, EVALUATIONS):
            self.assertEqual(self.secure(self.key, door="http").send(path, question("anna")).status, 404)


class Forbidden(AuthzenTestCase):
    flags = {"http-local-caller": "false"}

    def test_without_a_key_nobody_is_local_where_that_is_off(self):
        self.assertEqual(self.client().evaluate(question("anna")).error, (401, "UNAUTHENTICATED", ""))


if __name__ == "__main__":
    main()
