# From nothing to a result (`make quickstart`), from nothing to green (`make test`). Needs Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= $(wildcard ../shared/collections)
QUICK := --results results/quickstart

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
	$(BIN)/beir-harness run --suite quickstart $(QUICK)
	@$(BIN)/beir-harness run --suite quickstart-scifact $(if $(DATA),--data-dir $(DATA)) $(QUICK) \
		> results/quickstart/scifact.log 2>&1 && cat results/quickstart/scifact.log || \
		echo "SciFact is left out, as it can't be downloaded here; make quickstart DATA=DIR takes DIR/scifact"
	$(BIN)/beir-harness leaderboard --baseline bm25 $(QUICK)
	$(BIN)/beir-harness verify $(QUICK)

test: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt tox
	$(BIN)/tox

clean:
	rm -rf .venv .tox build dist *.egg-info
