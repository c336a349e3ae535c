# The guards one by one; `.ci/run` is all of them. https is never needed but for packages.

# List them.
default:
    @just --list

# Unit tests, the binary from outside, the house, the sandbox's word.
test *ARGS:
    cargo test {{ARGS}}

# Formatting and lints.
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# The documentation builds, private items too.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

# Death at every named step.
steps:
    cargo test --features failpoints --test cli steps

# The engine against a simulated service and disk.
simulate SEEDS="20000":
    SEEDS={{SEEDS}} cargo test --release --test simulation -- --nocapture

# The engine, broken on purpose.
planted:
    tests/planted.py --seeds 2000

# Mutants of some files: just mutants --lib 'src/pace/*.rs'
mutants *ARGS:
    python3 -m venv target/python
    target/python/bin/pip install -q -r tests/mutants/requirements.txt
    target/python/bin/python tests/mutants/run.py {{ARGS}}

# The sandbox against the specification and a client that is not ours.
openapi:
    python3 -m venv target/python
    target/python/bin/pip install -q -r tests/openapi/requirements.txt
    target/python/bin/python tests/openapi/check.py

# The HTML report in a browser.
page SHOTS="target/shots":
    cargo build --release
    npm install --prefix tests/page --no-package-lock --silent
    tests/page/run.sh target/release/seatbatch {{SHOTS}}

# Licenses and sources of everything that is linked in.
licenses:
    packaging/third-party.py > target/THIRD-PARTY.txt

# The benches of steps and pace.
bench:
    cargo bench --bench steps
    cargo bench --bench pace

# Whether everything builds for Windows: needs `rustup target add x86_64-pc-windows-gnu` and mingw's gcc.
windows:
    cargo check --target x86_64-pc-windows-gnu --all-targets

# A demo end to end.
demo:
    cargo run --release -- demo

# Everything.
ci:
    .ci/run
