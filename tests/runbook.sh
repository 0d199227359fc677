#!/usr/bin/env bash
# Does what docs/RUNBOOK.md says of three relayers on one machine, at other ports, and looks whether each becomes ready, and
# whether nothing is left of them afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { printf 'runbook: %s\n' "$*" >&2; exit 1; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
[[ ! -e three ]] || fail "three/ is there; it is of your own trial: remove it first"

dir=$(mktemp -d)
clean_up() {
    status=$?
    kill $(jobs -p) 2>/dev/null || true
    wait
    if ((status)); then tail -n 20 three/log? "$dir/out" >&2 || true; fi
    rm -rf "$dir" three
}
trap clean_up EXIT

awk -v dir="$dir" '
    /^<!-- three relayers/ { on = 1 }
    /^## Alerts/           { on = 0 }
    on && /^```sh$/        { n++; out = dir "/" n; next }
    /^```/                 { out = ""; next }
    out != ""              { print > out }
' docs/RUNBOOK.md
[[ -s $dir/1 && -s $dir/2 && ! -e $dir/3 ]] || fail "the page has not two blocks about three relayers"

ports=("" "$(free_port)" "$(free_port)" "$(free_port)")
chain=$(free_port)
bin=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/debug
sed -i "$dir/1" -e "s/^anvil /&--port $chain /" -e "s/:8545/:$chain/" -e 's/:864$\([nm]\)/:${ports[\1]}/g' \
    -e "s|\$PWD/target/debug|$bin|" -e 's/curl -s/& --retry 60 --retry-delay 1 --retry-connrefused/'

# What a demo leaves in a shell.
export CHASSIS_RPC_URL=http://127.0.0.1:1 CHASSIS_REGISTRY=0x000000000000000000000000000000000000dEaD
. "$dir/1" >"$dir/out" 2>&1
for n in 1 2 3; do
    for _ in {1..60}; do
        answer=$(curl -s "http://127.0.0.1:${ports[n]}/readyz" || true)
        [[ $(jq -r .ready <<<"$answer") == true ]] && continue 2
        sleep 1
    done
    fail "relayer $n is not ready: $answer"
done
. "$dir/2" >>"$dir/out" 2>&1
[[ ! -e three && -z $(jobs -pr) ]] || fail "the page's last block leaves something behind"
! curl -s "http://127.0.0.1:$chain" >/dev/null || fail "the page's last block leaves its chain behind"
echo "runbook: ok"
