#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test.sh: everything of the preset `test`, then what finds most under the sanitizers.  Ends with one line that counts.
#
# Whatever fails, warns (-Werror in all three presets), leaks or breaks the style makes the exit code 1; every run is
# made all the same, so that one look shows everything.  scripts/nightly.sh runs all of it under the sanitizers.
set -u

cd "$(dirname "$0")/.."
. scripts/runs.sh

run test -LE nightly
run asan -L 'unit|contract|integration|fault|fuzz-regression' -LE nightly
run tsan -L 'unit|contract|fault' -LE nightly
count_runs
