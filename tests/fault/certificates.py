# SPDX-License-Identifier: Apache-2.0
"""TLS for a server under attack."""
import shutil
import subprocess
import tempfile
from pathlib import Path

MAKER = Path(__file__).resolve().parents[1] / "integration" / "make_certificates.sh"


def tls_flags(add_cleanup):
    """Options of passgated, whose files live until the cleanup."""
    folder = Path(tempfile.mkdtemp(prefix="passgate-tls-"))
    add_cleanup(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run([MAKER, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return {"tls-certificate-file": folder / "server.pem", "tls-key-file": folder / "server.key",
            "tls-client-ca-file": folder / "ca.pem"}
