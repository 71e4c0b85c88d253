#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo.sh: builds passgated and passgate, then plays June 2026 on them (docs/demo.md).
set -eu

cd "$(dirname "$0")/.."
mkdir -p build
cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log >&2; exit 1; }
cmake --build --preset release --target passgated passgate
exec python3 -B scripts/demo
