# `make run` and `make test` need Python 3.11 or later and make; everything else goes into .venv.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.PHONY: help run test test-all check lock docs clean

help:
	@echo "make run       run one night: curation to promotion, then print the table"
	@echo "make test      lint, type check and tests (without the slow ones)"
	@echo "make test-all  the same with the slow tests"
	@echo "make docs      write the generated pages of docs/"
	@echo "make lock      write constraints.txt from pyproject.toml; delete it first to renew every version"
	@echo "make clean     remove .venv and tool caches; data, trained models and the MLflow store stay"

run: $(READY)
	@$(BIN)/rlhf run

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" </dev/null

test-all: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup </dev/null

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python docs/generate.py

# The stamp is written last: an interrupted set-up is done again, a finished one costs nothing.
$(READY): constraints.txt pyproject.toml
	@python=$$(for name in $${PYTHON:-python3.11 python3 python3.12 python3.13 python}; do \
		"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done); \
	if [ -z "$$python" ]; then \
		echo "$${PYTHON:-python3}: Python 3.11 or later is needed; set PYTHON=/path/to/python3.11" >&2; exit 2; fi; \
	echo "setting up $(VENV) with $$($$python --version): a few minutes, once"; \
	"$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --no-compile -c constraints.txt -e . </dev/null
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true  # pip compiles on one core
	@touch $(READY)

lock:
	@test -x $(BIN)/python || { echo "run 'make test' once, or python3 -m venv $(VENV)" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet uv </dev/null
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" -o constraints.txt pyproject.toml

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache *.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
