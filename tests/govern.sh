#!/usr/bin/env bash
# Does what docs/GOVERN.md says, on a local chain: deploys, runs its marked blocks in their order, and takes every call of its
# table through the timelock, comparing delays.
set -euo pipefail
cd "$(dirname "$0")/.."
page=docs/GOVERN.md
export PATH=$PWD/contracts/bin:$PATH
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
[[ -s $dir/7 && ! -e $dir/8 ]] || fail "the page has not seven blocks to run"

export ETH_RPC_URL=http://127.0.0.1:$(free_port)
anvil --port "${ETH_RPC_URL##*:}" --silent &
until cast chain-id; do sleep 0.2; done
mapfile -t accounts < <(cast rpc eth_accounts | jq -r '.[]')
account="--unlocked --from ${accounts[9]}" governor="--unlocked --from ${accounts[0]}" guardian="--unlocked --from ${accounts[1]}"
policy=$(cast keccak policy)
(
    cd contracts
    unset CHASSIS_DEPLOYMENT
    export CHASSIS_RELAYERS=${accounts[2]},${accounts[3]},${accounts[4]} CHASSIS_THRESHOLD=2 CHASSIS_PROVIDERS=1
    export CHASSIS_GOVERNOR=${accounts[0]} CHASSIS_GUARDIANS=${accounts[1]},${accounts[5]} CHASSIS_POLICIES=$policy
    export CHASSIS_DEPLOYMENT_OUT=deployments/govern.json
    forge script script/Deploy.s.sol --rpc-url "$ETH_RPC_URL" --unlocked --sender "${accounts[9]}" --broadcast
    mv deployments/govern.json "$dir/deployment.json"
)
CHASSIS_REGISTRY=$(jq -er .registry "$dir/deployment.json")
[[ $(cast code "$CHASSIS_REGISTRY") != 0x ]] || fail "nothing is deployed"

# What the page leaves to its reader.
reason=1 evidence=$(cast keccak incident) provider=1 set=1 index=0
operator=${accounts[6]} platform=$(cast keccak platform)
# is SIGNATURE ANSWER ARGUMENT…
is() {
    local answer
    answer=$(cast call "$CHASSIS_REGISTRY" "$1" "${@:3}")
    [[ ${answer,,} == "${2,,}" ]] || fail "$1 is $answer, not $2"
}
later() { cast rpc evm_increaseTime "$1"; cast rpc evm_mine; }
# As the page does it, but that time passes after a submission.
passing() { sed "/submit(bytes)/a later $((7 * 86400))" "$1"; }

. "$dir/1"
is 'statusOf(address)(uint8)' 6 "$operator" # paused
. "$dir/2"
is 'relayerSet(uint32)((address[],uint8,uint8,uint32,uint40))' \
    "([${accounts[2]}, ${accounts[3]}, ${accounts[4]}], 2, 2, 1, 0)" 1

word=$(cast to-uint256 0)
nothing="(${accounts[2]},$word,$word,$word,$word,$word,$word,$word,$word,$word,0,0,0,0,0,0,0,0,0)"
blank="(1,$word,0,0,[],[],0x,[],$word)"
a="($nothing,$blank,0x)" b=$a
# Somewhere the calldata of a report.
. <(sed '/^cast/,$d' "$dir/3")
transaction=$(cast send $account "${accounts[9]}" --json \
    "$(cast calldata "post($report,uint32,bytes)" "$blank" 0 0x)" | jq -er .transactionHash)
export CHASSIS_REGISTRY account set index a b transaction
if bash -euo pipefail "$dir/3" >"$dir/refused" 2>&1; then fail "nothing was taken for an equivocation"; fi
cat "$dir/refused"
grep -q NoEquivocation "$dir/refused" || grep -q "$(cast sig 'NoEquivocation()')" "$dir/refused" || fail "it was refused otherwise"

. "$dir/4"
. <(passing "$dir/5")
[[ $(cast call "$CHASSIS_REGISTRY" 'control()((bool,uint128,uint32,uint64,uint32))') == '(false, '* ]] || fail "still paused"
call=$(cast calldata 'registerPolicy(bytes32)' "$evidence")
cast send $governor "$CHASSIS_REGISTRY" 'submit(bytes)' "$call"
. "$dir/6"
is 'executableAt(bytes)(uint256)' 0 "$call"
. "$dir/7"
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
