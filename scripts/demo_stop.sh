#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stops the passgated that the demo has left running.
set -eu
exec python3 -B "$(dirname "$0")/demo" stop
