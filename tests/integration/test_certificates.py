#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Certificates that change while the server serves: no call fails, and what cannot be used changes nothing."""
import http.client
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import grpc

from passgate_protos import CALL_SECONDS, Stubs, pb
from passgate_server import ORGANIZATIONS, Server, ServerTestCase, main

CLIENT = "spiffe://lab.example/shop"
CONFIG = ORGANIZATIONS + f"callers:\n  - {{id: \"{CLIENT}\", roles: [checker]}}\n"
ROTATIONS = 12
RECONNECTING_CLIENTS = 3
POLL_SECONDS = 0.1  # directives.poll of the tests


class Authority:
    """An authority in a folder of its own, and the certificates that it signs."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.openssl("req", "-x509", *self.new_key(name), "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "1",
                     "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")
        self.pem = (folder / f"{name}.pem").read_bytes()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    @staticmethod
    def new_key(name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"

    def sign(self, name, usage, names, is_expired=False):
        """Certificate and key, both PEM."""
        life = ["-days", "-1" if is_expired else "1"]
        help_text = subprocess.run(["openssl", "x509", "-help"], capture_output=True, check=False).stderr
        if is_expired and b"-not_before" in help_text:  # from 3.4 on, which refuses negative days
            life = ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"]
        self.openssl("req", "-new", *self.new_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / f"{name}.ext").write_text(
            f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\nsubjectAltName={names}\n", encoding="ascii")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key",
                     "-CAcreateserial", *life, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        return tuple((self.folder / f"{name}.{suffix}").read_bytes() for suffix in ("pem", "key"))

    def for_server(self, name, **options):
        return self.sign(name, "serverAuth", "DNS:localhost", **options)

    def for_client(self, name):
        return self.sign(name, "clientAuth", f"URI:{CLIENT}")


def der_of(pem):
    return ssl.PEM_cert_to_DER_cert(pem.decode().partition("-----END CERTIFICATE-----")[0] +
                                    "-----END CERTIFICATE-----\n")


def shown_at(port):
    """The certificate that a new connection is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", port), CALL_SECONDS) as plain:
        with context.wrap_socket(plain) as tls:
            return tls.getpeercert(binary_form=True)


def credentials_of(authority_pem, client):
    return grpc.ssl_channel_credentials(authority_pem, client[1], client[0])


class CertificatesTestCase(ServerTestCase):
    needs_control = True
    config = CONFIG
    flags = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="passgate-certificates-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.authority = Authority(cls.folder, "ca")
        cls.client = cls.authority.for_client("client")
        cls.first = cls.authority.for_server("first")
        cls.second = cls.authority.for_server("second")
        cls.served = cls.folder / "served"
        cls.served.mkdir()
        cls.restore()
        cls.flags = {**cls.flags, "tls-certificate-file": cls.served / "tls.crt", "tls-key-file": cls.served / "tls.key",
                     "tls-client-ca-file": cls.served / "ca.crt", "http-tls-certificate-file": cls.served / "tls.crt",
                     "http-tls-key-file": cls.served / "tls.key"}
        super().setUpClass()

    @classmethod
    def restore(cls):
        cls.put(*cls.first, cls.authority.pem)

    @classmethod
    def put(cls, certificate=None, key=None, authorities=None):
        """Into the files, in place, one after the other: as those do it who do not know better."""
        for name, content in (("tls.crt", certificate), ("tls.key", key), ("ca.crt", authorities)):
            if content is not None:
                path = cls.served / name
                path.write_bytes(content)
                path.chmod(0o600)

    def setUp(self):
        self.restore()
        self.wait_until_served(self.first[0])
        self.wait_until_refused(0)
        self.server.wait_until(lambda: self.gets_in(self.client), "callers are let in as at first")

    def wait_until_served(self, pem, doors=("grpc", "http")):
        for door in doors:
            self.server.wait_until(lambda: shown_at(self.server.ports[door]) == der_of(pem), f"{door} serves with it")

    def refused(self):
        return {self.server.counted(f'passgate_certificate_refused{{listener="{door}"}}') for door in ("grpc", "http")}

    def wait_until_refused(self, value):
        self.server.wait_until(lambda: self.refused() == {value}, f"passgate_certificate_refused is {value}")

    def call(self, authorities=None, client=None):
        """One call over a connection of its own."""
        channel = grpc.secure_channel(f"localhost:{self.server.ports['grpc']}",
                                      credentials_of(authorities or self.authority.pem, client or self.client),
                                      options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)])
        with channel:
            return Stubs(channel).admin.WhoAmI(pb.WhoAmIRequest(), timeout=CALL_SECONDS)

    def gets_in(self, client):
        try:
            return self.call(client=client).caller == CLIENT
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
            return False


