#!/usr/bin/env bash
# Fuzzes every parser and the appraisal: `scripts/fuzz.sh [SECONDS_PER_TARGET [TARGET]...]`, by default 60 s in all.
# `scripts/fuzz.sh build` builds the targets, and no more.
# Fails on a panic, a broken promise (see fuzz/targets/), 512 MiB, or 10 s for one input; the input is then in
# fuzz/artifacts/TARGET/. What was found of use stays in fuzz/corpus/ for the next run.
#
# Without a sanitizer: none of our code is `unsafe`, and so the pinned toolchain will do. For the dependencies' sake,
# `RUSTUP_TOOLCHAIN=nightly SANITIZER=address scripts/fuzz.sh` now and then.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked --version 0.13.2
# cargo-fuzz has no --locked.
cargo metadata --manifest-path fuzz/Cargo.toml --locked --format-version 1 >/dev/null
mapfile -t targets < <(cargo fuzz list --fuzz-dir fuzz)
share=$((60 / ${#targets[@]}))
seconds=${1:-$((share > 0 ? share : 1))}
step=${1:-}
shift || true
(($#)) && targets=("$@")

cargo fuzz build --fuzz-dir fuzz --sanitizer "${SANITIZER:-none}"
[[ $step != build ]] || exit 0
fuzz/seed.sh

built=fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=()
printf '%-20s %12s %10s %10s %10s\n' target executions per-second coverage peak-MiB
for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    stat() { sed -n "s/^stat::$1: *//p" "$log"; }
    verdict=
    if ! "$built/$target" "fuzz/corpus/$target" -artifact_prefix="fuzz/artifacts/$target/" -max_total_time="$seconds" \
        -max_len=65536 -rss_limit_mb=512 -timeout=10 -print_final_stats=1 >"$log" 2>&1; then
        failed+=("$target")
        verdict=FAILED
        grep -v '^#' "$log" | tail -n 40 >&2
    fi
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf '%-20s %12s %10s %10s %10s %s\n' "$target" "$(stat number_of_executed_units)" \
        "$(stat average_exec_per_sec)" "${coverage:-0}" "$(stat peak_rss_mb)" "$verdict"
done
if ((${#failed[@]})); then
    echo "fuzz: ${failed[*]} failed; inputs in fuzz/artifacts/" >&2
    exit 1
fi
