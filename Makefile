# Every target makes what it needs: a virtual environment with exact versions, and the Node peer.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
NODE_PEER := tests/interop/node
NODE_STAMP := $(NODE_PEER)/node_modules/.installed
# One process more than there are cores, as some tests wait; they are independent of each other.
PYTEST_ARGS ?= -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.DEFAULT_GOAL := help
.PHONY: demo test check bench bench-compare screenshots docs interop fuzz security chaos soak proof-short help clean

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check "pip>=25.1"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . --group dev
	@touch $@

$(NODE_STAMP): $(NODE_PEER)/package.json $(NODE_PEER)/package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
	  cd $(NODE_PEER) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.installed; \
	else echo "!! Node.js is missing: the tests against the real server will be SKIPPED" >&2; fi

demo: $(STAMP)  ## the monitor on an embedded server with jobs worth watching
	@$(BIN)/durably-tui demo

test: $(STAMP) $(NODE_STAMP)  ## every test, the real Node server included
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

interop: $(STAMP) $(NODE_STAMP)  ## every client on every server, every route and event, as one table
	@$(BIN)/python -m tests.proof.interop

security: $(STAMP) $(NODE_STAMP)  ## who may do what, bad requests, secrets, and hostile text, as one table
	@$(BIN)/python -m tests.proof.security

fuzz: $(STAMP)  ## a million mutated frames and answers; ARGS=--short for a minute of it
	@$(BIN)/python -m tests.proof.fuzz $(ARGS)

check: $(STAMP)  ## types, lint, format, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: $(STAMP)  ## figures beside a reference in the same run; never fails by the clock
	@$(BIN)/python -m tests.bench

bench-compare: $(STAMP)  ## what a change did: make bench-compare OLD=main~5 [SUITES="wire paint"]
	@test -n "$(OLD)" || { echo "say what to compare with: make bench-compare OLD=REV" >&2; exit 2; }
	@$(BIN)/python -m tests.bench.compare $(OLD) $(SUITES)

# The suites of tests/proof whose short form CI runs. They wait for what is to happen, not for a
# time, so that a machine that has much else to do makes them slow, not red.
PROOF_SHORT := fuzz security interop chaos engine soak

proof-short: $(STAMP) $(NODE_STAMP)  ## the short form of every suite of proof, as CI runs it
	@failed=; for suite in $(PROOF_SHORT); do \
	  $(BIN)/python -m tests.proof.$$suite --short --seed 1 || failed="$$failed $$suite"; \
	done; test -z "$$failed" || { echo "failed:$$failed" >&2; exit 1; }

chaos: $(STAMP) $(NODE_STAMP)  ## a bad network, a dying server, a tortured engine
	@$(BIN)/python -m tests.proof.chaos $(ARGS); one=$$?; \
	  $(BIN)/python -m tests.proof.engine $(ARGS); two=$$?; test $$one$$two = 00

soak: $(STAMP)  ## an hour of 200 events a second (ARGS="--minutes 5" for less)
	@$(BIN)/python -m tests.proof.soak $(ARGS)

screenshots: $(STAMP)  ## pictures of the real app on a recorded server, into screenshots/
	@$(BIN)/python -m tests.screenshots

docs: $(STAMP)  ## the pages of docs/ that are made from declarations
	@$(BIN)/python -m tests.docs

clean:  ## remove what the other targets made
	rm -rf $(VENV) $(NODE_PEER)/node_modules dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
