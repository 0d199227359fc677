#!/usr/bin/env bash
# Runs every test of every part: contracts, Rust, end to end.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh

echo "== contracts"
npm test --prefix contracts --silent

echo "== integration guide"
npm run test:integrate --prefix contracts --silent

echo "== documentation examples"
cargo test --workspace --doc --locked --quiet

echo "== Rust and end to end"
cargo build --workspace --bins --locked
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked
else
    cargo test --workspace --lib --bins --tests --locked
fi
