#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_certificates.sh DIR: what a server may be given as its certificate, its key and its authorities; for two days.
set -eu
cd "$1"
umask 077

authority() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" \
        -subj "/CN=$1" -days 30 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign
}

leaf() { # NAME AUTHORITY EXTENSIONS [KEY]
    # shellcheck disable=SC2086 # several options
    openssl req -new -newkey ${4:-ec -pkeyopt ec_paramgen_curve:P-256} -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    printf '%s\n' "basicConstraints=CA:FALSE" "$3" | tr ';' '\n' >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.pem"
}

authority ca
authority other_ca
leaf server ca "extendedKeyUsage=serverAuth;subjectAltName=DNS:localhost"
leaf next ca "extendedKeyUsage=serverAuth,clientAuth;subjectAltName=URI:spiffe://corp/passgate"
leaf any_use ca "subjectAltName=IP:127.0.0.1"
leaf for_clients ca "extendedKeyUsage=clientAuth;subjectAltName=DNS:localhost"
leaf nameless ca "extendedKeyUsage=serverAuth"
leaf mail_only ca "extendedKeyUsage=serverAuth;subjectAltName=email:ops@corp.example"
leaf weak ca "extendedKeyUsage=serverAuth;subjectAltName=DNS:localhost" rsa:1024

cat server.pem ca.pem >chain.pem
head -c $(($(wc -c <chain.pem) - 100)) chain.pem >cut.pem
head -c 100 server.key >cut.key
openssl pkey -in server.key -aes256 -passout pass:secret -out locked.key
{ cat server.pem && printf '\000' && cat ca.pem; } >nul.pem
echo 'not a certificate' >text.pem
cp server.key open.key && chmod 644 open.key
: >empty.pem
cat server.pem other_ca.pem >bundle.pem # one that is no authority, one that is
