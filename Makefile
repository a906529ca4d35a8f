# The verbs of the project. Each works on a fresh Debian 12 or Ubuntu 24.04; nothing is installed outside Debian packages,
# build/ and the virtual environment in it.
#
#   make demo     packages, build, start the server, deploy examples/documents, make a PDF, show times and cost
#   make test     packages, build, every test (unit tests plain and under sanitizers, system tests on the real binary)
#   make build    packages, build/lambent
#   make soak     the long forms of the tests: hundreds of kills, minutes of fuzzing
#   make bench    speed and memory, beside peers in the same run      make bench-short  the same in minutes, rough
#   make lint     formatting, clang-tidy, the tree's own rules          make format   rewrites formatting

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.PHONY: build test demo soak bench bench-short lint format packages venv clean unit sanitizers system

JOBS ?= $(shell nproc)
VENV := build/venv

packages: build/.packages
build/.packages: tools/packages.sh
	tools/packages.sh
	@mkdir -p build && touch $@

venv: $(VENV)/.done
$(VENV)/.done: tools/requirements.txt | build/.packages
	tools/make_venv.sh $(VENV)
	@touch $@

build: build/.packages $(VENV)/.done
	cmake --preset release
	cmake --build --preset release -j $(JOBS)
	@ln -sfn release/src/main/lambent build/lambent
	@echo "built build/lambent"

test: build
	tools/test.sh

demo: build
	examples/documents/demo.sh

soak: build
	tools/soak.sh

bench: build
	tools/bench.sh

bench-short: build
	tools/bench.sh --short

lint: build
	tools/lint.sh

format: build/.packages
	git ls-files '*.h' '*.cpp' | xargs clang-format-19 -i

clean:
	rm -rf build
