# `make demo` and `make test` set everything up by themselves.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
CONSTRAINTS ?= requirements/constraints.txt
EXTRAS ?= docs,persons,test
SEED ?= 0
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# What numpy and opencv have a part in, less the tools' long runs.
ARRAYS := $(addprefix tests/,test_compat.py test_datasets test_evaluation \
	test_pose test_pose_estimators test_visualization.py \
	test_visualization_clips.py test_visualization_overlay.py)

.PHONY: demo test test-numpy1 test-py313 lint docs bench clean

demo: $(VENV)/package
	$(BIN)/python tools/demo.py --seed $(SEED) $(DEMO_FLAGS)

test: $(VENV)/package
	$(BIN)/pytest $(PYTEST_FLAGS)

test-numpy1:
	$(MAKE) test VENV=.venv-numpy1 PYTEST_FLAGS="$(ARRAYS)" \
		CONSTRAINTS=requirements/constraints-numpy1.txt EXTRAS=test

# Not in .ci/run: PyPI's torch for CUDA makes an environment of 6 GB.
test-py313:
	$(MAKE) test VENV=.venv-py313 PYTHON=python3.13 EXTRAS=test \
		PYTEST_FLAGS="$(ARRAYS) tests/test_configs.py tests/test_models"

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

# The README's line for these constraints, run as it is printed there, and what
# it promises.
$(VENV)/packages: setup.cfg $(CONSTRAINTS) | README.md
	$(PYTHON) -m venv $(VENV)
	rm -rf build
	. $(BIN)/activate && \
		grep '^pip install -c $(CONSTRAINTS) ' README.md | PIP_QUIET=1 bash -ex
	$(BIN)/integral-action --version
	$(BIN)/mim list | grep integral.action
	$(BIN)/mim train integral_action --help >/dev/null
	$(BIN)/integral-action --help >/dev/null
	$(PIP) install -q -c $(CONSTRAINTS) ".[$(EXTRAS)]"
	touch $@

# An ordinary install, not an editable one: mim looks for configs and tools in
# site-packages.
SOURCES := $(shell find integral_action integral_action_cli.py configs tools \
	setup.cfg setup.py pyproject.toml \
	model-index.yml -type f -not -path '*/__pycache__/*')
$(VENV)/package: $(VENV)/packages $(SOURCES)
	rm -rf build  # or files that are gone would be installed from it
	$(PIP) install -q --no-build-isolation --no-deps --force-reinstall .
	touch $@
