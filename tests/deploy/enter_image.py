#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""enter_image.py ROOT DATA RUN PROGRAM [ARGUMENT...]: runs a program of an image the way a container engine does, for
machines without one: in its root file system, which cannot be written to but for the two volumes; as the image's user,
without capabilities and without a way to get any.  Needs root, and a mount namespace of its own (`unshare --mount`)."""
import ctypes
import os
import subprocess
import sys

USER = 65532
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, CAPABILITIES = 24, 38, 64


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


def main(root, data, run, *command):
    mount("--bind", root, root)
    mount("-t", "proc", "-o", "ro,nosuid,nodev,noexec", "proc", f"{root}/proc")
    make_devices(f"{root}/dev")
    mount("--bind", data, f"{root}/var/lib/passgate")
    mount("--bind", run, f"{root}/run/passgate")
    mount("-o", "remount,bind,ro", root)
    for stream in range(3):
        os.fchown(stream, USER, USER)
    os.chroot(root)
    os.chdir("/var/lib/passgate")
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.execv(command[0], command)


main(*sys.argv[1:])
