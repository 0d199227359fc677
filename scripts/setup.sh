#!/usr/bin/env bash
# Installs what the demo and the tests need on Debian 12 or 13, and says what (Ubuntu has no package of chromium, which only
# tests need: there use `--demo`). Safe to run again: does only what is missing. `--demo`: what the demo needs, and no
# daemons. Needs git, Rust by rustup (another cargo must be of the version in rust-toolchain.toml), node of 20 or later with
# npm, python3, and root or sudo for the system packages. `--deep` adds what `scripts/test.sh --deep` needs (python3 of 3.11
# or later).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
    build-essential # C compiler and linker
    pkg-config      # finds the TPM libraries
    libtss2-dev     # TPM2 software stack, which tss-esapi builds against
    swtpm           # the software TPM of the simulated cloud
    swtpm-tools     # makes that TPM's state
    curl            # the demo talks to the relayer
    jq              # and reads its answers
)
if [[ ${1:-} != --demo ]]; then
    packages+=(
        postgresql       # the tests start servers of their own from its binaries
        prometheus       # promtool, with which the tests check the alert rules
        systemd          # systemd-analyze, with which they check the units
        chromium         # the tests look at the explorer's pages with it
        fonts-liberation # and it has none of its own
    )
fi

# Debian keeps this apart from python3.
if ! python3 -c 'import ensurepip' 2>/dev/null; then packages+=(python3-venv); fi

say() { printf 'setup: %s\n' "$*"; }

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
    say "system packages: ${missing[*]}"
    as_root=()
    if [[ $EUID -ne 0 ]]; then
        command -v sudo >/dev/null || { say "not root, and no sudo: install these packages and run this again"; exit 1; }
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

for tool in cargo node npm python3; do
    command -v "$tool" >/dev/null || { say "$tool is missing: install it and run this again"; exit 1; }
done
node -e 'process.exit(Number(process.versions.node.split(".")[0] < 20))' || { say "node $(node --version) is older than 20"; exit 1; }

# A folder's packages from npm, pinned: FOLDER/package-lock.json into FOLDER/node_modules.
npm_packages() {
    local folder=$1 stamp=$1/node_modules/.package-lock.json
    [[ -e $stamp && ! $folder/package-lock.json -nt $stamp ]] && return
    say "$2 (npm, pinned in $folder/package-lock.json)"
    # Not `npm ci`: it insists on the toolchain's packages for other platforms, which not every mirror carries. This
    # installs the same locked versions, integrity checked, and leaves the lock file alone.
    (cd "$folder" && npm install --no-save --no-audit --no-fund --loglevel=error >/dev/null)
}
npm_packages contracts "contract toolchain"
if [[ ${1:-} == --demo ]]; then exit; fi
npm_packages tests/browser "playwright and axe, which look at the explorer's pages"

# A folder's tools from PyPI, pinned with hashes: FOLDER/requirements.txt into FOLDER/.venv.
python_tools() {
    local folder=$1 venv=$1/.venv
    cmp -s "$folder/requirements.txt" "$venv/installed.txt" && return
    say "$2 (pip, pinned in $folder/requirements.txt)"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$folder/requirements.txt"
    cp "$folder/requirements.txt" "$venv/installed.txt"
}
python_tools tests "schemathesis, which tries the relayer's HTTP interface"
if [[ ${1:-} == --deep ]]; then python_tools contracts "Slither and Halmos"; fi
