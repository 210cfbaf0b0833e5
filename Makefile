PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: demo test test-promises test-slow test-oldest lint clean

demo: $(INSTALLED)  ## Run the main job on bundled data: a table and a picture.
	$(BIN)/python -m skae

test: $(INSTALLED)  ## Run the tests.
	$(BIN)/python -m pytest

test-promises: $(INSTALLED)  ## Run all cases of scikit-learn's contract, bits and threads, on optimised programs.
	XLA_FLAGS= $(BIN)/python -m pytest -m "slow or not slow" tests/promises

test-slow: $(INSTALLED)  ## Run the tests that are left out of `make test`: more cases of the same.
	$(BIN)/python -m pytest -m slow

lint: $(INSTALLED)  ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

test-oldest:  ## Run the tests on the lowest supported versions, in an environment of its own.
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --constraint tests/oldest.txt --editable '.[test]'
	.venv-oldest/bin/python -m pytest --ignore=skae/callbacks.py  # whose examples need scikit-learn 1.9

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

clean:  ## Remove what the other targets made.
	rm -rf $(VENV) .venv-oldest build *.egg-info .pytest_cache .ruff_cache .jax_cache
