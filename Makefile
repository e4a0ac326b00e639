# make lab: take the course.  make test: prove it.  Both set up what they need, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
# The versions that the course is tested with; CONSTRAINTS=FILE takes others.
CONSTRAINTS ?= constraints.txt
export CONSTRAINTS
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help lab test test-gpu bench build slides clean needs

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*##/ { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: $(VENV)/lab.done  ## open the course in JupyterLab (sets everything up the first time)
	@$(BIN)/genlib start

test: needs $(VENV)/test.done  ## run every test: library, exercises, notebooks, browser
	@$(BIN)/python genlib/course/browser.py
	@OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
		--nbval-lax --nbval-current-env --nbval-cell-timeout=300 -m "not gpu" tests notebooks/solutions

test-gpu: $(VENV)/test.done  ## run the tests that need an NVIDIA GPU
	@$(BIN)/python -m pytest -m gpu tests/test_gpu.py

# The allocator keeps what it has: else luck decides which side of a comparison gives memory back and asks for it again.
bench: $(BENCH)/bench.done  ## measure everything beside other libraries; writes docs/benchmarks.md and README's lines
	@OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_MMAP_THRESHOLD_=33554432 \
		$(BENCH)/bin/python -W ignore -m tests.benchmarks $(ARGS)

build: $(VENV)/test.done  ## make the notebooks from notebooks/source
	@$(BIN)/genlib build

slides: needs $(VENV)/test.done  ## make the slides, HTML and PDF, in build/slides
	@$(BIN)/python genlib/course/browser.py
	@$(BIN)/genlib slides

# A browser and npm: fetched where that can be done; else a line says at once what to install. Once more after the
# environment is there, for Playwright's own browser.
needs:
	@$(PYTHON) genlib/course/browser.py

clean:  ## remove the virtual environments; your notebooks in my/ stay
	rm -rf $(VENV) $(BENCH)

$(VENV)/bin/python:
	@echo "Making a virtual environment in $(VENV): some seconds."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/lab.done: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	@echo "Setting up, once: about a minute, plus the download of PyTorch (see README)."
	@$(BIN)/python genlib/course/setting_up.py --constraint $(CONSTRAINTS) --editable ".[lab]"
	@touch $@

$(VENV)/test.done: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable ".[test]"
	@touch $@ $(VENV)/lab.done

# nflows asks for tensorboard and more that nothing here needs, so it comes alone.
$(BENCH)/bench.done: pyproject.toml $(CONSTRAINTS) tests/benchmarks/constraints.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --constraint $(CONSTRAINTS) --constraint tests/benchmarks/constraints.txt \
		--editable ".[bench]"
	$(BENCH)/bin/python -m pip install --quiet --constraint tests/benchmarks/constraints.txt --no-deps nflows
	@touch $@
