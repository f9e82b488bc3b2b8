# Everything that is done with this repository. `make` lists it.
.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-fast lint format types gen docs bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
DASHBOARD := gateway/dashboard
DIST := $(DASHBOARD)/dist/index.html
SOURCES := $(shell find $(DASHBOARD)/src $(DASHBOARD)/public -type f 2>/dev/null) $(wildcard $(DASHBOARD)/*.html $(DASHBOARD)/*.ts $(DASHBOARD)/*.json)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}'

setup: $(STAMP) $(DIST) ## install everything into .venv and build the dashboard

# uv installs in seconds what takes pip a minute; where uv finds no index (a mirror that only pip knows of), pip does it.
$(STAMP): requirements.lock pyproject.toml client/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Assay needs Python 3.11 or newer: make PYTHON=python3.12 …'; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'installing into $(VENV) …'
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e client -e .
	@$(BIN)/python -m compileall -q client/assay_client kit services gateway cli simulation gen
	@touch $@

$(DIST): $(SOURCES) $(DASHBOARD)/package-lock.json | $(STAMP)
	$(BIN)/python npm.py $(DASHBOARD) run build
	@touch $@

run: setup ## run the whole suite here, on an embedded PostgreSQL and NATS
	$(BIN)/assay up

demo: setup ## run it with a month of a simulated fleet, to look at; its data is kept apart
	$(BIN)/assay demo

# What Assay fits into, for its tests alone.
$(VENV)/.integrations: tests/integrations.lock $(STAMP)
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r tests/integrations.lock \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r tests/integrations.lock
	@touch $@

test: setup $(VENV)/.integrations ## run every test, the fast ones first, and check the coverage
	$(BIN)/python -m tests.run

test-fast: setup ## run the tests that take no servers
	$(BIN)/python -m pytest -q tests/kit tests/collector/domain tests/contract tests/test_tidy.py

lint: setup ## check style, imports and the contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python npm.py proto exec -- buf lint --config ../buf.yaml ..

format: setup ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: setup ## check the types of Python and TypeScript
	$(BIN)/mypy client/assay_client kit services gateway cli bench simulation docs/*.py
	$(BIN)/python npm.py $(DASHBOARD) run check

gen: setup ## write the code of the contract, and the dashboard's types, anew
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python proto/generate.py
	$(BIN)/python -m gateway openapi > $(VENV)/openapi.json
	ASSAY_OPENAPI=$(abspath $(VENV)/openapi.json) $(BIN)/python npm.py $(DASHBOARD) run types

# MkDocs has an environment of its own: nothing of it is needed to run or test Assay.
$(VENV)/docs/.ready: docs/requirements.lock | $(STAMP)
	@$(BIN)/python -m venv $(VENV)/docs
	@$(BIN)/uv pip install -q --python $(VENV)/docs/bin/python --require-hashes -r docs/requirements.lock \
	  || $(VENV)/docs/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r docs/requirements.lock
	@touch $@

docs: $(STAMP) $(VENV)/docs/.ready ## build the documentation's site in build/site
	@$(BIN)/python -m gateway openapi > $(VENV)/openapi.json
	$(BIN)/python -m docs.pages build/docs $(VENV)/openapi.json
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --strict --quiet

bench: setup ## measure: make bench AREAS="ingest query"
	$(BIN)/assay bench $(AREAS)

clean: ## remove what was installed and built; data stays
	rm -rf $(VENV) build $(DASHBOARD)/dist $(DASHBOARD)/node_modules
