# Prahari: the two commands a newcomer needs are `make run` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: help run test test-deep check bench pictures lock clean sandbox
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.runtime  ## start the monitor with its chat (sandbox when no credentials are set); ARGS="--execute"
	@$(BIN)/python -m bot $(ARGS)

sandbox: $(VENV)/.runtime  ## start only the sandbox's servers
	@$(BIN)/python -m sandbox $(ARGS)

test: $(VENV)/.dev  ## run the whole test suite
	@$(BIN)/python -m pytest $(ARGS)

test-deep: $(VENV)/.dev  ## only the proof machine, ten times as often and anew in every run
	@$(BIN)/python -m pytest -m deep $(ARGS)

check: $(VENV)/.dev  ## lint, format, types and the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev  ## speed, beside dhanhq's parser, in one run
	@$(BIN)/python -m tests.bench $(ARGS)

pictures: $(VENV)/.dev  ## write docs/settings.md; draw docs/rules/*.svg with their tables, from the recorded days
	@$(BIN)/python -m tests.pictures

lock: $(VENV)/.dev  ## compile the pinned and hashed requirements anew
	@$(BIN)/pip install -q pip-tools
	@for f in requirements requirements-dev; do \
	  $(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-find-links -o $$f.txt $$f.in; done

clean:  ## remove the environment and caches (never the data directory)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.runtime: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned requirements into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "installing the development requirements into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
