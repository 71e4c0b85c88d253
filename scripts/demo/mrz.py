# SPDX-License-Identifier: Apache-2.0
"""Machine-readable zones: what a vendor reads off a document (ICAO Doc 9303 parts 3 to 7)."""

VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
VALUES["<"] = 0

# Each format: its lines, each a list of fields and their widths.  A field `name/digit` is the check digit of `name`;
# `composite` is the digit over what FORMATS[...]["composite"] lists.
FORMATS = {
    "TD1": {
        "lines": [[("code", 2), ("issuer", 3), ("number", 9), ("number/digit", 1), ("optional", 15)],
                  [("birth", 6), ("birth/digit", 1), ("sex", 1), ("expiry", 6), ("expiry/digit", 1), ("nationality", 3),
                   ("optional2", 11), ("composite", 1)],
                  [("name", 30)]],
        "composite": ["number", "number/digit", "optional", "birth", "birth/digit", "expiry", "expiry/digit",
                      "optional2"],
    },
    "TD3": {
        "lines": [[("code", 2), ("issuer", 3), ("name", 39)],
                  [("number", 9), ("number/digit", 1), ("nationality", 3), ("birth", 6), ("birth/digit", 1), ("sex", 1),
                   ("expiry", 6), ("expiry/digit", 1), ("optional", 14), ("optional/digit", 1), ("composite", 1)]],
        "composite": ["number", "number/digit", "birth", "birth/digit", "expiry", "expiry/digit", "optional",
                      "optional/digit"],
    },
    "MRV-A": {
        "lines": [[("code", 2), ("issuer", 3), ("name", 39)],
                  [("number", 9), ("number/digit", 1), ("nationality", 3), ("birth", 6), ("birth/digit", 1), ("sex", 1),
                   ("expiry", 6), ("expiry/digit", 1), ("optional", 16)]],
        "composite": [],
    },
}


def check_digit(text):
    """Doc 9303-3 section 4.9: weights 7, 3, 1."""
    return str(sum(VALUES[character] * (7, 3, 1)[i % 3] for i, character in enumerate(text)) % 10)


def write_zone(form, fields, misread=None):
    """The zone, lines joined by line feeds.  `fields` are texts by name, dates as ISO 8601.  `misread` names one field
    whose check digit comes out wrong, as if the camera had taken one digit for another."""
    layout = FORMATS[form]
    dates = {name: fields[name].replace("-", "")[2:] for name in ("birth", "expiry")}
    widths = dict(field for line in layout["lines"] for field in line)
    texts = {name: {**fields, **dates}.get(name, "").ljust(width, "<") for name, width in widths.items()}
    for name in widths:
        if name.endswith("/digit"):
            texts[name] = check_digit(texts[name.removesuffix("/digit")])
    texts["composite"] = check_digit("".join(texts[name] for name in layout["composite"]))
    if misread:
        texts[misread + "/digit"] = str((int(texts[misread + "/digit"]) + 1) % 10)
    for name, width in widths.items():
        if len(texts[name]) != width:
            raise ValueError(f"{name} is longer than {width} characters: {texts[name]}")
    return "\n".join("".join(texts[name] for name, _ in line) for line in layout["lines"])
