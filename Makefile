# The only front door. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: ## Start everything in one process with invented demonstration data, on port 8000
	@cargo build --release --quiet -p ichnaea-server
	@target/release/ichnaea serve --demo

.PHONY: test
test: ## Everything the gate runs: format, lints, docs, all tests on both backend pairs
	@scripts/prepare-tests
	@scripts/with-services scripts/test

.PHONY: check
check: ## Format, lints, docs, dependency rules; quick, without tests
	@scripts/check

.PHONY: image
image: ## Build the container image, ichnaea:latest
	@scripts/image

.PHONY: image-test
image-test: ## Build the image and try every role of it as a container
	@scripts/with-services scripts/image-test

.PHONY: geoip
geoip: ## Fetch a free city database (CC BY 4.0, DB-IP.com) into data/geoip
	@scripts/fetch-geoip data/geoip

.PHONY: guide
guide: ## Follow the deployment guide with the release build: set-up, checks, upgrade under traffic
	@cargo build --release --quiet -p ichnaea-server
	@scripts/guide target/release/ichnaea

.PHONY: bench
bench: ## Micro benchmarks, then the load measurements of bench/run, into docs/performance.md
	@cargo bench --workspace
	@bench/run --write

.PHONY: soak
soak: ## Kill, cut and fill everything for 30 minutes on each backend pair, then account for every report
	@cargo build --release --quiet -p ichnaea-server
	@bench/soak --minutes $${MINUTES:-30} --seed $${SEED:-1}

.PHONY: fuzz
fuzz: ## Fuzz every parser for a minute each; SECONDS=600 SEED=7 TARGETS="json body" make fuzz
	@scripts/fuzz $(if $(SEED),--seed $(SEED)) $(or $(SECONDS),60) $(TARGETS)
