# SPDX-License-Identifier: Apache-2.0
"""check_sealed.py PROGRAM: what PROGRAM (seal_tool) seals opens with other software, and what that seals, PROGRAM opens.
Exit code 77 (skipped) when there is neither python3-jwcrypto nor the command `jose`."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
TYPE = "passgate-facts+jwe"

try:
    from jwcrypto import jwe, jwk
except ImportError:
    jwk = None
program = sys.argv[1]
CONTENTS = [b"{}", b'{"subject":"alice"}', bytes(range(256)) * 100]
failed = 0


def expect(is_true, what):
    global failed
    if not is_true:
        failed += 1
        print("wrong:", what)


def seal_tool(verb, key, content):
    return subprocess.run([program, verb, key], input=content, capture_output=True, check=False)


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def with_jwcrypto(folder):
    private = jwk.JWK.from_pem((folder / "private.pem").read_bytes())
    public = jwk.JWK.from_pem((folder / "public.pem").read_bytes())
    for content in CONTENTS:
        ours = seal_tool("seal", folder / "public.pem", content).stdout.decode()
        opened = jwe.JWE(algs=["ECDH-ES", "A256GCM"])
        opened.deserialize(ours, private)
        expect(opened.payload == content, "jwcrypto opens ours")
        header = json.loads(opened.objects["protected"])
        expect(header["kid"] == public.thumbprint() and header["typ"] == TYPE, "the header names key and type")
        header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": public.thumbprint(), "typ": TYPE}
        theirs = jwe.JWE(content, json.dumps(header), recipient=public).serialize(compact=True)
        done = seal_tool("open", folder / "private.pem", theirs.encode())
        expect(done.stdout == content and done.returncode == 0, f"ours opens jwcrypto's: {done.stderr}")
        header["typ"] = "JWT"
        theirs = jwe.JWE(content, json.dumps(header), recipient=public).serialize(compact=True)
        done = seal_tool("open", folder / "private.pem", theirs.encode())
        expect(done.returncode == 1 and not done.stdout, "another type is refused")


def with_jose(folder):
    """The command `jose`, which reads keys as JWK."""
    jose = shutil.which("jose")
    subprocess.run([jose, "jwk", "gen", "-i", '{"kty":"EC","crv":"P-256"}', "-o", folder / "jose.jwk"], check=True)
    key = json.loads((folder / "jose.jwk").read_text())
    private = jwk.JWK(**{name: key[name] for name in ("kty", "crv", "x", "y", "d")})
    (folder / "jose.pem").write_bytes(private.export_to_pem(private_key=True, password=None))
    (folder / "jose-public.pem").write_bytes(private.export_to_pem())
    for content in CONTENTS:
        ours = seal_tool("seal", folder / "jose-public.pem", content).stdout
        done = subprocess.run([jose, "jwe", "dec", "-i", "-", "-k", folder / "jose.jwk"], input=ours,
                              capture_output=True, check=False)
        expect(done.stdout == content, f"jose opens ours: {done.stderr}")
        header = {"protected": {"alg": "ECDH-ES", "enc": "A256GCM", "kid": private.thumbprint(), "typ": TYPE}}
        (folder / "content").write_bytes(content)
        done = subprocess.run([jose, "jwe", "enc", "-i", json.dumps(header), "-I", folder / "content", "-k",
                               folder / "jose.jwk", "-c"], capture_output=True, check=False)
        theirs = seal_tool("open", folder / "jose.pem", done.stdout)
        expect(theirs.stdout == content, f"ours opens jose's: {done.stderr} {theirs.stderr}")


if not jwk:
    print("skipped: python3-jwcrypto is not installed")
    sys.exit(SKIPPED)
with tempfile.TemporaryDirectory() as name:
    place = pathlib.Path(name)
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", place / "private.pem")
    openssl("ec", "-in", place / "private.pem", "-pubout", "-out", place / "public.pem")
    with_jwcrypto(place)
    if shutil.which("jose"):
        with_jose(place)
    else:
        print("without the command jose")
sys.exit(1 if failed else 0)
