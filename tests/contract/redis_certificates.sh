#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# redis_certificates.sh FOLDER: authorities, certificates of a Redis of every kind, and of its clients.  Needs OpenSSL 3.4.
set -eu
cd "$1"

authority() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" \
        -subj "/CN=$1" -days 1 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign
}

leaf() { # NAME AUTHORITY USAGE SAN [OPTION…]
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=localhost"
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=%s\n' "$3" >"$1.ext"
    [ -z "$4" ] || echo "subjectAltName=$4" >>"$1.ext"
    name=$1 authority=$2
    shift 4
    [ $# -gt 0 ] || set -- -days 1
    openssl x509 -req -in "$name.csr" -CA "$authority.pem" -CAkey "$authority.key" -CAcreateserial -extfile "$name.ext" \
        -out "$name.pem" "$@"
}

here=IP:127.0.0.1,DNS:localhost
authority ca
authority unknown_ca
leaf server ca serverAuth "$here"
leaf foreign unknown_ca serverAuth "$here"
leaf expired ca serverAuth "$here" -not_before 20250101000000Z -not_after 20250102000000Z
leaf early ca serverAuth "$here" -not_before 29990101000000Z -not_after 29990102000000Z
leaf other ca serverAuth IP:127.0.0.2,DNS:other.example
leaf named ca serverAuth DNS:localhost,DNS:127.0.0.1
leaf subject_only ca serverAuth ""
leaf for_clients ca clientAuth "$here"
leaf client ca clientAuth DNS:passgate
leaf stranger unknown_ca clientAuth DNS:passgate
openssl pkey -in client.key -aes256 -passout pass:secret -out sealed.key
: >empty.pem
