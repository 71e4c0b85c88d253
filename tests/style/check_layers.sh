#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Folders are the architecture: which folder may include which, and who may include what is not ours.
# usage: check_layers.sh [ROOT]
set -eu

root=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$root"

# Folder: the folders, or single headers, that its files may include besides their own.  `domain` is everything below
# it.  Arrows point down only; folders of one layer never include one another.  A folder without a row fails.
layers='
services/base:
services/domain/country:     base
services/domain/field:       base
services/domain/document:    base domain/country
services/domain/facts:       base domain/country
services/domain/directive:   base domain/country domain/facts
services/domain/claim:       base domain/country domain/facts domain/directive/truth.h domain/directive/test.h
services/domain/audit:       base
services/domain/revocation:  base
services/config:             base domain
services/storage:            base domain
services/keys:               base domain
services/telemetry:          base domain
services/rpc:                base
services/http:               base
services/interceptors:       base domain rpc http storage keys telemetry
services/verification:       base domain rpc http storage keys telemetry interceptors
services/entitlement:        base domain rpc http storage keys telemetry interceptors
services/claim:              base domain rpc http storage keys telemetry interceptors
services/directive:          base domain rpc http storage keys telemetry interceptors
services/audit:              base domain rpc http storage keys telemetry interceptors
services/admin:              base domain rpc http storage keys telemetry interceptors
services/health:             base domain rpc http storage keys telemetry interceptors
services/reflection:         base domain rpc http storage keys telemetry interceptors
services/web:                base domain rpc http storage keys telemetry interceptors
services/server:             base domain rpc http storage keys telemetry interceptors config
services/server:             verification entitlement claim directive audit admin health reflection web
client/include:
client/src:                  base domain keys client/include
client/cli:                  base domain keys client/include client/src
client/examples:             client/include
'

# Header or folder of headers: the folders and files that may include it.  All else in <> must be the C library
# (`system`), and of that the domain may only have what does no I/O.
parts='
grpc/                 services/rpc client/src
protobuf-c/           services/rpc services/storage services/reflection client/src client/cli
jwt.h                 services/keys
openssl/              services/keys services/base/secret.c services/base/digest.c services/storage/redis_tls.c
sqlite3.h             services/storage
hiredis/              services/storage
uv.h                  services/storage
microhttpd.h          services/http
curl/                 services/http
zlib.h                services/domain/revocation
jansson.h             services/base services/config client/src client/cli
yaml.h                services/base
passgate/client.h     client
google/               services/rpc services/storage services/reflection client/src client/cli
grpc/health/v1/       services/health client/src client/cli
grpc/reflection/      services/reflection
passgate/v1/          services/verification services/entitlement services/claim services/directive services/audit
passgate/v1/          services/admin services/server client/src client/cli
passgate/storage/v1/  services/storage
'

system='assert.h ctype.h errno.h inttypes.h limits.h math.h setjmp.h signal.h stdalign.h stdarg.h stdatomic.h stdbool.h
stddef.h stdint.h stdio.h stdlib.h stdnoreturn.h string.h strings.h time.h threads.h locale.h
dirent.h endian.h fcntl.h fnmatch.h getopt.h glob.h ifaddrs.h libgen.h malloc.h netdb.h poll.h pthread.h sched.h spawn.h
sysexits.h syslog.h termios.h ucontext.h unistd.h execinfo.h arpa/ linux/ net/ netinet/ sys/'

# What decides has no I/O, no threads and no clock; compiled sets are counted (stdatomic.h) by those who share them.
pure='assert.h ctype.h endian.h inttypes.h limits.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
stdnoreturn.h string.h strings.h'

find services client -name '*.[ch]' | sort |
    xargs awk -v layers="$layers" -v parts="$parts" -v system_list="$system" -v pure_list="$pure" '
    function starts(text, prefix) { return substr(text, 1, length(prefix)) == prefix }
    # Whether `name` is `entry` or lies below it.
    function is_in(name, entry) { return name == entry || starts(name, entry "/") || (entry ~ /\/$/ && starts(name, entry)) }
    function in_list(name, list,    words, count, i) {
        count = split(list, words, /[ \n]+/)
        for (i = 1; i <= count; i++)
            if (words[i] != "" && is_in(name, words[i]))
                return 1
        return 0
    }
    function complain(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad++ }
    function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
    # The row for a folder: the longest that holds it.
    function row_of(folder,    row, best) {
        best = ""
        for (row in allowed)
            if (is_in(folder, row) && length(row) > length(best))
                best = row
        return best
    }
    function check_part(header, best,    part) {
        best = ""
        for (part in owners)
            if (is_in(header, part) && length(part) > length(best))
                best = part
        if (best == "")
            return 0
        used[best] = 1
        if (!in_list(FILENAME, owners[best]))
            complain("may not include " header ", which belongs to:" owners[best])
        return 1
    }
    function check_angle(header) {
        if (check_part(header))
            return
        if (!in_list(header, system_list))
            complain("<" header "> is in no table of tests/style/check_layers.sh")
        else if (starts(FILENAME, "services/domain/") && !in_list(header, pure_list))
            complain("the domain does no I/O and has no clock, but includes <" header ">")
    }
    function check_quoted(header,    here, target) {
        here = row_of(folder_of(FILENAME))
        if (here == "") {
            complain("its folder has no row in tests/style/check_layers.sh")
            return
        }
        if (header !~ /\//) {           # made by the build (an embedded file), in the same folder
            if (system("test -e " folder_of(FILENAME) "/" header) == 0)
                complain("include lines are written from services/: \"" header "\"")
            return
        }
        if (header ~ /\.pb-c\.h$/) {
            if (!check_part(header))
                complain("\"" header "\" is in no table of tests/style/check_layers.sh")
            return
        }
        target = starts(header, "client/") ? header : (header ~ /^passgate\// ? "client/include/" header : header)
        if (is_in("services/" header, here) || is_in(target, here) || in_list(target, allowed[here]))
            return
        complain(here " may not include \"" header "\" (it may:" allowed[here] ")")
    }
    BEGIN {
        count = split(layers, lines, "\n")
        for (i = 1; i <= count; i++)
            if (lines[i] != "") {
                folder = lines[i]; sub(/:.*/, "", folder)
                rest = lines[i]; sub(/^[^:]*:/, "", rest); gsub(/ +/, " ", rest)
                allowed[folder] = allowed[folder] rest
            }
        count = split(parts, lines, "\n")
        for (i = 1; i <= count; i++)
            if (lines[i] != "") {
                part = lines[i]; sub(/ .*/, "", part)
                rest = lines[i]; sub(/^[^ ]+/, "", rest); gsub(/ +/, " ", rest)
                owners[part] = owners[part] rest
            }
    }
    /^[ \t]*#[ \t]*include[ \t]*</ { header = $0; sub(/^[^<]*</, "", header); sub(/>.*/, "", header); check_angle(header); seen++ }
    /^[ \t]*#[ \t]*include[ \t]*"/ { header = $0; sub(/^[^"]*"/, "", header); sub(/".*/, "", header); check_quoted(header); seen++ }
    END {
        if (!seen) { print "no include lines found: looked in the wrong place?"; exit 1 }
        exit bad ? 1 : 0
    }'
