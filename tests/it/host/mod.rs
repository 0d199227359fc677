//! Bare-metal hosts before the verifier's own functions: each part of an honest one passes, and each attack fails where it
//! should.

mod agent;
mod key;
mod launch;
mod vouching;

use alloy::primitives::B256;
use chassis_sim::host::{BareMetal, HostQuote, Launch};
use chassis_verifier::{
    challenge::{challenge, qualifying_data, report_data},
    eventlog::DrtmLog,
    host::{check_ak_policy, check_drtm_log, check_dynamic_pcrs, demanded_selection},
    tpm::{Attest, HashAlg, Public, Signature, check_pcr_digest, check_selection, check_values},
};

use crate::world::World;

const BANKS: [HashAlg; 2] = [HashAlg::Sha256, HashAlg::Sha384];

/// An honest quote for the TD on `host`, and the qualifying data it must carry.
fn quoted(world: &World, host: &BareMetal) -> (HostQuote, [u8; 32]) {
    let challenge = world_challenge(world);
    let td_quote = host.td_quote(report_data(challenge, host.ak_name(), B256::ZERO));
    let quote = host.agent().quote(challenge, &td_quote).expect("a quote");
    (quote, qualifying_data(challenge, &td_quote))
}

/// Everything that a verifier finds wrong with `quote`, where the reviewed launch is demanded in `bank`.
fn faults(quote: &HostQuote, bank: HashAlg, extra_data: [u8; 32]) -> Vec<String> {
    let ak = Public::parse(&quote.ak_public).unwrap();
    let attest = Attest::parse(&quote.attest).unwrap();
    let signature = Signature::parse(&quote.signature).unwrap();
    let content = attest.quote().unwrap();
    let log = DrtmLog::parse(&quote.drtm_log).unwrap();
    let wanted = demanded_selection(bank);
    let (pcr17, pcr18) = (&quote.pcrs[0].value[..], &quote.pcrs[1].value[..]);
    let reviewed = Launch::reviewed().pcrs(bank);
    let quote_faults = [
        attest.check_magic(),
        attest.check_kind(),
        signature.verify(&ak, &quote.attest),
        check_selection(content, wanted),
        check_values(&quote.pcrs, wanted),
        check_pcr_digest(content, &signature, &quote.pcrs),
    ];
    let host_faults = [
        check_dynamic_pcrs(bank, pcr17, pcr18),
        check_drtm_log(&log, bank, pcr17, pcr18),
        check_ak_policy(&ak, bank, pcr17, pcr18),
    ];
    let others = [
        (content.extra_data[..] != extra_data, "extraData"),
        (pcr17 != reviewed.pcr17, "PCR 17"),
        (pcr18 != reviewed.pcr18, "PCR 18"),
        (!ak.violations().is_empty(), "attributes"),
    ];
    let mut faults: Vec<_> = quote_faults
        .into_iter()
        .filter_map(Result::err)
        .map(|fault| fault.to_string())
        .collect();
    faults.extend(
        host_faults
            .into_iter()
            .filter_map(Result::err)
            .map(|fault| fault.to_string()),
    );
    faults.extend(
        others
            .into_iter()
            .filter(|(wrong, _)| *wrong)
            .map(|(_, what)| what.to_owned()),
    );
    faults
}

fn world_challenge(world: &World) -> B256 {
    let anchor = chassis_sim::named(&world.cloud.anchor());
    challenge(&anchor, world.operator.address())
}

fn says<T>(result: &anyhow::Result<T>, text: &str) -> bool {
    matches!(result, Err(error) if format!("{error:#}").contains(text))
}
