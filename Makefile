# The commands of this project. `make` alone prints this page's targets. Works with GNU make 3.81 (macOS) and later.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Written last by the installation, so a broken one is done again.
STAMP  := $(VENV)/.installed
# dbt's environment is its own: it need not agree with the pipeline's on versions.
ANALYTICS_VENV  := .venv-analytics
ANALYTICS_STAMP := $(ANALYTICS_VENV)/.installed
ATHENA_STAMP    := $(ANALYTICS_VENV)/.installed-athena
ANALYTICS_TEST_STAMP := $(ANALYTICS_VENV)/.installed-test
# What judges a record: compiled at the installation.
JVM    := $(wildcard pipelines/jvm/ecommerce/judge/*.java)
# spark-submit runs the first python3 on PATH: it must be the one that has pyspark.
WITH_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"
DOCKER_FLAGS := $(if $(SECURE),--secure) $(if $(UI),--ui)

.DEFAULT_GOAL := help
.PHONY: help install minio up down status clean topics local-env demo analytics report test test-unit test-integration \
        test-analytics test-trino test-compose test-faults bench bench-full lint \
        format types env doctor compose-up compose-demo compose-verify compose-status compose-down compose-clean

help: ## Print this page.
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nSettings: make install PYTHON=python3.12; KAFKA_PORT, ZOOKEEPER_PORT, S3_PORT, STACK_HOME for make up;\n'
	@printf 'make compose-up SECURE=1 (TLS, SCRAM, ACLs) UI=1 (Kafka UI); infra/.env for the rest of the containers.\n'

##@ Install
install: $(STAMP) ## Make .venv with everything pinned, fetch and verify Spark's jars, compile ours.
	@$(BIN)/python -m infra.jars install

minio: $(STAMP) ## Build MinIO (Go 1.24 or newer, 3-5 minutes, once): without it S3Proxy serves the store.
	@$(BIN)/python -m infra.local minio

##@ Local servers: ZooKeeper, Kafka and an S3 server as plain processes on 127.0.0.1
up: $(STAMP) ## Start them and wait until they answer.
	@$(BIN)/python -m infra.local up

down: $(STAMP) ## Stop them; their data stays.
	@$(BIN)/python -m infra.local down

status: $(STAMP) ## Show them; fails unless all are up.
	@$(BIN)/python -m infra.local status

clean: $(STAMP) ## Stop them and delete their data.
	@$(BIN)/python -m infra.local clean

local-env: $(STAMP) ## Print the settings for them: eval "$(make -s local-env)"
	@$(BIN)/python -m infra.local env

##@ Pipeline (against KAFKA_BOOTSTRAP_SERVERS and LAKE_URI, whatever they name)
topics: $(STAMP) ## Create the topics, or say that they are there.
	@$(WITH_VENV) $(BIN)/python -m pipelines.topics

demo: $(STAMP) ## Run the whole pipeline once on generated events.
	@$(WITH_VENV) $(BIN)/python -m pipelines.demo

##@ Analytics (of the lake that LAKE_URI names, else the local stack's): docs/analytics.md
analytics: $(STAMP) $(ANALYTICS_STAMP) $(if $(filter athena,$(or $(TARGET),$(DBT_TARGET))),$(ATHENA_STAMP)) ## Build and test the dbt models (TARGET=athena: on Athena).
	@$(BIN)/python -m analytics build $(if $(TARGET),--target $(TARGET))

report: $(STAMP) $(ANALYTICS_STAMP) ## Build them and write one page of charts, .analytics/report.html.
	@$(BIN)/python -m analytics report

##@ Docker: the same servers, a Spark cluster, the job and the generator in containers; nothing to install but Docker
doctor: ## Is this machine ready for it? Says what to do.
	@$(PYTHON) -m infra.doctor $(if $(SECURE),--secure) $(if $(UI),--profile ui)

env: ## Make infra/.env with random secrets, or add what is missing to it.
	@$(PYTHON) -m infra.env_file

compose-up: ## Build the images, start everything, wait until it is healthy (SECURE=1, UI=1).
	@$(PYTHON) -m infra.compose up $(DOCKER_FLAGS)

compose-demo: ## The demo in containers.
	@$(PYTHON) -m infra.compose demo $(DOCKER_FLAGS)

compose-verify: ## Prove that nothing was lost of what the generator sent.
	@$(PYTHON) -m infra.compose verify

compose-status: ## Show the containers and the addresses of their pages.
	@$(PYTHON) -m infra.compose status

compose-down: ## Stop them in good order; their data stays.
	@$(PYTHON) -m infra.compose down

compose-clean: ## Stop them and delete their data.
	@$(PYTHON) -m infra.compose clean

##@ Checks
lint: $(STAMP) ## Style: ruff check and ruff format.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP) ## Rewrite the code in the project's format.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(STAMP) ## Types: mypy, strict.
	$(BIN)/mypy

test: test-unit test-integration ## Unit and integration tests; the latter start servers of their own.

test-unit: $(STAMP) ## Only the tests that need no server.
	@$(WITH_VENV) $(BIN)/pytest --durations=20 -m "not integration and not analytics and not trino and not compose and not faults"

test-integration: $(STAMP) ## Only the tests with real servers.
	@$(WITH_VENV) $(BIN)/pytest --durations=40 -m integration

test-trino: $(STAMP) ## Trino reads the tables as Athena would (TRINO_JAVA_HOME: Java 24 or newer); fetches 783 MB once.
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[trino]'
	@$(BIN)/python -m infra.trino
	@$(WITH_VENV) $(BIN)/pytest tests/query_engines -m trino -v

test-analytics: $(ANALYTICS_TEST_STAMP) ## The dbt models and the page against the real job's tables; 5-10 minutes.
	@$(WITH_VENV) $(BIN)/pytest tests/analytics -m analytics -v

test-compose: $(STAMP) ## The compose files on a Docker engine: demo, faults, secured; 30 minutes, builds images.
	@$(WITH_VENV) $(BIN)/pytest -m compose -v

test-faults: $(STAMP) ## Kill, pause and damage real servers and jobs (FAULTS="-k broker"); writes docs/faults.md; over an hour.
	@$(WITH_VENV) FAULT_RESULTS=docs $(BIN)/pytest tests/faults -m faults -v $(FAULTS)

# Linux: what a system uses is read from /proc.
bench: $(STAMP) ## The pipeline beside stock PySpark, 10 minutes; the last line compares them.
	@$(WITH_VENV) $(BIN)/python -m benchmarks quick $(BENCH)

bench-full: $(STAMP) ## All peers, workloads and figures, some hours; can be interrupted and resumed.
	@$(WITH_VENV) $(BIN)/python -m benchmarks full $(BENCH)

# Everything it says goes to stderr: the output of local-env is read by a shell.
$(STAMP): setup.cfg pyproject.toml conf/spark-defaults.conf conf/log4j2.properties infra/spark.sha256 infra/ecj.sha256 $(JVM)
	@command -v $(PYTHON) >/dev/null || { echo "Error: no $(PYTHON) on PATH: install Python 3.10 or newer, or name one: make install PYTHON=/path/to/python3." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Error: $(PYTHON) is older than Python 3.10: name a newer one, e.g. make install PYTHON=python3.12." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Error: $(PYTHON) cannot make virtual environments: install the package python3-venv (Debian, Ubuntu)." >&2; exit 2; }
	@java="$${JAVA_HOME:+$$JAVA_HOME/bin/}java"; \
	version=$$("$$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1); \
	[ "$${version:-0}" -ge 17 ] || { echo "Error: $$java is $${version:+Java }$${version:-missing}: install Java 17 or newer (Debian: openjdk-17-jre-headless; macOS: temurin) or set JAVA_HOME." >&2; exit 2; }
	@echo "Installing into $(VENV) …" >&2
	@$(PYTHON) -m venv $(VENV) >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]' >&2
	@$(BIN)/python -m infra.jars install >&2
	@touch $@

$(ANALYTICS_STAMP): $(STAMP) analytics/requirements.txt
	@echo "Installing dbt into $(ANALYTICS_VENV) …" >&2
	@$(PYTHON) -m venv $(ANALYTICS_VENV) >&2
	@$(ANALYTICS_VENV)/bin/pip install --quiet --disable-pip-version-check -r analytics/requirements.txt >&2
	@touch $@

$(ATHENA_STAMP): $(ANALYTICS_STAMP) analytics/requirements-athena.txt
	@$(ANALYTICS_VENV)/bin/pip install --quiet --disable-pip-version-check -r analytics/requirements-athena.txt >&2
	@touch $@

$(ANALYTICS_TEST_STAMP): $(ATHENA_STAMP) analytics/requirements-test.txt
	@$(ANALYTICS_VENV)/bin/pip install --quiet --disable-pip-version-check -r analytics/requirements-test.txt >&2
	@touch $@
