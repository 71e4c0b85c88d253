#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# debian13.sh: builds the work tree on Debian 13 without a warning and runs its unit and contract tests there: the store
# on Redis 8 and on Valkey too, and over TLS, which hiredis of Debian 12 does not have.
#
# With the system in place it takes about five minutes on two cores, the build most of them, and is given up after twenty.
# The system is made by debootstrap in build/debian13 and kept for the next time (`make clean` removes it).  It comes
# from the mirror that debootstrap takes by itself; DEBIAN_MIRROR names another one.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
system=$root/build/debian13
release=trixie

if [ "$(id -u)" -ne 0 ]; then
    echo "debian13.sh makes a system in a folder and changes its root to it: only root can do that (try sudo)" >&2
    exit 1
fi

inside() {
    chroot "$system" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"
}

unmount() { umount "$system/proc" "$system/sys" "$system/dev" 2>/dev/null || true; }

if [ ! -f "$system/.is_complete" ]; then
    echo "Debian 13: making a system in build/debian13"
    rm -rf --one-file-system "$system"
    mkdir -p "$system"
    # shellcheck disable=SC2086 # no mirror: no argument
    debootstrap --variant=minbase "$release" "$system" ${DEBIAN_MIRROR:-} >"$root/build/debian13.log" 2>&1 || {
        tail -n 20 "$root/build/debian13.log" >&2
        exit 1
    }
    touch "$system/.is_complete"
fi
cp -L /etc/resolv.conf "$system/etc/resolv.conf"

# Work tree without what is built; files that are not committed yet are part of it.
rm -rf "$system/src"
mkdir -p "$system/src"
tar -C "$root" --exclude=./build --exclude=./.git --exclude=./passgate-data --exclude=node_modules -cf - . |
    tar -C "$system/src" -xf -

trap unmount EXIT INT TERM
mount -t proc proc "$system/proc"
mount -t sysfs -o ro sys "$system/sys" # libc counts CPUs there; core 1.51 takes its ENOENT for that of connect(2)
mount --bind /dev "$system/dev"
inside /src/scripts/install-packages.sh build test debian13
inside timeout 1200 sh -eu -c '
    cd /src
    . /etc/os-release
    echo "$PRETTY_NAME: $(gcc -dumpfullversion), gRPC core $(pkg-config --modversion grpc)"
    cmake --preset test
    cmake --build --preset test
    ctest --test-dir build/test -L "unit|contract|fuzz-regression" -LE nightly -j "$(nproc)" --output-on-failure \
        --no-tests=error --output-junit results.xml --test-output-size-passed 1000000' >"$root/build/debian13.log" 2>&1 || {
    grep -E 'error:|warning:|ERROR|FAILED|Failed|CMake Error' "$root/build/debian13.log" | head -n 40 >&2
    echo "Debian 13 failed; all of it is in build/debian13.log" >&2
    exit 1
}
cp "$system/src/build/test/results.xml" "$root/build/debian13-results.xml"
head -n 1 "$root/build/debian13.log"
tail -n 4 "$root/build/debian13.log"
