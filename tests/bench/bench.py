#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py BUILD_DIR [--quick]: what Passgate costs against a server that does nothing, and the other budgets.

Three servers get the same load in turn, in many short rounds, so that a noisy machine is noisy for all of them: an echo
on the bare gRPC C core, the same echo that unpacks and packs the messages of CheckEntitlement, and passgated.  Each
number that is printed is the median over the rounds of the ratio within one round.

h2load sees HTTP statuses only, and a failed gRPC call is a 200: the answers are checked beforehand with the command
line, and afterwards passgated's own counters must say that every call was a decision, and the right one."""
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

from load import Load, Server, free_ports, grpc_body, metrics, wait_ready

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from redis_store import RedisStore  # noqa: E402

CHECK_PATH = "/passgate.v1.EntitlementService/CheckEntitlement"
BATCH_PATH = "/passgate.v1.EntitlementService/BatchCheckEntitlements"
BATCH_SIZE = 100
ROUNDS, SECONDS, CLIENTS, STREAMS = 21, 1, 8, 32
QUICK_ROUNDS, QUICK_SECONDS = 3, 1
REPLICAS, REVOCATIONS, CHANGES = 3, 1000, 100
REFUSALS, REFUSED_SUBJECTS, QUICK_REFUSALS = 100000, 20, 6000
OVERLOAD_ROUNDS, RAMP, KNEE, OVERLOAD = 11, (4, 8, 16, 32, 64, 128, 256), 0.95, 3
QUICK_REVOCATIONS, QUICK_CHANGES = 100, 10

DIRECTIVE = """# Without `record: durable`: that would measure the disk.
directive: bis-is-informed-2026-06-12
language: 1
title: Foreign persons, two models
authority: {text: "15 CFR 744.22(b), letter of 2026-06-12"}
effective: {from: 2026-06-12T17:21:00-04:00}
resources: ["model/fable-5", "model/mythos-5"]
actions: ["*"]
require:
  all:
    - foreign_person: {regime: ear_772_1, is: false}
    - location: {in: [USA]}
proof: document_authenticated
instead: ["model/opus-4"]
"""
RESOURCES = "resources:\n" + "".join(
    f"  - {{id: model/{name}, base: allow}}\n" for name in ("fable-5", "mythos-5", "opus-4"))
CHECK = ('subject: "alice" resource { type: "model" id: "mythos-5" } action: "use" '
         'context { key: "location" value: "USA" }')


class Budgets:
    """The table at the end.  A row that has to hold and does not fails the run."""

    def __init__(self):
        self.rows = []
        self.has_failed = False

    def add(self, what, value, unit, budget, is_met, must_hold=False):
        self.rows.append((what, f"{value:.2f}{unit}", budget, "met" if is_met else "MISSED"))
        self.has_failed = self.has_failed or (must_hold and not is_met)

    def note(self, what, value, unit):
        self.rows.append((what, f"{value:.2f}{unit}", "", ""))

    def at_most(self, what, value, unit, bound):
        self.add(what, value, unit, f"<= {bound:g}{unit}", value <= bound)

    def at_least(self, what, value, bound, must_hold=False):
        self.add(what, value, "", f">= {bound:g}", value >= bound, must_hold)

    def print(self):
        print()
        for row in [("budget", "here", "bound", "")] + self.rows:
            print(f"{row[0]:<62} {row[1]:>10} {row[2]:>12}  {row[3]}".rstrip())


def encode(message, text):
    command = ["protoc", "-I", str(ROOT / "protos"), f"--encode=passgate.v1.{message}", "passgate/v1/entitlement.proto"]
    return grpc_body(subprocess.run(command, input=text.encode(), capture_output=True, check=True, cwd=ROOT).stdout)


def submission():
    today = datetime.datetime.now(datetime.timezone.utc)

    def day(years):
        return (today + datetime.timedelta(days=365 * years)).strftime("%Y-%m-%d")

    return {
        "subject": "alice",
        "evidence": {
            "evidenceClass": "EVIDENCE_CLASS_PASSPORT", "vendor": "bench", "checkId": "bench-1",
            "result": "VENDOR_RESULT_PASSED", "verifiedAt": today.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "vendorPolicyVersion": "1", "assuranceLevel": 2,
            "document": {"issuer": "USA", "nationality": "USA", "proof": "PROOF_CHIP", "documentCode": "P",
                         "issuedOn": day(-2), "expiresOn": day(8), "revocationCheck": "REVOCATION_CHECK_CLEAR"},
            "binding": {"faceMatch": "BINDING_CHECK_PASSED", "liveness": "BINDING_CHECK_PASSED"},
            "collection": {"noticeVersion": "1", "purpose": "export_control", "legalBasis": "GDPR 6(1)(c)"},
        },
    }


