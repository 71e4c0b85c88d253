#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_certificates.sh DIR: two authorities, a server, and clients of every kind, for one day.
set -eu
cd "$1"

authority() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" \
        -subj "/CN=$1" -days 1 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign
}

leaf() { # NAME AUTHORITY DAYS USAGE SAN
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=%s\n%s\n' "$4" "${5:+subjectAltName=$5}" >"$1.ext"
    life="-days $3"
    if [ "$3" -lt 0 ] && openssl x509 -help 2>&1 | grep -q -e -not_before; then # from 3.4 on, which refuses negative days
        life="-not_before 20200101000000Z -not_after 20200102000000Z"
    fi
    # shellcheck disable=SC2086 # an option and its value
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial $life -extfile "$1.ext" -out "$1.pem"
}

authority ca
authority stranger
leaf server ca 1 serverAuth DNS:localhost
leaf other_server stranger 1 serverAuth DNS:localhost
leaf spiffe ca 1 clientAuth "URI:spiffe://corp/ns/shop/sa/checkout,DNS:checkout.shop,DNS:spiffe://corp/ns/evil/sa/root"
leaf two_uris ca 1 clientAuth "URI:spiffe://corp/ns/a/sa/a,URI:spiffe://corp/ns/b/sa/b"
leaf other_uri ca 1 clientAuth "URI:https://corp/a"
leaf dns ca 1 clientAuth "DNS:checkout.shop,DNS:checkout"
leaf bare ca 1 clientAuth ""
leaf foreign stranger 1 clientAuth "URI:spiffe://corp/ns/shop/sa/checkout"
leaf server_only ca 1 serverAuth "URI:spiffe://corp/ns/shop/sa/checkout"
leaf expired ca -1 clientAuth "URI:spiffe://corp/ns/shop/sa/checkout"
