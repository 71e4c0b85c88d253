# SPDX-License-Identifier: Apache-2.0
"""What the person at the terminal sees."""
import os
import sys

BOLD, DIM, RED, GREEN, YELLOW = 1, 2, 31, 32, 33
IS_TERMINAL = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def paint(text, color):
    return f"\033[{color}m{text}\033[0m" if IS_TERMINAL else text


def say(text=""):
    print(text, flush=True)


def title(text):
    say()
    say(paint(text, BOLD))


def color_of(answer):
    """Unknown is not the same as refused: something can be done about it."""
    if answer.decision == "ALLOW":
        return GREEN
    return RED if answer.reason in ("NOT_PERMITTED", "RESOURCE_UNKNOWN") else YELLOW


class Table:
    """Person × model; a cell is the answer and how long the server took, in milliseconds."""

    def __init__(self, cases):
        self.resources = list(dict.fromkeys(case.resource for case in cases))
        self.first_width = max(len(case.person) for case in cases)
        self.widths = {resource: max(len(resource), *(len(str(case.answer)) + 6 for case in cases
                                                      if case.resource == resource))
                       for resource in self.resources}

    def header(self):
        cells = [f"{resource:{self.widths[resource]}}" for resource in self.resources]
        say(paint("  ".join([" " * self.first_width, *cells]).rstrip(), DIM))

    def row(self, person, cells):
        """`cells`: by resource, the answer, its milliseconds, and whether it is the right one."""
        texts = []
        for resource in self.resources:
            if resource not in cells:
                texts.append(" " * self.widths[resource])
                continue
            answer, milliseconds, is_right = cells[resource]
            text = f"{answer}{'' if is_right else ' ≠'}"
            room = self.widths[resource] - 6
            texts.append(paint(f"{text:{room}}", color_of(answer)) + paint(f"{milliseconds:6.2f}", DIM))
        say("  ".join([f"{person:{self.first_width}}", *texts]).rstrip())
