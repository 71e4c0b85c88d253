#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files of at most 500 lines, functions of at most 60: what is longer has a reason in sizes.txt, and what is not
# longer any more has no line there.  usage: check_sizes.sh [ROOT]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# FILE LINES, and FILE:FUNCTION LINES from its name to its closing brace.
for file in $(find services client tests -name '*.[ch]' | sort); do
    awk -f "$here/strip_comments.awk" "$file" | awk -v file="$file" '
        /^[A-Za-z_].*\(/ && !/;[ \t]*$/ { start = NR; name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
        /^\{/ { in_function = start > 0 }
        /^\}/ {
            if (in_function && NR - start + 1 > 60)
                print file ":" name, NR - start + 1
            start = in_function = 0
        }
        END { if (NR > 500) print file, NR }'
done | sort >"$work/long"
sed -E 's/^[[:space:]]*(#.*)?$//; /^$/d' "$here/sizes.txt" >"$work/allowed"

status=0
while read -r what lines; do
    grep -q "^$what " "$work/allowed" || { echo "$what: $lines lines, and no reason in tests/style/sizes.txt"; status=1; }
done <"$work/long"
while read -r what reason; do
    [ -n "$reason" ] || { echo "tests/style/sizes.txt: $what has no reason"; status=1; }
    grep -q "^$what " "$work/long" || { echo "tests/style/sizes.txt: $what is not too long any more"; status=1; }
done <"$work/allowed"
exit $status