class Passgated:
    """passgated with one directive and everything else as it comes; and the command line to ask it.

    Replicas have a store and a folder in common, which has their directive and their keys."""

    def __init__(self, build, folder, store=None, common=None, **flags):
        self.grpc_port, self.ops_port = free_ports(2)
        self.cli = str(build / "client/cli/passgate")
        self.folder = folder
        common = common or folder
        store = store or {"store-url": f"sqlite:{folder}/passgate.db"}
        folder.mkdir(parents=True, exist_ok=True)
        self.directive = common / "directives" / "letter.yaml"
        if not self.directive.exists():
            self.directive.parent.mkdir(parents=True)
            self.directive.write_text(DIRECTIVE)
            (self.directive.parent / "resources.yaml").write_text(RESOURCES)
        command = [str(build / "services/server/passgated"), f"--listen-grpc=127.0.0.1:{self.grpc_port}",
                   "--listen-http=", f"--listen-ops=127.0.0.1:{self.ops_port}",
                   f"--keys-folder={common}/keys", f"--audit-folder={folder}/audit", "--audit-mode=bounded",
                   f"--directives-folder={self.directive.parent}", "--cache-fresh=3600s", "--log-level=warn",
                   *(f"--{name}={value}" for name, value in {**store, **flags}.items())]
        self.started = time.monotonic()
        self.server = Server("passgated", command, folder / "passgated.log", self.grpc_port)

    def wait_ready(self):
        return wait_ready(self.server, self.ops_port, self.started)

    def passgate(self, *arguments, **options):
        return subprocess.run([self.cli, "--server", f"127.0.0.1:{self.grpc_port}", *arguments], text=True,
                              capture_output=True, check=False, **options)

    def expect(self, status, *arguments, **options):
        done = self.passgate(*arguments, **options)
        if done.returncode != status:
            raise SystemExit(f"passgate {' '.join(arguments)}: exit code {done.returncode}, expected {status}\n"
                             f"{done.stdout}{done.stderr}")

    def check_answers(self):
        self.expect(0, "submit", "-", input=json.dumps(submission()))
        self.expect(0, "check", "alice", "model/mythos-5", "use", "--context", "location=USA")
        self.expect(1, "check", "alice", "model/mythos-5", "use", "--context", "location=DEU")
        self.expect(1, "check", "nobody", "model/mythos-5", "use", "--context", "location=USA")
        self.expect(0, "check", "nobody", "model/opus-4", "use")


def counters(ops_port):
    """(decisions that allowed, all other decisions, calls that ended with OK, all other calls)"""
    now = metrics(ops_port)

    def total(name, wanted):
        return sum(value for series, value in now.items() if series.startswith(name + "{") and wanted(series))

    return (total("passgate_decisions_total", lambda s: 'reason="ALLOWED"' in s),
            total("passgate_decisions_total", lambda s: 'reason="ALLOWED"' not in s),
            total("passgate_rpc_calls_total", lambda s: 'code="OK"' in s),
            total("passgate_rpc_calls_total", lambda s: 'code="OK"' not in s))


def expect_allowed(before, after, calls, per_call, what):
    """Every call that h2load saw answered was answered well, and with ALLOW."""
    allowed, others, good, failed = (b - a for a, b in zip(before, after))
    if good != calls or allowed != calls * per_call or others or failed:
        raise SystemExit(f"{what}: h2load counted {calls} answers, passgated {good:.0f} good ones, {failed:.0f} failed "
                         f"ones, {allowed:.0f} decisions that allow and {others:.0f} that do not")


