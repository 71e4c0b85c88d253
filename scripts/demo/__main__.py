# SPDX-License-Identifier: Apache-2.0
"""The demo: June 2026 on a real passgated.  `stop` stops the server that it leaves running."""
import datetime
import itertools
import json
import os
import shutil
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import screen
from cases import EXPECTED, answer_of, citation_of, read_cases
from people import read_people
from screen import say, title
from server import EXAMPLES, HOME, PASSGATE, PORTS, ROOT, DemoError, Server, stop

PHASES = [
    ("2026-06-12", "12 June", "17:21: two models are closed to foreign persons, and outside of the United States."),
    ("2026-06-26", "26 June", "mythos-5 is free for employees of the lab and of partner-a, wherever they are from."),
    ("2026-06-30", "30 June", "Lifted.  The directive stays on file, so that every earlier answer can be explained."),
]
DIRECTIVES_AFTER = datetime.datetime(2026, 7, 1, tzinfo=datetime.timezone.utc)
RELOAD_SECONDS = 10
AUDIENCE = "https://models.lab.example"
CHECK = "passgate.v1.EntitlementService/CheckEntitlement"
BATCH = "passgate.v1.EntitlementService/BatchCheckEntitlements"


def relative(path):
    return os.path.relpath(path, ROOT)


