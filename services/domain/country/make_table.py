# SPDX-License-Identifier: Apache-2.0
"""make_table.py ISO_3166_1.json SPECIAL.tsv OUTPUT.c: writes the table behind country_table.h."""
import json
import pathlib
import sys

KINDS = "state territory british organization stateless refugee unspecified specimen former".split()
FIELDS = {"mrz": "COUNTRY_IN_MRZ", "iso": "COUNTRY_IN_ISO"}
COLUMNS = {"code": 5, "territory": 4, "alias": 4}
ISO_FLAGS = "COUNTRY_IN_MRZ | COUNTRY_IN_ISO | COUNTRY_IS_ALPHA3"
ICAO_FLAGS = "COUNTRY_IN_MRZ | COUNTRY_IS_ALPHA3"
ABSENT = "-"


def fail(message):
    sys.exit(f"make_table.py: {message}")


def read_iso(path):
    entries = json.loads(path.read_text(encoding="utf-8"))["3166-1"]
    return {
        entry["alpha_3"]: {
            "alpha2": entry["alpha_2"],
            "name": entry.get("common_name", entry["name"]),
            "numeric": int(entry["numeric"]),
            "kind": "state",
            "state": entry["alpha_3"],
            "possible": [],
            "flags": ISO_FLAGS,
        }
        for entry in entries
    }


def read_special(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        row = line.split("\t")
        if COLUMNS.get(row[0]) != len(row):
            fail(f"{path}:{number}: not a row of `code`, `territory` or `alias`")
        yield f"{path}:{number}", row


def states(text):
    return [] if text == ABSENT else text.split(",")


def add_code(where, countries, code, kind, possible, name):
    if code in countries:
        fail(f"{where}: {code} stands twice")
    if kind not in KINDS:
        fail(f"{where}: kind is one of {' '.join(KINDS)}")
    is_state = kind == "state"
    countries[code] = {
        "alpha2": "",
        "name": name,
        "numeric": 0,
        "kind": kind,
        "state": code if is_state else ABSENT,
        "possible": states(possible),
        # A state without an ISO code is accepted where an ISO code is asked for.
        "flags": ISO_FLAGS if is_state else ICAO_FLAGS,
    }


def set_territory(where, countries, code, state, possible):
    if code not in countries:
        fail(f"{where}: {code} is not in ISO 3166-1")
    countries[code].update(kind="territory", state=state, possible=states(possible))


def add_alias(where, countries, aliases, code, field, target):
    if code in countries or code in aliases:
        fail(f"{where}: {code} stands twice")
    if target not in countries:
        fail(f"{where}: {target} is not in the table above")
    if field not in FIELDS:
        fail(f"{where}: the field is `mrz` or `iso`")
    aliases[code] = (target, FIELDS[field])
    if len(code) == 2 and not countries[target]["alpha2"]:
        countries[target]["alpha2"] = code


def read_tables(iso_path, special_path):
    countries, aliases = read_iso(iso_path), {}
    for code, row in countries.items():
        aliases[row["alpha2"]] = (code, FIELDS["iso"])
    for where, (kind, *cells) in read_special(special_path):
        if kind == "code":
            add_code(where, countries, *cells)
        elif kind == "territory":
            set_territory(where, countries, *cells)
        else:
            add_alias(where, countries, aliases, *cells)
    return countries, aliases


def check(countries):
    for code, row in countries.items():
        for state in row["possible"] + ([] if row["state"] == ABSENT else [row["state"]]):
            if countries.get(state, {}).get("kind") != "state":
                fail(f"{code} names {state}, which is no state")


def c_text(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def country_row(number, code, row, ids):
    return (
        f'    [{number}] = {{"{code}", "{row["alpha2"]}", {c_text(row["name"])}, {row["numeric"]}, '
        f'COUNTRY_KIND_{row["kind"].upper()}, {ids.get(row["state"], "COUNTRY_NONE")}}},'
    )


def set_row(number, members):
    words = {}
    for member in members:
        words[member // 64] = words.get(member // 64, 0) | 1 << member % 64
    cells = ", ".join(f"[{word}] = UINT64_C({bits:#x})" for word, bits in sorted(words.items()))
    return f"    [{number}] = {{{{{cells}}}}},"


def code_row(code, number, flags):
    letters = ", ".join(f"'{letter}'" for letter in code.ljust(3, "<"))
    return f"    [COUNTRY_SLOT({letters})] = {flags} | {number},"


def c_source(countries, aliases):
    ids = {code: number for number, code in enumerate(sorted(countries), 1)}
    by_id = [(number, code, countries[code]) for code, number in ids.items()]
    lines = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* Made by make_table.py. */",
        '#include "domain/country/country_table.h"',
        "",
        f'_Static_assert({len(ids) + 1} <= COUNTRY_MAX, "COUNTRY_MAX is too small");',
        "",
        f"const size_t country_table_count = {len(ids) + 1};",
        "",
        "const struct country country_table[COUNTRY_MAX] = {",
        '    [COUNTRY_NONE] = {"", "", "", 0, COUNTRY_KIND_UNSPECIFIED, COUNTRY_NONE},',
        *(country_row(number, code, row, ids) for number, code, row in by_id),
        "};",
        "",
        "const struct country_set country_table_possible[COUNTRY_MAX] = {",
        *(set_row(n, [ids[s] for s in row["possible"]]) for n, _, row in by_id if row["possible"]),
        "};",
        "",
        "const uint16_t country_table_codes[COUNTRY_SLOTS] = {",
        *(code_row(code, number, row["flags"]) for number, code, row in by_id),
        *(code_row(code, ids[target], flag) for code, (target, flag) in sorted(aliases.items())),
        "};",
        "",
    ]
    return "\n".join(lines)


def main():
    iso_path, special_path, output_path = map(pathlib.Path, sys.argv[1:])
    countries, aliases = read_tables(iso_path, special_path)
    check(countries)
    output_path.write_text(c_source(countries, aliases), encoding="utf-8")


if __name__ == "__main__":
    main()
