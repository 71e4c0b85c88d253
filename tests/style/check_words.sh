#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No text names one machine: no home or work folders, no temporary folders of somebody's, no hosts of registries, and
# the vectors beside the repository only in tests, which do without them.  usage: check_words.sh [ROOT]
set -eu

cd "${1:-$(dirname "$0")/../..}"
status=0

# Lines that match PATTERN in text files, but for those below the folders that are named.
refuse() { # WHY PATTERN [EXCEPT…]
    why=$1
    pattern=$2
    shift 2
    found=$(grep -rnIE --exclude-dir=.git --exclude-dir=build --exclude-dir=node_modules --exclude-dir=passgate-data \
        --exclude=check_words.sh -e "$pattern" . | sed 's|^\./||' || true)
    for except in "$@"; do
        found=$(printf '%s\n' "$found" | grep -v "^$except" || true)
    done
    if [ -n "$found" ]; then
        printf '%s\n' "$found"
        echo "  ^ $why"
        status=1
    fi
}

refuse 'a path of one machine' '(^|[^A-Za-z0-9_.])/(home/[a-z]|root/|work/|Users/)'
refuse 'the host of a registry or a mirror' '(registry\.(npmjs|yarnpkg)|deb\.debian|(ftp|security)\.debian|pypi\.(org|python)|proxy\.golang|repo1?\.maven|crates\.io|archive\.ubuntu)'
refuse 'only tests may look beside the repository' '\.\./shared' tests/
refuse 'not finished' '(TODO|FIXME|XXX:|HACK:)'
exit $status
