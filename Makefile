# SPDX-License-Identifier: Apache-2.0
# For people.  Every target works on a fresh clone: it first installs what it needs and says so
# (scripts/packages.txt); how things are built is CMake's business (CMakePresets.json).
.PHONY: help demo demo-stop test nightly fuzz bench image lint format clean

help:
	@echo 'make demo       the June 2026 case on the real service; leaves it running (STORE=redis: on Redis)'
	@echo 'make demo-stop  ends it'
	@echo 'make test       builds and tests everything, under sanitizers too (a quarter of an hour)'
	@echo 'make nightly    that and what takes long: all of it under sanitizers, Debian 13, foreign clients, fuzzing'
	@echo 'make fuzz       every fuzz target for SECONDS (60) each, with executions a second and coverage'
	@echo 'make bench      against a server that does nothing, on this machine, as ratios'
	@echo 'make image      a container image, with docker, podman or buildah (docs/image.md)'
	@echo 'make lint       clang-tidy, buf and the style checks'
	@echo 'make format     clang-format, in place'
	@echo 'make clean      removes build/'

demo:
	@scripts/install-packages.sh build demo $(if $(filter redis,$(STORE)),redis)
	@STORE=$(STORE) scripts/demo.sh

demo-stop:
	@scripts/demo_stop.sh

test:
	@scripts/install-packages.sh build test
	@scripts/test.sh

nightly:
	@scripts/install-packages.sh build test lint nightly
	@scripts/nightly.sh

fuzz:
	@scripts/install-packages.sh build fuzz
	@scripts/fuzz.sh $(or $(SECONDS),60)

bench:
	@scripts/install-packages.sh build bench
	@scripts/bench.sh

image:
	@scripts/image.sh

lint:
	@scripts/install-packages.sh build test lint
	@scripts/lint.sh

format:
	@scripts/install-packages.sh format
	@find services client tests -name '*.[ch]' -print0 | xargs -0 clang-format -i

clean:
	rm -rf --one-file-system build
