#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line against the fake server: exit codes, and what stands on standard output and standard error.
#   test_cli.sh PASSGATE
set -eu
passgate=$1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
mkfifo "$folder/input" "$folder/output"

# An authority, and certificates of it for the server and for a caller.
issue() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>openssl.log
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -days 2 -extfile names -out "$1.pem" 2>>openssl.log
}
cd "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=ca -days 2 -keyout ca.key -out ca.pem 2>openssl.log
echo 'subjectAltName=DNS:passgate.test' >names
issue server
issue caller
/usr/bin/python3 "$here/../../integration/fake_passgate.py" "unix:$folder/socket" "unix:$folder/secure:tls" \
    <"$folder/input" >"$folder/output" &
server=$!
exec 3>"$folder/input"
trap 'exec 3>&-; wait $server; rm -rf "$folder"' EXIT
read -r ready <"$folder/output" && [ "$ready" = READY ]
export PASSGATE_SERVER="unix:$folder/socket"
failures=0

# expect STATUS PATTERN ARGUMENT…: exit code, and an extended regular expression that the output must hold.
expect() {
    status=$1 pattern=$2
    shift 2
    code=0
    "$passgate" "$@" >"$folder/text" 2>&1 </dev/null || code=$?
    if [ "$code" != "$status" ] || ! grep -Eq -- "$pattern" "$folder/text"; then
        echo "passgate $*: exit $code, wanted $status and /$pattern/:"
        cat "$folder/text"
        failures=$((failures + 1))
    fi
}

cat >"$folder/submit.json" <<'END'
[
  {"subject": "alice", "evidence": {"evidenceClass": "EVIDENCE_CLASS_PASSPORT"}},
  {"subject": "utopia",
   "evidence": {"document": {"nationality": "UTO"}}}
]
END
printf '{"subject": "alice"}\n' >"$folder/one.json"
printf '[\n {"subjet": "alice"},\n {"evidence": {"result": "GOOD"}}\n]\n' >"$folder/wrong.json"
printf '{"a": [1,}\n' >"$folder/syntax.json"
cat >"$folder/batch.json" <<'END'
[{"subject": "alice", "resource": {"type": "model", "id": "m"}, "action": "use"},
 {"subject": "bob", "resource": {"type": "model", "id": "m"}, "action": "use"}]
END
printf '{"checks": [{"subject": "alice"}]}\n' >"$folder/allowed.json"
printf '[{"subject": "gone"}]\n' >"$folder/gone.json"
printf 'directive: x\nlanguage: 1\n' >"$folder/directive.yaml"