def compare(build, folder, passgated, rounds, seconds, budgets):
    load = Load(seconds, CLIENTS, STREAMS)
    check_file, batch_file = folder / "check.bin", folder / "batch.bin"
    check_file.write_bytes(encode("CheckEntitlementRequest", CHECK))
    batch_file.write_bytes(encode("BatchCheckEntitlementsRequest", f"checks {{ {CHECK} }} " * BATCH_SIZE))
    floor = str(build / "tests/bench/floor_server")

    results = {"bare floor": [], "typed floor": [], "CheckEntitlement": []}
    batches = []
    print(f"{CLIENTS} connections with {STREAMS} calls each, {rounds} rounds of {seconds} s; calls a second, server CPU a call")
    with Server("bare floor", [floor, "--bare"], folder / "bare.log") as bare, \
            Server("typed floor", [floor, "--typed"], folder / "typed.log") as typed:
        targets = [("bare floor", bare), ("typed floor", typed), ("CheckEntitlement", passgated.server)]
        before = counters(passgated.ops_port)
        for turn in range(rounds):
            for name, server in targets[turn % 3:] + targets[:turn % 3]:
                result = load.measure(server, CHECK_PATH, check_file)
                results[name].append(result)
                print(f"  {name:<18} {result[0]:>10.0f}/s {result[1]:>8.2f} us", flush=True)
        expect_allowed(before, counters(passgated.ops_port), load.calls["passgated", CHECK_PATH], 1, "CheckEntitlement")
        before = counters(passgated.ops_port)
        for _ in range(rounds):
            batches.append(load.measure(passgated.server, BATCH_PATH, batch_file))
        expect_allowed(before, counters(passgated.ops_port), load.calls["passgated", BATCH_PATH], BATCH_SIZE,
                       "BatchCheckEntitlements")

    def ratio(first, second, column):
        return statistics.median(a[column] / b[column] for a, b in zip(results[first], results[second]))

    print(f"typed floor against the bare floor: {ratio('typed floor', 'bare floor', 0):.2f} of its calls a second")
    print(f"server CPU a call: {ratio('CheckEntitlement', 'typed floor', 1):.2f} of the typed floor, "
          f"{ratio('CheckEntitlement', 'bare floor', 1):.2f} of the bare floor")
    typed_ratio = ratio("CheckEntitlement", "typed floor", 0)
    low, middle, high = statistics.quantiles((a[0] / b[0] for a, b in zip(
        results["CheckEntitlement"], results["typed floor"])), n=4)
    print(f"calls a second against the typed floor, by quarters of the rounds: {low:.2f} {middle:.2f} {high:.2f}")
    budgets.at_least("CheckEntitlement, calls a second against the typed floor", typed_ratio, 0.85, must_hold=True)
    budgets.at_least("  what it shall become", typed_ratio, 0.95)
    budgets.at_least("  against the bare floor", ratio("CheckEntitlement", "bare floor", 0), 0.90)
    budgets.at_most(f"BatchCheckEntitlements of {BATCH_SIZE}, server CPU a decision",
                    statistics.median(b[1] for b in batches) / BATCH_SIZE, " us", 0.5)


def run_program(build, program, *arguments):
    path = build / "tests" / program
    if not path.exists():
        print(f"\n{program} was not built", file=sys.stderr)
        return ""
    done = subprocess.run([str(path), *arguments], capture_output=True, text=True, check=False)
    print(f"\n{path.name}\n  " + done.stdout.strip().replace("\n", "\n  "), flush=True)
    if done.returncode:
        raise SystemExit(f"{program} failed: {done.stderr}")
    return done.stdout


def measure_parts(build, is_quick, budgets):
    """Programs that measure one part each; their output is theirs, the budgets are read from it."""
    text = run_program(build, "bench/bench_directive")
    ns = {int(count): float(value) for count, value in re.findall(r"(\d+) other directives:\s+([\d.]+) ns", text)}
    if ns:
        budgets.at_most("directive evaluation, 1,000 directives loaded", ns[1000], " ns", 100)
        budgets.at_most("  10,000 against 1,000", ns[10000] / ns[1000], "", 1.15)
    text = run_program(build, "bench/bench_facts_cache", "100000" if is_quick else "1000000")
    for value in re.findall(r"bytes a subject\s+([\d.]+)", text):
        budgets.at_most("facts cache, memory a subject", float(value), " bytes", 128)
    text = run_program(build, "bench/bench_claim", *(["200"] if is_quick else []))
    for what, value in re.findall(r"^(\w[\w ]*?)\s{2,}[\d.]+ us\s+([\d.]+) of its floor", text, re.MULTILINE):
        budgets.at_most(f"claim, {what} against OpenSSL alone", float(value), "", 1.3)
    text = run_program(build, "bench/bench_audit")
    for pace, value in re.findall(r"^ *(paced|alone)\s.*?([\d.]+) bytes/record", text, re.MULTILINE):
        budgets.at_most(f"audit log, a plain decision on disk ({pace})", float(value), " bytes", 96)
    text = run_program(build, "fault/parked_calls", "10000" if is_quick else "100000")
    for p50, p99, worst in re.findall(r"late by: p50 (\d+) us, p99 (\d+) us, max (\d+) us", text):
        budgets.note("deadline of a parked call, late by (p50)", int(p50) / 1000, " ms")
        budgets.note("  (p99)", int(p99) / 1000, " ms")
        budgets.note("  (at most)", int(worst) / 1000, " ms")


