#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every file of code says its licence within its first two lines, every C file goes on with one sentence about what it
# is.  usage: check_spdx.sh [ROOT]
set -eu

cd "${1:-$(dirname "$0")/../..}"
status=0
for file in $(find . -path ./build -prune -o -path ./.git -prune -o -type f \
    \( -name '*.[ch]' -o -name '*.py' -o -name '*.sh' -o -name '*.js' -o -name '*.awk' -o -name '*.cmake' \
       -o -name CMakeLists.txt -o -name Makefile -o -name '*.proto' -o -path './.ci/run' \) -print | sort); do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2\.0' || { echo "$file: no SPDX line"; status=1; }
    case $file in
    *.[ch])
        if [ "$(sed -n '2s|^\(/\*\).*|\1|p' "$file")" != "/*" ]; then
            echo "$file:2: a sentence about what this file is belongs here"
            status=1
        fi
        ;;
    esac
done
exit $status
