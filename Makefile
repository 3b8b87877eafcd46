# One environment for everything: made by the first target that needs it.
#
# On Linux without a GPU, PyTorch's plain package brings several GB of CUDA libraries that are not used.
# TORCH_INDEX takes the CPU build instead: make demo TORCH_INDEX=ADDRESS, with the address that the page
# "Start locally" of PyTorch shows for Linux, Pip, CPU (behind --index-url).

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

# The tests worth running after each change. Chosen by pytest --durations=0: the folders whose tests open no media file and
# start no process, which take some 25 seconds of one core in all.
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
