# SPDX-License-Identifier: Apache-2.0
"""What a client of Passgate has: stubs made from the .proto files at test time, and nothing else of Passgate.

`pb` holds every message and enum value of passgate.v1, `Stubs` one stub per service over a channel.  The foreign
protos (health, reflection, google.rpc) are read as descriptors, because Python has modules of its own by their names."""
import atexit
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
V1 = sorted(path.relative_to(PROTOS).as_posix() for path in (PROTOS / "passgate" / "v1").glob("*.proto"))
FOREIGN = ["grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto",
           "grpc/reflection/v1alpha/reflection.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"]
SERVICES = ["VerificationService", "ClaimService", "EntitlementService", "AdminService", "AuditService"]
CALL_SECONDS = 20  # a shared machine under a sanitizer

_scratch = tempfile.mkdtemp(prefix="passgate-stubs-")
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)


def _generate_stubs():
    plugin = shutil.which("grpc_python_plugin")
    if not plugin:
        raise RuntimeError("grpc_python_plugin is missing: install protobuf-compiler-grpc")
    subprocess.run(["protoc", "-I", PROTOS, f"--plugin=protoc-gen-grpc_python={plugin}", f"--python_out={_scratch}",
                    f"--grpc_python_out={_scratch}", *V1], check=True)
    sys.path.insert(0, _scratch)


def _read_descriptors():
    output = Path(_scratch) / "protos.desc"
    subprocess.run(["protoc", "-I", PROTOS, "--include_imports", f"--descriptor_set_out={output}", *V1, *FOREIGN],
                   check=True)
    files = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


_generate_stubs()
pool = _read_descriptors()

from passgate.v1 import admin_pb2, admin_pb2_grpc, audit_pb2, audit_pb2_grpc  # noqa: E402
from passgate.v1 import claim_pb2, claim_pb2_grpc  # noqa: E402
from passgate.v1 import common_pb2, entitlement_pb2, entitlement_pb2_grpc  # noqa: E402
from passgate.v1 import verification_pb2, verification_pb2_grpc  # noqa: E402

pb = SimpleNamespace(**{name: value for module in (common_pb2, admin_pb2, audit_pb2, claim_pb2, entitlement_pb2,
                                                       verification_pb2)
                        for name, value in vars(module).items() if not name.startswith("_")})


def message_class(full_name):
    """The class of any message of the protos, also of a foreign one."""
    descriptor = pool.FindMessageTypeByName(full_name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


class Stubs:
    """The generated stubs over one channel."""

    def __init__(self, channel):
        self.channel = channel
        self.admin = admin_pb2_grpc.AdminServiceStub(channel)
        self.audit = audit_pb2_grpc.AuditServiceStub(channel)
        self.claim = claim_pb2_grpc.ClaimServiceStub(channel)
        self.entitlement = entitlement_pb2_grpc.EntitlementServiceStub(channel)
        self.verification = verification_pb2_grpc.VerificationServiceStub(channel)

    def raw(self, method, content, *, is_stream=False, timeout=CALL_SECONDS, **options):
        """Send bytes as they are; the answer as bytes.  A stream gets one request."""
        if is_stream:
            answers = self.channel.stream_stream(method)(iter([content]), timeout=timeout, **options)
            return list(answers)
        return self.channel.unary_unary(method)(content, timeout=timeout, **options)

    def foreign(self, service, method, request_fields, *, is_stream=False):
        """A method of a foreign service by the descriptor; a stream gets one request and gives a list."""
        descriptor = pool.FindServiceByName(service).FindMethodByName(method)
        request = message_class(descriptor.input_type.full_name)(**request_fields)
        answer = message_class(descriptor.output_type.full_name)
        content = self.raw(f"/{service}/{method}", request.SerializeToString(), is_stream=is_stream)
        return [answer.FromString(part) for part in content] if is_stream else answer.FromString(content)


class Refusal:
    """What a failed call says: status code, stable reason, the fields and the part of a text, the text, and when to try again."""

    def __init__(self, error):
        self.code = error.code()
        self.text = error.details()
        self.reason = ""
        self.domain = ""
        self.part = ""
        self.fields = []
        trailers = dict(error.trailing_metadata() or ())
        self.pushback = trailers.get("grpc-retry-pushback-ms", "")
        status = message_class("google.rpc.Status").FromString(trailers.get("grpc-status-details-bin", b""))
        for detail in status.details:
            name = detail.type_url.rpartition("/")[2]
            content = message_class(name).FromString(detail.value)
            if name == "google.rpc.ErrorInfo":
                self.reason, self.domain = content.reason, content.domain
                self.part = content.metadata.get("part", "")
            elif name == "google.rpc.BadRequest":
                self.fields = [violation.field for violation in content.field_violations]

    def __repr__(self):
        return f"{self.code.name} {self.reason} {self.fields} {self.text!r}"


def refusal_of(call, *arguments, **options):
    """The refusal that a call must end in; an answer fails the test."""
    options.setdefault("timeout", CALL_SECONDS)
    try:
        answer = call(*arguments, **options)
    except grpc.RpcError as error:
        return Refusal(error)
    raise AssertionError(f"answered instead of refused: {answer}")
