# Prahari: the two commands a newcomer needs are `make run` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: help run test test-deep check bench pictures lock clean sandbox install-service sbom
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.runtime  ## start the monitor with its chat (sandbox when no credentials are set); ARGS="--execute"
	@$(BIN)/python -m bot $(ARGS)

sandbox: $(VENV)/.runtime  ## start only the sandbox's servers
	@$(BIN)/python -m sandbox $(ARGS)

test: $(VENV)/.dev  ## run the whole test suite
	@$(BIN)/python -m pytest $(ARGS)

test-deep: $(VENV)/.dev  ## the proof machine ten times as often, anew in every run; and the speed's ratios
	@$(BIN)/python -m pytest -m deep $(ARGS)

check: $(VENV)/.dev  ## lint, format, types and the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev  ## speed, beside dhanhq's parser, in one run
	@$(BIN)/python -m tests.bench $(ARGS)

pictures: $(VENV)/.dev  ## write docs/settings.md; draw docs/chat/*.png, and docs/rules/*.svg with their tables from the recorded days
	@$(BIN)/python -m tests.pictures && $(BIN)/python -m tests.gallery

lock: $(VENV)/.dev  ## compile the pinned and hashed requirements anew
	@$(BIN)/pip install -q pip-tools
	@for f in requirements requirements-dev; do \
	  $(BIN)/pip-compile -q --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-find-links -o $$f.txt $$f.in; done

sbom: $(VENV)/.runtime  ## write sbom.json (CycloneDX, with hashes) and licences.md of what runs
	@test -x $(VENV)/sbom/bin/pip-licenses || { $(PYTHON) -m venv $(VENV)/sbom && \
	  $(VENV)/sbom/bin/pip install -q --disable-pip-version-check cyclonedx-bom pip-licenses; }
	@$(VENV)/sbom/bin/cyclonedx-py requirements requirements.txt --of JSON -o sbom.json
	@$(VENV)/sbom/bin/pip-licenses --python=$(BIN)/python --from=mixed --with-urls --format=markdown \
	  --packages $$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/\1/p' requirements.txt) > licences.md
	@echo "sbom.json and licences.md: $$(grep -c '"purl"' sbom.json) packages"

install-service: $(VENV)/.runtime  ## put the systemd unit, its user and its directories in place, for this checkout (as root)
	@case "$(CURDIR)" in /home/*|/root/*|/tmp/*) test -n "$(DESTDIR)" || { \
	  echo "the service cannot see $(CURDIR): move the checkout to /opt/prahari"; exit 1; };; esac
	@install -D -m 0644 deploy/prahari.sysusers "$(DESTDIR)/etc/sysusers.d/prahari.conf"
	@install -d -m 0755 "$(DESTDIR)/etc/systemd/system"
	@sed 's|/opt/prahari|$(CURDIR)|g' deploy/prahari.service > "$(DESTDIR)/etc/systemd/system/prahari.service"
	@install -d -m 0700 "$(DESTDIR)/etc/credstore"
	@install -d -m 0750 "$(DESTDIR)/etc/prahari"
	@test -e "$(DESTDIR)/etc/prahari/prahari.env" || \
	  install -m 0640 deploy/prahari.env.example "$(DESTDIR)/etc/prahari/prahari.env"
	@test -n "$(DESTDIR)" || { systemd-sysusers && systemctl daemon-reload; }
	@install -D -m 0755 deploy/prahari-tool "$(DESTDIR)/usr/local/sbin/prahari"
	@echo "next: settings into /etc/prahari/prahari.env, secrets into /etc/credstore/prahari.NAME (chmod 600),"
	@echo "then: systemctl enable --now prahari && prahari health      (docs/operations.md)"

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
