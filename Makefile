# Everything runs in .venv, made from a hashed lock. Nothing but Python >= 3.11 and make is needed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
SDKS := tests/sdks/node_modules
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --quiet --upgrade

.PHONY: help demo up test check audit format pictures words bench lock clean

help: ## what can be done here
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' Makefile | column -t -s '|'

demo: $(VENV)/.runtime ## the whole product on embedded parts with real leads (ARGS="--exit --json")
	@$(BIN)/nurture demo $(ARGS)

up: $(VENV)/.runtime ## the whole product on embedded parts, empty
	@$(BIN)/nurture up $(ARGS)

# Hundreds of processes begin in it: what the first has compiled, the others read. A third of the time tests wait for
# one, so four run on two cores.
test: $(VENV)/.dev $(SDKS)/.installed ## the whole test suite (ARGS="tests/domain -k wait")
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.dev ## linter, formatter, types, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: $(VENV)/.dev ## known weaknesses in what the locks name (AUDIT_REQUIRED=1: fail where nobody can be asked)
	@$(BIN)/python .ci/audit.py

format: $(VENV)/.dev ## put imports and layout in order
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

pictures: $(VENV)/.runtime ## every mail in every language as pictures: desk and telephone, day and night
	@$(BIN)/nurture preview --screenshot .nurture/pictures $(ARGS)

words: $(VENV)/.dev ## collect the texts of the pages into nurture/web/locale, where the Danish is filled in
	@cd nurture/web && ../../$(BIN)/pybabel -q extract -F locale/babel.cfg -k later -k say --no-location --sort-output \
	    --omit-header -o locale/words.pot . ../playbook
	@$(BIN)/pybabel -q update -i nurture/web/locale/words.pot -o nurture/web/locale/da.po -l da --no-wrap \
	    --no-fuzzy-matching --ignore-obsolete --omit-header
	@rm nurture/web/locale/words.pot

# As for the tests: a process that a drill kills begins again as quickly as an installed one.
bench: $(VENV)/.dev ## what a step costs, journeys, leads and decisions a second (ARGS=simulation)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m bench $(ARGS)

lock: $(VENV)/.dev ## choose the newest allowed versions and write both locks
	@$(COMPILE) --group build -o requirements.lock
	@$(COMPILE) --group dev -o requirements-dev.lock

clean: ## forget .venv, caches and local data
	rm -rf $(VENV) .nurture .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The dev lock holds everything the runtime lock does, so one .venv serves both and is never torn down.
$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "installing $< into $(VENV); the first time takes about a minute"
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-build-isolation --no-index --editable .
	@touch $@ $(VENV)/.runtime

# The SDKs that websites use, for tests/web/test_js_sdks.py. Without npm, or without its registry, those tests are skipped and say so.
$(SDKS)/.installed: tests/sdks/package-lock.json
	@mkdir -p $(SDKS); \
	if npm ci --prefix tests/sdks --ignore-scripts --no-audit --no-fund --silent; then touch $@; \
	else echo "make: npm cannot install tests/sdks; the SDKs of Node and browsers are NOT tested" >&2; fi

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing $< into $(VENV); the first time takes about a minute"
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-build-isolation --no-index --editable .
	@touch $@

# A name on the path may be a shim without a Python behind it, so each candidate has to run.
$(BIN)/python:
	@for name in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3; do \
	    if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        "$$name" -m venv $(VENV) && exit 0; \
	        rm -rf $(VENV); \
	        echo "make: $$name cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
	        exit 1; \
	    fi; \
	done; \
	echo "make: no Python 3.11 or newer found; install one, or say where: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	exit 1
