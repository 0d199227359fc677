#!/usr/bin/env bash
# Does what docs/GOVERN.md says, on a local chain: runs its marked blocks in their order, the first two with other values, and
# takes every call of its table through the timelock, comparing delays. Needs target/debug/chassis.
set -euo pipefail
cd "$(dirname "$0")/.."
page=docs/GOVERN.md
export PATH=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/debug:$PWD/contracts/bin:$PATH
fail() { printf 'govern: %s\n' "$*" >&2; exit 1; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

dir=$(mktemp -d)
clean_up() {
    status=$?
    kill $(jobs -p) 2>/dev/null || true
    wait
    if ((status)); then cat "$dir/out" >&4 || true; fi
    rm -rf "$dir"
}
trap clean_up EXIT
exec 3>&1 4>&2 >"$dir/out" 2>&1

awk -v dir="$dir" '
    /^<!-- run/          { n++; on = 1; next }
    on && /^```sh$/      { out = dir "/" n; next }
    /^```/               { out = ""; on = 0; next }
    out != ""            { print > out }
' $page
[[ -s $dir/9 && ! -e $dir/10 ]] || fail "the page has not nine blocks to run"

export ETH_RPC_URL=http://127.0.0.1:$(free_port)
anvil --port "${ETH_RPC_URL##*:}" --silent &
until cast chain-id; do sleep 0.2; done
mapfile -t accounts < <(cast rpc eth_accounts | jq -r '.[]')
# edited N WHAT BECOMES…: block N with other values; what the page leaves to its reader must be there.
edited() {
    local block=$dir/$1; shift
    while (($#)); do
        grep -qF -- "$1" "$block" || fail "the page has no $1 to put something for"
        WHAT=$1 BECOMES=$2 perl -pi -e 's/\Q$ENV{WHAT}\E/$ENV{BECOMES}/g' "$block"
        shift 2
    done
}
printf 'version = 1\nname = "trusts nobody"\n' >"$dir/policy.toml"
edited 1 ETH_RPC_URL=https://… "ETH_RPC_URL=$ETH_RPC_URL" 'cast wallet import deployer --interactive' : \
    'CHASSIS_RELAYERS=0x…,0x…,0x…' "CHASSIS_RELAYERS=${accounts[2]},${accounts[3]},${accounts[4]}" \
    'CHASSIS_GOVERNOR=0x…' "CHASSIS_GOVERNOR=${accounts[0]}" \
    'CHASSIS_GUARDIANS=0x…,0x…' "CHASSIS_GUARDIANS=${accounts[1]},${accounts[5]}" \
    ../policy.toml "$dir/policy.toml" '$(cast chain-id).json' govern.json \
    '--account deployer' "--unlocked --sender ${accounts[9]}"
(
    unset CHASSIS_DEPLOYMENT
    . "$dir/1"
    mv deployments/govern.json "$dir/deployment.json"
)
export CHASSIS_RPC_URL=$ETH_RPC_URL CHASSIS_REGISTRY
CHASSIS_REGISTRY=$(jq -er .registry "$dir/deployment.json")
[[ $(cast code "$CHASSIS_REGISTRY") != 0x ]] || fail "nothing is deployed"

# Nothing else sets a variable that the page's other blocks use, so one that is not there ends this.
edited 2 '--account governor' "--unlocked --from ${accounts[0]}" '--account guardian' "--unlocked --from ${accounts[1]}" \
    '--account anyone' "--unlocked --from ${accounts[9]}" operator=0x… "operator=${accounts[6]}" \
    platform=0x… "platform=$(cast keccak platform)" policy=0x… "policy=$(chassis policy digest "$dir/policy.toml")"
unset account governor guardian reason evidence operator platform provider set index policy
. "$dir/2"
# is SIGNATURE ANSWER ARGUMENT…
is() {
    local answer
    answer=$(cast call "$CHASSIS_REGISTRY" "$1" "${@:3}")
    [[ ${answer,,} == "${2,,}" ]] || fail "$1 is $answer, not $2"
}
later() { cast rpc evm_increaseTime "$1"; cast rpc evm_mine; }
# As the page does it, but that time passes after a submission.
passing() { sed "/submit(bytes)/a later $((7 * 86400))" "$1"; }

. "$dir/3"
is 'statusOf(address)(uint8)' 6 "$operator" # paused
. "$dir/4"
is 'relayerSet(uint32)((address[],uint8,uint8,uint32,uint40))' \
    "([${accounts[2]}, ${accounts[3]}, ${accounts[4]}], 2, 2, 1, 0)" 1

word=$(cast to-uint256 0)
nothing="(${accounts[2]},$word,$word,$word,$word,$word,$word,$word,$word,$word,0,0,0,0,0,0,0,0,0)"
blank="(1,$word,0,0,[],[],0x,[],$word)"
a="($nothing,$blank,0x)" b=$a
# Somewhere the calldata of a report.
. <(sed '/^cast/,$d' "$dir/5")
transaction=$(cast send $account "${accounts[9]}" --json \
    "$(cast calldata "post($report,uint32,bytes)" "$blank" 0 0x)" | jq -er .transactionHash)
export CHASSIS_REGISTRY account set index a b transaction
if bash -euo pipefail "$dir/5" >"$dir/refused" 2>&1; then fail "nothing was taken for an equivocation"; fi
cat "$dir/refused"
grep -q NoEquivocation "$dir/refused" || grep -q "$(cast sig 'NoEquivocation()')" "$dir/refused" || fail "it was refused otherwise"

. "$dir/6"
. <(passing "$dir/7")
[[ $(cast call "$CHASSIS_REGISTRY" 'control()((bool,uint128,uint32,uint64,uint32))') == '(false, '* ]] || fail "still paused"
call=$(cast calldata 'registerPolicy(bytes32)' "$evidence")
cast send $governor "$CHASSIS_REGISTRY" 'submit(bytes)' "$call"
. "$dir/8"
is 'executableAt(bytes)(uint256)' 0 "$call"
. "$dir/9"
is 'policyInForce(bytes32)(bool)' false "$policy"

# The table. Whatever each call raises must be down.
frozen=$(cast keccak another)
cast send $guardian "$CHASSIS_REGISTRY" 'freezePlatform(bytes32,uint16,bytes32)' "$frozen" 1 "$evidence"
cast send $guardian "$CHASSIS_REGISTRY" 'pause(uint16,bytes32)' 1 "$evidence"
members=${accounts[2]},${accounts[3]} k=2 freezeThreshold=1 grace=3600
selector=$(cast sig 'unpause()') seconds=$((4 * 86400))
calls=0
while IFS='|' read -r _ command delay _; do
    command=$(sed 's/^ *`//; s/` *$//' <<<"$command")
    name=$(sed "s/.*'\(.*\)(.*/\1/" <<<"$command")
    kind=0 subject=$(cast to-uint256 "$operator") nonce=$(cast call "$CHASSIS_REGISTRY" \
        'attestationOf(address)((uint8,uint8,uint8,uint8,uint8,uint8,uint16,uint32,uint32,uint40,uint40,uint40,uint32,uint8,bytes32,bytes32))' \
        "$operator" | cut -d, -f8 | tr -d ' ')
    address=${accounts[7]}
    case $name in
        liftFreeze) kind=1 subject=$frozen nonce=1 ;;
        registerPolicy) policy=$evidence ;;
        rotateRelayers) address=${accounts[0]} ;;
        setGovernor) address=${accounts[0]} ;;
    esac
    call=$(eval "$command")
    waits=$(cast call "$CHASSIS_REGISTRY" 'delayOf(bytes4)(uint256)' "${call:0:10}" | cut -d' ' -f1)
    [[ $delay =~ ([0-9]+)\ day ]] && ((BASH_REMATCH[1] * 86400 == waits)) || fail "$name waits $waits s, not $delay"
    cast send $governor "$CHASSIS_REGISTRY" 'submit(bytes)' "$call"
    later "$waits"
    cast send $account "$CHASSIS_REGISTRY" "$call"
    ((++calls))
done < <(grep '^| `cast calldata' $page)
((calls == 10)) || fail "the table has $calls calls"
echo "govern: ok" >&3
