#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The header, the list of exports and the shared library name the same functions, and nothing else is exported.
#   test_exports.sh CLIENT_FOLDER LIBPASSGATE.SO
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The comment at the top of the header shows calls, which are no declarations: only unindented lines count.
grep -E '^[a-z]' "$1/include/passgate/client.h" | grep -oE '\bpassgate_[a-z_]+\(' | tr -d '(' | LC_ALL=C sort -u >"$folder/header"
LC_ALL=C sort "$1/src/exports.txt" >"$folder/list"
nm -D --defined-only "$2" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort >"$folder/library"
diff "$folder/header" "$folder/list"
diff "$folder/list" "$folder/library"
