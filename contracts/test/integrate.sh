#!/usr/bin/env bash
# Does what docs/INTEGRATE.md says, in a project of its own: packs the package, and runs the page's commands in their
# order on files with the contents shown there. Needs no network beyond this machine.
set -euo pipefail
contracts=$(cd "$(dirname "$0")/.." && pwd)
page=$contracts/../docs/INTEGRATE.md
fail() { printf 'integrate: %s\n' "$*" >&2; exit 1; }

dir=$(mktemp -d)
clean_up() {
    status=$?
    if [[ -e $dir/chain.pid ]]; then kill "$(cat "$dir/chain.pid")" 2>/dev/null || true; fi
    rm -rf "$dir"
    exit "$status"
}
trap clean_up EXIT

# The package holds these files and no others.
packed=$(cd "$contracts" && npm pack --dry-run --json --silent | jq -r '.[0].files[].path' | grep -v '^README.md$' | sort)
expected=$(cd "$contracts" && sort <<FILES
LICENSE
LICENSE-APACHE
LICENSE-MIT
package.json
abi/MockProofOfCloudRegistry.json
$(cd src/interfaces && printf 'abi/%s.json\n' *.sol | sed 's/\.sol\././')
$(find src/consumer src/interfaces src/mocks -name '*.sol')
FILES
)
diff <(echo "$expected") <(echo "$packed") || fail "the package does not hold what it should (> is what it holds)"

# A project as `forge init` leaves it, with this machine's forge, compiler and forge-std.
project=$dir/project
mkdir -p "$project"/{src,test,lib/forge-std}
cp -r "$contracts/node_modules/@layerzerolabs/toolbox-foundry/lib/forge-std" "$project/lib/forge-std/src"
cd "$project"
echo '{"private": true}' >package.json
printf '[profile.default]\nlibs = ["lib", "node_modules"]\n' >foundry.toml
export CHASSIS=$contracts/.. FOUNDRY_SOLC=$contracts/bin/solc PATH=$contracts/bin:$PATH
export npm_config_offline=true npm_config_audit=false npm_config_fund=false
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PORT

# Fenced blocks: `solidity` goes to the file its first line names, `sh` to the script, which runs when all are there.
awk -v script="$dir/page.sh" '
    /^```sh$/       { out = script; next }
    /^```solidity$/ { if ((getline) <= 0 || sub(/^\/\/ /, "") != 1 || !/^(src|test)\/[A-Za-z0-9.]+$/) exit 1
                      out = $0; next }
    /^```/          { out = ""; next }
    out != ""       { print > out }
' "$page" || fail "a solidity block of the page does not begin with its file name"
[[ -s src/Vault.sol && -s test/Vault.t.sol && -s src/L2Vault.sol ]] || fail "the page has lost a file"
sed -i "s|& chain=\$!\$|\\& chain=\$!; echo \$! >'$dir/chain.pid'|" "$dir/page.sh"

timeout 600 bash -euo pipefail -x "$dir/page.sh" >"$dir/out" 2>"$dir/err" \
    || { cat "$dir/out" "$dir/err" >&2; fail "a command of the page failed, or did not end"; }
[[ -s $dir/chain.pid ]] || fail "the page has not started its chain where this script looks for it"
grep -q '4 tests passed, 0 failed' "$dir/out" || { cat "$dir/out" >&2; fail "the page's tests did not all run"; }
[[ $(grep -xE 'true|false' "$dir/out" | tr '\n' ' ') == 'false true ' ]] || { cat "$dir/out" >&2; fail "the registry's answers are not those on the page"; }
grep '^{' "$dir/out" | jq -se 'map([.attested, .denial, .status]) == [[true, "None", "Active"], [false, "Unknown", "Unknown"]]' \
    >/dev/null || { cat "$dir/out" >&2; fail "query.mjs does not say what it should about keeper and stranger"; }
grep -q 'distinct platforms: 1' "$dir/err" || fail "query.mjs does not count one platform"
node -e 'require("chassis-contracts/abi/IProofOfCloudRegistry.json"); require("chassis-contracts/abi/MockProofOfCloudRegistry.json")'

# An ABI does not carry the names of an enum's values, so query.mjs repeats them.
for enum in Status Denial; do
    interface=$(sed -n "/^    enum $enum {/,/}/p" "$contracts/src/interfaces/IProofOfCloudRegistry.sol" | sed '1d;$d' | tr -d ' \n')
    script=$(awk "/^const ${enum^^} = /{on = 1} on; /];/{on = 0}" "$contracts/examples/query.mjs" \
        | tr -d ' "\n' | sed 's/.*\[//; s/,*\];//')
    [[ $interface == "$script" ]] || fail "query.mjs and the interface name the values of $enum differently"
done
echo "integrate: ok"
