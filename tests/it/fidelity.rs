//! The simulation against the real thing, byte for byte where it claims so. Skipped, and said so, where there is no real
//! evidence to hold it against.

use std::{fs, path::Path};

use chassis_sim::{
    Key, Seed,
    firmware::{Image, MeasuredBoot, Shape},
    intel::{Intel, PckSpec, QuoteFormat, td_report},
    provider::{Instance, Provider},
};
use chassis_verifier::eventlog::{Ccel, TcgLog};
use dcap_qvl::{
    intel::{extract_cert_chain, parse_pck_extension},
    quote::Quote,
};
use x509_parser::{certificate::X509Certificate, der_parser::oid, prelude::FromDer};

#[test]
fn the_instance_extension_is_googles() {
    let Some(real) = fixture("automata-tpm-attestation/gcp_tdx_tpm_certs_0.der") else {
        return;
    };
    let instance = Instance {
        zone: "asia-southeast1-b".into(),
        project_number: 0x34_98ca_ac51,
        project_id: "exh-pom-sdk-test-428906".into(),
        instance_id: 2_456_411_740_904_370_986,
        name: "chenye-tdx-agent-test".into(),
        is_production: true,
    };
    let simulated = Provider::new(Seed(1)).ak_certificate(&key(), &instance);
    let (real, simulated) = (certificate(&real), certificate(&simulated));
    let instance = oid!(1.3.6.1.4.1.11129.2.1.21);
    let value = |certificate: &X509Certificate<'_>| {
        certificate
            .get_extension_unique(&instance)
            .expect("once")
            .expect("there")
            .value
            .to_vec()
    };
    assert_eq!(hex::encode(value(&simulated)), hex::encode(value(&real)));
    assert_eq!(
        simulated.key_usage().unwrap().unwrap().value.flags,
        real.key_usage().unwrap().unwrap().value.flags
    );
    let oids = |certificate: &X509Certificate<'_>| {
        let mut oids: Vec<_> = certificate
            .extensions()
            .iter()
            .map(|e| (e.oid.to_id_string(), e.critical))
            .collect();
        oids.sort();
        oids
    };
    assert_eq!(oids(&simulated), oids(&real));
}

#[test]
fn the_sgx_extension_is_intels() {
    let Some(real) = fixture("flashbots-attested-tls/gcp-tdx-1782809233226668671") else {
        return;
    };
    let real = Quote::parse(&real).unwrap();
    let real = parse_pck_extension(&extract_cert_chain(&real).unwrap()[0]).unwrap();
    let spec = PckSpec {
        ppid: real.ppid.clone().try_into().unwrap(),
        fmspc: real.fmspc,
        pce_id: real.pce_id.clone().try_into().unwrap(),
        cpu_svn: real.cpu_svn,
        pce_svn: real.pce_svn,
        platform_instance_id: real.platform_instance_id.clone().unwrap().try_into().unwrap(),
        dynamic_platform: real.dynamic_platform.unwrap(),
        cached_keys: real.cached_keys.unwrap(),
        smt_enabled: real.smt_enabled.unwrap(),
    };
    let quote = Intel::new(Seed(1))
        .platform(spec)
        .quote(QuoteFormat::V4, td_report());
    let chain = extract_cert_chain(&Quote::parse(&quote).unwrap()).unwrap();
    assert_eq!(
        parse_pck_extension(&chain[0]).unwrap().raw_extension,
        real.raw_extension
    );
}

#[test]
fn the_td_is_told_in_the_order_of_a_real_machine() {
    let Some(real) = fixture("go-tdx-guest/ccel_data.dat") else {
        return;
    };
    let simulated = MeasuredBoot::of(&Image::reviewed(), &Shape::SMALL).ccel();
    let (real, simulated) = (Ccel::parse(&real).unwrap(), Ccel::parse(&simulated).unwrap());
    let firmware = |log: &Ccel<'_>| -> Vec<_> {
        log.events()[..16]
            .iter()
            .map(|event| (event.register, event.event_type))
            .collect()
    };
    assert_eq!(firmware(&simulated), firmware(&real));
    // TD HOB, CFV and the ACPI tables are logged by the same words.
    for index in [0, 1, 7, 8, 14, 15] {
        assert_eq!(
            simulated.events()[index].data,
            real.events()[index].data,
            "record {index}"
        );
    }
    let last = |log: &Ccel<'_>| -> Vec<_> {
        let events = log.events();
        events[events.len() - 2..]
            .iter()
            .map(|event| (event.register, event.sha384()))
            .collect()
    };
    assert_eq!(last(&simulated), last(&real));
}

#[test]
fn the_tpm_is_told_in_the_order_of_a_real_machine() {
    let Some(real) = fixture("dstack/tpm_eventlog.bin") else {
        return;
    };
    let simulated = MeasuredBoot::of(&Image::reviewed(), &Shape::LARGE).tpm_log();
    let (real, simulated) = (TcgLog::parse(&real).unwrap(), TcgLog::parse(&simulated).unwrap());
    // This machine has Secure Boot off, so nothing says which key allowed the loader; and Google logs one more notice.
    let authority = "EV_EFI_VARIABLE_AUTHORITY";
    let events = |log: &TcgLog<'_>| -> Vec<_> {
        let told = log
            .events()
            .iter()
            .filter(|e| e.extends() && e.event_type.to_string() != authority);
        told.map(|event| (event.register, event.event_type)).collect()
    };
    assert_eq!(events(&simulated), events(&real));
}

fn key() -> Key {
    Seed(1).key("a key")
}

fn certificate(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).expect("a certificate").1
}

/// A piece of real evidence; `None`, with a notice, where `CHASSIS_FIXTURES` names no folder of it.
fn fixture(path: &str) -> Option<Vec<u8>> {
    let Some(root) = std::env::var_os("CHASSIS_FIXTURES") else {
        eprintln!("skipped: CHASSIS_FIXTURES names no folder of real evidence");
        return None;
    };
    Some(fs::read(Path::new(&root).join(path)).expect("the folder of real evidence is complete"))
}
