#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/metrics.md has a row for every metric of services/telemetry/metrics.h, with its kind, and no other.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
table=$(mktemp)
document=$(mktemp)
trap 'rm -f "$table" "$document"' EXIT

# X(IDENTIFIER, KIND, "name", …)  →  name kind
tr '\n' ' ' <"$root/services/telemetry/metrics.h" |
    grep -oE 'X\([A-Z_]+, *[A-Z_]+, *[\\ ]*"[a-z_]+"' |
    sed -E 's/X\([A-Z_]+, *(RPC_)?([A-Z]+),[\\ ]*"([a-z_]+)"/\3 \2/' |
    tr 'A-Z' 'a-z' | sort >"$table"
# | `name` | kind | …
sed -nE 's/^\| `([a-z_]+)` \| ([a-z]+) \|.*/\1 \2/p' "$root/docs/metrics.md" | sort >"$document"

if [ ! -s "$table" ]; then
    echo "no metrics found in services/telemetry/metrics.h" >&2
    exit 1
fi
if ! diff -u "$table" "$document"; then
    echo "docs/metrics.md (+) is not what services/telemetry/metrics.h declares (-)" >&2
    exit 1
fi
