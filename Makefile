# Every target makes its own environment when it is missing, and is quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export RUNTIME__DLTHUB_TELEMETRY := false
PORT ?= 3000
CUSTOMERS ?= 5000
# Made once, not by the first command that needs it.
READ_DBT_PROJECT := SCV_WAREHOUSE=duckdb python -m scv_platform.transformation.project

.DEFAULT_GOAL := help
.PHONY: help install demo dev test test-company test-parts parity lint bench lock clean

help:  ## Show what each target does
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Python 3.11 to 3.13 is needed, $(PYTHON) is: $$($(PYTHON) --version). Try: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The lock files are complete, so nothing is resolved (--no-deps) and every file is checked by its hash.
$(VENV)/.base: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing scv_platform (some minutes, once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(READ_DBT_PROJECT)
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.base
	@echo "Installing the tools for tests and lint (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.base  ## Make the environment

demo: $(VENV)/.base  ## Simulate a company, build everything, and show the result
	@scv demo --customers $(CUSTOMERS)

dev: $(VENV)/.base  ## Open the Dagster UI on http://127.0.0.1:3000
	@exec dagster dev -h 127.0.0.1 -p $(PORT)

lint: $(VENV)/.dev  ## Check style, layers, types and SQL
	@ruff check . && ruff format --check .
	@lint-imports
	@mypy
	@DBT_TARGET_PATH=target/lint sqlfluff lint scv_dbt/models scv_dbt/tests

# Side by side, because each leaves a processor idle at times. They share the manifest of the dbt project, which is made first.
test: $(VENV)/.dev  ## Lint, and run all tests
	@$(READ_DBT_PROJECT)
	@$(MAKE) --no-print-directory -j3 test-company test-parts lint

test-company: $(VENV)/.dev  ## Run the tests on the simulated company
	@pytest -m "company and not parity and not live_bigquery"

test-parts: $(VENV)/.dev  ## Run all other tests
	@pytest -m "not company and not parity and not live_bigquery"

parity: $(VENV)/.dev  ## Prove that DuckDB and BigQuery (an emulator of it) hold the same tables
	@python -m tools.bigquery_emulator install
	@pytest -m "parity and not live_bigquery"

bench: $(VENV)/.dev  ## Measure the figures that the README quotes
	@for script in $(filter-out %/installation.py,$(wildcard benchmarks/*.py)); do echo; python "$$script"; done

lock:  ## Resolve the lock files again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-annotate \
		--no-header --no-emit-index-url --no-emit-find-links pyproject.toml --extra dev --extra bigquery -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-annotate \
		--no-header --no-emit-index-url --no-emit-find-links pyproject.toml -c requirements-dev.lock -o requirements.lock

clean:  ## Delete the environment, the demo data and the run history
	rm -rf $(VENV) .emulator data .dagster scv_dbt/target