class Load:
    """Clients that come again and again, and some that stay; every failure."""

    def __init__(self, test):
        self.test = test
        self.is_over = threading.Event()
        self.failures = []
        self.calls = {"new connections": 0, "one connection": 0, "https": 0}
        self.context = ssl.create_default_context(cadata=test.authority.pem.decode())
        works = [self.come_again] * RECONNECTING_CLIENTS + [self.stay, self.fetch]
        self.threads = [threading.Thread(target=self.run, args=(work,)) for work in works]
        for thread in self.threads:
            thread.start()

    def run(self, work):
        try:
            work()
        except (grpc.RpcError, OSError, http.client.HTTPException, AssertionError) as error:
            self.failures.append((time.strftime("%X"), work.__name__, repr(error)))

    def come_again(self):
        while not self.is_over.is_set():
            self.test.call()
            self.calls["new connections"] += 1

    def stay(self):
        channel = grpc.secure_channel(f"localhost:{self.test.server.ports['grpc']}",
                                      credentials_of(self.test.authority.pem, self.test.client),
                                      options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)])
        with channel:
            stubs = Stubs(channel)
            while not self.is_over.is_set():
                stubs.admin.WhoAmI(pb.WhoAmIRequest(), timeout=CALL_SECONDS)
                self.calls["one connection"] += 1

    def fetch(self):
        """Keeps its connection for as long as the server does not say that it should go."""
        connection = None
        while not self.is_over.is_set():
            connection = connection or http.client.HTTPSConnection("localhost", self.test.server.ports["http"],
                                                                   timeout=CALL_SECONDS, context=self.context)
            connection.request("GET", "/.well-known/jwks.json")
            response = connection.getresponse()
            assert response.status == 200, response.status
            response.read()
            if response.will_close:
                connection.close()
                connection = None
            self.calls["https"] += 1
        if connection:
            connection.close()

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


