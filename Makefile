# Two commands: `make demo` and `make test`.  Each sets up what it needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
EXTRAS ?= demo,image,test
ALL    ?= .venv-all

.PHONY: setup demo test test-all test-clients check format bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRAS)]"
	touch $@

demo: setup
	$(BIN)/lamella demo

test: check
	$(BIN)/python -m pytest tests -m "not slow and not clients" -n 2

# The slow ones too, and those of the exports, whose packages (1 GB) have an environment of their own:
# jax2onnx wants an older Orbax.
test-all: check
	$(MAKE) setup VENV=$(ALL) EXTRAS=$(EXTRAS),onnx,tensorflow
	XLA_FLAGS= $(ALL)/bin/python -m pytest tests -n 2

# Libraries from PyPI that are built on Keras, each in a real workflow under `lamella run`.
CLIENTS ?= .venv-clients

$(CLIENTS)/.installed: pyproject.toml tests/clients/requirements.txt tests/clients/requirements-alone.txt
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --editable . pytest \
	  -r tests/clients/requirements.txt
	$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  -r tests/clients/requirements-alone.txt
	touch $@

test-clients: $(CLIENTS)/.installed
	$(CLIENTS)/bin/python -m pytest tests/clients

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Lamella beside Keras on each of its backends and plain torch; a peer that cannot be installed is left out.
# For torch without CUDA, point pip at an index that has it, or give TORCH=…
BENCH      ?= .venv-bench
TENSORFLOW ?= tensorflow-cpu==2.21.*
TORCH      ?= torch==2.13.*
ARGS       ?=

$(BENCH)/.installed: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable . keras==3.15.1
	-$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check "$(TENSORFLOW)"
	-$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	touch $@

bench: $(BENCH)/.installed
	$(BENCH)/bin/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) $(ALL) $(BENCH) $(CLIENTS) build dist src/*.egg-info
