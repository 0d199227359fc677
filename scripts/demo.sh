#!/usr/bin/env bash
# The whole path on a local chain with three relayers, of which two must agree: evidence in, `isAttested` out, and an attack
# refused. Leaves nothing running. `--stay`: all of it goes on until Ctrl-C, for you to look at.
set -euo pipefail
cd "$(dirname "$0")/.."

say()  { printf '\n\033[1m%s\033[0m\n' "$*"; }
tell() { printf '  %s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Waits up to a minute for a command to succeed.
await() {
    local what=$1; shift
    for _ in {1..300}; do "$@" >/dev/null 2>&1 && return; sleep 0.2; done
    fail "waited a minute in vain for $what; see $dir/*.log"
}

./scripts/setup.sh --demo
say "Building"
npm run --prefix contracts --silent build
cargo build --workspace --bins --locked --quiet
bin=${CARGO_TARGET_DIR:-target}/debug
forge=$PWD/contracts/bin/forge
cast=$PWD/contracts/bin/cast

dir=$(mktemp -d)
pids=()
clean_up() {
    status=$?
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    if ((status)); then echo "demo: failed; what ran wrote to $dir/*.log" >&2; else rm -rf "$dir"; fi
}
trap clean_up EXIT

# anvil's well-known keys, worth nothing anywhere else.
deployer=0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80
relayers=(
    0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d
    0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a
    0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba
)
operator=0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a
attacker=0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6
address_of() { "$cast" wallet address "$1"; }

say "A local chain, and a simulated cloud with three machines, each with a real software TPM"
export ETH_RPC_URL=http://127.0.0.1:$(free_port)
contracts/bin/anvil --port "${ETH_RPC_URL##*:}" --block-time 1 --slots-in-an-epoch 1 \
    >"$dir/anvil.log" 2>&1 & pids+=($!)
"$bin/chassis-sim" up --dir "$dir/cloud" --machines a,b=distribution,c >"$dir/cloud.log" 2>&1 & pids+=($!)
await "the chain" "$cast" block-number
await "the simulated cloud" test -e "$dir/cloud/sim.json"
cloud() { jq -er "$1" "$dir/cloud/sim.json"; }
tell "chain     $ETH_RPC_URL"
for name in a b c; do
    tell "machine $name $(cloud ".machines.$name | \"\(.image), \(.zone), TPM at \(.tcti)\"")"
done

say "The registry: three relayers, two of whom must sign, one guardian who also governs, one provider, one policy"
members=()
for key in "${relayers[@]}"; do members+=("$(address_of "$key")"); done
# The vault wants a key that only the attested program has. Which images make one, a policy says; here it is pretended.
policy=$dir/policy.toml
sed 's/^operator_key = "external"$/operator_key = "in_td"/' "$(cloud .policy)" >"$policy"
policy_digest=$("$bin/chassis" policy digest "$policy")
(
    cd contracts
    CHASSIS_RELAYERS=$(IFS=,; echo "${members[*]}") CHASSIS_THRESHOLD=2 CHASSIS_GUARDIANS=$(address_of $deployer) \
        CHASSIS_GOVERNOR=$(address_of $deployer) CHASSIS_PROVIDERS=1 CHASSIS_POLICIES=$policy_digest \
        "$forge" script script/Deploy.s.sol --rpc-url "$ETH_RPC_URL" --private-key $deployer --broadcast --json
) >"$dir/deploy.log" 2>&1 || fail "the registry was not deployed"
registry=$(jq -er '.transactions[] | select(.contractName == "ProofOfCloudRegistry").contractAddress' \
    contracts/broadcast/Deploy.s.sol/31337/run-latest.json)
any_workload=0x$(printf %064d 0) # whatever program the policy lists; a real vault names its own
(cd contracts && "$forge" create examples/KeeperVault.sol:KeeperVault --rpc-url "$ETH_RPC_URL" \
    --private-key $deployer --broadcast --json --constructor-args "$registry" "$any_workload") >"$dir/vault.log" 2>&1 \
    || fail "the example vault was not deployed"
vault=$(jq -ser 'map(select(.deployedTo)) | .[0].deployedTo' "$dir/vault.log")
tell "registry  $registry"
tell "policy    $policy_digest"
tell "vault     $vault (lets only attested keepers in)"
"$cast" send "$vault" 'checkIn()' --private-key $operator >/dev/null 2>&1 && fail "the vault let a stranger in"
tell "the vault refuses the operator: not attested yet"

say "Three relayers, each with a key, a database and an archive of its own"
urls=()
for n in 0 1 2; do urls+=("http://127.0.0.1:$(free_port)"); done
for n in 0 1 2; do
    peers=()
    for other in 0 1 2; do
        ((other == n)) || peers+=("{ address = \"${members[other]}\", url = \"${urls[other]}\" }")
    done
    cat >"$dir/relayer$n.toml" <<TOML
listen = "${urls[n]#http://}"
rpc_url = "$ETH_RPC_URL"
registry = "$registry"
policy = "$policy"
data_dir = "$dir/relayer$n"

[endorsements]
collateral = "$(cloud .http)/collateral/{fmspc}"
host_registry = "$(cloud .http)/host-registry/{ppid}"
provider_crls = ["$(cloud .http)/crls/root.der", "$(cloud .http)/crls/intermediate.der"]

[cosign]
peers = [${peers[0]}, ${peers[1]}]
stage_seconds = 5
TOML
    CHASSIS_RELAYER_KEY=${relayers[n]} "$bin/chassis" relay --config "$dir/relayer$n.toml" >"$dir/relayer$n.log" 2>&1 \
        & pids+=($!)
