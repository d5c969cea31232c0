# Two commands do everything on a fresh machine with Python 3.11 or later: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test test-vllm check check-scenarios pytest wheel docs bench clean

run: $(VENV)/installed  ## install into .venv and compare a shipped scenario
	$(BIN)/tco compare coding-agent

test: check wheel check-scenarios pytest  ## everything that must hold before a change lands

check: $(VENV)/dev  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check-scenarios: $(VENV)/dev  ## the gate, on the shipped scenarios
	$(BIN)/tco check scenarios/

pytest: $(VENV)/dev
	$(BIN)/pytest -n 2

test-vllm: $(VENV)/dev  ## replay against real vLLM on the CPU, which is installed once into a cache (2.5 GB)
	PYTEST=$(BIN)/pytest ci/vllm/test

wheel: $(VENV)/dev  ## build the wheel, install it without dev packages, run it in an empty directory
	$(BIN)/python tests/wheel_check.py

docs: $(VENV)/dev  ## write what is generated: schemas, reference, outputs in pages, the picture
	$(BIN)/python -m docs.generate

bench: $(VENV)/dev  ## print the ratios of benchmarks/
	$(BIN)/python benchmarks/check.py
	$(BIN)/python benchmarks/crossovers.py
	$(BIN)/python benchmarks/draws.py
	$(BIN)/python benchmarks/plan.py
	$(BIN)/python benchmarks/replay.py
	$(BIN)/python benchmarks/trace.py
	$(BIN)/python benchmarks/startup.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { echo "needs Python 3.11+ with venv: on Debian, apt-get install python3-venv"; exit 1; }

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
