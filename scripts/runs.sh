# SPDX-License-Identifier: Apache-2.0
# Runs of ctest, for test.sh and nightly.sh: `run PRESET CTEST-ARGUMENT…` as often as needed, `count_runs` at the end.

jobs=$(nproc)
results=
has_warned=

# A preset that cannot be built, or that selects no test, counts as a failure: its results are missing.
run() { # PRESET CTEST-ARGUMENT…
    preset=$1
    shift
    log=build/$preset.log
    mkdir -p build
    rm -f "build/$preset/results.xml"
    results="$results build/$preset/results.xml"
    echo "== $preset"
    if ! { cmake --preset "$preset" && cmake --build --preset "$preset"; } >"$log" 2>&1; then
        grep -E -A 4 'error:|warning:|CMake Error|FAILED:' "$log" | cut -c 1-300 | head -n 100
        return
    fi
    if grep -iE 'warning:|CMake Warning' "$log"; then # what -Werror does not reach: CMake's and the linker's
        has_warned="$has_warned $preset"
    fi
    ctest --preset "$preset" "$@" -j "$jobs" --no-tests=error --output-junit results.xml \
        --test-output-size-passed 1000000 --progress
}

# The exit code says whether all of it is well.
count_runs() {
    [ -z "$has_warned" ] || echo "the build warned:$has_warned"
    # shellcheck disable=SC2086 # a list of files
    /usr/bin/python3 scripts/count_results.py $results && [ -z "$has_warned" ]
}
