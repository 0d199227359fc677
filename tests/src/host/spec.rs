//! What host to set up.

use chassis_verifier::tpm::HashAlg;

use super::{AkSpec, Launch};
use crate::machine::MachineSpec;

/// A bare-metal host to be set up, with the TD that runs on it. Every field is something an attack may change.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// The TD, and the platform under both. Zone, project, place and production flag say nothing about a host.
    pub td: MachineSpec,
    /// What the CPU launches; `None` boots without a dynamic launch, and leaves PCR 17 and 18 all ones.
    pub launch: Option<Launch>,
    /// The banks that code module and launched software fill; the CPU always fills both.
    pub banks: Vec<HashAlg>,
    /// Its attestation key.
    pub ak: AkSpec,
    /// The bank it quotes.
    pub quoted_bank: HashAlg,
}

impl HostSpec {
    /// The bank that the simulation's policies demand of a host.
    pub const BANK: HashAlg = HashAlg::Sha384;

    /// An honest host: the reviewed launch, a key sealed to it, and the reviewed image in the TD.
    pub fn new(name: &str) -> Self {
        Self {
            td: MachineSpec::new(name),
            launch: Some(Launch::reviewed()),
            banks: vec![HashAlg::Sha256, HashAlg::Sha384],
            ak: AkSpec::sealed_to(Launch::reviewed().pcrs(Self::BANK)),
            quoted_bank: Self::BANK,
        }
    }

    /// The same with another launch, or with none; the key stays sealed to what it was.
    #[must_use]
    pub fn launch(self, launch: Option<Launch>) -> Self {
        Self { launch, ..self }
    }

    /// The same with another attestation key.
    #[must_use]
    pub fn ak(self, ak: AkSpec) -> Self {
        Self { ak, ..self }
    }
}
