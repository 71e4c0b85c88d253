#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""count_results.py RESULTS.xml...: adds up what ctest wrote with --output-junit and prints, on a line of its own,
"N passed, N failed, N skipped".  A cmocka program counts as the tests that it ran.  Exit code 1 when anything failed,
or when a file is missing or empty: a run that did not happen is no success."""
import re
import sys
import xml.etree.ElementTree as tree

CMOCKA = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] [A-Za-z0-9_]+$", re.MULTILINE)


def outcome(case):
    """How one entry of ctest ended.  Skipped is what asked for it; a program that is missing has failed."""
    if case.get("status") == "run":
        return "passed"
    skipped = case.find("skipped")
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        return "skipped"
    return "failed"


def main(paths):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for path in paths:
        try:
            cases = list(tree.parse(path).getroot().iter("testcase"))
        except (OSError, tree.ParseError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            cases = []
        if not cases:
            total["failed"] += 1
            print(f"{path}: no results", file=sys.stderr)
        for case in cases:
            end = outcome(case)
            inner = CMOCKA.findall(case.findtext("system-out") or "") if end != "skipped" else []
            failed = inner.count("FAILED")
            if not inner or (end == "failed" and failed == 0):
                total[end] += 1
            total["passed"] += inner.count("OK")
            total["failed"] += failed
            total["skipped"] += inner.count("SKIPPED")
            if end == "failed":
                print(f"failed: {case.get('name')} ({path})", file=sys.stderr)
            elif end == "skipped" or "SKIPPED" in inner:
                print(f"skipped: {case.get('name')} ({path})", file=sys.stderr)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
    return 1 if total["failed"] else 0


sys.exit(main(sys.argv[1:]))
