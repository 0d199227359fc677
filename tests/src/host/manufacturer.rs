//! The maker of discrete TPMs, who certifies their endorsement keys.

use rcgen::{
    BasicConstraints, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    PublicKeyData, SerialNumber,
};

use crate::{
    Authority, Seed,
    authority::{authority_params, certificate_params},
    provider::serial,
};

/// A TPM maker's PKI: the same seed gives the same root. Anybody can buy its TPMs.
#[derive(Debug)]
pub struct Manufacturer {
    root: Authority,
    intermediate: Authority,
}

impl Manufacturer {
    /// Its PKI.
    pub fn new(seed: Seed) -> Self {
        let root = Authority::root(
            authority_params(name("Simulated TPM Root CA"), BasicConstraints::Unconstrained),
            seed.key("tpm-manufacturer/root"),
        );
        let intermediate = root.intermediate(
            authority_params(
                name("Simulated TPM EK Issuing CA"),
                BasicConstraints::Constrained(0),
            ),
            seed.key("tpm-manufacturer/intermediate"),
        );
        Self { root, intermediate }
    }

    /// The root certificate (DER), for a registrar to know.
    pub fn root_der(&self) -> Vec<u8> {
        self.root.der()
    }

    /// The intermediate certificate (DER).
    pub fn intermediate_der(&self) -> Vec<u8> {
        self.intermediate.der()
    }

    /// An endorsement key's certificate (DER; TCG EK Credential Profile 2.5 §3), without the TPM's model in
    /// `subjectAltName`, which nobody here looks at.
    pub fn ek_certificate(&self, key: &impl PublicKeyData) -> Vec<u8> {
        let mut params = certificate_params(name("Simulated TPM"));
        params.is_ca = IsCa::ExplicitNoCa;
        // A P-256 endorsement key agrees on keys; it signs nothing.
        params.key_usages = vec![KeyUsagePurpose::KeyAgreement];
        // tcg-kp-EKCertificate.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(vec![2, 23, 133, 8, 1])];
        params.serial_number = Some(SerialNumber::from_slice(&serial(key)));
        self.intermediate.issue(&params, key).der().to_vec()
    }
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "DE");
    name.push(DnType::OrganizationName, "Simulated TPMs");
    name.push(DnType::CommonName, common_name);
    name
}
