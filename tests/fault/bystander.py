#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A caller who has nothing to do with an attack, as a process of his own: asks all the time, and tells how it went.

Each line on standard input is answered by one with everything since the last: {"times": seconds…, "failures": text…}."""
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

PAUSE_SECONDS = 0.01


class Bystander:
    """The process, for who runs an attack."""

    def __init__(self, address):
        self.process = subprocess.Popen([sys.executable, __file__, address], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.report()

    def report(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def main(address):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
    import grpc  # pylint: disable=import-outside-toplevel
    from passgate_protos import CALL_SECONDS, Stubs  # pylint: disable=import-outside-toplevel
    from passgate_samples import check  # pylint: disable=import-outside-toplevel

    stubs = Stubs(grpc.insecure_channel(address))
    lock = threading.Lock()
    seen = {"times": [], "failures": []}

    def ask():
        while True:
            began = time.monotonic()
            try:
                stubs.entitlement.CheckEntitlement(check("anybody", "model/opus-4"), timeout=CALL_SECONDS)
                failure = None
            except grpc.RpcError as error:
                failure = f"{error.code().name}: {error.details()}"
            with lock:
                seen["times"].append(time.monotonic() - began)
                if failure:
                    seen["failures"].append(failure)
            time.sleep(PAUSE_SECONDS)

    stubs.entitlement.CheckEntitlement(check("anybody", "model/opus-4"), timeout=CALL_SECONDS)
    threading.Thread(target=ask, daemon=True).start()
    for _ in sys.stdin:
        with lock:
            told, seen["times"], seen["failures"] = dict(seen), [], []
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
