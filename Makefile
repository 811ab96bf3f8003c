# Everything sets itself up: a machine with Python 3.11 or later and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Where Python may not store what it compiles, every process compiles torch again, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test torture lint clean

help: ## this page
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: $(VENV)/run ## train bce, soft precision and soft F1 with 5 seeds each, and compare them
	$(BIN)/surrogate-bench -m loss=bce,soft_precision,soft_f1 'seed=range(5)' experiment=demo
	@echo
	@echo "curves and hyperparameters: $(BIN)/tensorboard --logdir outputs/demo"

test: lint ## lint, types, imports, tests
	$(BIN)/python -m pytest -n 2

torture: $(VENV)/dev ## the long forms of the tests that kill, fill and feed rubbish
	SURROGATE_BENCH_TORTURE=1 $(BIN)/python -m pytest -n 2 tests/torture

lint: $(VENV)/dev ## ruff, types, imports, docstrings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/lint_docstrings.py

clean: ## remove the environment and everything built (outputs/ stays)
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv installs in seconds; pip brings it where it is missing.
$(VENV)/uv:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(VENV)/run: pyproject.toml constraints.txt | $(VENV)/uv
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable .
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt | $(VENV)/uv
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/run $@
