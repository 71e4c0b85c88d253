#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, and none brings a foreign library's header into folders that may not know it.
# usage: check_headers.sh BUILD_DIR [ROOT]
set -eu

[ $# -ge 1 ] || { echo "usage: $0 BUILD_DIR [ROOT]" >&2; exit 2; }
build=$(cd "$1" && pwd)
cd "${2:-$(dirname "$0")/../..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Include paths as the build uses them.  `-isystem path` becomes one word.
grep -ohE -e '-(I|isystem ?)[^ "\\]+' "$build/compile_commands.json" | sed 's/^-isystem /-isystem/' | sort -u |
    tr '\n' ' ' >"$work/flags"

check() { # HEADER WORK
    deps=$2/$(echo "$1" | tr / _).d
    echo "#include \"$PWD/$1\"" >"$deps.c"
    # shellcheck disable=SC2046
    cc -std=gnu11 -D_GNU_SOURCE -DPASSGATE_FAILPOINTS=0 -DPASSGATE_VERSION='"0"' -DPASSGATE_GRPC_HAS_LOG_FUNCTION=1 \
        -fsyntax-only -Wall -Wextra -Wno-unused-function -Werror -Itests $(cat "$2/flags") \
        -MD -MF "$deps" "$deps.c" || { echo "$1: does not compile alone"; return 1; }
    [ "${1#tests/}" = "$1" ] || return 0
    # home of a library, then what its headers are called
    while read -r home headers; do
        case $1 in $home/*) continue ;; esac
        if tr ' ' '\n' <"$deps" | grep -E "^/usr/.*/($headers)"; then
            echo "$1: brings that along, which only $home may know"
            return 1
        fi
    done <<END
services/rpc grpc/
services/http microhttpd\.h
services/keys jwt\.h|openssl/
services/storage sqlite3\.h|hiredis/|uv\.h
services/base yaml\.h
END
}

status=0
find services client tests -name '*.h' | sort >"$work/headers"
while read -r header; do
    case $header in
    client/src/channel.h) continue ;; # the one header of the client that is about gRPC core
    esac
    check "$header" "$work" || status=1
done <"$work/headers"
exit $status
