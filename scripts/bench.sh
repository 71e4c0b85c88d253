#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh [--quick]: builds the preset `release` and runs tests/bench/bench.py with it.
set -eu

cd "$(dirname "$0")/.."
cmake --preset release >/dev/null
cmake --build --preset release >build/release.log 2>&1 || { tail -n 40 build/release.log >&2; exit 1; }
exec /usr/bin/python3 tests/bench/bench.py build/release "$@"
