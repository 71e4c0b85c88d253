# SPDX-License-Identifier: Apache-2.0
"""What is in deploy/: rendered manifests, the compose file, the options that passgated has."""
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from passgate_server import find_program  # noqa: E402

KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPOSE = ROOT / "deploy" / "compose"
OVERLAYS = ("dev", "production")
STOP_SECONDS = 10  # what passgated needs behind its drain: two graces of 5 s
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
SIZES = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def version():
    """Of what is built here."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"^project\(passgate VERSION ([0-9.]+)", text, re.MULTILINE)[1]


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)([a-z]+)", text).groups()
    return int(number) * UNITS[unit]


def size_bytes(text):
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", str(text)).groups()
    return int(number) * SIZES[unit]


def has_tag(image):
    """A tag that stays what it is, more or less."""
    tag = image.rpartition("/")[2].partition(":")[2]
    return bool(tag) and tag != "latest"


# ----- Kubernetes -----

@functools.lru_cache(maxsize=None)
def renderer():
    """The command that renders an overlay; None when there is none, or one from before kustomize 5 (Debian 12's)."""
    for command, question in ((["kubectl", "kustomize"], ["version", "--client", "--output=yaml"]),
                              (["kustomize", "build"], ["version"])):
        if shutil.which(command[0]):
            said = subprocess.run([command[0], *question], check=False, capture_output=True, text=True).stdout
            if re.search(r"^(?:kustomizeVersion: )?v?([5-9]|\d\d)\.", said, re.MULTILINE):
                return command
    return None


@functools.lru_cache(maxsize=None)
def rendered(overlay):
    """All objects of an overlay.  Without a renderer the objects of its files and of the base, as they stand there."""
    folder = KUBERNETES / "overlays" / overlay
    if renderer():
        text = subprocess.run([*renderer(), folder], check=True, capture_output=True, text=True).stdout
        return list(yaml.safe_load_all(text))
    return [document for path in listed(folder) for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def listed(folder):
    """The resources that a kustomization names, and those of the folders that it names."""
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]:
        path = (folder / name).resolve()
        yield from listed(path) if path.is_dir() else [path]


def needs_rendering():
    if not renderer():
        raise unittest.SkipTest("neither kubectl 1.27 nor kustomize 5, or newer ones, are installed")


def of_kind(overlay, kind):
    return [document for document in rendered(overlay) if document["kind"] == kind]


def named(overlay, kind, name):
    """By its name, or by its name and the hash that kustomize adds."""
    found = [document for document in of_kind(overlay, kind)
             if re.fullmatch(re.escape(name) + r"(-[a-z0-9]{10})?", document["metadata"]["name"])]
    assert len(found) == 1, (overlay, kind, name, found)
    return found[0]


def pods(overlay):
    """(name, pod spec, labels) of everything that makes pods."""
    for document in rendered(overlay):
        template = document.get("spec", {}).get("template")
        if template:
            yield f"{document['kind']}/{document['metadata']['name']}", template["spec"], template["metadata"]["labels"]


def server_pod(overlay):
    return named(overlay, "StatefulSet", "passgate")["spec"]["template"]["spec"]


# ----- Programs -----

def run(program, *arguments, environment=None, text=None):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PASSGATE")}
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, input=text,
                          env={**inherited, **(environment or {})}, check=False)


def submission(subject, country):
    """For `passgate submit -`: a passport that passed."""
    return json.dumps({"subject": subject, "evidence": {
        "evidenceClass": "EVIDENCE_CLASS_PASSPORT", "result": "VENDOR_RESULT_PASSED", "vendor": "example",
        "checkId": subject, "verifiedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "document": {"issuer": country, "nationality": country, "proof": "PROOF_CHIP"}}})


def redis_version():
    """(7, 0) and the like; None when there is none."""
    if not shutil.which("redis-server") or not shutil.which("redis-cli"):
        return None
    text = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.search(r"v=(\d+)\.(\d+)", text).groups()))


def users_for(version, users):
    """users.acl as docs/image.md says for a Redis that has no WAITAOF yet."""
    return users if version >= (7, 2) else users.replace(" +waitaof", "")


def program(name):
    pattern = {"passgated": "services/server/passgated", "passgate": "client/cli/passgate"}[name]
    found = find_program(name.upper(), pattern)
    assert found, f"{name} is not built"
    return found


# ----- Options -----

@functools.lru_cache(maxsize=None)
def defaults():
    """Every option of passgated by its name (`store.url`), with the value that it has when nobody says otherwise."""
    printed = yaml.safe_load(run(program("passgated"), "--print-config").stdout)
    return {f"{section}.{key}": value for section, keys in printed.items() if isinstance(keys, dict)
            for key, value in keys.items()}


def option_of_variable(variable):
    """`PASSGATE_STORE_URL` is store.url; None when no option is meant."""
    by_variable = {"PASSGATE_" + option.replace(".", "_").upper(): option for option in defaults()}
    return by_variable.get(variable)


def options_of(config, environment):
    """What is in effect: the environment over the file over the default."""
    values = dict(defaults())
    for section, keys in config.items():
        if isinstance(keys, dict):
            values.update({f"{section}.{key}": value for key, value in keys.items()})
    values.update({option_of_variable(name): value for name, value in environment.items() if option_of_variable(name)})
    return values


def unknown_keys(config):
    """The keys of a configuration file that are no options; sections that only the file has are lists."""
    return [f"{section}.{key}" for section, keys in config.items() if isinstance(keys, dict)
            for key in keys if f"{section}.{key}" not in defaults()]


def drain_seconds(values):
    """drain.time, which follows from the age of connections when it is not set."""
    return max(seconds(values["drain.time"]), 1.15 * seconds(values["rpc.connection_age"]))


def environment_of(overlay):
    return named(overlay, "ConfigMap", "passgate-environment")["data"]


def config_text(overlay):
    return named(overlay, "ConfigMap", "passgate-config")["data"]["passgate.yaml"]
