#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-packages.sh GROUP…: what the groups of scripts/packages.txt name and this machine does not have.
#
# Says what it installs before it does.  sudo is used only by those who are not root; with everything in place
# nothing is asked of anybody.  Packages of npm are for foreign clients and linters: they go into build/node, and
# without them the checks that use them are skipped.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
node=$root/build/node

# "package command" lines of the groups, each package once.
wanted() {
    for group in "$@"; do
        awk -v group="$group" '$1 == group { print $2, $3; found = 1 }
            END { if (!found) { print "no such group: " group > "/dev/stderr"; exit 1 } }' \
            "$root/scripts/packages.txt" || exit 2
    done
}

is_installed() { # PACKAGE [COMMAND]
    if [ -n "${2:-}" ] && command -v "$2" >/dev/null 2>&1; then
        return 0
    fi
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_installed_by_npm() { # NAME@VERSION
    name=${1%@*}
    [ -f "$node/node_modules/$name/package.json" ] &&
        grep -q "\"version\": \"${1##*@}\"" "$node/node_modules/$name/package.json"
}

[ $# -gt 0 ] || { echo "usage: $0 GROUP…" >&2; exit 2; }
list=$(wanted "$@") || exit 2

missing=
missing_npm=
while read -r package command; do
    case $package in
    npm:*) is_installed_by_npm "${package#npm:}" || missing_npm="$missing_npm ${package#npm:}" ;;
    *)
        case " $missing " in *" $package "*) continue ;; esac
        is_installed "$package" "$command" || missing="$missing $package"
        ;;
    esac
done <<END
$list
END

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This machine has no apt-get.  Please install what these Debian packages hold:$missing" >&2
        exit 1
    fi
    echo "Installing Debian packages:$missing"
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        sudo=sudo
        command -v sudo >/dev/null 2>&1 || { echo "sudo is missing: install them as root" >&2; exit 1; }
    fi
    # An index that cannot be fetched whole (a foreign source is down) is no reason to stop: the installation tells.
    $sudo apt-get update -qq || echo "apt-get update failed; going on with the index that is there" >&2
    # shellcheck disable=SC2086 # a list of names
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

if [ -n "$missing_npm" ]; then
    echo "Installing npm packages into build/node:$missing_npm"
    mkdir -p "$node"
    # shellcheck disable=SC2086
    npm install --prefix "$node" --save-exact --no-audit --no-fund --loglevel=error $missing_npm ||
        echo "npm could not install them; what needs them is skipped" >&2
fi
