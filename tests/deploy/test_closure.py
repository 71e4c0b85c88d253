#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The image as scripts/image_closure.sh lays it out, here from the programs that ctest names: it needs no engine."""
from image_case import Contents, ImageCase, call, dockerfile
from manifests import ROOT, program
from passgate_server import main


class Closure(ImageCase, Contents):
    @classmethod
    def make(cls):
        call(ROOT / "scripts" / "image_closure.sh", program("passgated").parents[2], cls.root)
        cls.settings = dockerfile()


if __name__ == "__main__":
    main()
