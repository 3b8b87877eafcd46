# All targets use one environment, which the first target that needs it creates.
#
# On Linux without a GPU, the default PyTorch package installs several GB of CUDA libraries that are not used.
# TORCH_INDEX installs the CPU build instead: make demo TORCH_INDEX=ADDRESS. ADDRESS is the value of --index-url
# that PyTorch's page "Start locally" shows for Linux, Pip, CPU.

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: install demo test quick lint bench clean

install: $(VENV)/.installed

demo: $(VENV)/.installed
	$(BIN)/avgdt demo

test: lint
	$(BIN)/python -m pytest -n auto

# Fast tests, for after each change: the folders whose tests open no media file and start no process. By
# pytest --durations=0, they take about 25 seconds on one core.
QUICK := tests/recipes tests/objective tests/transforms tests/models tests/docs tests/test_architecture.py \
	tests/test_files.py tests/test_readme.py

quick: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto -m "not slow" $(QUICK)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/encoder_step.py
	$(BIN)/python benchmarks/clip_decoding.py
	$(BIN)/python benchmarks/augmentation_cost.py
	$(BIN)/python benchmarks/synthetic_rendering.py

$(VENV)/.torch: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "avgdt needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	$(INSTALL) --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(INSTALL) --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build
