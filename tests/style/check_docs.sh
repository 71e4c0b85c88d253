#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every relative link in the documents leads to a file that is there, and to a heading that is there.
# usage: check_docs.sh [ROOT]
set -eu

cd "${1:-$(dirname "$0")/../..}"

# The anchor that a heading gets: lower case, punctuation dropped, blanks as hyphens.
anchors_of() { # FILE
    sed -n 's/^#\{1,6\} //p' "$1" | tr 'A-Z' 'a-z' | sed -E 's/`//g; s/[^a-z0-9 _-]//g; s/ /-/g'
}

status=0
for document in $(find . -path ./build -prune -o -path ./.git -prune -o -path '*/node_modules' -prune -o -name '*.md' -print |
    sort); do
    for link in $(sed '/^```/,/^```/d' "$document" | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//' |
        grep -vE '^(https?|mailto):' || true); do
        file=${link%%#*}
        target=$document
        [ -z "$file" ] || target=$(dirname "$document")/$file
        if [ ! -e "$target" ]; then
            echo "${document#./}: $link leads nowhere"
            status=1
        elif [ "$link" != "$file" ] && ! anchors_of "$target" | grep -qx "${link#*#}"; then
            echo "${document#./}: $link: no such heading"
            status=1
        fi
    done
done
exit $status
