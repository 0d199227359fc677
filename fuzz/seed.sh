#!/usr/bin/env bash
# Gives every fuzz target something to begin with: parts of one honest appraisal, and real evidence where it is at hand.
# Writes `corpus/TARGET/` and `target/world/`; safe to run again. Needs what scripts/setup.sh installs.
set -euo pipefail
shopt -s nullglob
cd "$(dirname "$0")"
. ../scripts/fixtures.sh
fixtures=${CHASSIS_FIXTURES:-}
world=target/world
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

# One honest machine's documents, from the simulated cloud. Targets read them too.
(cd .. && cargo build --locked --quiet -p chassis-tests --bin chassis-sim)
RUST_LOG=warn "${CARGO_TARGET_DIR:-../target}/debug/chassis-sim" evidence --dir "$new/world"
mkdir -p target && rm -rf "$world" && mv "$new/world" "$world"

# seed TARGET [FILE]...: copies files, or standard input, into the target's corpus, named by their content.
seed() {
    local dir=corpus/$1 file; shift
    mkdir -p "$dir"
    if (($# == 0)); then cat >"$new/input"; set -- "$new/input"; fi
    for file; do cp "$file" "$dir/$(sha1sum <"$file" | cut -c1-40)"; done
}
# part DOCUMENT POINTER: the bytes at a JSON pointer, if there are any.
part() { jq -r --arg pointer "$2" 'getpath($pointer[1:] / "/" | map(tonumber? // .)) | strings' "$world/$1.json" | base64 -d; }
text() { jq -j ".tdxCollateral.$1" "$world/endorsements.json"; }
byte() { printf "\\x$(printf %02x "$1")"; }
le32() { byte $(($1 & 255)); byte $(($1 >> 8 & 255)); byte $(($1 >> 16 & 255)); byte $(($1 >> 24 & 255)); }
# prefixed KIND FILE: a byte, then a TPM2B.
prefixed() { local len; len=$(stat -Lc %s "$2"); byte "$1"; byte $((len >> 8)); byte $((len & 255)); cat "$2"; }
# ima NAME: a record of IMA's list, template ima-ng.
ima() { le32 10; head -c 20 /dev/zero | tr '\0' '\1'; le32 6; printf ima-ng; le32 $((52 + ${#1})); le32 40; printf 'sha256:\0'; head -c 32 /dev/zero; le32 $((${#1} + 1)); printf '%s\0' "$1"; }

seed bundle "$world/bundle.json"
jq -cj 'del(.evidence.tpm)' "$world/bundle.json" | seed bundle
jq -cj .evidence "$world/bundle.json" | seed canonical
seed canonical "$world/endorsements.json"
seed endorsements "$world/endorsements.json"
seed policy "$world/policy.toml"
seed poe "$world/poe"
seed alliance "$world/alliance-token"
seed registrar "$world/registrar-statement"
jq -c '{quote: {anchor: .evidence.anchor, operator: .evidence.operator, tdQuote: .evidence.tee.quote}}' "$world/bundle.json" | seed agent_question
printf '{"ak":{}}' | seed agent_question
jq -c '{quote: (.evidence.tpm | {attest, signature, pcrs})}' "$world/bundle.json" | seed agent_answer
printf '{"ak":{"akPublic":"AA==","registrarStatement":"AA==","drtmLog":"AA=="}}' | seed agent_answer
printf '{"error":{"code":"tdQuote","message":"no"}}' | seed agent_answer
# qgs KIND LENGTH1 LENGTH2: header and sizes of a message whose parts have these lengths.
qgs() { printf '\1\0\1\0'; le32 "$1"; le32 $((24 + $2 + $3)); le32 0; le32 "$2"; le32 "$3"; }
{ qgs 0 1024 0; byte 129; head -c 1023 /dev/zero; } | seed quote_request
{ qgs 1 0 64; head -c 64 /dev/zero; } | seed quote_request
seed drtm_log "$world/drtm-log"
for log in tcg_log ccel; do
    part bundle /evidence/tpm/eventLog | seed $log
    part bundle /evidence/tee/ccel | seed $log
done
{ ima boot_aggregate; ima /usr/bin/true; } >"$new/ima"
seed ima_log "$new/ima"
part bundle /evidence/tpm/attest | seed attest
part bundle /evidence/tpm/signature | seed signature
part bundle /evidence/tpm/akPublic | seed public
part bundle /evidence/tee/quote | seed td_quote
part bundle /evidence/tpm/akCertificates/0 >"$new/leaf"
part bundle /evidence/tpm/akCertificates/1 >"$new/intermediate"
part endorsements /providerCrls/0 >"$new/crl"
seed ak_certificate "$new/leaf" "$new/intermediate"
{ prefixed 0 "$new/leaf"; prefixed 1 "$new/intermediate"; prefixed 2 $world/roots/provider.der; prefixed 3 "$new/crl"; } | seed ak_chain
# Google's instance extension: behind its OID, in an OCTET STRING of less than 128 bytes.
python3 -c 'import sys; der = sys.stdin.buffer.read().split(bytes.fromhex("060a2b06010401d67902011504"))[1]
sys.stdout.buffer.write(der[1:][:der[0]])' <"$new/leaf" | seed instance_identity
{ byte 0; text tcb_info; } | seed collateral
{ byte 1; text qe_identity; } | seed collateral
{ byte 2; text tcb_info_issuer_chain; } | seed collateral
{ byte 3; text qe_identity_issuer_chain; } | seed collateral
{ byte 4; text pck_crl_issuer_chain; } | seed collateral

number=0
while read -r document pointer template; do
    case $template in
        @) { byte $number; part "$document" "$pointer"; } | seed appraise ;;
        *ima*) { byte $number; cat "$new/ima"; } | seed appraise ;;
        *) { byte $number; part bundle /evidence/tpm/eventLog; } | seed appraise ;;
    esac
    number=$((number + 1))
done <parts

if [[ -z $fixtures ]]; then
    echo "seed: no real evidence: CHASSIS_FIXTURES names no folder (tests/FIXTURES.md)" >&2
    exit
fi
for log in "$fixtures"/go-tpm-tools/{eventlogs/*.bin,*.eventlog.bin} "$fixtures"/dstack/tpm_eventlog.bin "$fixtures"/openpcc/test_tcg_event_log.pem.der; do
    seed tcg_log "$log"
done
seed hcl_report "$fixtures"/flashbots-attested-tls/hclreport.bin
seed ccel "$fixtures"/dstack/ccel.bin "$fixtures"/go-tdx-guest/ccel_data.dat
seed attest "$fixtures"/*/*.attest "$fixtures"/dstack/tpm_quote_sample.bin
seed signature "$fixtures"/*/*.sig
# An RSA-2048 attestation key around a real modulus.
{ printf '\0\1\0\13\0\5\0\162\0\0\0\20\0\24\0\13\10\0\0\0\0\0\1\0'; cat "$fixtures"/automata-tpm-attestation/rsa_key_n.bin; } | seed public
certificates=("$fixtures"/automata-tpm-attestation/*_{0,1,2}.der "$fixtures"/go-tpm-tools/*.akcert.der)
for pem in "$fixtures"/go-tpm-tools/certificates/*.pem "$fixtures"/openpcc/azure*.pem; do
    sed -n '/-----BEGIN/,/-----END/{/-----/!p}' "$pem" | tr -d '\r\n' | base64 -d >"$new/${pem##*/}"
    certificates+=("$new/${pem##*/}")
done
seed ak_certificate "${certificates[@]}"
chain=$fixtures/automata-tpm-attestation/gcp_tdx_tpm_certs
{ prefixed 0 "${chain}_0.der"; prefixed 1 "${chain}_1.der"; prefixed 2 "${chain}_2.der"; prefixed 3 "${chain%_tdx*}_root_ca_crl_0.der"; } | seed ak_chain
seed td_quote "$fixtures"/flashbots-attested-tls/gcp-tdx-[0-9]* "$fixtures"/go-tdx-guest/cos-113-tdx-quote.dat \
    "$fixtures"/dcap-qvl/samples/tdx_quote{,_outdated,_td15ex} "$fixtures"/dcap-qvl/cases/samples/*tdx*/quote.bin
