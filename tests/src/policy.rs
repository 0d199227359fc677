//! The policy that trusts the simulation. Without a file like it, nothing made here is worth anything.

use chassis_verifier::{
    Accept, CustodyLevel, HexBytes, KeyHome, ParavisorReach, Platforms, Policy, Profile,
    Provider as TrustedProvider, TcbPolicy, Workload,
};

use crate::{
    firmware::{Image, MeasuredBoot, Shape},
    intel::{Intel, td_report},
    machine::paravisor_report,
    provider::{PROVIDER_ID, Provider},
};

/// The number of the provider of machines under a paravisor, in policies and on chain.
pub const AZURE_ID: u16 = 3;

/// The machine types that reviewers looked at.
const SHAPES: [Shape; 2] = [Shape::SMALL, Shape::LARGE];

/// A policy that trusts exactly these roots, and [`Image::reviewed`].
pub fn policy(intel: &Intel, provider: &Provider) -> Policy {
    Policy {
        version: 1,
        name: "simulation".into(),
        danger_intel_root: Some(intel.root_der().into()),
        max_evidence_age: 7200,
        binding_ttl: 86_400,
        custody_ttl: 7 * 86_400,
        paravisor_reaches: ParavisorReach::None,
        tcb: TcbPolicy::default(),
        platforms: Platforms::default(),
        providers: vec![TrustedProvider {
            id: PROVIDER_ID,
            name: "Simulated Cloud".into(),
            profile: Profile::GoogleVtpm,
            roots: vec![provider.root_der().into()],
            registrars: Vec::new(),
            revoked_statements: Vec::new(),
            revoked_eks: Vec::new(),
            revoked_aks: Vec::new(),
            require_crl: false,
            host_registry: true,
            require_pzid: false,
            ak_certificate_custody: CustodyLevel::None,
        }],
        workloads: vec![workload(&Image::reviewed())],
        hosts: Vec::new(),
        poe_issuers: Vec::new(),
        alliances: Vec::new(),
    }
}

/// The policy entry of `image` on every reviewed machine type, with its vTPM sealed.
pub fn workload(image: &Image) -> Workload {
    let boots = SHAPES.map(|shape| MeasuredBoot::of(image, &shape));
    let report = td_report();
    let [_, rtmr1, rtmr2, rtmr3] = boots[0].rtmrs();
    let [_, cfv] = boots[0].td_only();
    Workload {
        name: image.name.clone(),
        mrtd: one(image.mrtd()),
        rtmr0: Accept::OneOf(boots.iter().map(|boot| HexBytes(boot.rtmrs()[0])).collect()),
        rtmr1: one(rtmr1),
        rtmr2: one(rtmr2),
        rtmr3: one(rtmr3),
        mrseam: one(report.mr_seam),
        xfam: one(report.xfam),
        td_attributes: one(report.td_attributes),
        pcr0: vec![HexBytes(boots[0].pcrs_sha384()[0])],
        tpm_only: boots[0].tpm_only().into_iter().map(HexBytes).collect(),
        td_only: Vec::new(),
        td_hob: Some(Accept::OneOf(
            boots.iter().map(|boot| HexBytes(boot.td_only()[0])).collect(),
        )),
        cfv: Some(one(cfv)),
        vtpm_sealed: true,
        operator_key: KeyHome::External,
    }
}

/// `policy`, which also lets the paravisor of `azure` speak for its guest, for `Quote` at most.
pub(crate) fn with_paravisor(mut policy: Policy, azure: &Provider) -> Policy {
    policy.paravisor_reaches = ParavisorReach::Quote;
    policy.providers.push(TrustedProvider {
        id: AZURE_ID,
        name: "Simulated Azure".into(),
        profile: Profile::AzureParavisor,
        roots: vec![azure.root_der().into()],
        registrars: Vec::new(),
        revoked_statements: Vec::new(),
        revoked_eks: Vec::new(),
        revoked_aks: Vec::new(),
        require_crl: false,
        // The real one publishes none.
        host_registry: true,
        require_pzid: false,
        ak_certificate_custody: CustodyLevel::None,
    });
    let report = paravisor_report();
    policy.workloads.push(Workload {
        name: "paravisor".into(),
        mrtd: one(report.mr_td),
        rtmr0: one(report.rt_mr0),
        rtmr1: one(report.rt_mr1),
        rtmr2: one(report.rt_mr2),
        rtmr3: one(report.rt_mr3),
        mrseam: one(report.mr_seam),
        xfam: one(report.xfam),
        td_attributes: one(report.td_attributes),
        pcr0: Vec::new(),
        tpm_only: Vec::new(),
        td_only: Vec::new(),
        td_hob: None,
        cfv: None,
        vtpm_sealed: false,
        operator_key: KeyHome::External,
    });
    policy
}

/// `policy` as the file that relayers read.
///
/// # Errors
/// Never in practice: every part of it has a TOML form.
pub fn policy_toml(policy: &Policy) -> anyhow::Result<String> {
    const WARNING: &str = "# Trusts a simulated cloud, whose private keys everybody can compute. For tests and \
                           demonstrations only.\n\n";
    Ok([WARNING, &toml::to_string(policy)?].concat())
}

fn one<const N: usize>(value: [u8; N]) -> Accept<N> {
    Accept::OneOf(vec![HexBytes(value)])
}