done
for n in 0 1 2; do
    await "relayer $n" curl -fsS "${urls[n]}/readyz"
    tell "${members[n]} listens on ${urls[n]}"
done
url=${urls[0]}

# register MACHINE-ROOT TCTI KEY OUT: what an operator runs on a node.
register() {
    CHASSIS_OPERATOR_KEY=$3 "$bin/chassis-node" register --json --rpc-url "$ETH_RPC_URL" --registry "$registry" \
        --sys-root "$1" --tcti "$2" --ak-intermediates "$(cloud .roots.providerIntermediate)" \
        --disclosure public --relayer "$url" --wait 60 >"$4" 2>"$4.err"
}
show_checks() {
    curl -fsS "$url/v1/bundles/$1" | jq -r '.checks[]
        | "  \({pass: "✓", fail: "✗", not_applicable: "–"}[.outcome])  \(.name | . + " " * (24 - length)) \(.detail)"'
}

say "Machine a proves itself: TD quote, TPM quote, both boot logs, bound to a finalized block"
started=$(date +%s)
register "$(cloud .machines.a.sysRoot)" "$(cloud .machines.a.tcti)" $operator "$dir/a.json" \
    || { cat "$dir/a.json" "$dir/a.json.err" >&2; fail "machine a was not attested"; }
digest=$(jq -ser 'map(select(.digest)) | .[0].digest' "$dir/a.json")
show_checks "$digest"
bundle=$(curl -fsS "$url/v1/bundles/$digest")
tell ""
tell "evidence  $digest"
tell "result    $(jq -er .result <<<"$bundle")"
tell "platform  $(jq -er .platformId <<<"$bundle")"
tell "verdict   $(jq -er '.verdict | "binding \(.binding), custody \(.custody), until \(.expiry | todate)"' <<<"$bundle")"
tell "posted    $(jq -er '"block \(.blockNumber), \(.gasUsed) gas, transaction \(.transaction)"' <<<"$bundle")"
tell "final after $(($(date +%s) - started)) s"

say "The registry answers, and a consumer contract acts on it"
[[ $("$cast" call "$registry" 'isAttested(address)(bool)' "$(address_of $operator)") == true ]] || fail "isAttested is false"
tell "isAttested($(address_of $operator)) = true"
used=$("$cast" send "$vault" 'checkIn()' --private-key $operator --json | jq -er '.gasUsed' | xargs printf '%d')
tell "the vault lets the operator in ($used gas)"
"$bin/chassis" status "$(address_of $operator)" --rpc-url "$ETH_RPC_URL" --registry "$registry" || fail "chassis status disagrees"

say "The attack: the TD of machine a with the TPM of machine b, bound to each other honestly"
parts=$("$bin/chassis-sim" frankenstein --dir "$dir/cloud" --td a --tpm b)
if register "$(jq -er .sysRoot <<<"$parts")" "$(jq -er .tcti <<<"$parts")" $attacker "$dir/attack.json"; then
    fail "the attack succeeded"
fi
digest=$(jq -ser 'map(select(.digest)) | .[0].digest' "$dir/attack.json")
show_checks "$digest" | grep '✗' || fail "no check caught the attack"
[[ $(curl -fsS "$url/v1/bundles/$digest" | jq -er .state) == rejected ]] || fail "the attack was not rejected"
curl -fsS "$url/v1/bundles/$digest" | jq -e '[.checks[] | select(.outcome == "fail") | .name] | any(startswith("cross."))' \
    >/dev/null || fail "the attack was refused, but not by the cross-check"
[[ $("$cast" call "$registry" 'isAttested(address)(bool)' "$(address_of $attacker)") == false ]] || fail "the attacker is attested"
tell "isAttested($(address_of $attacker)) = false"

# What chassis-node has to be told on machine c, which nobody has registered yet.
environment=${CARGO_TARGET_DIR:-target}/demo.env
cat >"$environment" <<ENV
export PATH=$(cd "$bin" && pwd):$(dirname "$cast"):\$PATH
export CHASSIS_RPC_URL=$ETH_RPC_URL CHASSIS_REGISTRY=$registry CHASSIS_RELAYER=$(IFS=,; echo "${urls[*]}")
export CHASSIS_SYS_ROOT=$(cloud .machines.c.sysRoot) CHASSIS_TCTI=$(cloud .machines.c.tcti)
export CHASSIS_AK_INTERMEDIATES=$(cloud .roots.providerIntermediate)
ENV

if [[ ${1:-} == --stay ]]; then
    say "Everything goes on until Ctrl-C"
    tell "source $environment    # for chassis-node on machine c; the README says how it goes on"
    tell "ETH_RPC_URL=$ETH_RPC_URL REGISTRY=$registry, relayers ${urls[*]}"
    tell "$bin/chassis status $(address_of $operator) --rpc-url $ETH_RPC_URL --registry $registry"
    tell "$bin/chassis audit --rpc-url $ETH_RPC_URL --registry $registry"
    trap 'exit 0' INT TERM
    while sleep 1; do :; done
fi

say "Machine c, as the README has it"
newcomer=$(sed -n '/<!-- a newcomer/,/^```$/p' README.md | sed '/^<!--/d; /^```/d')
[[ $newcomer == *"chassis-node register"* ]] || fail "the README has lost the newcomer's commands"
mkdir "$dir/newcomer"
ln -s "$(cd "${CARGO_TARGET_DIR:-target}" && pwd)" "$dir/newcomer/target"
(cd "$dir/newcomer" && bash -euo pipefail -c "$newcomer") | tee "$dir/newcomer.log" || fail "a newcomer does not get there"
[[ $(tail -1 "$dir/newcomer.log") == true ]] || fail "isAttested is not true for a newcomer"

echo
echo "demo: ok"
