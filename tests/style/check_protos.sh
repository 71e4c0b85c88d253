#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The outward contract: passgate/v1 compiles with the imports it promises, has the options that stubs of other languages
# need, and is clean for `buf lint` where buf is installed (`make lint` installs it).  usage: check_protos.sh [ROOT]
set -eu

cd "${1:-$(dirname "$0")/../..}"
status=0
complain() { echo "$1"; status=1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
protoc -I protos --descriptor_set_out="$work/set" --include_imports protos/passgate/v1/*.proto || exit 1

for file in protos/passgate/v1/*.proto; do
    for option in go_package java_package java_multiple_files csharp_namespace; do
        grep -q "^option $option = " "$file" || complain "$file: no option $option"
    done
    grep -q '^syntax = "proto3";' "$file" || complain "$file: not proto3"
    grep -nE '^import ' "$file" | grep -vE '"(google/protobuf|passgate/v1)/[a-z_]+\.proto";' &&
        complain "$file: imports more than google/protobuf"
    # protobuf-c knows neither presence of scalars in proto3 nor Struct.
    grep -nE '^[[:space:]]*optional |google\.protobuf\.(Struct|Value|ListValue)' "$file" &&
        complain "$file: uses what protobuf-c does not have"
    # Zero is UNSPECIFIED in every enum, so that what was never set never grants.
    awk '/^enum / { name = $2; next_is_first = 1; next }
         next_is_first && /=/ { if ($1 !~ /_UNSPECIFIED$/ || $3 !~ /^0;/) { print FILENAME ":" FNR ": " name " does not begin with UNSPECIFIED = 0"; bad = 1 } next_is_first = 0 }
         END { exit bad }' "$file" || status=1
done
grep -rlE 'package passgate' protos --include=*.proto | xargs grep -lE '^import "(grpc|envoy)/' &&
    complain "a foreign proto is part of the contract"

buf=build/node/node_modules/.bin/buf
if [ -x $buf ]; then
    (cd protos && "../$buf" lint) || status=1
    # v1 only grows: against the last release, once there is one.
    tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)
    if [ -n "$tag" ]; then
        (cd protos && "../$buf" breaking --against "../.git#tag=$tag,subdir=protos") || status=1
    fi
elif command -v buf >/dev/null; then
    (cd protos && buf lint) || status=1
else
    echo "buf is not installed: 'buf lint' was left out"
fi
exit $status
