# Each target makes its own virtual environment from pinned, hashed requirements; a second run is
# instant. All that is assumed: make, and Python >= 3.11 (another one: make PYTHON=/path/to/python).

MAKEFLAGS += --no-print-directory
FIND_PYTHON = for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && exec echo "$$each"; \
	done; command -v python3
PYTHON := $(or $(PYTHON),$(shell $(FIND_PYTHON)))

.DEFAULT_GOAL := help
.PHONY: help run test check bench docs requirements clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

run: ## start the server on http://localhost:8000 (PORT=9000, ZENITH_HOME=/elsewhere)
	@$(call environment,run)
	@PORT="$${PORT:-8000}" ZENITH_HOME="$${ZENITH_HOME:-$(CURDIR)/.zenith}" exec .venv/run/bin/zenith serve

test: ## run every test on private servers, then the coverage bars (ARGS="tests/kernel -x")
	@$(call environment,test)
	@.venv/test/bin/python -m tools.suite $(ARGS)

check: ## format, lint, types, layers, house rules, spelling, dead code
	@$(call environment,check)
	@.venv/check/bin/python -m tools.check

bench: ## measure against the peers; table, and docs/explanation/figures.md (ARGS="--quick")
	@$(call environment,bench)
	@.venv/bench/bin/python -m benchmarks $(ARGS)

docs: ## build the documentation into build/docs; warnings are errors
	@$(call environment,docs)
	@.venv/docs/bin/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo build/docs/index.html

requirements: ## pin all requirements anew, with hashes (COOLDOWN="7 days" for older releases only)
	@$(call environment,lock)
	@.venv/lock/bin/python tools/lock.py

clean: ## remove what the targets made; .zenith, the server's data, stays
	rm -rf .venv build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache \
		.pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

environment = test -n "$(PYTHON)" || { echo "Python >= 3.11 is missing: install it, for example \
	with 'apt-get install python3 python3-venv'." >&2; exit 1; }; "$(PYTHON)" tools/environment.py $(1)
