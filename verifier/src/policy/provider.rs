//! Infrastructure providers.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use super::HexBytes;
use crate::{Base64, CustodyLevel, challenge::AkName, claims::RegistrarClaims};

/// An infrastructure provider whose TPM keys and claims are believed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its number on chain, 1 to 127.
    pub id: u16,
    /// For people.
    pub name: String,
    /// The shape of its evidence.
    pub profile: Profile,
    /// DER of its attestation-key roots; with `bare-metal`, of its IAK roots. Which root verified decides who the provider
    /// is, never a field of a bundle. Of what is under an IAK root, only certificates with `tcg-kp-AIKCertificate` count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<Base64>,
    /// DER (`SubjectPublicKeyInfo`) of the keys of its registrars. `bare-metal` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registrars: Vec<Base64>,
    /// Registrars' statements that were taken back, by [`RegistrarStatement::id`](crate::claims::RegistrarStatement::id). One
    /// document each: a host is stated anew every week, and each statement has an id of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked_statements: Vec<B256>,
    /// TPMs of which no registrar's statement counts any more, by the statement's `ekCertHash`: SHA-256 of the EK certificate.
    /// An IAK names no EK.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked_eks: Vec<B256>,
    /// Attestation keys that nobody vouches for any more, neither a registrar nor an IAK, by name. `bare-metal` only. A TPM
    /// makes any number of keys, so what takes a machine back is its EK, and where an IAK vouches, a CRL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked_aks: Vec<HexBytes<34>>,
    /// Whether a CRL must be at hand for every issuer in the chain.
    #[serde(default)]
    pub require_crl: bool,
    /// Whether it publishes a registry of its hosts. Then a key of its makes nothing of a CPU that is not listed, whatever
    /// else is said of that CPU.
    #[serde(default)]
    pub host_registry: bool,
    /// Whether the host must say which instance a TD is (PZID, in `MR_OWNER`). Where it says so, it is compared anyway.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_pzid: bool,
    /// The custody that an AK certificate alone gives. Only for providers of whose CPUs nobody else speaks: without a host
    /// registry, registrars, or an issuer of ownership endorsements.
    #[serde(default)]
    pub ak_certificate_custody: CustodyLevel,
}

impl Provider {
    /// Why nothing that states this counts, whatever its id: its TPM or its key is revoked. `None` where neither is.
    pub fn revocation_of(&self, stated: &RegistrarClaims) -> Option<String> {
        if self.revoked_eks.contains(&stated.ek_cert_hash) {
            let ek = stated.ek_cert_hash;
            return Some(format!("{} has revoked its endorsement key, {ek}", self.name));
        }
        self.revocation_of_ak(stated.ak_name)
    }

    /// Why nobody vouches for the key of this name. `None` where it is not revoked.
    pub(crate) fn revocation_of_ak(&self, name: AkName) -> Option<String> {
        let revoked = self.revoked_aks.contains(&HexBytes(name.0));
        let name = hex::encode(name.0);
        revoked.then(|| format!("{} has revoked its attestation key, {name}", self.name))
    }
}

/// The shape of a provider's evidence: what its TPM must quote, and what is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// Google's TDX virtual machines: vTPM, AK certificate with instance extension, CCEL.
    GoogleVtpm,
    /// Azure's: a paravisor between hardware and guest, which makes TD quotes and TPM, and an HCL report that joins them.
    /// RTMRs are zero, so nothing can be compared: never more than `Quote`.
    AzureParavisor,
    /// A host of one's own with a discrete TPM, launched by Intel TXT (DCEA scenario 2).
    BareMetal,
}
