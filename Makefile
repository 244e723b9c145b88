# A thin front on Meson and Ninja. The program ends up at build/ferry; every other build directory
# is build-SOMETHING. `make help` lists the targets.

BUILD = build
PREFIX = /usr/local
MESONFLAGS =
FUZZ_SECONDS = 60

.NOTPARALLEL:

.PHONY: all
all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD) --prefix=$(PREFIX) $(MESONFLAGS) || { \
		echo 'make: is something missing? scripts/setup build installs what a build needs.' >&2; \
		exit 1; }

.PHONY: run
run: setup-build all
	@scripts/run $(BUILD)/ferry

.PHONY: test
test: setup-test all
	@scripts/test --machines $(BUILD)

.PHONY: check
check: setup-check
	@scripts/check

.PHONY: bench
bench: setup-bench all
	@bench/run

.PHONY: fuzz
fuzz: setup-check
	@scripts/fuzz $(FUZZ_SECONDS)

.PHONY: coverage
coverage: setup-check
	@scripts/coverage

.PHONY: test-vm
test-vm: setup-test all
	@tests/vm/run

.PHONY: install
install: all
	@meson install -C $(BUILD) --no-rebuild

setup-%:
	@scripts/setup $*

.PHONY: clean
clean:
	@rm -rf build build-*

.PHONY: help
help:
	@echo 'make            build build/ferry'
	@echo 'make run        install what is missing, build, start a hub on port 12345'
	@echo 'make test       install what is missing, build, run every test'
	@echo 'make check      what CI runs: format, layers, linters, tests plain and sanitized'
	@echo 'make fuzz       run each fuzz target FUZZ_SECONDS=$(FUZZ_SECONDS)'
	@echo 'make bench      measure against the limits and the peers'
	@echo 'make coverage   which lines the tests reach'
	@echo 'make test-vm    only the tests that boot machines of their own'
	@echo 'make install    install below PREFIX=$(PREFIX), or DESTDIR'
	@echo 'make clean      remove what was built'
