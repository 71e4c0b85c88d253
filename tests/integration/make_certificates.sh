#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_certificates.sh FOLDER NAME=SAN…: an authority, a server certificate for localhost, and one client certificate per
# NAME, for one day.  `stranger` is signed by an authority that nobody knows.
set -eu
cd "$1"
shift

authority() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" \
        -subj "/CN=$1" -days 1 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign
}

leaf() { # NAME AUTHORITY USAGE SAN
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=%s\nsubjectAltName=%s\n' "$3" "$4" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 1 -extfile "$1.ext" -out "$1.pem"
}

authority ca
authority unknown_ca
leaf server ca serverAuth DNS:localhost
for client in "$@"; do
    leaf "${client%%=*}" ca clientAuth "${client#*=}"
done
leaf stranger unknown_ca clientAuth "URI:spiffe://lab.example/gateway"
