#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every test that docs/threat-model.md names is a function below tests/.  usage: check_threat_model.sh [ROOT]
set -eu
export LC_ALL=C

cd "${1:-$(dirname "$0")/../..}"
functions=$(mktemp)
trap 'rm -f "$functions"' EXIT

grep -rhoE --include='*.py' '^ *def [a-z0-9_]+' tests | sed 's/.*def //' >"$functions"
grep -rhoE --include='*.c' '^static void [a-z0-9_]+\(void \*\*' tests | sed -E 's/static void //; s/\(.*//' >>"$functions"
sort -u -o "$functions" "$functions"

# A name of at least three words in backticks that is no metric.
named=$(grep -oE '`[a-z0-9]+(_[a-z0-9]+){2,}`' docs/threat-model.md | tr -d '`' | grep -v ^passgate_ | sort -u)
[ "$(printf '%s\n' "$named" | wc -l)" -gt 50 ] || { echo "docs/threat-model.md names hardly a test"; exit 1; }
missing=$(printf '%s\n' "$named" | comm -23 - "$functions")
[ -z "$missing" ] || { printf '%s\n' "$missing" | sed 's/^/docs\/threat-model.md names no test: /'; exit 1; }
