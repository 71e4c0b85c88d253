#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that have the .proto files and nothing else: JavaScript does the whole job, Go and Java generate stubs that
compile, and reflection is enough for a client that has not even those."""
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, json_format

from passgate_protos import CALL_SECONDS, PROTOS, ROOT, SERVICES, V1, message_class
from passgate_samples import fresh, passport, submission
from passgate_server import ISSUER, ServerTestCase, main

MODULES = ROOT / "build" / "node" / "node_modules"
GO_TOOLS = ["google.golang.org/protobuf/cmd/protoc-gen-go@v1.34.2",
            "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1"]
GO_MODULE = "github.com/passgate/passgate"
GO_GRPC = "google.golang.org/grpc@v1.64.1"
JAVA_JARS = ["protobuf", "grpc-api", "grpc-core", "grpc-protobuf", "grpc-stub", "guava", "geronimo-annotation-1.3-spec"]
SERVED = [*(f"passgate.v1.{name}" for name in SERVICES), "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
          "grpc.reflection.v1alpha.ServerReflection"]


class ForeignTestCase(ServerTestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="passgate-foreign-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_program(self, *command, **options):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
        self.assertEqual(done.returncode, 0, f"{command[0]}\n{done.stdout}{done.stderr}")
        return done.stdout


class JavaScript(ForeignTestCase):
    needs_control = True  # the http door, and a realm of its own

    def test_grpc_js_submits_checks_and_issues_and_jose_verifies(self):
        if not shutil.which("node") or not all((MODULES / name).is_dir() for name in
                                               ("@grpc/grpc-js", "@grpc/proto-loader", "jose")):
            self.skipTest("no node, or its packages are not in build/node: scripts/install-packages.sh nightly")
        name = fresh("alice")
        request = json_format.MessageToDict(submission(name, passport("USA")))
        request["evidence"]["verifiedAt"] = {"seconds": "1750000000"}  # proto-loader takes messages as they are
        said = json.loads(self.run_program(
            "node", Path(__file__).with_name("foreign_client.js"), PROTOS, self.server.address,
            f"http://127.0.0.1:{self.server.ports['http']}/.well-known/jwks.json", name, input=json.dumps(request),
            env={**os.environ, "NODE_PATH": str(MODULES)}))
        self.assertEqual(said["before"], ["DECISION_DENY", "REASON_VERIFICATION_REQUIRED"])
        self.assertEqual(said["after"], ["DECISION_ALLOW", "REASON_ALLOWED"])
        self.assertEqual(said["streamed"], [["7", "DECISION_ALLOW"], ["8", "DECISION_ALLOW"]])
        self.assertEqual((said["verified"], said["issuer"]), (said["jti"], ISSUER))
        self.assertEqual((said["refusal"][0], said["details"]), (3, 1))


class Stubs(ForeignTestCase):
    def test_go_stubs_generate_and_compile(self):
        if not shutil.which("go"):
            self.skipTest("no go")
        environment = {**os.environ, "GOBIN": str(ROOT / "build" / "go"), "GOFLAGS": "-mod=mod"}
        try:
            for tool in GO_TOOLS:
                if not (ROOT / "build" / "go" / tool.rpartition("/")[2].partition("@")[0]).exists():
                    subprocess.run(["go", "install", tool], env=environment, check=True, capture_output=True,
                                   timeout=300)
        except (subprocess.SubprocessError, OSError) as error:
            self.skipTest(f"the plugins could not be installed: {error}")
        tools = f"{environment['GOBIN']}:{environment['PATH']}"
        self.run_program("protoc", "-I", PROTOS, f"--go_out={self.folder}", f"--go_opt=module={GO_MODULE}",
                         f"--go-grpc_out={self.folder}", f"--go-grpc_opt=module={GO_MODULE}", *V1,
                         env={**environment, "PATH": tools})
        self.run_program("go", "mod", "init", GO_MODULE, cwd=self.folder, env=environment)
        fetched = subprocess.run(["go", "get", GO_GRPC], cwd=self.folder, env=environment, check=False,
                                 capture_output=True, text=True)
        if fetched.returncode != 0:
            self.skipTest(f"the library could not be fetched: {fetched.stderr.strip()}")
        self.run_program("go", "build", "./...", cwd=self.folder, env=environment)

    def test_java_stubs_generate_and_compile(self):
        jars = [Path("/usr/share/java") / f"{name}.jar" for name in JAVA_JARS]
        plugin = shutil.which("grpc_java_plugin")
        if not shutil.which("javac") or not plugin or not all(jar.exists() for jar in jars):
            self.skipTest("no javac, grpc_java_plugin or libgrpc-java")
        sources, classes = self.folder / "sources", self.folder / "classes"
        sources.mkdir()
        self.run_program("protoc", "-I", PROTOS, f"--java_out={sources}", f"--plugin=protoc-gen-grpc-java={plugin}",
                         f"--grpc-java_out={sources}", *V1)
        files = sorted(sources.rglob("*.java"))
        self.assertIn("EntitlementServiceGrpc.java", {file.name for file in files})
        self.run_program("javac", "-nowarn", "-proc:none", "-cp", ":".join(map(str, jars)), "-d", classes, *files)


class Reflection(ForeignTestCase):
    def ask(self, version, **question):
        answer, = self.stubs.foreign(f"grpc.reflection.{version}.ServerReflection", "ServerReflectionInfo", question,
                                     is_stream=True)
        return answer

    def test_every_service_can_be_described_without_the_files(self):
        for version in ("v1", "v1alpha"):
            listed = self.ask(version, list_services="")
            self.assertEqual(sorted(row.name for row in listed.list_services_response.service), sorted(SERVED))
            for service in SERVED:
                answer = self.ask(version, file_containing_symbol=service)
                files = [descriptor_pb2.FileDescriptorProto.FromString(content)
                         for content in answer.file_descriptor_response.file_descriptor_proto]
                self.assertIn(service, [f"{file.package}.{row.name}" for file in files for row in file.service])

    def test_what_does_not_exist_is_an_answer_and_the_stream_goes_on(self):
        method = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
        request = message_class("grpc.reflection.v1.ServerReflectionRequest")
        response = message_class("grpc.reflection.v1.ServerReflectionResponse")
        questions = [request(file_containing_symbol="no.such.Service"), request(file_by_filename="no/such.proto"),
                     request(), request(file_by_filename="passgate/v1/claim.proto")]
        answers = [response.FromString(content) for content in self.stubs.channel.stream_stream(method)(
            iter(question.SerializeToString() for question in questions), timeout=CALL_SECONDS)]
        self.assertEqual([answer.WhichOneof("message_response") for answer in answers],
                         ["error_response"] * 3 + ["file_descriptor_response"])
        self.assertEqual([answer.error_response.error_code for answer in answers[:2]], [5, 5])


if __name__ == "__main__":
    main()
