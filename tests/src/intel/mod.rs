//! Intel, as far as a TD quote needs it: a root, PCK certificates, collateral, and platforms that quote.

mod collateral;
mod extension;
mod pck;
mod quote;
mod report;

use rcgen::{BasicConstraints, DistinguishedName, DnType, KeyUsagePurpose};

use crate::{
    Authority, Key, Seed,
    authority::{authority_params, certificate_params},
};

pub use collateral::{CURRENT_SVNS, CollateralSpec, NEXT_SVNS, OLD_SVNS};
pub use pck::{PckSpec, Platform};
pub use quote::{QuoteFormat, td_report};

/// The simulated Intel: the same seed gives the same root.
#[derive(Debug)]
pub struct Intel {
    seed: Seed,
    root: Authority,
    platform_ca: Authority,
    /// Signs TCB info and QE identities, below the root.
    tcb_signer: Key,
    tcb_signer_pem: String,
}

impl Intel {
    /// Its PKI.
    pub fn new(seed: Seed) -> Self {
        let root = Authority::root(
            authority_params(
                intel_name("Simulated SGX Root CA"),
                BasicConstraints::Constrained(1),
            ),
            seed.key("intel/root"),
        );
        let platform_ca = root.intermediate(
            authority_params(
                intel_name("Simulated SGX PCK Platform CA"),
                BasicConstraints::Constrained(0),
            ),
            seed.key("intel/platform-ca"),
        );
        let tcb_signer = seed.key("intel/tcb-signer");
        let mut params = certificate_params(intel_name("Simulated SGX TCB Signing"));
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
        ];
        let tcb_signer_pem = root.issue(&params, &tcb_signer).pem();
        Self {
            seed,
            root,
            platform_ca,
            tcb_signer,
            tcb_signer_pem,
        }
    }

    /// The root certificate (DER), for a policy to name.
    pub fn root_der(&self) -> Vec<u8> {
        self.root.der()
    }
}

fn intel_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name.push(DnType::OrganizationName, "Chassis Simulation");
    name.push(DnType::LocalityName, "Santa Clara");
    name.push(DnType::StateOrProvinceName, "CA");
    name.push(DnType::CountryName, "US");
    name
}
