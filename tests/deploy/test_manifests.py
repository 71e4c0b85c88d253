#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes, rendered: against the options that passgated has, against the restricted standard, and against
what a rolling restart needs."""
import re
import unittest
import urllib.parse

from manifests import (KUBERNETES, OVERLAYS, ROOT, STOP_SECONDS, config_text, drain_seconds, environment_of, has_tag, named,
                       needs_rendering, of_kind, option_of_variable, options_of, pods, program, rendered, renderer, run,
                       seconds, server_pod, size_bytes, unknown_keys, version)
from passgate_server import main
import yaml

# Pod Security Standards, profile "restricted": every control, its policy included from "baseline", and what may stand
# there.  A path ends in the values that are allowed; None is "not set".
POD_CONTROLS = [
    ("HostProcess", "securityContext.windowsOptions.hostProcess", {None, False}),
    ("Host Namespaces", "hostNetwork", {None, False}),
    ("Host Namespaces", "hostPID", {None, False}),
    ("Host Namespaces", "hostIPC", {None, False}),
    ("AppArmor", "securityContext.appArmorProfile.type", {None, "RuntimeDefault", "Localhost"}),
    ("SELinux", "securityContext.seLinuxOptions.type", {None, "", "container_t", "container_init_t", "container_kvm_t"}),
    ("SELinux", "securityContext.seLinuxOptions.user", {None, ""}),
    ("SELinux", "securityContext.seLinuxOptions.role", {None, ""}),
    ("Sysctls", "securityContext.sysctls", {None}),
    ("Running as Non-root", "securityContext.runAsNonRoot", {True}),
    ("Seccomp", "securityContext.seccompProfile.type", {"RuntimeDefault", "Localhost"}),
]
CONTAINER_CONTROLS = [
    ("HostProcess", "securityContext.windowsOptions.hostProcess", {None, False}),
    ("Privileged Containers", "securityContext.privileged", {None, False}),
    ("AppArmor", "securityContext.appArmorProfile.type", {None, "RuntimeDefault", "Localhost"}),
    ("SELinux", "securityContext.seLinuxOptions.type", {None, "", "container_t", "container_init_t", "container_kvm_t"}),
    ("SELinux", "securityContext.seLinuxOptions.user", {None, ""}),
    ("SELinux", "securityContext.seLinuxOptions.role", {None, ""}),
    ("/proc Mount Type", "securityContext.procMount", {None, "Default"}),
    ("Privilege Escalation", "securityContext.allowPrivilegeEscalation", {False}),
    ("Running as Non-root", "securityContext.runAsNonRoot", {None, True}),
    ("Seccomp", "securityContext.seccompProfile.type", {None, "RuntimeDefault", "Localhost"}),
    *(("Host Probes / Lifecycle Hooks", f"{hook}.{kind}.host", {None, ""})
      for hook in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")
      for kind in ("httpGet", "tcpSocket")),
]
LEDGER_BYTES = 40 << 20  # for what a failover of Redis may lose (docs/storage.md)
VOLUME_TYPES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def value_at(document, path):
    for key in path.split("."):
        document = (document or {}).get(key)
    return document


def containers_of(pod):
    return [*pod.get("initContainers", []), *pod["containers"]]


def all_pods():
    """(where, pod spec) of every pod that any overlay makes."""
    return [(f"{overlay} {name}", pod) for overlay in OVERLAYS for name, pod, _ in pods(overlay)]


def all_containers():
    return [(f"{where} {container['name']}", container) for where, pod in all_pods() for container in containers_of(pod)]


class Restricted(unittest.TestCase):
    def test_every_control_of_the_pod_holds(self):
        for where, pod in all_pods():
            for control, path, allowed in POD_CONTROLS:
                self.assertIn(value_at(pod, path), allowed, f"{where}: {control}: {path}")

    def test_every_control_of_each_container_holds(self):
        for where, container in all_containers():
            for control, path, allowed in CONTAINER_CONTROLS:
                self.assertIn(value_at(container, path), allowed, f"{where}: {control}: {path}")
            ports = [port for port in container.get("ports", []) if port.get("hostPort")]
            self.assertEqual(ports, [], f"{where}: Host Ports")

    def test_nobody_runs_as_user_0(self):
        for where, pod in all_pods():
            users = [value_at(part, "securityContext.runAsUser") for part in (pod, *containers_of(pod))]
            self.assertNotIn(0, users, f"{where}: Running as Non-root user")
            self.assertGreater(users[0], 0, f"{where}: a number, so that the standard can be checked at all")

    def test_every_capability_is_dropped_and_none_is_added(self):
        for where, container in all_containers():
            self.assertEqual(value_at(container, "securityContext.capabilities"), {"drop": ["ALL"]}, where)

    def test_volumes_are_of_the_types_that_the_standard_lists(self):
        for where, pod in all_pods():
            for volume in pod.get("volumes", []):
                self.assertLessEqual(set(volume) - {"name"}, VOLUME_TYPES, f"{where}: Volume Types, HostPath Volumes")

    def test_the_namespace_enforces_the_standard(self):
        for overlay in OVERLAYS:
            (namespace,) = of_kind(overlay, "Namespace")
            for mode in ("enforce", "audit", "warn"):
                self.assertEqual(namespace["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"], "restricted")

    def test_beyond_the_standard_root_file_systems_are_read_only_and_no_token_is_mounted(self):
        for where, pod in all_pods():
            self.assertIs(pod["automountServiceAccountToken"], False, where)
            self.assertIs(pod["enableServiceLinks"], False, where)
        for where, container in all_containers():
            self.assertIs(value_at(container, "securityContext.readOnlyRootFilesystem"), True, where)


class Options(unittest.TestCase):
    def test_every_variable_and_key_is_an_option(self):
        needs_rendering()
        for overlay in OVERLAYS:
            variables = [*environment_of(overlay), *(item["name"] for item in server_pod(overlay)["containers"][0]["env"])]
            for variable in variables:
                self.assertIsNotNone(option_of_variable(variable), f"{overlay}: {variable}")
            self.assertEqual(unknown_keys(yaml.safe_load(config_text(overlay))), [], overlay)

    def test_every_flag_exists(self):
        manual = run(program("passgated"), "--help").stdout
        for overlay in OVERLAYS:
            container = server_pod(overlay)["containers"][0]
            for flag in (argument for argument in container["args"] if argument.startswith("--")):
                self.assertIn(f"       {flag.partition('=')[0]} ", manual)

    def test_the_commands_of_probe_and_job_exist_with_their_flags(self):
        for overlay in OVERLAYS:
            probe = server_pod(overlay)["containers"][0]["readinessProbe"]["exec"]["command"]
            job = named(overlay, "Job", "passgate-directives")["spec"]["template"]["spec"]["containers"][0]
            for command in (probe, job["command"] + job["args"]):
                self.assertEqual(command[0], "/usr/bin/passgate")
                words = [word for word in command[1:] if not word.startswith(("-", "/"))]
                manual = run(program("passgate"), *words, "--help")
                self.assertEqual(manual.returncode, 0, manual.stderr)
                for flag in (word.partition("=")[0] for word in command if word.startswith("--")):
                    self.assertIn(f"       {flag}", manual.stdout)

    def test_the_directives_pass_the_job(self):
        folder = KUBERNETES / "base" / "directives"
        end = run(program("passgate"), "directive", "lint", "--strict", folder)
        self.assertEqual(end.returncode, 0, end.stdout)

    def test_every_directive_file_is_mounted(self):
        needs_rendering()
        files = {path.name for path in (KUBERNETES / "base" / "directives").iterdir()}
        for overlay in OVERLAYS:
            self.assertEqual(set(named(overlay, "ConfigMap", "passgate-directives")["data"]), files)

    def test_memory_that_options_allow_fits_into_the_limit(self):
        needs_rendering()
        for overlay in OVERLAYS:
            values = options_of(yaml.safe_load(config_text(overlay)), environment_of(overlay))
            wanted = sum(size_bytes(values[name]) for name in ("cache.bytes", "rpc.memory_quota", "audit.ring_bytes"))
            limit = server_pod(overlay)["containers"][0]["resources"]["limits"]["memory"]
            self.assertLess(wanted + LEDGER_BYTES, 0.8 * size_bytes(limit), overlay)


class Wiring(unittest.TestCase):
    def test_services_probes_and_policies_name_ports_that_are_served(self):
        needs_rendering()
        for overlay in OVERLAYS:
            values = options_of(yaml.safe_load(config_text(overlay)), environment_of(overlay))
            container = server_pod(overlay)["containers"][0]
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            served = {"grpc": values["listen.grpc"][0], "http": values["listen.http"], "ops": values["listen.ops"]}
            self.assertEqual(ports, {name: int(address.rpartition(":")[2]) for name, address in served.items()})
            for service in ("passgate", "passgate-headless"):
                for port in named(overlay, "Service", service)["spec"]["ports"]:
                    self.assertEqual(port["port"], ports[port["targetPort"]], service)
            for probe in ("startupProbe", "livenessProbe"):
                self.assertIn(container[probe]["httpGet"]["port"], ports)
            rules = named(overlay, "NetworkPolicy", "passgate")["spec"]["ingress"]
            self.assertEqual({port["port"] for rule in rules for port in rule["ports"]}, set(ports))
            self.assertIn(f"--server=127.0.0.1:{ports['grpc']}", container["readinessProbe"]["exec"]["command"])

    def test_liveness_asks_nothing_of_the_store(self):
        for overlay in OVERLAYS:
            container = server_pod(overlay)["containers"][0]
            for probe in ("startupProbe", "livenessProbe"):
                self.assertEqual(container[probe]["httpGet"]["path"], "/livez")

    def test_what_is_selected_has_the_labels(self):
        for overlay in OVERLAYS:
            labels = [set(labels.items()) for _, _, labels in pods(overlay)]
            for document in rendered(overlay):
                spec = document.get("spec", {})
                selector = spec.get("podSelector") or spec.get("selector") or {}
                wanted = set((selector.get("matchLabels", {}) if document["kind"] != "Service" else selector).items())
                self.assertTrue(any(wanted <= one for one in labels), document["metadata"]["name"])

    def test_every_mount_has_a_volume_and_every_path_of_the_options_a_mount(self):
        needs_rendering()
        for overlay in OVERLAYS:
            document = named(overlay, "StatefulSet", "passgate")["spec"]
            pod = document["template"]["spec"]
            volumes = {volume["name"] for volume in pod["volumes"]} | \
                {claim["metadata"]["name"] for claim in document["volumeClaimTemplates"]}
            mounts = pod["containers"][0]["volumeMounts"]
            self.assertEqual({mount["name"] for mount in mounts}, volumes)
            values = options_of(yaml.safe_load(config_text(overlay)), environment_of(overlay))
            for option, value in values.items():
                if isinstance(value, str) and value.startswith("/"):
                    self.assertTrue(any(value.startswith(mount["mountPath"]) for mount in mounts), (option, value))

    def test_secrets_are_not_for_everybody(self):
        for where, pod in all_pods():
            for volume in pod.get("volumes", []):
                if "secret" in volume:
                    self.assertEqual(volume["secret"]["defaultMode"] & 0o007, 0, (where, volume["name"]))

    def test_configuration_restarts_replicas_and_directives_do_not(self):
        needs_rendering()
        for overlay in OVERLAYS:
            names = {volume["name"]: volume["configMap"]["name"] for volume in server_pod(overlay)["volumes"]
                     if "configMap" in volume}
            self.assertRegex(names["config"], "^passgate-config-[a-z0-9]{10}$")
            self.assertEqual(names["directives"], "passgate-directives")

    def test_no_image_is_latest_and_ours_is_the_version_that_is_built(self):
        for where, container in all_containers():
            self.assertTrue(has_tag(container["image"]), (where, container["image"]))
            name, _, tag = container["image"].rpartition("/")[2].partition(":")
            self.assertEqual(tag == version(), name == "passgate", (where, container["image"]))

    def test_each_replica_has_a_volume_that_outlives_it_and_a_name(self):
        for overlay in OVERLAYS:
            spec = named(overlay, "StatefulSet", "passgate")["spec"]
            self.assertEqual([claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]], ["data"])
            self.assertEqual(spec["persistentVolumeClaimRetentionPolicy"], {"whenDeleted": "Retain", "whenScaled": "Retain"})
            self.assertEqual(named(overlay, "Service", spec["serviceName"])["spec"]["clusterIP"], "None")
            self.assertNotIn("clusterIP", named(overlay, "Service", "passgate")["spec"])

    def test_readiness_is_asked_with_the_certificate_that_is_mounted(self):
        for overlay in OVERLAYS:
            container = server_pod(overlay)["containers"][0]
            mounts = tuple(mount["mountPath"] + "/" for mount in container["volumeMounts"])
            files = [word.partition("=")[2] for word in container["readinessProbe"]["exec"]["command"]
                     if word.startswith(("--ca=", "--cert=", "--key="))]
            self.assertEqual(len(files), 3)
            for file in files:
                self.assertTrue(file.startswith(mounts), file)
            # The command gives up before kubelet does, so that its reason is in the event.
            timeout = next(word.partition("=")[2] for word in container["readinessProbe"]["exec"]["command"]
                           if word.startswith("--timeout="))
            self.assertLess(seconds(timeout), container["readinessProbe"]["timeoutSeconds"])

    def test_the_secrets_are_those_that_the_documentation_makes(self):
        text = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
        made = set(re.findall(r"create secret generic (\S+) ", text))
        used = {volume["secret"]["secretName"] for _, pod in all_pods() for volume in pod.get("volumes", [])
                if "secret" in volume}
        self.assertEqual(used, made)


class Redis(unittest.TestCase):
    def test_in_dev_it_keeps_what_it_acknowledges(self):
        container = named("dev", "StatefulSet", "passgate-redis")["spec"]["template"]["spec"]["containers"][0]
        settings = dict(zip(container["args"][::2], container["args"][1::2]))
        self.assertEqual((settings["--appendonly"], settings["--maxmemory-policy"]), ("yes", "noeviction"))
        self.assertEqual(settings["--appendfsync"], environment_of("dev")["PASSGATE_STORE_FSYNC"]
                         if renderer() else "always")
        self.assertIn(settings["--dir"], {mount["mountPath"] for mount in container["volumeMounts"]})
        self.assertIn(settings["--aclfile"].rpartition("/")[0], {mount["mountPath"] for mount in container["volumeMounts"]})
        limit = container["resources"]["limits"]["memory"]
        self.assertLess(int(settings["--maxmemory"].removesuffix("mb")) * 2**20, 0.6 * size_bytes(limit),
                        "a rewrite of the file needs room beside the data")

    def test_in_dev_nobody_but_the_replicas_reaches_it(self):
        spec = named("dev", "NetworkPolicy", "passgate-redis")["spec"]
        (rule,) = spec["ingress"]
        self.assertEqual(rule["from"], [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": "server"}}}])
        self.assertEqual((spec["policyTypes"], spec.get("egress")), (["Ingress", "Egress"], None))

    def test_in_production_it_is_somebody_elses_and_reached_by_tls(self):
        self.assertEqual([document for document in of_kind("production", "StatefulSet")
                          if document["metadata"]["name"] != "passgate"], [])
        needs_rendering()
        environment = environment_of("production")
        url = urllib.parse.urlsplit(environment["PASSGATE_STORE_URL"])
        self.assertEqual(url.scheme, "rediss")
        self.assertIn("PASSGATE_STORE_CA_FILE", environment)
        (rule,) = named("production", "NetworkPolicy", "passgate-to-redis")["spec"]["egress"]
        self.assertEqual(rule["ports"], [{"port": url.port, "protocol": "TCP"}])


class Rollout(unittest.TestCase):
    def test_the_grace_outlasts_the_drain(self):
        needs_rendering()
        for overlay in OVERLAYS:
            values = options_of(yaml.safe_load(config_text(overlay)), environment_of(overlay))
            self.assertGreater(server_pod(overlay)["terminationGracePeriodSeconds"], drain_seconds(values) + STOP_SECONDS)

    def test_one_replica_at_a_time_is_taken_away(self):
        for overlay in OVERLAYS:
            self.assertEqual(named(overlay, "PodDisruptionBudget", "passgate")["spec"]["maxUnavailable"], 1)
            self.assertGreater(named(overlay, "StatefulSet", "passgate")["spec"]["replicas"], 1)

    def test_in_production_no_node_has_two_replicas(self):
        needs_rendering()
        spread = {row["topologyKey"]: row["whenUnsatisfiable"] for row in
                  server_pod("production")["topologySpreadConstraints"]}
        self.assertEqual(spread, {"kubernetes.io/hostname": "DoNotSchedule",
                                  "topology.kubernetes.io/zone": "ScheduleAnyway"})

    def test_every_container_has_requests_and_limits(self):
        for where, container in all_containers():
            for kind in ("requests", "limits"):
                self.assertEqual(set(container["resources"][kind]), {"cpu", "memory"}, where)

    def test_everything_is_denied_that_no_policy_lists(self):
        for overlay in OVERLAYS:
            spec = named(overlay, "NetworkPolicy", "passgate-default-deny")["spec"]
            self.assertEqual(spec, {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
            out = [port["port"] for policy in of_kind(overlay, "NetworkPolicy")
                   for rule in policy["spec"].get("egress", []) for port in rule["ports"]]
            self.assertEqual(set(out), {53, "redis" if overlay == "dev" else 6380})


if __name__ == "__main__":
    main()
