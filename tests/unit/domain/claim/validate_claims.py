# SPDX-License-Identifier: Apache-2.0
"""validate_claims.py PROGRAM SCHEMAS: the claims that PROGRAM prints, against the JSON schemas of OpenID
Identity Assurance 1.0.  Exit code 77 (skipped) without the schemas or without python3-jsonschema."""
import copy
import json
import pathlib
import subprocess
import sys

SKIPPED = 77

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(SKIPPED)

program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
names = ["claims_schema.json", "verified_claims.json"]
if not all((folder / name).is_file() for name in names):
    print(f"skipped: no schemas in {folder}")
    sys.exit(SKIPPED)
schemas = [json.loads((folder / name).read_text()) for name in names]
schema = schemas[1]
try:
    import referencing

    registry = referencing.Registry().with_contents((s["$id"], s) for s in schemas)
    validator = jsonschema.Draft202012Validator(schema, registry=registry)
except ImportError:
    resolver = jsonschema.RefResolver.from_schema(schema, store={s["$id"]: s for s in schemas})
    validator = jsonschema.Draft202012Validator(schema, resolver=resolver)

lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
claims = [json.loads(line) for line in lines]
failed = 0
for claim in claims:
    for error in validator.iter_errors(claim):
        failed += 1
        print(f"{error.json_path}: {error.message}")


def spoiled(claim, change):
    claim = copy.deepcopy(claim)
    change(claim["verified_claims"])
    return claim


# The schema has to bite: a claim that is spoiled must not pass.
listed = next(c for c in claims if "nationalities" in c["verified_claims"]["claims"])
for change in (
    lambda v: v.pop("verification"),
    lambda v: v["verification"].pop("trust_framework"),
    lambda v: v["claims"].update(nationalities=[]),
    lambda v: v["claims"].update(nationalities=["D"]),
    lambda v: v["claims"].update(nationalities=["DEU", "DEU"]),
    lambda v: v.update(more=1),
    lambda v: v["verification"]["evidence"][0].update(type="passport"),
):
    if validator.is_valid(spoiled(listed, change)):
        failed += 1
        print("the schema lets a spoiled claim pass")

print(f"{len(claims)} claims, {failed} failures")
sys.exit(1 if failed or len(claims) < 20 else 0)
