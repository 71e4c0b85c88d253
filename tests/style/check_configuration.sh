#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/configuration.md is what the table of options says.  `--write` makes it so.
set -eu

if [ $# -lt 1 ]; then
    echo "usage: $0 BUILD_DIR [--write]" >&2
    exit 2
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
document=$root/docs/configuration.md
made=$(mktemp)
trap 'rm -f "$made"' EXIT

"$1/tests/unit/config/config_reference" >"$made"
if [ "${2:-}" = --write ]; then
    cat "$made" >"$document"
    exit 0
fi
if ! diff -u "$document" "$made"; then
    echo "docs/configuration.md is old: run tests/style/check_configuration.sh $1 --write" >&2
    exit 1
fi
