# SPDX-License-Identifier: Apache-2.0
"""deploy/examples/expected.tsv: the questions of the demo, and the answers that the law gives."""
import csv
from dataclasses import dataclass

from server import EXAMPLES, DemoError

EXPECTED = EXAMPLES / "expected.tsv"
COLUMNS = ["phase", "person", "resource", "decision", "reason", "citation"]
ACTION = "use"


@dataclass(frozen=True)
class Answer:
    decision: str
    reason: str

    def __str__(self):
        return self.decision if self.decision == "ALLOW" else f"{self.decision} {self.reason}"


@dataclass(frozen=True)
class Case:
    """One line: a question and its answer."""
    line: int
    folder: str
    at: str
    person: str
    resource: str
    answer: Answer
    citation: str

    def parts(self):
        """Of the column `person`: the subject, and what stands behind `in`, `with` and `for`."""
        subject, *rest = self.person.split()
        return subject, {"in": "USA", "with": "", "for": "", **dict(zip(rest[::2], rest[1::2]))}

    def arguments(self):
        """Operands and flags of `passgate check`."""
        subject, parts = self.parts()
        flags = {"--context": f"location={parts['in']}", "--also": parts["with"], "--on-behalf-of": parts["for"]}
        return [subject, self.resource, ACTION, *(word for flag in flags.items() if flag[1] for word in flag)]

    def request(self):
        """A CheckEntitlementRequest in the JSON mapping of proto3."""
        subject, parts = self.parts()
        kind, _, name = self.resource.partition("/")
        return {"subject": subject, "resource": {"type": kind, "id": name}, "action": ACTION,
                "context": {"location": parts["in"]}, "alsoSubjects": parts["with"].split(),
                "onBehalfOf": parts["for"]}


def read_cases():
    with EXPECTED.open(encoding="utf-8") as file:
        lines = [(number, line.rstrip("\n")) for number, line in enumerate(file, 1) if not line.startswith("#")]
    rows = list(zip((number for number, _ in lines), csv.reader((line for _, line in lines), delimiter="\t",
                                                                quoting=csv.QUOTE_NONE)))
    if not rows or rows[0][1] != COLUMNS:
        raise DemoError(f"{EXPECTED}: the first line names the columns {', '.join(COLUMNS)}")
    cases = []
    for number, row in rows[1:]:
        if len(row) != len(COLUMNS):
            raise DemoError(f"{EXPECTED}:{number}: {len(row)} columns, not {len(COLUMNS)}")
        phase, person, resource, decision, reason, citation = row
        folder, _, at = phase.partition(" at ")
        cases.append(Case(number, folder, at, person, resource, Answer(decision, reason), citation))
    return cases


def answer_of(decision):
    """From a decision in JSON; a decision that is not there is none."""
    return Answer(decision.get("decision", "none").removeprefix("DECISION_"),
                  decision.get("reason", "none").removeprefix("REASON_"))


def citation_of(explanation):
    """The directive and the authority that decided; or which directive names the resource and is not in force."""
    if explanation.get("directive"):
        return f"{explanation['directive']}: {explanation.get('authority', {}).get('text', '')}"
    silent = {f"{directive['directive']}: {directive['outOfForce']}"
              for party in explanation.get("parties", []) for directive in party.get("directives", [])}
    return "; ".join(sorted(silent)) or "-"
