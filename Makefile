# `make check` is the main job, `make test` is everything CI runs. Both set up .venv by themselves.

PYTHON ?= python3
SEED ?= 0

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := $(VENV)/.ready
RELEASE := build/release
RELEASE_READY := $(RELEASE)/.ready
DOCS := build/docs
DOCS_READY := $(DOCS)/.ready
DEVICE := build/device

# Hundreds of programs are started: they are not all to compile the project for themselves.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv check test oracle oracle-recordings oracle-programs oracle-traces oracle-nightly browser lint format dist site test-device constraints clean

help:
	@echo "make check        the verification layers, a minute, one table"
	@echo "make test         everything CI runs: lint, types, contracts, tests with coverage"
	@echo "make oracle       ask a live kernel in an emulated machine (fetches Debian packages, needs qemu)"
	@echo "make browser      click through the pages of runs (needs Chromium)"
	@echo "make lint         ruff, mypy and the import contracts"
	@echo "make format       let ruff rewrite what it can"
	@echo "make site         build the documentation into build/site"
	@echo "make test-device  test the device alone, with an interpreter that not all tools have wheels for"
	@echo "make dist         build wheel and sdist into dist/ and judge them"
	@echo "make venv         set up .venv (PYTHON=python3.12 picks another interpreter)"
	@echo "make constraints  resolve the newest versions into constraints.txt"
	@echo "make clean        remove everything generated, except the Hypothesis examples"

venv: $(READY)

# Built anew each time, so that what pyproject.toml no longer names is not there to be imported either. The stamp lies
# inside: it goes with the old environment and appears when the last step has succeeded, so a half-built environment
# never counts. The build back end runs without isolation, because an isolated build would fetch a version that
# constraints.txt does not pin.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: Python 3.11 or newer is needed; name one with: make venv PYTHON=python3.12" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -qq --upgrade --constraint constraints.txt pip
	$(PIP) install -qq --constraint constraints.txt --group dev
	$(PIP) install -qq --constraint constraints.txt --no-build-isolation --editable .
	@touch $@

check: venv
	$(BIN)/python -m stateful check

test: lint
	$(BIN)/coverage erase
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 20 --cov --cov-report=term

# Less than a minute with the kernel in the cache; what it looks at is a sample. A machine keeps one processor busy.
oracle: venv
	$(BIN)/python -m tests.kernel setup
	$(MAKE) --no-print-directory --jobs 2 --output-sync oracle-recordings oracle-programs oracle-traces
oracle-recordings: venv
	$(BIN)/python -m tests.kernel verify --every 7
oracle-programs: venv
	$(BIN)/python -m tests.kernel fuzz --programs 40 --seed $(SEED)
oracle-traces: venv
	$(BIN)/python -m stateful kernel-judge --workloads gate reads decide32

# Everything there is to ask, with another seed every night.
oracle-nightly: venv
	$(BIN)/python -m tests.kernel verify
	$(BIN)/python -m tests.kernel fuzz --schema 2 --programs 2000 --seed $(SEED)
	$(BIN)/python -m stateful kernel-judge
	$(BIN)/python -m stateful kernel-judge --workloads large --seed $(SEED)
	$(BIN)/python -m pytest --quiet --timeout 900 tests/kernel/live.py

# A minute; without Chromium it says so in one line and passes.
browser: venv
	$(PIP) install -qq --constraint constraints.txt --group browser
	$(BIN)/python -m pytest --quiet -rs --timeout 300 tests/spec/outputs/browser.py || [ $$? -eq 5 ]  # 5: skipped

lint: venv
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: venv
	$(BIN)/ruff check --fix --exit-zero --quiet
	$(BIN)/ruff format

# For interpreters that not all tools have wheels for, a build without the GIL for one. Hypothesis is the newest up to the
# pinned one that has a wheel, because its sources are Rust; lz4 and zstandard without a wheel take a C compiler alone.
# Guards are left out: they need greenlet, with which Python 3.13 takes its lock again.
test-device:
	$(PYTHON) -m venv --clear $(DEVICE)
	$(DEVICE)/bin/python -m pip install -qq --upgrade --constraint constraints.txt pip
	sed 's/^hypothesis==/hypothesis<=/' constraints.txt > $(DEVICE)/constraints.txt
	$(DEVICE)/bin/python -m pip install -qq --only-binary hypothesis --constraint $(DEVICE)/constraints.txt --group device .
	$(DEVICE)/bin/python -m pytest -q tests/impl --ignore tests/impl/engine/test_ring_guards.py

# In an environment of its own; every link and every anchor has to lead somewhere.
site: $(DOCS_READY)
	$(DOCS)/bin/python -m docs.site build/pages
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet

$(DOCS_READY): pyproject.toml constraints.txt
	rm -rf $(DOCS)
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install -qq --upgrade --constraint constraints.txt pip
	$(DOCS)/bin/python -m pip install -qq --constraint constraints.txt --group docs
	@touch $@

# In an environment of its own, whose tools nothing else needs. The wheel is built from the sdist, as a packager would.
dist: $(RELEASE_READY)
	rm -rf dist
	$(RELEASE)/bin/python -m build --no-isolation --outdir dist
	$(RELEASE)/bin/twine check --strict dist/*
	$(RELEASE)/bin/check-wheel-contents dist/*.whl
	$(RELEASE)/bin/cffconvert --validate
	$(RELEASE)/bin/python -m pip install -qq --force-reinstall --constraint constraints.txt dist/*.whl
	cd dist && PATH="$(CURDIR)/$(RELEASE)/bin:$$PATH" VIRTUAL_ENV="$(CURDIR)/$(RELEASE)" pyright --verifytypes zram_impl

$(RELEASE_READY): pyproject.toml constraints.txt
	rm -rf $(RELEASE)
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install -qq --upgrade --constraint constraints.txt pip
	$(RELEASE)/bin/python -m pip install -qq --constraint constraints.txt --group release
	@touch $@

# The resolve happens in an environment of its own: the pins must come from pyproject.toml alone, not from what is
# installed. setuptools is what `python -m venv` adds on Python 3.11; nothing needs it.
constraints:
	rm -rf build/resolve
	$(PYTHON) -m venv build/resolve
	build/resolve/bin/python -m pip install -qq --upgrade pip
	build/resolve/bin/python -m pip install -qq --group dev --group docs --group release '.[campaign]'
	build/resolve/bin/python -m pip freeze --all --exclude zram-impl --exclude setuptools > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/resolve

# .hypothesis stays: the examples in it are failures somebody found.
clean:
	rm -rf $(VENV) build dist .coverage .coverage.* coverage.xml htmlcov
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
