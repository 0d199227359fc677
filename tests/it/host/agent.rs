//! What the agent quotes, and for whom.

use alloy::primitives::B256;
use chassis_sim::{
    host::{AkSpec, HostQuote, HostSpec, Launch},
    intel::QuoteFormat,
};
use chassis_verifier::{
    challenge::{qualifying_data, report_data},
    eventlog::Ccel,
    td::{DebugTd, TdQuote},
    tpm::{HashAlg, Public, QuoteFault, Signature},
};

use super::{BANKS, faults, quoted, says, world_challenge};
use crate::world::World;

#[test]
fn an_honest_hosts_quote_passes_every_check() {
    let world = World::new();
    for bank in BANKS {
        let host = world
            .cloud
            .boot_host(HostSpec {
                quoted_bank: bank,
                ..HostSpec::new("a").ak(AkSpec::sealed_to(Launch::reviewed().pcrs(bank)))
            })
            .unwrap();
        let (quote, extra_data) = quoted(&world, &host);
        let faults = faults(&quote, bank, extra_data);
        assert_eq!(faults, Vec::<String>::new());
    }
}

#[test]
fn the_agent_serves_the_tds_of_its_host_only() {
    let world = World::new();
    let (a, b) = (
        world.cloud.boot_host(HostSpec::new("a")).unwrap(),
        world.cloud.boot_host(HostSpec::new("b")).unwrap(),
    );
    let challenge = world_challenge(&world);
    let td_quote = a.td_quote(report_data(challenge, b.ak_name(), B256::ZERO));
    a.agent().quote(challenge, &td_quote).unwrap();
    let refused = b.agent().quote(challenge, &td_quote);
    assert!(says(&refused, "not by a TD on this host"), "{refused:?}");
    // A stack that nobody reviewed serves anybody, under its own key.
    let relayed = b
        .agent()
        .quote_anything(qualifying_data(challenge, &td_quote))
        .unwrap();
    assert_eq!(
        faults(&relayed, HashAlg::Sha384, qualifying_data(challenge, &td_quote)),
        Vec::<String>::new()
    );
    // That key is not the other host's, though the template is the same.
    assert_ne!(a.ak_name(), b.ak_name());
    let stolen = HostQuote {
        ak_public: a.ak_public().to_vec(),
        ..relayed
    };
    let signature = Signature::parse(&stolen.signature).unwrap();
    let fault = signature.verify(&Public::parse(&stolen.ak_public).unwrap(), &stolen.attest);
    assert!(matches!(fault, Err(QuoteFault::Signature { .. })), "{fault:?}");
}

#[test]
fn the_td_on_a_host_quotes_with_the_hosts_platform_and_has_no_tpm() {
    let world = World::new();
    let mut spec = HostSpec::new("a");
    spec.td.quote_format = QuoteFormat::V5Td15;
    let host = world.cloud.boot_host(spec).unwrap();
    let quote = host.td_quote([7; 64]);
    let parsed = TdQuote::parse(&quote).unwrap();
    let area = host.ccel();
    let ccel = Ccel::parse(&area).unwrap();
    assert_eq!(parsed.measurements().rtmrs.map(|rtmr| rtmr.0), ccel.rtmrs());
    assert_ne!(ccel.rtmrs()[2], [0; 48]);
    let verified = parsed.verify(
        &world.cloud.collateral(host.td().pck().fmspc),
        Some(&world.cloud.intel().root_der()),
        world.cloud.now(),
        DebugTd::Refuse,
    );
    assert!(verified.is_ok(), "{verified:?}");
    assert_eq!(
        host.td().pck(),
        &world.cloud.intel().pck_spec("a"),
        "the same platform as a machine of that name"
    );
}
