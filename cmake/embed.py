# SPDX-License-Identifier: Apache-2.0
"""embed.py SYMBOL FILE OUTPUT.c: writes FILE's bytes as a C array, and a header beside it."""
import pathlib
import sys

symbol, source, output = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
data = source.read_bytes()
rows = [", ".join(str(b) for b in data[i : i + 20]) for i in range(0, len(data), 20)]
head = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by cmake/embed.py. */\n"
output.write_text(
    f'{head}#include "{symbol}.h"\n\nconst unsigned char {symbol}[] = {{\n    '
    + ",\n    ".join(rows or ["0"])
    + f",\n}};\nconst size_t {symbol}_length = {len(data)};\n"
)
output.with_suffix(".h").write_text(
    f"{head}#ifndef EMBED_{symbol.upper()}_H\n#define EMBED_{symbol.upper()}_H\n\n#include <stddef.h>\n\n"
    f"extern const unsigned char {symbol}[];\nextern const size_t {symbol}_length;\n\n#endif\n"
)
