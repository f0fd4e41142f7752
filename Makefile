# Two commands are enough to begin: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Installs the locked packages in seconds, where pip takes minutes over their hashes.
UV := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check format bench bench-peers bench-report chaos failover endurance test-matrix chaos-check stateful lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY) ## create .venv with the locked packages

$(READY): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "dibs needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## upload, parse, embed and search real documents (KILL=1 kills a worker on the way)
	$(BIN)/dibs-ingest demo $(if $(KILL),--kill)

serve: $(READY) ## run the ingestion service with a worker until Ctrl-C
	$(BIN)/dibs-ingest serve

test: $(READY) ## run the tests on a real Postgres, four at a time (ARGS='tests/unit -q' runs a part)
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY) ## formatting, lint, layers and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## measure dibs, its limits and its bad days on a Postgres of its own, half an hour (ARGS='--scale 0.01')
	$(BIN)/python -m benchmarks.run $(ARGS)

bench-peers: $(READY) ## measure dibs and its peers, an hour and a half (ARGS='--quick --systems dibs pgqueuer' runs a part)
	$(BIN)/python -m benchmarks.compare $(ARGS)

bench-report: $(READY) ## draw the newest results and put them into docs/performance.md
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/bench.lock
	$(BIN)/python -m benchmarks.report
	$(BIN)/python -m benchmarks.report.page

chaos: $(READY) ## break everything around workers for a long while, and count (ARGS='--jobs 50000 --seed 7')
	$(BIN)/python -m chaos.run $(ARGS)

failover: $(READY) ## lose the primary under load, promote its standby, and count: synchronous, then asynchronous
	$(BIN)/python -m chaos.failover $(ARGS)

endurance: $(READY) ## long runs: a held snapshot, a million jobs, a hundred stops (ARGS='stops --times 30')
	$(BIN)/python -m chaos.endurance $(ARGS)

test-matrix: $(READY) ## run the tests on each supported Postgres, over TLS and with small roles (ARGS='pg15 tls')
	$(BIN)/python -m matrix $(ARGS)

chaos-check: $(READY) ## see that builds broken on purpose are found out, a minute on a quiet machine
	$(BIN)/python -m pytest chaos/test_broken_builds.py $(ARGS)

stateful: $(READY) ## compare the engine with its model over new random histories (N=2000 tries so many)
	DIBS_STATEFUL_HISTORIES=$(or $(N),2000) $(BIN)/python -m pytest tests/stateful $(ARGS)

lock: ## pin the packages of requirements/dev.lock anew
	$(BIN)/python -m pip install --quiet uv==$(UV)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --group dev \
	  --no-header --no-annotate pyproject.toml --output-file requirements/dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group bench \
	  --constraints requirements/dev.lock --no-header --no-annotate --output-file requirements/bench.lock
	for each in benchmarks/peers/requirements/*.in; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    $$each --output-file $${each%.in}.txt; done

clean: ## remove the environment and caches (data in .dibs stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
