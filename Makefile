# Every target sets up what it needs by itself: a person needs Python >= 3.11 and make, nothing else.
#   make run                                   the app
#   make train ARGS="--epochs 2 --seed 1"      ARGS is handed on to the command behind a target
#   make run PYTHON=/path/to/python3           choose the interpreter that .venv is made with
#   make install EXTRAS=cluster                what sweeps need beside the app (requirements-cluster.txt)

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install run train analysis test lint bench soak remove

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PYTHON ?=
ARGS ?=
EXTRAS ?=
KNOWN_EXTRAS := $(patsubst requirements-%.txt,%,$(wildcard requirements-*.txt))
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python)

# Make .venv with the first interpreter that is new enough and able to.
define make_venv
for python in $(PYTHONS); do \
	if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		echo "Making $(VENV) with $$python"; exec "$$python" -m venv --clear $(VENV); \
	fi; \
done; \
echo "Python 3.11 or newer with its venv module is needed (looked for: $(PYTHONS)): install it (Debian and Ubuntu:" \
	"apt install python3 python3-venv), or name one with make $(MAKECMDGOALS) PYTHON=/path/to/python3." >&2; \
exit 1
endef

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

ifneq ($(filter-out $(KNOWN_EXTRAS),$(EXTRAS)),)
$(error There are no extras "$(filter-out $(KNOWN_EXTRAS),$(EXTRAS))": choose from $(KNOWN_EXTRAS))
endif

install: $(INSTALLED) $(EXTRAS:%=$(VENV)/.installed-%) ## Make .venv and install what the app needs (every other target does it by itself)

# `streamlit` opens the browser itself where there is a screen to open it on.
run: $(INSTALLED) ## Open the app in the browser
	@if [ "$$(uname)" = Darwin ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then headless=false; else headless=true; fi; \
	$(PY) -m streamlit run streamlit_app.py \
		--server.headless $$headless $(ARGS)

# ARGS with a --dataset wins: then there is nothing to get.
train: $(INSTALLED) ## Train on CIFAR-10 (on drawn10 where it cannot be had)
	@trap 'exit 130' INT; \
	if $(if $(findstring --dataset,$(ARGS)),true,$(PY) -m cifar_core data get cifar10); then dataset=cifar10; \
	else echo "CIFAR-10 is not here and cannot be fetched: training on drawn10 instead."; dataset=drawn10; fi; \
	$(PY) -m cifar_core train --dataset $$dataset $(ARGS)

analysis: $(INSTALLED) ## Save the top 10 misclassified test pictures of the latest run
	@$(PY) -m cifar_core analyze latest --top 10 $(ARGS)

# Two at a time: most tests wait for a process of their own. Torch's threads then sleep while they wait, not spin.
test: $(INSTALLED_DEV) ## Run the tests, apart from the slow ones (all of them: bash .ci/run)
	OMP_WAIT_POLICY=PASSIVE $(PY) -m pytest -m "not slow and not cluster" -n 2 --dist loadfile $(ARGS)

lint: $(INSTALLED_DEV) ## Check style, formatting and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

bench: $(INSTALLED) ## Time training, presets, screens and growth here (ARGS=--quick: 3 minutes)
	@$(PY) -m cifar_core bench $(ARGS)

soak: $(INSTALLED_DEV) ## Let 30 sessions work while processes are killed (15 minutes; ARGS=--quick: 3)
	@$(PY) -m tests.soak $(ARGS)

remove: ## Delete .venv and all caches; workspace/ (your data, runs, exports) stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artifacts
	@find . -name workspace -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed $(VENV) and the caches. workspace/ with your data, runs and exports is untouched."

# The stamps are younger than what they stand for: installing happens once, and again when a requirement changes.
$(INSTALLED): requirements.txt $(PY)
	@$(PY) -m pip --version >/dev/null 2>&1 || { $(make_venv); }
	@echo "Installing requirements.txt (once; PyTorch is large, so this takes some minutes)"
	$(PY) -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-%: requirements-%.txt $(INSTALLED)
	$(PY) -m pip install --disable-pip-version-check -r $<
	@touch $@

# Nothing to do here: a missing or broken .venv makes $(INSTALLED) old, and its recipe mends it.
$(PY): ;
