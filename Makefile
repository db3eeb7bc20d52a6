# make test    everything CI runs: the checks of `make lint`, then the tests
# make demo    compile, build and run the shipped example; needs no TensorFlow
# make lint    ruff, mypy, pyright, clang-format
# make format  rewrite Python and C as lint wants them
# make clean   remove what the targets above made
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

C_FILES = $(shell git ls-files 'runtime/*.c' 'runtime/*.h')

.PHONY: test lint lint-python lint-types lint-c unit demo format clean

test: lint unit

unit: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

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

demo: $(VENV)/demo.stamp
	$(BIN)/python examples/digits/demo.py

# The stamps make a second run cheap: an extra is installed again only when pyproject.toml changes.
$(VENV)/%.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(BIN)/python:
	scripts/system-packages.sh
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
