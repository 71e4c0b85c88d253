#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_secrets.sh FOLDER [DNS_NAME…]: makes what a first deployment needs and must not be in a repository.  What is there
# already stays; to have something made again, remove it and all that was made with it, which this names otherwise.
#
#   FOLDER/authority/ the key of the authority that signs all certificates; no program needs it
#   FOLDER/tls/       ca.crt, and the server's tls.crt and tls.key, for localhost, `passgate` and the names that are given
#   FOLDER/clients/   NAME.crt NAME.key for gateway, verifier, hr and operator
#   FOLDER/keys/      the key that claims are signed with
#   FOLDER/store/     hash.key, and the password of Redis
#   FOLDER/redis/     users.acl, which knows the password's SHA-256, and the password for the health check
#
# In production certificates come from an authority of yours.  As root the files are given to the users of the two
# images; everybody else keeps them.
set -eu

[ $# -ge 1 ] || { echo "usage: $0 FOLDER [DNS_NAME…]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
realm=spiffe://passgate.example
days=365
passgate_user=65532
redis_user=999

mkdir -p "$1"
cd "$1"
shift
umask 077

new_key() { # FILE
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

# What would not fit a new FILE is not left beside one, and is not ours to remove.
together() { # FILE MADE_WITH_IT…
    [ ! -e "$1" ] || return 0
    file=$1
    shift
    left=
    for made in "$@"; do
        [ ! -e "$made" ] || left="$left $made"
    done
    [ -z "$left" ] || { echo "$0: $file is gone, and what was made with it is there: remove$left, or put it back" >&2; exit 1; }
}

make_authority() {
    new_key authority/ca.key
    openssl req -x509 -key authority/ca.key -out tls/ca.crt -subj '/CN=passgate' -days "$days" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
}

make_certificate() { # STEM USAGE SUBJECT_ALT_NAMES
    [ -e authority/ca.key ] || { echo "$0: authority/ca.key is gone: no $1.crt can be signed for tls/ca.crt" >&2; exit 1; }
    new_key "$1.key"
    cat >"$1.ext" <<END
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=$2
subjectAltName=$3
END
    openssl req -new -key "$1.key" -subj "/CN=${1##*/}" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA tls/ca.crt -CAkey authority/ca.key -CAserial authority/ca.srl -CAcreateserial \
        -days "$days" -extfile "$1.ext" -out "$1.crt" 2>/dev/null
    rm "$1.csr" "$1.ext"
}

mkdir -p authority tls clients keys store redis
together tls/ca.crt tls/tls.crt clients/*.crt
together tls/tls.key tls/tls.crt
for client in gateway verifier hr operator; do
    together "clients/$client.key" "clients/$client.crt"
done
together store/password redis/users.acl
[ -e tls/ca.crt ] || make_authority
if [ ! -e tls/tls.crt ]; then
    names=DNS:localhost,DNS:passgate,IP:127.0.0.1
    for name in "$@"; do
        names=$names,DNS:$name
    done
    # A client as well: the readiness probe calls the server with the server's own certificate.
    make_certificate tls/tls serverAuth,clientAuth "$names"
fi
for client in gateway verifier hr operator; do
    [ -e "clients/$client.crt" ] || make_certificate "clients/$client" clientAuth "URI:$realm/$client"
done
[ -e clients/ca.crt ] || cp tls/ca.crt clients/ca.crt
# The name is the second from which it signs (docs/claims.md).
set -- keys/*.pem
[ -e "$1" ] || new_key "keys/$(date -u +%Y-%m-%dT%H-%M-%SZ).pem"
[ -e store/hash.key ] || openssl rand -hex 16 >store/hash.key
[ -e store/password ] || openssl rand -hex 32 | tr -d '\n' >store/password
[ -e redis/password ] || cp store/password redis/password
if [ ! -e redis/users.acl ]; then
    cp store/password redis/password
    digest=$(openssl dgst -sha256 -r <store/password | cut -c 1-64)
    sed "s/^user passgate reset off resetpass/user passgate reset on #$digest/" "$here/redis/users.acl" >redis/users.acl
fi

chmod 0755 .
if [ "$(id -u)" -eq 0 ]; then
    chown -R "$passgate_user:$passgate_user" clients keys store tls
    chown -R "$redis_user:$redis_user" redis
fi
