#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lint.sh [FILE…]: clang-tidy on all of services/ and client/ that is built here, or on the files that are named; then the
# style checks, `buf lint` among them.
set -eu

cd "$(dirname "$0")/.."
mkdir -p build
{ cmake --preset test && cmake --build --preset test; } >build/lint.log 2>&1 || { # generated headers have to be there
    tail -n 40 build/lint.log >&2
    exit 1
}

failed=
# What needs a library that is not here is not built either.
[ $# -gt 0 ] || set -- $(sed -n 's#.*"file": "'"$PWD"'/\(\(services\|client\)/[^"]*\.c\)".*#\1#p' \
    build/test/compile_commands.json | sort -u)
echo "clang-tidy: $# files"
# What is in headers of others is counted, and then not shown: that count says nothing.
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 clang-tidy -p build/test --quiet >build/lint.log 2>&1 || failed=1
grep -vE '^[0-9]+ warnings? (generated|treated as error)' build/lint.log || true
ctest --preset test -L style --no-tests=error || failed=1
[ -z "$failed" ]
