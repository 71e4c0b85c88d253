# SPDX-License-Identifier: Apache-2.0
# C without its comments and without what is in its strings; every line stays where it was, and is told with file and
# number if `with_place` is set.
FNR == 1 { in_comment = 0 }
{
    line = $0
    out = ""
    while (line != "") {
        if (in_comment) {
            end = index(line, "*/")
            if (end == 0)
                break
            line = substr(line, end + 2)
            in_comment = 0
        } else if (match(line, /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'|\/\/|\/\*/)) {
            token = substr(line, RSTART, RLENGTH)
            out = out substr(line, 1, RSTART - 1)
            line = substr(line, RSTART + RLENGTH)
            if (token == "//")
                line = ""
            else if (token == "/*")
                in_comment = 1
            else
                out = out substr(token, 1, 1) substr(token, 1, 1)
        } else {
            out = out line
            line = ""
        }
    }
    print (with_place ? FILENAME ":" FNR ": " out : out)
}
