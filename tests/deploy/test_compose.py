#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/compose: against the options that passgated has, and against the manifests' promises."""
import unittest

from manifests import (COMPOSE, STOP_SECONDS, drain_seconds, has_tag, option_of_variable, options_of, seconds,
                       unknown_keys, version)
from passgate_server import main
import yaml

REPLICAS = ("passgate-1", "passgate-2")


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
        cls.services = cls.file["services"]
        cls.config = yaml.safe_load((COMPOSE / "passgate.yaml").read_text(encoding="utf-8"))
        cls.values = options_of(cls.config, {})

    def test_every_key_is_an_option(self):
        self.assertEqual(unknown_keys(self.config), [])

    def test_no_variable_of_a_replica_is_unknown(self):
        for name in REPLICAS:
            for variable in self.services[name].get("environment", {}):
                self.assertIsNotNone(option_of_variable(variable))

    def test_nothing_has_rights_that_it_does_not_need(self):
        for name, service in self.services.items():
            self.assertIs(service["read_only"], True, name)
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            self.assertNotIn("privileged", service, name)
            self.assertEqual("cap_add" in service, name == "secrets", name)

    def test_no_image_is_latest_and_ours_is_the_version_that_is_built(self):
        for name, service in self.services.items():
            self.assertTrue(has_tag(service["image"]), name)
            if name != "redis":
                self.assertTrue(service["image"].endswith(f":{version()}"), name)

    def test_ports_are_those_that_are_served_and_open_to_this_machine_only(self):
        served = {address.rpartition(":")[2] for address in
                  (*self.values["listen.grpc"], self.values["listen.http"], self.values["listen.ops"])}
        published = []
        for name in REPLICAS:
            for port in self.services[name]["ports"]:
                host, outside, inside = port.split(":")
                self.assertEqual(host, "127.0.0.1")
                self.assertIn(inside, served)
                published.append(outside)
        self.assertEqual(len(set(published)), 2 * len(served))

    def test_what_is_mounted_is_there(self):
        for name, service in self.services.items():
            for volume in service["volumes"]:
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((COMPOSE / source).exists(), volume)
                else:
                    self.assertIn(source, self.file["volumes"], name)

    def test_every_path_of_the_options_is_mounted(self):
        for name in REPLICAS:
            targets = [volume.split(":")[1] for volume in self.services[name]["volumes"]] + \
                [mount.split(":")[0] for mount in self.services[name]["tmpfs"]]
            for option, value in self.values.items():
                if isinstance(value, str) and value.startswith("/"):
                    self.assertTrue(any(value.startswith(target) for target in targets), (option, value))

    def test_each_replica_has_data_of_its_own(self):
        data = [volume for name in REPLICAS for volume in self.services[name]["volumes"] if volume.startswith("data-")]
        self.assertEqual(len(set(data)), len(REPLICAS))

    def test_the_grace_outlasts_the_drain(self):
        for name in REPLICAS:
            self.assertGreater(seconds(self.services[name]["stop_grace_period"]), drain_seconds(self.values) + STOP_SECONDS)

    def test_redis_keeps_what_it_acknowledges(self):
        command = self.services["redis"]["command"]
        settings = dict(zip(command[1::2], command[2::2]))
        self.assertEqual((settings["--appendonly"], settings["--maxmemory-policy"]), ("yes", "noeviction"))
        self.assertEqual(settings["--appendfsync"], self.config["store"]["fsync"])
        self.assertTrue(settings["--aclfile"].endswith("users.acl"))
        self.assertIs(self.file["networks"]["store"]["internal"], True)
        self.assertNotIn("ports", self.services["redis"])


if __name__ == "__main__":
    main()
