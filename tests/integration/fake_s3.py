# SPDX-License-Identifier: Apache-2.0
"""A server that speaks as much of S3 as shipping needs, over TLS, and believes nothing: it checks every signature by its
own reading of Signature Version 4, and every digest.  It refuses, breaks, waits and cuts connections when told to."""
import base64
import datetime
import hashlib
import hmac
import http.server
import ssl
import threading
import urllib.parse

REGION = "eu-test-1"
ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
BUCKET = "audit-archive"
SKEW_SECONDS = 15 * 60


def encode(text):
    return urllib.parse.quote(text, safe="-_.~")


def sign(secret, scope, amz_date, canonical):
    """Steps 2 and 3 of "Create a signed AWS API request"."""
    date, region, service, end = scope.split("/")
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    to_sign = "\n".join(("AWS4-HMAC-SHA256", amz_date, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    # ----- who asks -----

    def canonical_request(self, signed):
        path, _, query = self.path.partition("?")
        parts = sorted((encode(name), encode(value)) for name, value in urllib.parse.parse_qsl(query, True))
        headers = "".join(f"{name}:{' '.join(self.headers[name].split())}\n" for name in signed)
        return "\n".join((self.command, "/".join(encode(urllib.parse.unquote(part)) for part in path.split("/")),
                          "&".join(f"{name}={value}" for name, value in parts), headers, ";".join(signed),
                          self.headers["x-amz-content-sha256"]))

    def complaint(self, body):
        """What is wrong with the signature, or None."""
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        if scheme != "AWS4-HMAC-SHA256" or set(fields) != {"Credential", "SignedHeaders", "Signature"}:
            return "AccessDenied"
        access_key, _, scope = fields["Credential"].partition("/")
        signed, amz_date = fields["SignedHeaders"].split(";"), self.headers["x-amz-date"]
        if access_key != self.server.fake.access_key:
            return "InvalidAccessKeyId"
        if scope != f"{amz_date[:8]}/{REGION}/s3/aws4_request":
            return "AuthorizationHeaderMalformed"
        then = datetime.datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs((datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()) > SKEW_SECONDS:
            return "RequestTimeTooSkewed"
        present = {name.lower() for name in self.headers}
        must = {"host"} | {name for name in present if name.startswith("x-amz-")}
        if signed != sorted(signed) or not must <= set(signed) <= present:
            return "AccessDenied"
        if self.headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        if self.headers.get("x-amz-security-token", "") != self.server.fake.session_token:
            return "InvalidToken"
        wanted = sign(self.server.fake.secret_key, scope, amz_date, self.canonical_request(signed))
        return None if hmac.compare_digest(wanted, fields["Signature"]) else "SignatureDoesNotMatch"

    # ----- what is answered -----

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", len(body))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        self.server.fake.refusals.append(code)
        self.answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode())

    def serve(self, act):
        fake = self.server.fake
        fake.requests.append((self.command, self.path))
        if fake.fault == "cut":
            self.rfile.read(min(1000, int(self.headers.get("Content-Length", 0))))
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if fake.fault == "slow":
            fake.released.wait(60)
        complaint = self.complaint(body)
        if complaint:
            self.refuse(403, complaint)
        elif isinstance(fake.fault, int):
            self.refuse(fake.fault, "OnDemand")
        elif not self.path.startswith(f"/{BUCKET}/"):
            self.refuse(404, "NoSuchBucket")
        else:
            with fake.lock:
                act(self.path[len(BUCKET) + 2:], body)

    def put(self, key, body):
        fake = self.server.fake
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        if self.headers.get("x-amz-checksum-sha256") != checksum:
            self.refuse(400, "BadDigest")
        elif self.headers.get("if-none-match") and fake.conditions == "unknown":
            self.refuse(501, "NotImplemented")
        elif self.headers.get("if-none-match") == "*" and fake.conditions == "known" and key in fake.objects:
            self.refuse(412, "PreconditionFailed")
        else:
            fake.objects[key] = body
            fake.locks[key] = (self.headers.get("x-amz-object-lock-mode"),
                               self.headers.get("x-amz-object-lock-retain-until-date"))
            self.answer(200)

    def get(self, key, _body):
        fake = self.server.fake
        if key not in fake.objects:
            self.answer(404)
            return
        content = fake.objects[key]
        headers = {}
        if self.headers.get("x-amz-checksum-mode") == "ENABLED" and fake.keeps_checksums:
            headers["x_amz_checksum_sha256"] = base64.b64encode(hashlib.sha256(content).digest()).decode()
        self.answer(200, content, **headers)

    def do_PUT(self):
        self.serve(self.put)

    def do_GET(self):
        self.serve(self.get)

    def do_HEAD(self):
        self.serve(self.get)


class FakeS3:
    """`fault`: a status, "cut" or "slow" (until release()).  `conditions`: whether If-None-Match is "known", "unknown"
    (501) or "overlooked"."""

    def __init__(self, certificates):
        self.objects, self.locks, self.requests, self.refusals = {}, {}, [], []
        self.access_key, self.secret_key, self.session_token = ACCESS_KEY, SECRET_KEY, ""
        self.fault, self.conditions, self.keeps_checksums = None, "known", True
        self.released, self.lock = threading.Event(), threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.fake = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.endpoint = f"https://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def release(self):
        self.fault = None
        self.released.set()

    def close(self):
        self.release()
        self.server.shutdown()
        self.server.server_close()

    def keys(self, suffix=""):
        return sorted(key for key in list(self.objects) if key.endswith(suffix))
