#!/usr/bin/env bash
# Runs the tests of every part: contracts, Rust, end to end. `--deep` adds what takes an hour or more: Slither, symbolic
# tests and mutation tests of the contracts.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh "$@"
. scripts/fixtures.sh

echo "== contracts"
npm test --prefix contracts --silent
if [[ ${1:-} == --deep ]]; then
    echo "== invariants, 2,560 runs of 500 calls"
    FOUNDRY_PROFILE=deep npm run --prefix contracts --silent invariants
    echo "== contracts, for all inputs"
    npm run --prefix contracts --silent analysis
    echo "== contracts, mutated"
    npm run --prefix contracts --silent mutants
fi

echo "== integration guide"
npm run test:integrate --prefix contracts --silent

echo "== documentation examples"
cargo test --workspace --doc --locked --quiet

# Printed last, whatever comes before.
untested=()
trap 'for each in "${untested[@]}"; do echo "WARNING: $each" >&2; done' EXIT
if [[ $(id -u) != 0 ]]; then
    export CHASSIS_TEST_WITHOUT_ROOT=1
    untested+=("not root, so NOT TESTED: that chassis-node gives root up. Run this as root to test it.")
fi
if [[ -z ${CHASSIS_FIXTURES:-} ]]; then
    untested+=("no real evidence (tests/FIXTURES.md), so tests in these files that read it did NOT RUN:
$(grep -rlE '\bfixtures?\(' --include='*.rs' {attester,relayer,verifier}/tests tests/it | sort)")
fi

cargo build --workspace --bins --locked
echo "== runbook, three relayers"
tests/runbook.sh
echo "== governing"
tests/govern.sh

echo "== Rust and end to end"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast
else
    cargo test --workspace --lib --bins --tests --locked
fi
