# `make demo` and `make test` set everything up by themselves.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
SEED ?= 0
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint docs bench clean

demo: $(VENV)/package
	$(BIN)/python tools/demo.py --seed $(SEED) $(DEMO_FLAGS)

test: $(VENV)/package
	$(BIN)/pytest $(PYTEST_FLAGS)

lint: $(VENV)/package
	$(PIP) install -q ruff==0.17.6
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(VENV)/package
	$(BIN)/python -m sphinx -q -W docs site

bench: $(VENV)/package
	$(BIN)/python benchmarks/run_all.py

clean:
	rm -rf $(VENV) build dist *.egg-info

# What the project stands on, in the versions that are tested together.
$(VENV)/packages: setup.cfg requirements/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q wheel "setuptools<81"
	rm -rf build
	$(PIP) install -q --no-build-isolation -c requirements/constraints.txt ".[docs,lite,mim,test]"
	touch $@

# An ordinary install, not an editable one: mim looks for configs and tools in
# site-packages.
SOURCES := $(shell find integral_action integral_action_cli.py configs tools setup.cfg pyproject.toml \
	model-index.yml -type f -not -path '*/__pycache__/*')
$(VENV)/package: $(VENV)/packages $(SOURCES)
	rm -rf build  # or files that are gone would be installed from it
	$(PIP) install -q --no-build-isolation --no-deps --force-reinstall .
	touch $@
