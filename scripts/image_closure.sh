#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# image_closure.sh BUILD_DIR ROOT: lays in ROOT what passgated and passgate of BUILD_DIR need to run, and nothing else.
#
# That is: the programs, the libraries that they load and the loader; certificates of authorities; names for the one user;
# an empty /tmp; the folders of data and of the socket.  For each library's Debian package its licence and its entry in
# the package list come along (as `status.d`, which scanners for known holes read).
set -eu

[ $# -eq 2 ] || { echo "usage: $0 BUILD_DIR ROOT" >&2; exit 2; }
source=$(cd "$(dirname "$0")/.." && pwd)
build=$1
root=$2
user=65532

if [ -e "$root" ] && [ -n "$(ls -A "$root")" ]; then
    echo "$root is not empty" >&2
    exit 1
fi
programs="$build/services/server/passgated $build/client/cli/passgate"

# Every file that the loader would open, and the loader.
libraries_of() { # PROGRAM…
    for program in "$@"; do
        ldd "$program" || return 1
    done | awk '
        /not found/ { print "missing: " $1 > "/dev/stderr"; bad = 1 }
        $2 == "=>" && $3 ~ /^\// { print $3; next }
        $1 ~ /^\// && $1 !~ /:$/ { print $1 }
        END { exit bad }' | sort -u
}

# The package of a file, which may be listed below /usr or, from before Debian merged the two, above it.
package_of() { # PATH
    path=$(realpath "$1")
    dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "${path#/usr}" 2>/dev/null ||
        { echo "no package has $path" >&2; return 1; }
}

put_package() { # PACKAGE
    dpkg-query -s "$1" >"$root/var/lib/dpkg/status.d/${1%%:*}"
    mkdir -p "$root/usr/share/doc/${1%%:*}"
    cp -L "/usr/share/doc/${1%%:*}/copyright" "$root/usr/share/doc/${1%%:*}/copyright"
}

mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64" "$root/usr/share/doc/passgate" "$root/etc/ssl/certs" \
    "$root/var/lib/dpkg/status.d"
for folder in bin lib lib64; do
    ln -s "usr/$folder" "$root/$folder"
done

# shellcheck disable=SC2086 # a list of files
{
    install -s -m 0755 $programs "$root/usr/bin"
    libraries=$(libraries_of $programs)
}
for library in $libraries; do
    target=$root/usr/${library#/usr}
    mkdir -p "$(dirname "$target")"
    cp -L "$library" "$target"
done
packages=ca-certificates
for library in $libraries; do
    owner=$(package_of "$library")
    packages="$packages ${owner%%: *}"
done
for package in $(printf '%s\n' $packages | sort -u); do
    put_package "$package"
done

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
cp -L /etc/os-release "$root/etc/os-release"
cp "$source/LICENSE" "$root/usr/share/doc/passgate/copyright"
cat >"$root/etc/passwd" <<END
root:x:0:0:root:/:/sbin/nologin
passgate:x:$user:$user:passgate:/var/lib/passgate:/sbin/nologin
END
cat >"$root/etc/group" <<END
root:x:0:
passgate:x:$user:
END
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

install -d -m 1777 "$root/tmp"
for folder in var/lib/passgate run/passgate; do
    mkdir -p "$root/$folder"
    chmod 0700 "$root/$folder"
    # In a build that is not root's the files are the builder's anyhow.
    [ "$(id -u)" -ne 0 ] || chown "$user:$user" "$root/$folder"
done
