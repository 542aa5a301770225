# The commands of the README. `make serve` and `make test` install what they need; see .ci/setup.

export PATH := $(HOME)/.cargo/bin:$(PATH)
URL := http://127.0.0.1:8080

.PHONY: serve test setup build size late package lint test-host test-search test-web test-page bench bench-page shots

serve:               ## build a release and serve the page on $(URL)
	@.ci/setup serve
	@echo "serve: compiling the page (the first time about two minutes), then $(URL)"
	trunk serve --release

test:                ## everything, the fast ones first
	@.ci/setup test
	@$(MAKE) --no-print-directory lint test-host test-search test-web test-page

setup:               ## only install the tools
	@.ci/setup test

build:               ## the page, as static files in dist/
	trunk build --release

size: build          ## raw and gzipped bytes of the page, against the budget
	node tests/page/size.mjs dist

late:                ## write www/late.txt anew: what of the page's module may come later
	RINGSIDE_COUNT=--count trunk build --release
	cd tests/page && node late.mjs

package: build       ## engine, element and page as an npm package, in target/package
	.ci/package

lint:                ## formatting and clippy
	.ci/lint

test-host:           ## engine, scenarios, and a real redis-server on loopback
	cargo test --quiet

test-search:         ## long searches: all states of small worlds, bugs of old that have to be found, fifty long traces
	cargo test --quiet --profile search --features mutants --test mutants --test trace -- --include-ignored --nocapture

test-web:            ## engine, JavaScript handle and components in headless Chromium and Firefox
	.ci/test-web chromium
	.ci/test-web firefox

test-page: size package ## the built page, driven like a visitor would, and the package, used as its users do
	cd tests/page && node --test --test-concurrency=2
	@# Frames, tasks and memory are measured with nothing beside them.
	cd tests/page && node --test --test-concurrency=1 *.alone.mjs

shots: build         ## pictures of every view at four sizes, in both themes and languages
	cd tests/page && node shots.mjs

bench:               ## the scoreboard, beside redis-server and others in the same run; ROWS="P1 P3" for some
	@.ci/setup test
	cargo bench --quiet --bench scoreboard -- $(ROWS)
	@case "$(or $(ROWS),P1)" in *P1*|*P7*|*P8*|*P9*) $(MAKE) --no-print-directory bench-page ;; esac

bench-page: build package
	cd benches/page && npm ci --silent --no-audit --no-fund && node bench.mjs $(ROWS)
