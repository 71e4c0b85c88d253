#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a program of an image the way a container engine does, for machines without one: in the image's root file system,
which cannot be written to but for the volumes; as a user, with no capability but those that are named, and without a way to
get any.  Needs root, and a mount namespace of its own (`unshare --mount`)."""
import argparse
import ctypes
import os
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, CAPABILITIES = 24, 38, 64
CAPABILITY_NUMBERS = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3}  # linux/capability.h


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def make_devices(folder):
    """What every engine gives to a container, as far as it is of use here."""
    mount("-t", "tmpfs", "-o", "mode=0755,nosuid,noexec", "tmpfs", folder)
    for name in ("null", "zero", "random", "urandom"):
        with open(f"{folder}/{name}", "wb"):
            pass
        mount("--bind", f"/dev/{name}", f"{folder}/{name}")
    os.symlink("/proc/self/fd", f"{folder}/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{folder}/{name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, help="folder with the image's file system")
    parser.add_argument("--volume", action="append", default=[], metavar="FOLDER:PATH", help="PATH of the image is FOLDER")
    parser.add_argument("--user", type=int, required=True, help="number of user and group")
    parser.add_argument("--keep", action="append", default=[], choices=CAPABILITY_NUMBERS, help="a capability, for user 0")
    parser.add_argument("--workdir", default="/")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()

    mount("--bind", given.root, given.root)
    mount("-t", "proc", "-o", "ro,nosuid,nodev,noexec", "proc", f"{given.root}/proc")
    make_devices(f"{given.root}/dev")
    for volume in given.volume:
        folder, _, path = volume.partition(":")
        mount("--bind", folder, given.root + path)
    mount("-o", "remount,bind,ro", given.root)
    for stream in range(3):
        os.fchown(stream, given.user, given.user)
    os.chroot(given.root)
    os.chdir(given.workdir)
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in set(range(CAPABILITIES)) - {CAPABILITY_NUMBERS[name] for name in given.keep}:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(given.user, given.user, given.user)
    os.setresuid(given.user, given.user, given.user)
    os.execv(given.command[0], given.command)


main()
