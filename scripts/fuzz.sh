#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh [SECONDS]: builds the libFuzzer targets and runs each for that long (60) from its corpus.
#
# What it finds is written to tests/fuzz/regressions/NOUN/: fix it, and commit the file with the fix.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
seconds=${1:-60}
build=$root/build/fuzz
failed=

cd "$root"
mkdir -p build
{ cmake --preset fuzz && cmake --build --preset fuzz --target fuzz_targets; } >build/fuzz.log 2>&1 || { tail -n 40 build/fuzz.log >&2; exit 1; }
for target in "$build"/tests/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    noun=${target##*/fuzz_}
    learnt=$build/corpus/$noun
    found=$root/tests/fuzz/regressions/$noun
    mkdir -p "$learnt" "$found"
    echo "fuzz_$noun, $seconds s"
    # Our own folder of the corpus comes second: libFuzzer writes what is new into the first one.
    "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="$found/" "$learnt" "$root/tests/fuzz/corpus/$noun" "$found" >"$build/$noun.log" 2>&1 || {
        tail -n 40 "$build/$noun.log" >&2
        failed="$failed $noun"
    }
    rmdir "$found" 2>/dev/null || true
done
rmdir "$root/tests/fuzz/regressions" 2>/dev/null || true
if [ -n "$failed" ]; then
    echo "fuzzing failed:$failed" >&2
    exit 1
fi
