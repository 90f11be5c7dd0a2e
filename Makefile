# From nothing to a result (`make quickstart`), from nothing to green (`make test`). Needs Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
DATA := $(wildcard ../shared/collections)

.PHONY: help venv quickstart test clean

help:
	@echo "make quickstart   install into .venv, benchmark, print a leaderboard (no network needed after the install)"
	@echo "make test         install what it needs and run the whole check (tox)"
	@echo "make venv         only the .venv, with everything a user needs"
	@echo "make clean        remove .venv, .tox and build leftovers; results stay"

venv: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "beir-harness needs Python 3.11 or newer; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

quickstart: venv
	@DATA_DIR="$(DATA)" BIN="$(BIN)" sh quickstart.sh

test: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt tox
	$(BIN)/tox

clean:
	rm -rf .venv .tox build dist *.egg-info