def measure_disclosure(build, folder, is_quick, budgets):
    """With `disclose: decision`, whether it shows in the time who is unknown, not verified enough, or refused."""
    import grpc  # pylint: disable=import-outside-toplevel
    from passgate_protos import Stubs, pb
    from passgate_samples import passport, statement, submission as sample

    tls = folder / "tls"
    tls.mkdir(parents=True)
    gateway = "spiffe://bench.example/gateway"
    subprocess.run([ROOT / "tests/integration/make_certificates.sh", tls, f"gateway=URI:{gateway}"],
                   capture_output=True, check=True)
    config = folder / "passgate.yaml"
    config.write_text(f'callers: [{{id: "{gateway}", roles: [checker], disclose: decision}}]\n')
    passgated = Passgated(build, folder, **{
        "config": config, "listen-grpc-socket": folder / "grpc.sock", "tls-certificate-file": tls / "server.pem",
        "tls-key-file": tls / "server.key", "tls-client-ca-file": tls / "ca.pem"})
    evidence = {
        "unverified": lambda: [passport("USA", proof=pb.PROOF_VISUAL)],
        "refused": lambda: [passport("IRN"), statement(pb.STATEMENT_KIND_CITIZENSHIPS_COMPLETE),
                            statement(pb.STATEMENT_KIND_US_STATUS_NONE)],
    }
    with passgated.server:
        passgated.wait_ready()
        with grpc.insecure_channel(f"unix:{folder}/grpc.sock") as channel:
            for kind, pieces in evidence.items():
                for number in range(REFUSED_SUBJECTS):
                    for piece in pieces():
                        Stubs(channel).verification.SubmitVerification(sample(f"{kind}-{number}", piece), timeout=20)
        text = run_program(build, "bench/bench_disclosure", str(QUICK_REFUSALS if is_quick else REFUSALS),
                           str(REFUSED_SUBJECTS), f"127.0.0.1:{passgated.grpc_port}", str(tls / "ca.pem"),
                           str(tls / "gateway.pem"), str(tls / "gateway.key"), "unknown", *evidence)
    for value in re.findall(r"slowest against fastest ([\d.]+)", text):
        budgets.at_most("disclose: decision, median times of refusals: slowest / fastest", float(value), "", 1.05)


def good_rate(load, passgated, check_file):
    """Calls a second that were answered with ALLOW: what was refused is no goodput."""
    before = counters(passgated.ops_port)
    rate, _ = load.measure(passgated.server, CHECK_PATH, check_file)
    allowed, *others = (b - a for a, b in zip(before, counters(passgated.ops_port)))
    return rate * allowed / (allowed + others[2])