class Rotation(CertificatesTestCase):
    def test_no_call_fails_while_certificates_rotate(self):
        load = Load(self)
        try:
            for i in range(ROTATIONS):
                fresh = self.authority.for_server(f"rotated-{i}")
                self.put(*fresh) if i % 2 else self.put_in_pieces(*fresh)
                self.wait_until_served(fresh[0])
        finally:
            load.stop()
        self.assertEqual(load.failures, [])
        self.assertGreater(min(load.calls.values()), ROTATIONS, load.calls)
        print(f"{ROTATIONS} rotations, calls: {load.calls}")

    def put_in_pieces(self, certificate, key):
        for size in (40, len(certificate) // 2, len(certificate)):
            self.put(certificate=certificate[:size])
            time.sleep(POLL_SECONDS / 2)
        for size in (0, len(key) // 2, len(key)):
            self.put(key=key[:size])
            time.sleep(POLL_SECONDS / 2)

    def test_another_authority_of_callers_comes_and_the_old_one_goes(self):
        fresh = Authority(self.folder, "fresh_ca")
        stranger = fresh.for_client("fresh_client")
        with self.assertRaises(grpc.RpcError):
            self.call(client=stranger)
        self.put(authorities=self.authority.pem + fresh.pem)
        self.server.wait_until(lambda: self.gets_in(stranger), "the new authority counts")
        self.assertTrue(self.gets_in(self.client))
        self.put(authorities=fresh.pem)
        self.server.wait_until(lambda: not self.gets_in(self.client), "the old authority is gone")
        self.assertTrue(self.gets_in(stranger))

    def test_the_metrics_say_when_it_ends(self):
        for door in ("grpc", "http"):
            ends = self.server.counted(f'passgate_certificate_expiry_timestamp_seconds{{listener="{door}"}}')
            self.assertAlmostEqual(ends, ssl.cert_time_to_seconds(self.end_of(self.first[0])), delta=1)

    def end_of(self, pem):
        path = self.folder / "looked-at.pem"
        path.write_bytes(pem)
        return ssl._ssl._test_decode_cert(str(path))["notAfter"]  # pylint: disable=protected-access


class Refusal(CertificatesTestCase):
    def refusals(self, since):
        return [line for line in self.server.log(since) if line.get("event") == "certificate.refused"]

    def assert_kept(self, says, certificate=None, key=None, authorities=None):
        """The old stays, the metric is up, and the log says so once for each listener."""
        begin = len(self.server.lines)
        failures = self.server.counted('passgate_certificate_loads_total{result="failure"}')
        self.put(certificate, key, authorities)
        self.wait_until_refused(1)
        time.sleep(5 * POLL_SECONDS)
        lines = self.refusals(begin)
        self.assertEqual(len(lines), 2, lines)
        for line in lines:
            self.assertRegex(line["detail"], says)
        self.assertEqual(self.server.counted('passgate_certificate_loads_total{result="failure"}'), failures + 2)
        self.wait_until_served(self.first[0])
        self.assertEqual(self.call().caller, CLIENT)

    def test_an_expired_one(self):
        self.assert_kept("tls.crt: it has expired", *self.authority.for_server("expired", is_expired=True))

    def test_a_key_of_another(self):
        self.assert_kept("tls.key: it is not the key of", key=self.second[1])

    def test_a_certificate_without_its_key(self):
        self.assert_kept("tls.key: it is not the key of", certificate=self.second[0])

    def test_half_a_certificate_and_then_the_other_half(self):
        self.assert_kept("tls.crt: it holds something that is no certificate",
                         certificate=self.second[0][:len(self.second[0]) // 2], key=self.second[1])
        self.put(*self.second)
        self.wait_until_served(self.second[0])
        self.wait_until_refused(0)

    def test_no_certificate_at_all(self):
        (self.served / "tls.crt").unlink()
        self.assert_kept("cannot open .*tls.crt")

    def test_one_for_clients(self):
        self.assert_kept("tls.crt: it is not for servers", *self.client)

    def test_what_is_refused_goes_away_when_the_old_comes_back(self):
        self.assert_kept("tls.key: it is not the key of", key=self.second[1])
        self.put(*self.first)
        self.wait_until_refused(0)


class Hangup(CertificatesTestCase):
    flags = {"directives-poll": "1h"}

    def test_a_signal_has_the_files_looked_at_at_once(self):
        self.put(*self.second)
        time.sleep(0.5)
        self.assertEqual(shown_at(self.server.ports["grpc"]), der_of(self.first[0]))
        self.server.reload()
        self.wait_until_served(self.second[0])
        self.restore()
        self.server.reload()


class Start(CertificatesTestCase):
    def assert_no_start(self, says, certificate, key):
        for name, content in (("bad.crt", certificate), ("bad.key", key)):
            (self.served / name).write_bytes(content)
            (self.served / name).chmod(0o600)
        other = Server(flags={**self.flags, "tls-certificate-file": self.served / "bad.crt",
                              "tls-key-file": self.served / "bad.key"}, config=CONFIG)
        self.addCleanup(shutil.rmtree, other.folder, ignore_errors=True)
        with self.assertRaises(AssertionError) as failure:
            other.start()
        self.assertEqual(other.process.wait(20), 2)
        self.assertRegex(str(failure.exception), says)

    def test_with_what_cannot_serve_it_does_not_start(self):
        self.assert_no_start("it is not the key of", self.first[0], self.second[1])
        self.assert_no_start("it has expired", *self.authority.for_server("old", is_expired=True))


if __name__ == "__main__":
    main()
