# make test    everything CI runs: the checks of `make lint`, then the tests
# make demo    compile, build and run the shipped examples; needs no TensorFlow
# make lint    ruff, mypy, pyright, clang-format
# make format  rewrite Python and C as lint wants them
# make soak    10,000 random networks, 100,000 damaged files; SOAK_NETWORKS, SOAK_FILES, SOAK_SEED,
#              SOAK_MINUTES and SOAK_LOG make it shorter, repeat it, or say where its log goes
# make bench-kernels, make bench-compile   speed of kernels beside their peaks, of the compiler
# make clean   remove what the targets above made
PYTHON ?= python3
VENV ?= .venv
# Processes that run tests at once.
JOBS ?= auto
BIN = $(VENV)/bin

C_FILES = $(shell git ls-files 'runtime/*.c' 'runtime/*.h' 'examples/*.c' 'examples/*.h')

.PHONY: test lint lint-python lint-types lint-c unit unit-tensorflow in-tensorflow unit-frameworks in-framework soak demo format clean bench-kernels bench-compile

test: lint unit unit-tensorflow unit-frameworks

# The tests of a file stay together, since they share what its fixtures build.
IN_PARALLEL = --numprocesses $(JOBS) --dist loadfile

unit: $(VENV)/dev.stamp
	$(BIN)/python -m pytest $(IN_PARALLEL)

# Its environment is another one, so that `unit` proves that the rest needs no TensorFlow.
unit-tensorflow:
	$(MAKE) VENV=$(VENV)-tensorflow in-tensorflow

in-tensorflow: $(VENV)/dev-tensorflow.stamp
	$(BIN)/python -m pytest -m tensorflow $(IN_PARALLEL)

# PyTorch and Larq have one each; their tests are those of the examples that train with them.
unit-frameworks:
	$(MAKE) VENV=$(VENV)-pytorch FRAMEWORK=pytorch in-framework
	$(MAKE) VENV=$(VENV)-larq FRAMEWORK=larq in-framework

in-framework: $(VENV)/dev-$(FRAMEWORK).stamp
	$(BIN)/python -m pytest -m $(FRAMEWORK) tests/examples

lint: lint-python lint-types lint-c

lint-python: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-types: $(VENV)/dev.stamp
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

lint-c: $(VENV)/dev.stamp
	$(if $(C_FILES),$(BIN)/clang-format --dry-run -Werror $(C_FILES))

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(if $(C_FILES),$(BIN)/clang-format -i $(C_FILES))

SOAK_NETWORKS ?= 10000
SOAK_FILES ?= 100000
SOAK_LOG ?= build/soak.jsonl

soak: $(VENV)/dev.stamp
	$(BIN)/python -m tests.fuzz soak --networks $(SOAK_NETWORKS) --files $(SOAK_FILES) \
	    --log $(SOAK_LOG) $(if $(SOAK_SEED),--seed $(SOAK_SEED) --resume) \
	    $(if $(SOAK_MINUTES),--minutes $(SOAK_MINUTES))

bench-kernels: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.peaks
	$(BIN)/python -m benchmarks.kernels

bench-compile: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.compile_time

demo: $(VENV)/demo.stamp
	$(BIN)/python -m examples.digits.demo
	$(BIN)/python -m examples.cifar10.demo

# The stamps make a second run cheap: an extra is installed again only when pyproject.toml changes.
$(VENV)/%.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(BIN)/python:
	scripts/system-packages.sh
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) $(VENV)-tensorflow $(VENV)-pytorch $(VENV)-larq build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