def load_of(calls, seconds):
    return Load(seconds, min(calls, CLIENTS), max(1, calls // CLIENTS))


def measure_overload(build, folder, is_quick, budgets):
    """A closed loop of so many calls at once that more of them bring no more answers, and three times as many; and what
    it costs to refuse a call, which is all that a server does beyond that."""
    import grpc  # pylint: disable=import-outside-toplevel
    from passgate_protos import Stubs, pb

    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if is_quick else (OVERLOAD_ROUNDS, SECONDS)
    folder.mkdir(parents=True)
    check_file = folder / "check.bin"
    check_file.write_bytes(encode("CheckEntitlementRequest", CHECK))
    passgated = Passgated(build, folder / "open")
    with passgated.server:
        passgated.wait_ready()
        passgated.check_answers()
        ramp = {calls: good_rate(load_of(calls, seconds), passgated, check_file) for calls in RAMP}
        best = max(ramp, key=ramp.get)
        knee = next(calls for calls in RAMP if ramp[calls] >= KNEE * ramp[best])
        beyond = load_of(OVERLOAD * knee, seconds)
        ratios = []
        for _ in range(rounds):
            at_best = good_rate(load_of(best, seconds), passgated, check_file)
            ratios.append(good_rate(beyond, passgated, check_file) / at_best)
        print("\ncalls at once, and answers a second: " + ", ".join(f"{c}: {r:.0f}" for c, r in ramp.items()) +
              f"; best at {best}, knee at {knee}", flush=True)
    budgets.at_least(f"overload: goodput at {OVERLOAD} times the knee ({OVERLOAD * knee} calls at once) / the best",
                     statistics.median(ratios), 0.9)

    refusing = Passgated(build, folder / "full", **{  # a stream lives for 0.8 of the grace
        "rpc-in-flight-max": 1, "rpc-connection-age": "600s", "rpc-connection-grace": "600s"})
    costs = []
    with refusing.server, Server("bare floor", [str(build / "tests/bench/floor_server"), "--bare"],
                                 folder / "bare.log") as bare:
        refusing.wait_ready()
        with grpc.insecure_channel(f"127.0.0.1:{refusing.grpc_port}") as channel:
            place = Stubs(channel).entitlement.WatchRevisions(pb.WatchRevisionsRequest())
            next(place)  # is the one call that there may be
            before = counters(refusing.ops_port)
            load = Load(seconds, CLIENTS, STREAMS)
            for _ in range(rounds):
                floor = load.measure(bare, CHECK_PATH, check_file)[1]
                costs.append(load.measure(refusing.server, CHECK_PATH, check_file)[1] / floor)
            refused = counters(refusing.ops_port)[3] - before[3]
            if refused != load.calls["passgated", CHECK_PATH]:
                raise SystemExit(f"{load.calls['passgated', CHECK_PATH]} calls, and {refused:.0f} refusals")
            place.cancel()
    budgets.at_most("  a refusal, server CPU against a bare call", statistics.median(costs), "", 1)


def make_key(folder):
    """Only one node makes its signing key by itself; replicas have one that is there."""
    folder.mkdir(parents=True)
    key = folder / "2026-01-01T00-00-00Z.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)],
                   capture_output=True, check=True)
    key.chmod(0o600)


def measure_replicas(build, folder, is_quick, budgets):
    """Three replicas on a Redis that keeps what it acknowledges: how late the others enforce what one has acknowledged."""
    if not shutil.which("redis-server"):
        print("\nno redis-server: how late replicas are was not measured", flush=True)
        return
    revocations, changes = (QUICK_REVOCATIONS, QUICK_CHANGES) if is_quick else (REVOCATIONS, CHANGES)
    redis = RedisStore().start()
    with contextlib.ExitStack() as stack:
        stack.callback(redis.close)
        make_key(folder / "keys")
        replicas = [Passgated(build, folder / str(number), redis.flags, folder) for number in range(REPLICAS)]
        for replica in replicas:
            stack.enter_context(replica.server)
        for replica in replicas:
            replica.wait_ready()
        text = run_program(build, "bench/bench_replicas", str(revocations), str(changes), str(replicas[0].directive),
                           *(f"{replica.grpc_port}:{replica.server.process.pid}" for replica in replicas))
    rows = {"revocation": "revocation acknowledged on A, DENY on both others",
            "directive": "directive file and SIGHUP, enforced by all three"}
    for what, p50, p99, worst in re.findall(r"^(revocation|directive) +p50 ([\d.]+) ms, p99 ([\d.]+) ms, "
                                            r"max ([\d.]+) ms", text, re.MULTILINE):
        budgets.at_most(f"{rows[what]} (p99)", float(p99), " ms", 100)
        budgets.note("  (p50)", float(p50), " ms")
        budgets.note("  (at most)", float(worst), " ms")


def main():
    build, is_quick = pathlib.Path(sys.argv[1]).resolve(), "--quick" in sys.argv[2:]
    folder = build / "bench-run"
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if is_quick else (ROUNDS, SECONDS)
    budgets = Budgets()

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the start")
    passgated = Passgated(build, folder)
    with passgated.server:
        passgated.wait_ready()
        passgated.check_answers()
        compare(build, folder, passgated, rounds, seconds, budgets)
    again = Passgated(build, folder / "again")
    with again.server:
        ready_ms = again.wait_ready() * 1000
        time.sleep(1)
        budgets.at_most("start to ready", ready_ms, " ms", 200)
        budgets.at_most("resident memory at rest", again.server.resident_bytes() / 2**20, " MiB", 30)
    measure_overload(build, folder / "overload", is_quick, budgets)
    measure_disclosure(build, folder / "disclosure", is_quick, budgets)
    measure_replicas(build, folder / "replicas", is_quick, budgets)
    measure_parts(build, is_quick, budgets)
    budgets.print()
    return 1 if budgets.has_failed else 0


sys.exit(main())
