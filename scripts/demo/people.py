# SPDX-License-Identifier: Apache-2.0
"""The people of deploy/examples/people: read, and turned into requests whose dates are relative to today."""
import datetime
import json
import re
from pathlib import Path

from mrz import write_zone

PEOPLE = Path(__file__).resolve().parents[2] / "deploy" / "examples" / "people"
MOMENT = re.compile(r"@(today|time)((?:[+-]\d+[dmy])*)")
STEP = re.compile(r"([+-]\d+)([dmy])")


def shift(day, amount, unit):
    if unit == "d":
        return day + datetime.timedelta(days=amount)
    months = day.year * 12 + day.month - 1 + amount * (12 if unit == "y" else 1)
    first = datetime.date(months // 12, months % 12 + 1, 1)
    last = (first + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def resolve(value, today):
    """Replace `@today+6y` by a date, `@time-3d` by an instant, and {"@mrz": "TD3", …} by a zone."""
    if isinstance(value, list):
        return [resolve(element, today) for element in value]
    if isinstance(value, dict):
        members = {name: resolve(member, today) for name, member in value.items()}
        if "@mrz" in members:
            return write_zone(members.pop("@mrz"), members, members.pop("misread", None))
        return members
    moment = MOMENT.fullmatch(value) if isinstance(value, str) else None
    if not moment:
        return value
    day = today
    for amount, unit in STEP.findall(moment[2]):
        day = shift(day, int(amount), unit)
    return day.isoformat() + ("T09:30:00Z" if moment[1] == "time" else "")


class Person:
    """One file: who it is, what is submitted, and what organizations say."""

    def __init__(self, path):
        content = json.loads(path.read_text(encoding="utf-8"))
        self.subject = content["subject"]
        self.who = content["who"]
        self.affiliations = content.get("affiliations", [])
        self.principals = content.get("principals", [])
        self.submissions = content.get("submissions", [])
        self.path = path

    def requests(self, today):
        """SubmitVerificationRequests in the JSON mapping of proto3."""
        return [{"requestId": f"demo-{self.path.stem}-{number}", "subject": self.subject,
                 **resolve({name: member for name, member in submission.items() if name != "refused"}, today)}
                for number, submission in enumerate(self.submissions, 1)]

    def refusals(self):
        """For each submission None, or the reason and the field that the server has to name."""
        return [submission.get("refused") for submission in self.submissions]


def read_people():
    return [Person(path) for path in sorted(PEOPLE.glob("*.json"))]
