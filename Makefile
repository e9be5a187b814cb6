# `make` lists what there is. Nothing needs to be installed before but Python, Node, Java 17 and make itself.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test soak mutation compatibility cost scale bench cold check secrets audit sbom format invoke build deploy deploy-edge lock upgrade

PYTHON := .venv/bin/python
ENV = dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Bring everything that the project needs
	@scripts/setup

run: ## Serve it all at http://localhost:8400/ (PORT=8400 TENANT=examples/tenant.yaml ISSUER=https://…/)
	@scripts/setup python ministack demonstration
	@PYTHONPATH=layers/shared $(PYTHON) -m local.run

test: setup ## Run every test, on every core (ARGS="-k rotation")
	@scripts/setup chromium
	$(PYTHON) -m pytest --numprocesses auto $(ARGS)

soak: setup ## Run the long forms of the tests, for an hour (MINUTES=60 ARGS="-k rotation")
	@scripts/setup chromium
	MINUTES=$(MINUTES) $(PYTHON) -m pytest -m soak --numprocesses auto --log-level=INFO -rP $(ARGS)

mutation: setup ## Put faults into the rules, and list those that no test notices (ARGS="domain.family --tests tests/domain")
	@PYTHONPATH=layers/shared $(PYTHON) -m tests.mutation $(ARGS) >/dev/null

compatibility: setup ## Run the SDKs, and write docs/compatibility.md about what passed
	@scripts/setup chromium
	$(PYTHON) -m tests.compatibility

cost: ## Count the calls of every kind of request, and write docs/cost.md about what they cost
	@scripts/setup python ministack npm
	@PYTHONPATH=layers/shared $(PYTHON) -m benchmarks.cost

scale: ## Compute what throttles first at which rate, and what bursts do, and write docs/scale.md about it
	@scripts/setup python
	@PYTHONPATH=layers/shared $(PYTHON) -m benchmarks.scale

bench: ## Measure refreshes beside a floor and other servers, and write docs/performance.md (ARGS=--short)
	@scripts/setup python benchmarks ministack npm peers
	@PYTHONPATH=layers/shared $(PYTHON) -m benchmarks.performance $(ARGS)

cold: ## Measure cold starts and the layers, and write docs/performance.md (ARGS="--rounds 3 --no-page")
	@scripts/setup python sam ministack npm
	@PYTHONPATH=layers/shared $(PYTHON) -m benchmarks.cold_start $(ARGS)

check: ## Lint, types, layers, templates, secrets
	@scripts/setup python sam
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	PYTHONPATH=layers/shared .venv/bin/lint-imports --no-logo
	AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} scripts/sam validate --lint
	AWS_DEFAULT_REGION=us-east-1 scripts/sam validate --lint --template edge/template.yaml
	$(PYTHON) -m supply_chain.leaks

secrets: ## Ask about each that `make check` takes for a secret
	@scripts/setup python
	@$(PYTHON) -m supply_chain.leaks --judge

audit: ## Ask for known vulnerabilities of all that is locked; fails without an answer
	@scripts/setup python audit
	@$(PYTHON) -m supply_chain.audit

sbom: ## Write what the layer holds: heirloom.cdx.json (CycloneDX), and docs/supply-chain.md
	@scripts/setup python audit
	@PYTHONPATH=layers/shared $(PYTHON) -m supply_chain.sbom

format: ## Put the code into shape
	@scripts/setup python
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format

invoke: ## Send one event to the function of its folder (EVENT=token/refresh)
	@scripts/setup python ministack sam
	@PYTHONPATH=layers/shared $(PYTHON) -m local.invoke $(EVENT)

build: ## Build the functions and layers for Lambda (ENV=dev, or prod: see samconfig.toml)
	@scripts/setup sam
	AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} scripts/sam build --config-env $(ENV)

deploy: build ## Deploy what was built to your AWS account (ENV=dev ARGS=--no-confirm-changeset)
	scripts/sam deploy --config-env $(ENV) $(ARGS)

deploy-edge: ## Put CloudFront and its firewall before what was deployed (ENV=dev ARGS="--parameter CertificateArn=arn:…")
	@bin/heirloom edge deploy --stack heirloom-$(ENV) --config-env $(ENV) $(ARGS)

lock: ## Write the locks anew after a change of dependencies
	scripts/lock
	@$(MAKE) --no-print-directory sbom

upgrade: ## Write the locks anew with the newest versions that are a week old
	scripts/lock --upgrade
	@$(MAKE) --no-print-directory sbom
