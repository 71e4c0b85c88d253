#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_certificates.sh FOLDER NAME=SAN…: an authority, a server certificate for localhost, and one client certificate per
# NAME (without SAN when it is empty), for one day.  Nobody should let in: `stranger`, signed by an authority that nobody
# knows; `expired`; `server_only`, which is no client's.
set -eu
cd "$1"
shift

authority() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" \
        -subj "/CN=$1" -days 1 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign
}

leaf() { # NAME AUTHORITY USAGE SAN [DAYS]
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=%s\n%s\n' "$3" "${4:+subjectAltName=$4}" >"$1.ext"
    life="-days ${5:-1}"
    if [ "${5:-1}" -lt 0 ] && openssl x509 -help 2>&1 | grep -q -e -not_before; then # from 3.4 on, which refuses negative days
        life="-not_before 20200101000000Z -not_after 20200102000000Z"
    fi
    # shellcheck disable=SC2086 # an option and its value
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial $life -extfile "$1.ext" -out "$1.pem"
}

authority ca
authority unknown_ca
leaf server ca serverAuth DNS:localhost
for client in "$@"; do
    leaf "${client%%=*}" ca clientAuth "${client#*=}"
done
leaf stranger unknown_ca clientAuth "URI:spiffe://lab.example/gateway"
leaf expired ca clientAuth "URI:spiffe://lab.example/gateway" -1
leaf server_only ca serverAuth "URI:spiffe://lab.example/gateway"
