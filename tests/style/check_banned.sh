#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions that are not called here: those that cannot know how long their output may be, that hide errors or share
# static memory; and, outside base/memory.c, the heap itself.  usage: check_banned.sh [ROOT]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"

everywhere='strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|gmtime|localtime'
product='strncpy|strncat|stpcpy|atof|asctime|ctime|alloca|rand|srand|system|popen|tmpnam|mktemp'
heap='malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf'

# Who touches the heap directly, and why.
heap_allowed='
services/base/memory.c        is the wrapper
client/examples/check.c       links only the library
client/cli/batch_command.c    frees what jansson made
client/cli/submit_command.c   frees what jansson made
client/src/json_message.c     frees what jansson made
client/src/result.c           frees what jansson made
client/cli/main.c             prints text of any length
client/cli/output.c           prints text of any length
'

# FILE:LINE: TEXT for calls of the functions in PATTERN; a member of that name (->free, .free) is none of them.
calls_of() { # PATTERN FOLDER…
    pattern=$1
    shift
    find "$@" -name '*.[ch]' | sort | xargs awk -v with_place=1 -f "$here/strip_comments.awk" |
        grep -E "^[^ ]+ (|.*[^A-Za-z0-9_.>])($pattern)[[:space:]]*\(" || true
}

not_allowed() {
    grep -vE "^($(echo "$heap_allowed" | awk 'NF { printf "%s%s", separator, $1; separator = "|" }')):" || true
}

found=$(calls_of "$everywhere" services client tests
    calls_of "$product" services client
    calls_of "$heap" services client | not_allowed)
if [ -n "$found" ]; then
    echo "$found"
    echo "tests/style/check_banned.sh says why these are not called here" >&2
    exit 1
fi
