PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: demo docs test test-promises test-slow test-clusters test-oldest test-newest lint audit dist clean

demo: $(INSTALLED)  ## Run the main job on bundled data: a table and a picture.
	$(BIN)/python -m skae

test: $(INSTALLED)  ## Run the tests.
	$(BIN)/python -m pytest

test-promises: $(INSTALLED)  ## Run all cases of scikit-learn's contract, bits and threads, and examples, on optimised programs.
	XLA_FLAGS= $(BIN)/python -m pytest -m "slow or not slow" tests/promises skae

test-slow: $(INSTALLED)  ## Run the tests that are left out of `make test`: more cases of the same.
	$(BIN)/python -m pytest -m slow

test-clusters:  ## Run searches on local clusters of Dask and Ray and by Optuna, in an environment of its own.
	$(PYTHON) -m venv --clear .venv-clusters
	.venv-clusters/bin/python -m pip install --quiet --editable '.[test,ray,optuna]'
	.venv-clusters/bin/python -m pytest -n 0 -m slow tests/promises/test_clusters.py

lint: $(INSTALLED)  ## Check style and format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

test-oldest:  ## Run the tests on the lowest supported versions, in an environment of its own.
	$(PYTHON) -m venv --clear .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --constraint tests/oldest.txt --editable '.[test]'
	.venv-oldest/bin/python -m pytest tests skae --ignore=skae/callbacks.py  # whose examples need scikit-learn 1.9

docs: $(INSTALLED)  ## Build the site into docs/_build/html: examples are run, warnings are errors.
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	$(BIN)/python -m sphinx -q -W --keep-going -j 2 -b html docs docs/_build/html
	$(BIN)/python docs/check_site.py docs/_build/html

test-newest:  ## Run the tests on the newest versions, pre-releases too, in an environment of its own.
	$(PYTHON) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade pip
	.venv-newest/bin/python -m pip install --quiet --upgrade --pre --editable '.[test]'
	.venv-newest/bin/python -m pytest tests skae

audit:  ## Look up known vulnerabilities of all that skae installs, extras and tools of its tests too.
	$(PYTHON) -m venv --clear .venv-audit
	.venv-audit/bin/python -m pip install --quiet --upgrade pip setuptools
	.venv-audit/bin/python -m pip install --quiet '.[test]' pip-audit
	.venv-audit/bin/python -m pip uninstall --quiet --yes skae
	.venv-audit/bin/pip-audit --local --strict --progress-spinner off  # which fails where it cannot look up

dist:  ## Build the source distribution and the wheel, and try both, each in a fresh environment.
	$(PYTHON) -m venv --clear .venv-dist
	.venv-dist/bin/python -m pip install --quiet build twine
	rm -rf build dist
	.venv-dist/bin/python -m build --outdir dist
	.venv-dist/bin/twine check --strict dist/*
	.venv-dist/bin/python tests/distributions.py dist

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

clean:  ## Remove what the other targets made.
	rm -rf $(VENV) .venv-* build dist *.egg-info .pytest_cache .ruff_cache .jax_cache
	rm -rf docs/_build docs/examples/*.csv docs/gallery docs/generated docs/sg_execution_times.rst
