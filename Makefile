# make run   - everything on this machine: the playground at http://127.0.0.1:8080, or Discord when DISCORD_TOKEN is set
# make test  - every test          make lint - ruff, mypy, import-linter          make bench - every benchmark
# make catalogues - collects what Steward says into bot/locales/*/LC_MESSAGES/steward.po, for whoever translates
# make test ARGS="-n 2 --dist loadfile" runs two files of tests at a time.
# PYTHON=python3.12 chooses the interpreter; TORCH_INDEX=cpu avoids gigabytes of CUDA packages on a machine without a GPU.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH_URL_cpu := https://download.pytorch.org/whl/cpu
PIP_FLAGS := --quiet --disable-pip-version-check -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(or $(TORCH_URL_$(TORCH_INDEX)),$(TORCH_INDEX)))

.PHONY: run test lint bench catalogues clean
.DEFAULT_GOAL := run

run: $(VENV)/.installed-run
	@$(BIN)/steward run $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	@$(BIN)/steward bench all $(ARGS)

catalogues: $(VENV)/.installed-run
	@$(BIN)/python -m bot.catalogues

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Steward needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making the virtual environment in $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Steward and its pinned libraries (once; mostly torch, a few minutes) ..."
	@$(BIN)/pip install $(PIP_FLAGS) -e '.[gpu,models]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-run
	@echo "Installing what tests and benchmarks need ..."
	@$(BIN)/pip install $(PIP_FLAGS) -e '.[gpu,models,dev]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