expect 0 'alice may use model/m\.' check alice model/m use --timeout 5s
expect 1 'bob may not use model/m: verification is missing' check bob model/m use --timeout 5s
expect 1 'Next: verify identity and US status \(accept: any\)' check bob model/m use --timeout 5s
expect 1 '^future may not' check future model/m use --timeout 5s
expect 2 'no answer within 100 ms \(DEADLINE\)' check slow model/m use --timeout 100ms
expect 2 'FIELD_CHARACTERS' check broken model/m use --timeout 5s
expect 2 '"reason": "STORE_UNAVAILABLE"' check gone model/m use --timeout 5s -o json
expect 1 '"decision": "DECISION_DENY"' check bob model/m use --timeout 5s -o json
expect 2 'TYPE/ID' check alice model use
expect 2 'such as 200ms' check alice model/m use --timeout 5
expect 2 'KEY=VALUE' check alice model/m use --context location
expect 2 'check takes SUBJECT RESOURCE ACTION' check alice model/m
expect 2 'check does not take --audience' check alice model/m use --audience x
expect 0 'at 1781299260' explain alice model/m use --at 2026-06-12T17:21:00-04:00
expect 2 'with its offset' explain alice model/m use --at 2026-06-12
expect 0 'model/opus-4' list alice use
expect 0 '"id": "opus-4"' list alice use -o json
expect 1 'submit.json:4:30: utopia: refused: evidence.document.nationality: a country code stands for no country .UNKNOWN_COUNTRY_CODE' submit "$folder/submit.json"
expect 1 '1 of 2 accepted' submit "$folder/submit.json"
expect 0 'would be accepted' submit --dry-run "$folder/one.json"
expect 0 '"evidenceId": "e1"' submit -o json "$folder/one.json"
expect 2 'wrong.json:2:3: error: \[0\].subjet: no such field in SubmitVerificationRequest; did you mean subject' submit "$folder/wrong.json"
expect 2 'wrong.json:3:16: error: \[1\].evidence.result' submit "$folder/wrong.json"
expect 2 'syntax.json:1:10: error' submit "$folder/syntax.json"
expect 2 'cannot open' submit "$folder/nowhere.json"
expect 1 'bob may not use' batch "$folder/batch.json"
expect 0 'DECISION_ALLOW' batch "$folder/allowed.json" -o json
expect 2 'no decision: no facts \(STORE_UNAVAILABLE\)' batch "$folder/gone.json"
expect 0 '^eyJ' claim issue alice --audience x
expect 2 'name it with --audience' claim issue alice
expect 2 'one of predicates' claim issue alice --audience x --disclosure all
expect 0 'NOT VERIFIED' claim inspect "$("$passgate" claim issue alice --audience x)"
expect 0 '"verified": false' claim inspect -o json "$("$passgate" claim issue alice --audience x)"
expect 2 'three parts' claim inspect a.b
expect 2 'not JSON' claim inspect a.b.c
expect 2 "the server's keys" claim verify "$("$passgate" claim issue alice --audience x)"
expect 0 'citizen of USA' subject show alice
expect 0 'revision r1' subject affiliate alice org/a --as employee --complete
expect 2 'no affiliation' subject affiliate alice org/a
expect 0 'revision r2' subject principals service/x alice bob
expect 0 'revoked before' subject revoke alice --evidence old --reason test
expect 2 '--vendor and --check-id' subject revoke alice --evidence e --vendor v --check-id c --reason test
expect 2 'directive.yaml:1:1: error' directive lint "$folder/directive.yaml"
expect 2 'directive.yaml:1:1: error' directive lint "$folder/nowhere.yaml" "$folder/directive.yaml"
expect 2 'nowhere.yaml: error: cannot open' directive lint "$folder/nowhere.yaml" "$folder/directive.yaml"
expect 2 'no .yaml' directive lint "$here"
expect 0 'checker' whoami
expect 0 '^SERVING' health
expect 2 '^NOT_SERVING' health down
expect 2 'is passgated running' health --server unix:/nonexistent/socket
expect 2 'needs TLS' health --server example.com:50051
secure="--server unix:$folder/secure --ca ca.pem --server-name passgate.test"
# shellcheck disable=SC2086 # a list of words
{
    expect 0 'alice may use' check alice model/m use --timeout 5s $secure --cert caller.pem --key caller.key
    expect 2 'UNAVAILABLE' check alice model/m use --timeout 5s $secure
    expect 2 'UNAVAILABLE' check alice model/m use --timeout 5s $secure --server-name other.test --cert caller.pem --key caller.key
    expect 2 'UNAVAILABLE' check alice model/m use --timeout 5s --server "unix:$folder/secure"
    expect 2 'given together' check alice model/m use --timeout 5s $secure --cert caller.pem
    expect 2 'names: no PEM with -----BEGIN CERTIFICATE' check alice model/m use --timeout 5s $secure --cert names --key names
}
expect 0 'https://fake' server info
expect 0 'ES256' keys list
list="audit list --caller local --resource model/m"
# shellcheck disable=SC2086 # a list of words
{
    expect 0 '00000000000000a1-1  decision  deny  local  model/m use  NOT_PERMITTED  x' $list
    expect 0 '"id":"00000000000000a1-1".*"directive":2.*"ids":\["x"\]' $list -o json
}
expect 2 'FIELD_REQUIRED' audit list --caller local
expect 2 'TYPE/ID' audit list --resource model
expect 2 'found by --subject-hash' audit list "$folder" --subject alice
printf '%s\n' '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}' >"$folder/jwks.json"
expect 2 'no key of a kind that is known .JWKS.' audit head
expect 1 'NOT PROVED: ' audit head --jwks "$folder/jwks.json"
expect 1 '"verified": false' audit head --jwks "$folder/jwks.json" -o json
expect 2 'has no tree head' audit head --from /dev/null
expect 2 'METHOD_UNKNOWN|UNIMPLEMENTED' audit prove 00000000000000a1-1
expect 2 'audit prove takes ID .DIR.' audit prove
expect 2 'for a folder' audit prove 00000000000000a1-1 --head /dev/null
expect 0 '^passgate [0-9]' version
expect 0 '^passgate [0-9]' --version
expect 0 '"version"' version -o json
expect 0 'complete -F _passgate passgate' completion bash
expect 2 'did you mean check' chek
expect 2 'did you mean claim issue' claim isue
expect 0 'claim inspect' claim
expect 0 'SYNOPSIS' help check
expect 0 'COMMANDS'
[ "$failures" = 0 ]
