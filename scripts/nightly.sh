#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nightly.sh: what `make test` runs, all of it under the sanitizers, and what takes long: foreign clients, rolling
# restarts, fuzzing, lint, Debian 13.  Ends with one line that counts.
set -u

cd "$(dirname "$0")/.."
. scripts/runs.sh
failed=

step() { # WHAT COMMAND…
    what=$1
    shift
    echo "== $what"
    "$@" || failed="$failed, $what"
}

run test
run asan -LE style
run tsan -LE style
step lint scripts/lint.sh
step fuzzing scripts/fuzz.sh "${FUZZ_SECONDS:-60}"
if [ "$(id -u)" -eq 0 ]; then
    step 'Debian 13' scripts/debian13.sh
    results="$results build/debian13-results.xml"
else
    echo "== Debian 13: skipped, only root can change its root (scripts/debian13.sh)"
fi
[ -z "$failed" ] || echo "failed: ${failed#, }"
count_runs && [ -z "$failed" ]
