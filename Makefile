# make demo   build in release and run the main job: about 13 minutes on 2 cores after the build
# make test   everything CI checks
# make lint   formatting and clippy alone

CARGO ?= cargo
OUT   ?= runs/demo

.PHONY: demo test lint setup

demo: setup
	$(CARGO) build --release --locked --workspace
	target/release/taf demo --out $(OUT)

test: setup lint
	$(CARGO) test --release --locked --workspace

# A toolchain without rustfmt or clippy still builds and tests.
lint: setup
	@if $(CARGO) fmt --version >/dev/null 2>&1; then $(CARGO) fmt --all --check; else echo "rustfmt is not installed: not checked"; fi
	@if $(CARGO) clippy --version >/dev/null 2>&1; then $(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings; else echo "clippy is not installed: not checked"; fi

# Installs what the FFmpeg binding needs, if it is missing.
setup:
	@scripts/install-deps.sh