def submit(server, person, today):
    """Everything that is known of one person.  Returns what happened, and what should not have."""
    path = HOME / "people" / person.path.name
    refusals, happened, wrong = person.refusals(), [], []
    if refusals:
        path.write_text(json.dumps(person.requests(today), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        replies = server.ask("submit", path, statuses=(0, 1))[1]
        if len(replies) != len(refusals):
            raise DemoError(f"passgate submit {relative(path)}: {json.dumps(replies)}")
        for number, (reply, wanted) in enumerate(zip(replies, refusals)):
            error = reply.get("error")
            if (error and {name: error.get(name) for name in ("reason", "field")}) != wanted:
                wrong.append(f"{relative(path)}[{number}]: expected {wanted or 'accepted'}, got {json.dumps(reply)}")
            if error:
                happened.append(f"refused: {error.get('reason')} in {error.get('field')}")
        accepted = sum("error" not in reply for reply in replies)
        if accepted:
            happened.append(f"{accepted} accepted")
    for affiliation in person.affiliations:
        kinds = itertools.chain.from_iterable(("--as", kind) for kind in affiliation["as"])
        server.run("subject", "affiliate", person.subject, affiliation["organization"], *kinds, "--complete")
        if affiliation["as"]:
            happened.append(f"{' and '.join(affiliation['as'])} of {affiliation['organization']}")
    if person.principals:
        server.run("subject", "principals", person.subject, *person.principals)
        happened.append("principals: " + ", ".join(person.principals))
    return ", ".join(happened), wrong


def submit_all(server, people, today):
    title(f"What is known of {len(people)} subjects: verification results, statements of reviewers, affiliations")
    subject_width = max(len(person.subject) for person in people)
    who_width = max(len(person.who) for person in people)
    wrong = []
    for person in people:
        happened, differences = submit(server, person, today)
        color = screen.RED if differences else screen.YELLOW if "refused" in happened else screen.GREEN
        say(f"{person.subject:{subject_width}}  {person.who:{who_width}}  {screen.paint(happened, color)}")
        wrong += differences
    return wrong


def enforce(server, folder):
    """Put the files of a folder in force.  Returns the set's number and how long it took."""
    before = server.ask("server", "info")[1].get("directiveSet", "0")
    for path in (EXAMPLES / "directives" / folder).glob("*.yaml"):
        copy = HOME / "directives" / (path.name + ".new")
        shutil.copyfile(path, copy)
        copy.rename(copy.with_suffix(""))
    began = time.monotonic()
    server.reload()
    while time.monotonic() - began < RELOAD_SECONDS:
        now = server.ask("server", "info")[1].get("directiveSet", "0")
        if now != before:
            return now, time.monotonic() - began
    raise DemoError(f"set {before} is still in force {RELOAD_SECONDS} s after SIGHUP:\n{server.last_words()}")


def explain(server, case):
    """What ExplainEntitlement says: the answer and what it cites."""
    at = ["--at", case.at] if case.at else []
    explanation = server.ask("explain", *case.arguments(), *at, statuses=(0, 1))[1]
    return answer_of(explanation.get("decision", {})), citation_of(explanation)


def check(server, case, busy):
    """One `passgate check`.  `busy`: the seconds that the server had spent on checks before.  Returns the answer, what
    they are now, and the difference in milliseconds."""
    status, decision = server.ask("check", *case.arguments(), statuses=(0, 1))
    answer = answer_of(decision)
    if (status == 0) != (answer.decision == "ALLOW"):
        raise DemoError(f"passgate check {' '.join(case.arguments())} ended with status {status} and says {answer}")
    after = server.busy_seconds(CHECK)
    return answer, after, (after - busy) * 1000


def check_batch(server, cases, answers):
    """All checks of a phase as one BatchCheckEntitlements: same answers, one call."""
    path = HOME / "checks.json"
    path.write_text(json.dumps([case.request() for case in cases], indent=1) + "\n", encoding="utf-8")
    before = server.busy_seconds(BATCH)
    decisions = server.ask("batch", path, statuses=(0, 1))[1].get("decisions", [])
    milliseconds = (server.busy_seconds(BATCH) - before) * 1000
    if len(decisions) != len(cases):
        raise DemoError(f"passgate batch {relative(path)}: {len(decisions)} answers to {len(cases)} checks")
    wrong = [difference(case, "in a batch", answer_of(decision), answer)
             for case, answer, decision in zip(cases, answers, decisions) if answer_of(decision) != answer]
    return milliseconds, wrong


def difference(case, what, got, wanted):
    at = f" at {case.at}" if case.at else ""
    return (f"{relative(EXPECTED)}:{case.line}: {case.folder}{at}, {case.person}, {case.resource}: {what}\n"
            f"    expected  {wanted}\n    got       {got}")


def compare_explanations(cases, explanations):
    wrong = []
    for case, future in zip(cases, explanations):
        answer, citation = future.result()
        if answer != case.answer:
            wrong.append(difference(case, "ExplainEntitlement", answer, case.answer))
        if citation != case.citation:
            wrong.append(difference(case, "citation", citation, case.citation))
    return wrong


def play_checks(server, cases, explainers):
    """The table of a phase.  Explanations run beside it."""
    table = screen.Table(cases)
    explanations = [explainers.submit(explain, server, case) for case in cases]
    busy, answers, times, wrong = server.busy_seconds(CHECK), [], [], []
    table.header()
    for person, row in itertools.groupby(cases, lambda case: case.person):
        cells = {}
        for case in row:
            answer, busy, milliseconds = check(server, case, busy)
            cells[case.resource] = answer, milliseconds, answer == case.answer
            answers.append(answer)
            times.append(milliseconds)
            if answer != case.answer:
                wrong.append(difference(case, "CheckEntitlement", answer, case.answer))
        table.row(person, cells)
    batch_milliseconds, batch_wrong = check_batch(server, cases, answers)
    wrong += batch_wrong + compare_explanations(cases, explanations)
    for citation, count in Counter(case.citation for case in cases if case.citation != "-").items():
        say(f"  {count:3} decided by {citation}")
    say(f"  {len(cases)} checks, each a call of its own: median {statistics.median(times):.2f} ms in the server; "
        f"all of them in one batch: {batch_milliseconds:.2f} ms")
    return wrong


def play_moments(server, cases, explainers):
    """The cases that name an instant."""
    title("The same directive, asked for another moment (passgate explain --at)")
    explanations = [explainers.submit(explain, server, case) for case in cases]
    for case, future in zip(cases, explanations):
        answer, citation = future.result()
        say(f"{case.at}  {case.person:5}  {case.resource:15}  "
            f"{screen.paint(f'{str(answer):19}', screen.color_of(answer))}  {citation}")
    return compare_explanations(cases, explanations)


def play_phase(server, phase, cases, explainers):
    folder, day, what = phase
    number, seconds = enforce(server, folder)
    title(f"{day} 2026.  {what}")
    say(f"  Directive set {number}, in force {seconds * 1000:.0f} ms after SIGHUP.  "
        "Asked from the USA where nothing else is said; times in ms.")
    wrong = play_checks(server, [case for case in cases if case.folder == folder and not case.at], explainers)
    moments = [case for case in cases if case.folder == folder and case.at]
    return wrong + (play_moments(server, moments, explainers) if moments else [])


def show_claim(server):
    title(f"A claim about alice for {AUDIENCE} (passgate claim issue alice --audience …)")
    token = server.run("claim", "issue", "alice", "--audience", AUDIENCE).stdout.strip()
    say(token)
    say()
    say(server.run("claim", "inspect", token).stdout.rstrip())
    server.run("claim", "verify", token, "--audience", AUDIENCE)
    say(screen.paint("passgate claim verify: valid, with the keys of the server.", screen.GREEN))


def show_next(server):
    passgate = relative(PASSGATE)
    flag = f" --server {server.address}" if "grpc" in server.moved_ports() else ""
    title("passgated is running.  Ask it yourself:")
    say(f"  {passgate}{flag} check alice model/mythos-5 use --context location=USA")
    say(f"  {passgate}{flag} explain tara model/mythos-5 use --context location=USA --at 2026-06-25T21:00:00-04:00")
    say(f"  cp deploy/examples/directives/2026-06-12/*.yaml {relative(HOME)}/directives/    # two seconds later it is "
        "12 June again")
    say(f"gRPC {server.address}, http://127.0.0.1:{server.ports['http']}/.well-known/jwks.json, "
        f"http://127.0.0.1:{server.ports['ops']}/metrics, log {relative(server.log)}")
    say("What was submitted: " + relative(HOME / "people"))
    say("Stop it: make demo-stop")


def play():
    began = time.monotonic()
    now = datetime.datetime.now(datetime.timezone.utc)
    if now < DIRECTIVES_AFTER:
        raise DemoError(f"the clock says {now:%Y-%m-%d}; the directives of the demo begin and end in June 2026")
    cases = read_cases()
    if stop():
        say("Stopped the passgated of the demo before.")
    server = Server()
    for path in (EXAMPLES / "directives" / PHASES[0][0]).glob("resources.yaml"):
        shutil.copyfile(path, HOME / "directives" / path.name)
    seconds = server.start()
    say(f"passgated is ready after {seconds * 1000:.0f} ms: SQLite in {relative(HOME)}, gRPC on {server.address}.")
    for name in server.moved_ports():
        say(f"  Port {PORTS[name]} is taken: {name} is on {server.ports[name]}.")
    wrong = submit_all(server, read_people(), now.date())
    with ThreadPoolExecutor(max_workers=2) as explainers:
        for phase in PHASES:
            wrong += play_phase(server, phase, cases, explainers)
    if wrong:
        title(screen.paint(f"{len(wrong)} differences:", screen.RED))
        for text in wrong:
            say(text)
        say(f"passgated is still running on {server.address}; log {relative(server.log)}; stop it: make demo-stop")
        return 1
    title(screen.paint(f"{len(cases)} decisions, each as the law has it: decision, reason and citation of "
                       f"{relative(EXPECTED)}.", screen.GREEN))
    show_claim(server)
    show_next(server)
    say(f"The demo took {time.monotonic() - began:.1f} s.")
    return 0


def main():
    try:
        if sys.argv[1:] == ["stop"]:
            say("Stopped." if stop() else "No passgated of the demo is running.")
            return 0
        return play()
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        stop()
        return 130


sys.exit(main())
