#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh [SECONDS]: builds the libFuzzer targets and runs each for that long (60) from its corpus.
#
# What it finds is written to tests/fuzz/regressions/NOUN/: fix it, and commit the file with the fix.  A line for each
# says what was done: executions, executions a second, and coverage, in edges of the code that the target is linked of.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
seconds=${1:-60}
build=$root/build/fuzz
failed=

# Of libFuzzer's own log.
report() { # NOUN
    sed -n 's/^INFO: Loaded [0-9]* modules *(\([0-9]*\) .*/edges \1/p
            s/^stat::number_of_executed_units: *\([0-9]*\)/executions \1/p
            s/^stat::average_exec_per_sec: *\([0-9]*\)/speed \1/p
            s/^#[0-9]*\tDONE *cov: \([0-9]*\) ft: \([0-9]*\) .*/reached \1 \2/p' "$build/$1.log" |
        awk -v noun="$1" '{ of[$1] = $2; features = $1 == "reached" ? $3 : features }
            END { printf "fuzz_%-16s %10d executions %8d/s   %5d of %6d edges   %6d features\n", noun, of["executions"],
                  of["speed"], of["reached"], of["edges"], features }'
}

cd "$root"
mkdir -p build
{ cmake --preset fuzz && cmake --build --preset fuzz --target fuzz_targets; } >build/fuzz.log 2>&1 || { tail -n 40 build/fuzz.log >&2; exit 1; }
for target in "$build"/tests/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    noun=${target##*/fuzz_}
    learnt=$build/corpus/$noun
    found=$root/tests/fuzz/regressions/$noun
    mkdir -p "$learnt" "$found"
    # Our own folder of the corpus comes second: libFuzzer writes what is new into the first one.
    if "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$found/" "$learnt" "$root/tests/fuzz/corpus/$noun" "$found" >"$build/$noun.log" 2>&1; then
        report "$noun"
    else
        tail -n 40 "$build/$noun.log" >&2
        failed="$failed $noun"
    fi
    rmdir "$found" 2>/dev/null || true
done
rmdir "$root/tests/fuzz/regressions" 2>/dev/null || true
if [ -n "$failed" ]; then
    echo "fuzzing failed:$failed" >&2
    exit 1
fi
