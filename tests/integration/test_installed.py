#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` puts into a prefix: a program outside of the tree finds, compiles, links and runs with it."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from passgate_protos import CALL_SECONDS
from passgate_samples import fresh, passport, submission
from passgate_server import ServerTestCase, main

BUILD = os.environ["BUILD"]


class Installed(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prefix = Path(tempfile.mkdtemp(prefix="passgate-installed-"))
        cls.addClassCleanup(shutil.rmtree, cls.prefix, ignore_errors=True)
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix], check=True, stdout=subprocess.DEVNULL)
        cls.libraries = next(cls.prefix.glob("**/passgate.pc")).parent.parent
        cls.environment = {**os.environ, "PKG_CONFIG_PATH": str(cls.libraries / "pkgconfig"),
                           "LD_LIBRARY_PATH": str(cls.libraries)}
        cls.citizen, cls.foreigner = fresh("usa"), fresh("deu")
        for name, country in ((cls.citizen, "USA"), (cls.foreigner, "DEU")):
            cls.stubs.verification.SubmitVerification(submission(name, passport(country)), timeout=CALL_SECONDS)

    def pkg_config(self, *arguments):
        return subprocess.run(["pkg-config", *arguments, "passgate"], env=self.environment, check=True, text=True,
                              stdout=subprocess.PIPE).stdout.split()

    def compiled(self, name, *libraries):
        """The example as it was installed, outside of the tree and with every warning an error."""
        source = next(self.prefix.glob("**/check.c"))
        program = self.prefix / name
        subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", source, "-o", program, *self.pkg_config("--cflags"),
                        *libraries], check=True)
        return program

    def assert_asks(self, program, environment):
        for subject, server, status in ((self.citizen, self.server.address, 0),
                                        (self.foreigner, self.server.address, 1),
                                        (self.citizen, "127.0.0.1:1", 2)):
            ended = subprocess.run([program, subject, server], env=environment, check=False, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(ended.returncode, status, ended)

    def test_a_program_with_the_shared_library_allows_refuses_and_fails_with_0_1_and_2(self):
        self.assert_asks(self.compiled("shared", *self.pkg_config("--libs")), self.environment)

    def test_a_program_with_the_archive_needs_no_libpassgate_to_run(self):
        flags = ["-l:libpassgate.a" if flag == "-lpassgate" else flag
                 for flag in self.pkg_config("--static", "--libs")]
        program = self.compiled("archive", *flags)
        needed = subprocess.run(["ldd", program], check=True, text=True, stdout=subprocess.PIPE).stdout
        self.assertNotIn("libpassgate", needed)
        self.assert_asks(program, {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"})

    def test_the_installed_programs_run(self):
        for program in ("bin/passgate", "sbin/passgated"):
            ended = subprocess.run([self.prefix / program, "--version"], check=True, text=True, stdout=subprocess.PIPE)
            self.assertIn(self.pkg_config("--modversion")[0], ended.stdout)


if __name__ == "__main__":
    main()
