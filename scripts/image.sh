#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# image.sh: builds the images passgate:VERSION and passgate-secrets:VERSION with docker, podman or buildah, whichever is
# there and works.
#
# They begin with Debian 13 from a registry.  Where none can be reached, that base is made by debootstrap (only root can);
# it is kept in build/image and comes from the mirror that debootstrap takes by itself.  IMAGE_ENGINE names the engine,
# IMAGE_BASE another base, DEBIAN_MIRROR another mirror, DEBIAN_SECURITY_MIRROR the mirror of trixie-security, which is
# expected beside the former; empty is none.  What Debian has published until today comes in whatever is kept.
set -eu

cd "$(dirname "$0")/.."
version=$(sed -n 's/^project(passgate VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
base=${IMAGE_BASE:-docker.io/library/debian:trixie-slim}
# Other mirrors make another base.
mirrors=$(printf '%s\n' "${DEBIAN_MIRROR:-}" "${DEBIAN_SECURITY_MIRROR-beside}" | cksum | cut -d ' ' -f 1)
own_base=localhost/passgate-base:trixie-$mirrors
work=build/image
archive=$work/base-$mirrors.tar
mkdir -p "$work"
# Asks for no runtime beside buildah; what is built here is trusted anyhow.
export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"

is_working() { # ENGINE
    command -v "$1" >/dev/null 2>&1 || return 1
    case $1 in
    docker) docker info >/dev/null 2>&1 ;;
    *) "$1" images >/dev/null 2>&1 ;;
    esac
}

choose_engine() {
    for engine in ${IMAGE_ENGINE:-docker podman buildah}; do
        if is_working "$engine"; then
            echo "$engine"
            return
        fi
    done
    echo "${IMAGE_ENGINE:-docker, podman and buildah} do not work here, or are not there" >&2
    return 1
}

has_image() { # NAME
    case $engine in
    buildah) buildah inspect --type image "$1" >/dev/null 2>&1 ;;
    *) "$engine" image inspect "$1" >/dev/null 2>&1 ;;
    esac
}

# An image of one layer, from a tar archive.
import() { # ARCHIVE NAME
    case $engine in
    buildah)
        container=$(buildah from scratch)
        buildah add --quiet "$container" "$1" / >/dev/null
        buildah commit --quiet --rm "$container" "$2" >/dev/null
        ;;
    *) "$engine" import "$1" "$2" >/dev/null ;;
    esac
}

make_base() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "$base cannot be had from its registry, and only root can make it with debootstrap" >&2
        return 1
    fi
    echo "$base cannot be had from its registry: making it with debootstrap"
    scripts/install-packages.sh image-base
    if [ ! -f "$archive" ]; then
        rm -rf --one-file-system "$work/base"
        # shellcheck disable=SC2086 # no mirror: no argument
        debootstrap --variant=minbase trixie "$work/base" ${DEBIAN_MIRROR:-} >"$work/base.log" 2>&1 ||
            { tail -n 20 "$work/base.log" >&2; return 1; }
        # Of either format that debootstrap may have written.
        mirror=$(cat "$work"/base/etc/apt/sources.list "$work"/base/etc/apt/sources.list.d/*.sources 2>/dev/null |
            awk '$1 == "deb" || $1 == "URIs:" { print $2; exit }')
        security=${DEBIAN_SECURITY_MIRROR-${mirror%/}-security}
        if [ -n "$security" ]; then
            echo "deb $security trixie-security main" >"$work/base/etc/apt/sources.list.d/security.list"
        else
            echo "without the updates of trixie-security, as DEBIAN_SECURITY_MIRROR says" >&2
        fi
        rm -rf "$work/base/var/cache/apt/archives" "$work/base/var/lib/apt/lists"
        tar -C "$work/base" --one-file-system --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' \
            -cf "$archive.new" .
        mv "$archive.new" "$archive"
        rm -rf --one-file-system "$work/base"
    fi
    import "$archive" "$own_base"
}

build() { # NAME [ARGUMENT…]
    name=$1
    shift
    [ "$engine" = docker ] || set -- --format docker "$@" # the other format has no health check
    for variable in http_proxy https_proxy no_proxy; do
        eval "value=\${$variable:-}"
        [ -z "$value" ] || set -- --build-arg "$variable=$value" "$@"
    done
    echo "Building $name"
    "$engine" build --build-arg "BASE=$base" --build-arg "TODAY=$(date -u +%F)" -f deploy/Dockerfile -t "$name" "$@" . >"$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log" >&2
        echo "the build failed; all of it is in $work/build.log" >&2
        return 1
    }
}

size_of() { # NAME
    case $engine in
    buildah) buildah images --format '{{.Size}}' "$1" ;;
    *) echo "$("$engine" image inspect --format '{{.Size}}' "$1" | awk '{ printf "%.1f", $1 / 1e6 }') MB" ;;
    esac
}

engine=$(choose_engine) || {
    [ -z "${IMAGE_ENGINE:-}" ] || exit 1
    scripts/install-packages.sh image
    engine=$(choose_engine)
}
if ! has_image "$base" && ! "$engine" pull "$base" >/dev/null 2>&1; then
    has_image "$own_base" || make_base
    base=$own_base
fi
build "passgate:$version"
build "passgate-secrets:$version" --target secrets

echo "passgate:$version is $(size_of "passgate:$version").  To start it on this machine:"
echo
if [ "$engine" = buildah ]; then
    echo "    buildah push passgate:$version docker-daemon:passgate:$version"
    engine=docker
fi
cat <<END
    $engine run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --network host \\
        -v passgate-data:/var/lib/passgate passgate:$version

docs/image.md goes on from there; deploy/compose has two replicas and Redis, deploy/kubernetes a cluster.
END
