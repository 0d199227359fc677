//! The provider's registrar: he knows which TPM is in which of his hosts, and makes sure which key is in that TPM.

use alloy::primitives::B256;
use anyhow::{Context as _, ensure};
use chassis_verifier::{
    ak::{AkCertificate, verify_chain},
    challenge::AkName,
    claims::{Algorithm, RegistrarClaims},
    platform_id, sha256,
    tpm::Public,
};
use sha2::{Digest as _, Sha256};
use tss_esapi::{
    structures::{Digest, Name, Public as TssPublic},
    traits::{Marshall as _, UnMarshall as _},
};

use super::{BareMetal, Credential, Manufacturer};
use crate::{
    Key,
    provider::PROVIDER_ID,
    tpm::{connect, is_defined, point, write_nv},
};

/// What a registrar's statement says about a host, to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// SHA-256 of the endorsement key's certificate.
    pub ek_cert_hash: B256,
    /// The attestation key that is in the same TPM as the endorsement key.
    pub ak_name: AkName,
    /// The platform whose board the TPM is on.
    pub platform_id: B256,
    /// The provider, as in its policies.
    pub provider: u16,
    /// When the statement stops counting, Unix seconds.
    pub not_after: u64,
}

/// The provider's registrar.
#[derive(Debug)]
pub struct Registrar<'a> {
    manufacturer: &'a Manufacturer,
}

/// What a host shows of its endorsement key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement {
    /// `TPMT_PUBLIC`.
    pub ek_public: Vec<u8>,
    /// The endorsement key's certificate (DER).
    pub ek_certificate: Vec<u8>,
}

impl<'a> Registrar<'a> {
    /// A registrar who racks TPMs of this maker.
    pub fn new(manufacturer: &'a Manufacturer) -> Self {
        Self { manufacturer }
    }

    /// Registers `host`, which stands in front of him: endorsement certificate, challenge, activation. `at` and `not_after`
    /// are in Unix seconds.
    ///
    /// # Errors
    /// If the TPM is not this maker's, the key is no attestation key, or the TPM does not hold it.
    pub fn register(&self, host: &BareMetal, at: u64, not_after: u64) -> anyhow::Result<Registration> {
        self.register_ak(host, host.ak_public(), at, not_after)
    }

    /// The same for a key that the host says is in its TPM.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_ak(
        &self,
        host: &BareMetal,
        ak_public: &[u8],
        at: u64,
        not_after: u64,
    ) -> anyhow::Result<Registration> {
        let endorsement = host.endorsement();
        let ak_name = self.check(endorsement, ak_public, at)?;
        let expected = Sha256::digest([&ak_name.0[..], &at.to_be_bytes()].concat());
        let credential = make_credential(&host.tcti(), &endorsement.ek_public, ak_name, &expected)?;
        let activated = host.activate(&credential)?;
        ensure!(activated == expected[..], "the TPM opened another credential");
        Ok(Registration {
            ek_cert_hash: sha256(&endorsement.ek_certificate),
            ak_name,
            platform_id: platform_id(&host.td().pck().ppid),
            provider: PROVIDER_ID,
            not_after,
        })
    }

    /// The endorsement key is a genuine TPM's, and the area is an attestation key's that cannot leave its TPM: a key from
    /// outside can be activated too, but only under another name. The verifier asks what the key is sealed to.
    fn check(&self, endorsement: &Endorsement, ak_public: &[u8], at: u64) -> anyhow::Result<AkName> {
        let intermediate = self.manufacturer.intermediate_der();
        let root = self.manufacturer.root_der();
        verify_chain(&endorsement.ek_certificate, &[&intermediate], &[&root], &[], at)
            .context("the endorsement key's certificate")?;
        let certificate = AkCertificate::parse(&endorsement.ek_certificate)?;
        let ek = point(&TssPublic::unmarshall(&endorsement.ek_public)?)?;
        ensure!(
            certificate.spki().ends_with(&ek.0),
            "the certificate is for another endorsement key"
        );
        let ak = Public::parse(ak_public)?;
        let violations = ak.violations();
        ensure!(
            violations.is_empty(),
            "no attestation key: {}",
            violations.join("; ")
        );
        ak.name().context("no attestation key: it has no SHA-256 name")
    }
}

/// `TPM2_MakeCredential`, which computes with public values only: any TPM does, the registrar's own or this one.
fn make_credential(tcti: &str, ek_public: &[u8], name: AkName, hidden: &[u8]) -> anyhow::Result<Credential> {
    let mut context = connect(tcti)?;
    let (blob, secret) = context.execute_without_session(|context| {
        let ek = context.load_external_public(
            TssPublic::unmarshall(ek_public)?,
            tss_esapi::interface_types::resource_handles::Hierarchy::Null,
        )?;
        context.make_credential(ek, Digest::try_from(hidden)?, Name::try_from(name.0.to_vec())?)
    })?;
    Ok(Credential { blob, secret })
}

impl Registration {
    /// The statement, signed by the registrar's `key`; the host stands in `zone`.
    ///
    /// # Errors
    /// If the zone's name is too long.
    pub fn statement(&self, zone: &str, key: &Key) -> anyhow::Result<Vec<u8>> {
        let claims = RegistrarClaims {
            ak_name: self.ak_name,
            ek_cert_hash: self.ek_cert_hash,
            platform_id: self.platform_id,
            provider: self.provider,
            zone: zone.to_owned(),
            not_after: self.not_after,
        };
        claims.sign_with(Algorithm::Es256, |message| Ok(key.sign_raw(message).to_vec()))
    }
}

impl Endorsement {
    pub(super) fn new(ek: &TssPublic, manufacturer: &Manufacturer) -> anyhow::Result<Self> {
        Ok(Self {
            ek_public: ek.marshall()?,
            ek_certificate: manufacturer.ek_certificate(&point(ek)?),
        })
    }

    /// Leaves the certificate in NV, where TPM makers do (TCG EK Credential Profile 2.5, §2.2.1.4), unless one is there.
    pub(super) fn leave_certificate(&self, context: &mut tss_esapi::Context) -> anyhow::Result<()> {
        const P256: u32 = 0x01c0_000a;
        if is_defined(context, P256)? {
            return Ok(());
        }
        write_nv(context, P256, &self.ek_certificate)
    }
}
