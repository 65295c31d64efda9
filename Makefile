# Two set-up commands: `make quickstart` and `make test`. Each makes .venv if it is missing and installs the package.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
PARALLEL := --numprocesses auto --dist loadfile  # a file's fixtures are made once

.PHONY: quickstart test unit lint notebooks clean

$(VENV)/installed: setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else "Python %d.%d found: tf_imgtrans needs 3.10 to 3.13; choose one with: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(RUN)/python -m pip install --quiet --editable '.[test]'  # setuptools warns of every such installation
	@touch $@

quickstart: $(VENV)/installed
	$(RUN)/tf-imgtrans quickstart --out quickstart

test: lint
	$(RUN)/python -m pytest $(PARALLEL)

unit: $(VENV)/installed  # without the slow, export and multi-process tests
	$(RUN)/python -m pytest $(PARALLEL) -m 'not slow and not export and not multiprocess'

lint: $(VENV)/installed
	$(RUN)/ruff check .
	$(RUN)/mypy

notebooks: $(VENV)/installed  # runs them in full and keeps their outputs
	$(RUN)/python notebooks/execute.py

clean:
	rm -rf $(VENV) quickstart build dist *.egg-info
