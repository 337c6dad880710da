# make run, make test: everything they need is set up by themselves, in .venv.
PYTHON ?= python3
BIN := .venv/bin
VEHICLE ?=
ARGS ?=
# Bytecode is kept: without, each program that is started compiles what it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test peers check bench compiled proto campaign format clean

run: .venv/ready
	PYTHONPATH=$$($(BIN)/python compile_hot_rooms.py --if-made) $(BIN)/gateway run $(VEHICLE) $(ARGS)

# Two workers are quicker even on one core: many tests wait for other programs. A file's tests stay together, and the
# files come in the order that tests/conftest.py has found good. WORKERS=0 runs all in one process.
WORKERS ?= 2
test: .venv/ready peers
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# Peers of the tests in environments of their own: BlueChi's bindings, where the system's Python has GObject (apt-get
# install python3-gi), and someipy, whose licence keeps it apart.
SYSTEM_PYTHON ?= /usr/bin/python3
peers: .venv/ready
	@if [ ! -x build/someipy/bin/someipyd ]; then \
	  { $(PYTHON) -m venv build/someipy && build/someipy/bin/pip install --quiet --disable-pip-version-check someipy==2.1.2; } || \
	  { rm -rf build/someipy; echo "someipy cannot be installed: its test skips"; }; fi
	@if [ ! -x build/bluechi/bin/python ] && $(SYSTEM_PYTHON) -c 'import gi, venv' 2>/dev/null; then \
	  { $(SYSTEM_PYTHON) -m venv --system-site-packages build/bluechi && \
	    build/bluechi/bin/pip install --quiet --disable-pip-version-check --no-deps bluechi==1.2.1 dasbus==1.7; } || \
	  { rm -rf build/bluechi; echo "BlueChi's bindings cannot be installed: their test skips"; }; fi

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The hot rooms compiled by mypyc, into build/compiled; `make run` and `make bench` use them from then on.
compiled: .venv/ready
	$(BIN)/python compile_hot_rooms.py

# The messages of our own proto files; mypy wants to know what a Mapping holds.
PROTO := gateway/domains/aaos
proto: .venv/ready
	$(BIN)/python -m grpc_tools.protoc -I$(PROTO) --python_out=$(PROTO) --pyi_out=$(PROTO) vehicle_server.proto
	sed -e 's/_Mapping\]/_Mapping[str, object]]/g' $(PROTO)/vehicle_server_pb2.pyi > $(PROTO)/vehicle_server_pb2.pyi.new
	mv $(PROTO)/vehicle_server_pb2.pyi.new $(PROTO)/vehicle_server_pb2.pyi

bench: .venv/ready
	PYTHONPATH=$$($(BIN)/python compile_hot_rooms.py --if-made) $(BIN)/gateway bench $(ARGS)

# Damaged inputs by the million for each reader and codec, mutated files, planted faults: hours, not part of the tests.
campaign: .venv/ready
	set -e; for call in "can_frames --frames 100000" "database --databases 20000 --payloads 1000000" "mapping" \
	  "trace --inputs 1000000" "links --inputs 1000000" "someip --inputs 1000000" "someip_kills --kills 100" "lin" "vehicle --files 20000" "service_bus --kills 100 --payloads 1000000" \
	  "planted_faults" "hil_repeats --runs 20"; do \
	  echo "== $$call"; PYTHONPATH=. $(BIN)/python tests/campaigns/$${call%% *}.py $$(echo "$$call" | cut -s -d' ' -f2-); done
	GATEWAY_CABLE_CUTS=50 $(BIN)/pytest tests/system/orchestrator/test_orchestrator_cables.py \
	  tests/system/orchestrator/test_orchestrator_namespaces.py
	$(BIN)/pytest -n $(WORKERS) --hypothesis-profile default tests/unit tests/vehicle

format: .venv/ready
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	@echo "setting up .venv: this takes a minute or two"
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m compileall -q gateway
	touch $@
