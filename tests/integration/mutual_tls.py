# SPDX-License-Identifier: Apache-2.0
"""A passgated over mutual TLS, and clients with certificates of every kind (make_certificates.sh)."""
import shutil
import subprocess
import tempfile
from pathlib import Path

import grpc

from passgate_server import ServerTestCase

SPIFFE = "spiffe://lab.example/"


class MutualTlsTestCase(ServerTestCase):
    """`names` maps the name of each certificate to its subject alternative names, as openssl writes them."""

    needs_control = True
    names = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="passgate-tls-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        subprocess.run([Path(__file__).parent / "make_certificates.sh", cls.folder,
                        *(f"{name}={san}" for name, san in cls.names.items())], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        cls.flags = {**cls.flags, "tls-certificate-file": cls.folder / "server.pem",
                     "tls-key-file": cls.folder / "server.key", "tls-client-ca-file": cls.folder / "ca.pem"}
        super().setUpClass()

    @classmethod
    def credentials(cls, name):
        return grpc.ssl_channel_credentials(
            *((cls.folder / file).read_bytes() for file in ("ca.pem", f"{name}.key", f"{name}.pem")))

    @classmethod
    def connect(cls, name):
        return cls.server.stubs(cls.credentials(name))

    def configure(self, text):
        """The configuration file changes in one step."""
        fresh = self.server.folder / "passgate.yaml.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(self.server.folder / "passgate.yaml")
