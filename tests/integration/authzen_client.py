# SPDX-License-Identifier: Apache-2.0
"""A client of AuthZEN that knows HTTP and JSON and nothing of Passgate, and keys for it."""
import http.client
import json
import subprocess

from passgate_protos import CALL_SECONDS
from passgate_server import find_program

EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
CONFIGURATION = "/.well-known/authzen-configuration"


def new_key():
    """A key and its hash, as `passgate apikey new` makes them."""
    done = subprocess.run([find_program("PASSGATE", "client/cli/passgate"), "apikey", "new", "-o", "json"],
                          capture_output=True, check=True, text=True)
    made = json.loads(done.stdout)
    return made["key"], made["sha256"]


def question(subject, resource="model/mythos-5", action="use", location="USA", **more):
    kind, _, name = resource.partition("/")
    return {"subject": {"type": "user", "id": subject}, "action": {"name": action},
            "resource": {"type": kind, "id": name}, **({"context": {"location": location}} if location else {}), **more}


class Answer:
    """Status, headers (names in lower case) and the body, as JSON where it is some."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()
        is_json = self.headers.get("content-type", "") == "application/json"
        self.json = json.loads(self.text) if is_json else None

    @property
    def decision(self):
        return self.json["decision"]

    @property
    def context(self):
        return self.json["context"]

    @property
    def error(self):
        """What an error says in a tuple: status, reason and field."""
        said = self.json or {}
        return self.status, said.get("reason", ""), said.get("field", "")


class AuthzenClient:
    """Requests over one connection, which is kept."""

    def __init__(self, port, key=None, context=None):
        self.key = key
        if context:
            self.connection = http.client.HTTPSConnection("localhost", port, timeout=CALL_SECONDS, context=context)
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CALL_SECONDS)

    def send(self, path, body, headers=None, method="POST"):
        """`body` is sent as JSON, or as it is when it is bytes; a header that is None is left out."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json",
                   **({"Authorization": f"Bearer {self.key}"} if self.key else {}), **(headers or {})}
        self.connection.request(method, path, body=content if method == "POST" else None,
                                headers={name: value for name, value in headers.items() if value is not None})
        return Answer(self.connection.getresponse())

    def evaluate(self, body, headers=None):
        return self.send(EVALUATION, body, headers)

    def evaluate_all(self, body, headers=None):
        return self.send(EVALUATIONS, body, headers)

    def close(self):
        self.connection.close()
