# make run, make test: everything they need is set up by themselves, in .venv.
PYTHON ?= python3
BIN := .venv/bin
VEHICLE ?=
ARGS ?=

.PHONY: run test check bench compiled campaign format clean

run: .venv/ready
	PYTHONPATH=$$($(BIN)/python compile_hot_rooms.py --if-made) $(BIN)/gateway run $(VEHICLE) $(ARGS)

test: .venv/ready
	$(BIN)/pytest $(ARGS)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The hot rooms compiled by mypyc, into build/compiled; `make run` and `make bench` use them from then on.
compiled: .venv/ready
	$(BIN)/python compile_hot_rooms.py

bench: .venv/ready
	PYTHONPATH=$$($(BIN)/python compile_hot_rooms.py --if-made) $(BIN)/gateway bench $(ARGS)

# A million damaged inputs for each reader and codec, planted faults, mutated files: minutes to hours, not part of the tests.
campaign: .venv/ready
	for campaign in tests/campaigns/*.py; do PYTHONPATH=. $(BIN)/python $$campaign || exit 1; done

format: .venv/ready
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
