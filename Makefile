# Thin: every target is a script or a CMake preset. `make demo` and `make test` need nothing before them but git and make.
.DEFAULT_GOAL := help

.PHONY: help setup build demo test check tidy asan tsan bench bench-compare format fuzz chaos clean

help:       ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup:      ## install what is missing
	@scripts/setup build

build: setup ## the program: build/release/bin/changevault
	@scripts/build release changevault

demo: setup ## the main job on one machine, with real output
	@scripts/build release changevault make_events
	@scripts/demo

test: setup ## build and run every test
	@scripts/setup test
	@scripts/build release
	@scripts/test release

asan: setup ## every test under the address and undefined-behaviour sanitizers
	@scripts/setup test
	@scripts/build asan
	@scripts/test asan

tsan: setup ## the same under the thread sanitizer
	@scripts/setup test
	@scripts/build tsan
	@scripts/test tsan

check:      ## format, include order, clang-tidy on headers, locks, documentation, and the proof that these gates close
	@scripts/setup build check
	@scripts/check-format
	@scripts/check-includes
	@scripts/check-docs
	@scripts/tidy headers
	@scripts/check-locks
	@scripts/test-gates

tidy:       ## clang-tidy on every source (many minutes the first time)
	@scripts/setup build check
	@scripts/tidy all

bench:      ## every work beside its peer: a table of figures and goals (BENCH="--only load --rounds 5")
	@scripts/setup build test bench
	@scripts/bench $(BENCH)

bench-compare: ## this tree against a revision: make bench-compare BASE=main~10
	@scripts/setup build bench
	@scripts/bench compare "$(BASE)" $(BENCH)

format:     ## put every source into the project's format
	@scripts/setup check
	@scripts/check-format --fix

fuzz:       ## each fuzzer for a minute
	@scripts/setup build fuzz
	@scripts/fuzz 60

chaos: setup ## kills, pauses and damage at random through the real program, for 10 minutes (CHAOS_SECONDS=n, CHAOS_SEED=n)
	@scripts/build release changevault
	@scripts/chaos

clean:      ## remove what was built
	rm -rf build demo
